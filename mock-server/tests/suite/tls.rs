//! Mutual TLS with a real client: the same story as in-process, and every verdict on a certificate.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use rustls::{ClientConnection, StreamOwned};
use wechatpay_mock_server::{Kit, MockMerchant, Server, Validity};
use wechatpay_proto::transport::{BaseUrl, BlockingTransport, ClientCertificate, Delivery, Fault};
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, GetHbInfoReply, SendRedPack, SendRedPackOptions, SendRedPackReply,
};
use wechatpay_proto::{Client, Fen, Nonce};
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport};

use crate::common::{APPID, Answer, Form, KEY, MCH_ID, OPENID, SEND, call, post, shop};
use crate::raw::{self, connect, secure};

const PACKET: SendRedPack<'_> = SendRedPack {
    mch_billno: "1",
    wxappid: APPID,
    send_name: "天虹百货",
    re_openid: OPENID,
    total_amount: Fen(1_000),
    wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
    client_ip: std::net::Ipv4Addr::new(192, 168, 0, 1),
    act_name: "猜灯谜抢红包活动",
    remark: "猜越多得越多，快来抢！",
    options: SendRedPackOptions {
        sub_mch_id: None,
        msgappid: None,
        consume_mch_id: None,
        scene_id: None,
        risk_info: None,
    },
};
const ASK: GetHbInfo<'_> = GetHbInfo { mch_billno: "1", appid: APPID };

fn roots(server: &Server) -> Roots {
    Roots::from_pem(&fs::read(server.kit().dir().join("ca.pem")).unwrap()).unwrap()
}

pub(crate) fn transport(server: &Server, (certificate, key): (String, String)) -> UreqTransport {
    // The client would not show a certificate that it knows to have expired; a month ago it had not.
    #[expect(clippy::disallowed_methods, reason = "certificates are judged by real time")]
    let month_ago = SystemTime::now() - Duration::from_secs(30 * 86_400);
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes())
        .or_else(|_| Identity::from_pem_at(certificate.as_bytes(), key.as_bytes(), month_ago))
        .unwrap();
    UreqTransport::new(Settings::new().identity(identity).roots(roots(server))).unwrap()
}

pub(crate) fn own(server: &Server, mch_id: &str) -> (String, String) {
    let files = server.kit().dir().join(mch_id);
    let read = |name: &str| fs::read_to_string(files.join(name)).unwrap();
    (read("apiclient_cert.pem"), read("apiclient_key.pem"))
}

pub(crate) fn send(transport: &UreqTransport, base: &str, form: &Form) -> Answer {
    let (mut parts, body) = form.request().into_parts();
    parts.uri = format!("{base}{}", parts.uri.path()).parse().unwrap();
    Answer::new(transport.send_blocking(http::Request::from_parts(parts, body)).unwrap())
}

type Told = (Bytes, SendRedPackReply<'static>, Bytes, GetHbInfoReply<'static>);

/// Sends the packet and asks for it, with the bytes and the types of both answers.
fn story<T: BlockingTransport>(merchant: &MockMerchant, transport: &T, base: &BaseUrl) -> Told
where
    T::Error: std::fmt::Debug,
{
    let credentials = merchant.credentials();
    let nonce = || Nonce::from_bytes([7; 16]);
    let (request, pending) = credentials.sign_for(base, &PACKET, nonce()).unwrap().into_parts();
    let sent: Response<Bytes> = transport.send_blocking(request).unwrap();
    let typed = pending.accept(&sent).unwrap().into_owned();
    let (request, pending) = credentials.sign_for(base, &ASK, nonce()).unwrap().into_parts();
    let asked = transport.send_blocking(request).unwrap();
    let packet = pending.accept(&asked).unwrap().into_owned();
    (sent.into_body(), typed, asked.into_body(), packet)
}

#[test]
fn one_story_over_tls_and_in_process() {
    let (inside, insider) = shop();
    let (outside, outsider) = shop();
    let server = outside.serve().unwrap();
    let transport = transport(&server, own(&server, MCH_ID));
    let base = BaseUrl::parse(&server.https_url()).unwrap();
    assert_eq!(
        story(&insider, &insider.transport(), &BaseUrl::default()),
        story(&outsider, &transport, &base)
    );
    assert_eq!(inside.ledger(), outside.ledger());
    assert_eq!((inside.requests(), outside.requests()), (2, 2));

    // A packet that was sent over TLS is there in-process too.
    outsider.claim("1").unwrap();
    let client = Client::new(outsider.credentials(), transport, || [8; 16]).with_base(base);
    let reply = client.send_blocking(&ASK).unwrap();
    assert_eq!(reply.hblist.len(), 1);
    let answer = call(&outsider, &Form::query(&outsider, "1"));
    assert_eq!(answer.get("openid"), reply.hblist[0].openid.as_deref());
}

#[test]
fn each_certificate_gets_the_answer_of_the_service() {
    let (mock, merchant) = shop();
    let other = mock.merchant().mch_id("10000099").create().unwrap();
    let server = mock.serve().unwrap();
    let base = server.https_url();
    let of = |material| send(&transport(&server, material), &base, &Form::send(&merchant, "1"));

    let bare = UreqTransport::new(Settings::new().roots(roots(&server))).unwrap();
    let mut unmarked = Form::send(&merchant, "1").request();
    unmarked.extensions_mut().clear();
    *unmarked.uri_mut() = format!("{base}{SEND}").parse().unwrap();
    let none = Answer::new(bare.send_blocking(unmarked).unwrap());
    none.assert_failure("CA_ERROR", "证书出错，请登录微信支付商户平台下载证书");

    let stranger = Kit::create(None).unwrap().merchant_pem(MCH_ID, Validity::Current).unwrap();
    let foreign = of(stranger);
    assert_eq!(foreign.status, 400);
    assert!(foreign.body.contains("<title>400 The SSL certificate error</title>"));

    let expired = server.kit().merchant_pem(MCH_ID, Validity::Expired).unwrap();
    of(expired).assert_failure("CA_ERROR", "证书已过期");
    assert_eq!(of(own(&server, other.mch_id())).code(), "CA_ERROR");
    assert!(merchant.red_packet("1").is_none());

    of(own(&server, MCH_ID)).assert_success();
    // The same client over plain HTTP has nowhere to show its certificate.
    let plain =
        send(&transport(&server, own(&server, MCH_ID)), &server.http_url(), &Form::send(&merchant, "2"));
    assert_eq!(plain.code(), "CA_ERROR");
}

#[test]
fn a_foreign_certificate_is_turned_away_where_none_is_needed_too() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let stranger = Kit::create(None).unwrap().merchant_pem(MCH_ID, Validity::Current).unwrap();
    let transport = transport(&server, stranger);
    let get = |path: &str| {
        let request = http::Request::get(format!("{}{path}", server.https_url()));
        transport
            .send_blocking(request.extension(ClientCertificate).body(Bytes::new()).unwrap())
            .unwrap()
            .status()
    };
    assert_eq!(get("/nowhere"), 400);
    assert_eq!(get("/__mock/health"), 200, "the admin API asks for no certificate and judges none");
}

#[test]
fn a_merchant_that_comes_after_the_start_is_served_too() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    let late = mock.merchant().create().unwrap();
    assert!(!server.kit().dir().join(late.mch_id()).exists());
    let files = server.write_merchant(&late).unwrap();
    assert_eq!(files.certificate, server.kit().dir().join(late.mch_id()).join("apiclient_cert.pem"));
    let transport = transport(&server, own(&server, late.mch_id()));
    for billno in ["1", "2"] {
        send(&transport, &server.https_url(), &Form::send(&late, billno)).assert_success();
    }
    assert_eq!(late.balance_fen(), 998_000);
}

/// A TLS connection without a client certificate, to the server under the name `name`.
fn shake_hands(
    server: &Server,
    name: &'static str,
    alpn: &[&[u8]],
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    secure(connect(server.address()), server.kit(), name, raw::Settings { alpn, identity: None })
}

#[test]
fn the_server_is_who_it_says_under_its_names_only() {
    let (mock, _) = shop();
    let server = mock.serve().unwrap();
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "api.mch.weixin.qq.com",
        "api2.mch.weixin.qq.com",
        "host.docker.internal",
    ] {
        shake_hands(&server, name, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in ["pay.weixin.qq.com", "weixin.qq.com", "example.com", "127.0.0.2"] {
        assert!(shake_hands(&server, name, &[]).is_err(), "{name}");
    }
}

#[test]
fn only_http_1_1_is_spoken_and_pipelines_work_inside_tls() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    assert!(shake_hands(&server, "localhost", &[b"h2"]).is_err());
    let mut stream = shake_hands(&server, "localhost", &[b"h2", b"http/1.1"]).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let xml = Form::send(&merchant, "1").xml();
    let request = |headers: &str| {
        format!(
            "POST {SEND} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{headers}\r\n{xml}",
            xml.len()
        )
    };
    stream.write_all((request("") + &request("Connection: close\r\n")).as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2);
    assert_eq!(answers.matches("CA_ERROR").count(), 2);
}

#[test]
fn a_client_that_does_not_trust_the_kit_sends_nothing() {
    let (mock, merchant) = shop();
    let server = mock.serve().unwrap();
    let stranger = Kit::create(None).unwrap();
    let (certificate, key) = own(&server, MCH_ID);
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let roots = Roots::from_pem(stranger.ca_pem().as_bytes()).unwrap();
    let transport = UreqTransport::new(Settings::new().identity(identity).roots(roots)).unwrap();
    let mut request = post(SEND, Form::send(&merchant, "1").xml());
    *request.uri_mut() = format!("{}{SEND}", server.https_url()).parse().unwrap();
    assert_eq!(transport.send_blocking(request).unwrap_err().delivery(), Delivery::NotSent);
    assert_eq!((mock.requests(), KEY), (0, merchant.key()));
}
