//! The crate as somebody outside uses it: threads, transports, one's own endpoint, owned answers, the server's side.

mod common;

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use common::*;
use wechatpay_proto::call::{Call, CallReply, Path};
use wechatpay_proto::endpoint::{Endpoint as _, Envelope, Incoming, Spec};
use wechatpay_proto::jsapi::{AppPayment, ChooseWxPay, RequestPayment, SendBizRedPacket};
use wechatpay_proto::payout;
use wechatpay_proto::reply::{Head, Reply, ResultCode};
use wechatpay_proto::rule::{Rule, Violation};
use wechatpay_proto::transport::{
    BaseUrl, BlockingTransport, ClientCertificate, Delivery, Fault, TargetError, Transport,
};
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, GetHbInfoReply, HbInfo, HbStatus, QueryWorkWxRedPack, QueryWorkWxRedPackReply, Scene,
    SendGroupRedPackReply, SendMiniProgramHb, SendMiniProgramHbReply, SendRedPack, SendRedPackOptions,
    SendRedPackReply, SendWorkWxRedPack, SendWorkWxRedPackOptions, SendWorkWxRedPackReply,
};
use wechatpay_proto::wire::{self, Fields, Item, Unverified, Writer, XmlError};
use wechatpay_proto::{
    Advice, AgentSecret, ApiKey, BeijingTime, Client, Error, ErrorCode, Fen, Merchant, Mode, Nonce, Outcome,
    Pending, Reason, ReplyError, RequestError, RiskInfo, Side, SignType, Signed, open_enum,
};

/// Runs a future that never waits for anything.
fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn an_endpoint_without_an_inner_sign_asks_for_none() {
    assert!(SendRedPack::SPEC.is_inner_signed_by(&Fields::default(), &MERCHANT));
}

/// A payout may be led by any task of any runtime.
fn payout_types() {
    fn check<T: Send + Sync>() {}
    check::<payout::Intent>();
    check::<payout::IntentRecord>();
    check::<payout::IntentError>();
    check::<payout::Policy>();
    check::<payout::Settings>();
    check::<payout::PolicyError>();
    check::<payout::Payout>();
    check::<payout::Unsaved<payout::Payout>>();
    check::<payout::Unsaved<payout::Attempt>>();
    check::<payout::Next>();
    check::<payout::Blocked>();
    check::<payout::Attempt>();
    check::<payout::Query>();
    check::<payout::InFlight>();
    check::<payout::Unsent>();
    check::<payout::UnsentError>();
    check::<payout::Evidence>();
    check::<payout::Alert>();
    check::<payout::Done>();
    check::<payout::Failed>();
    check::<payout::NotRenumbered>();
    check::<payout::Snapshot>();
    check::<payout::SnapshotError>();
    check::<payout::ClockError>();
    check::<payout::Campaign<fn() -> [u8; 16]>>();
    check::<payout::Action>();
    check::<payout::Save>();
    check::<payout::Flight>();
    check::<payout::AddError>();
    check::<payout::Progress>();
    check::<payout::Record<'_>>();
    check::<payout::Stored>();
    check::<payout::Inserted>();
    check::<payout::Saved>();
}

#[test]
fn everything_public_goes_from_thread_to_thread() {
    fn check<T: Send + Sync>() {}
    check::<ApiKey>();
    check::<Merchant>();
    check::<Mode>();
    check::<Nonce>();
    check::<BaseUrl>();
    check::<Client<fn(), fn() -> [u8; 16]>>();
    check::<Signed<'_, SendRedPack<'_>>>();
    check::<Pending<'_, SendRedPack<'_>>>();
    check::<SendRedPack<'_>>();
    check::<SendRedPackReply<'_>>();
    check::<SendMiniProgramHb<'_>>();
    check::<SendMiniProgramHbReply<'_>>();
    check::<SendGroupRedPackReply<'_>>();
    check::<SendWorkWxRedPack<'_>>();
    check::<SendWorkWxRedPackReply<'_>>();
    check::<QueryWorkWxRedPack<'_>>();
    check::<QueryWorkWxRedPackReply<'_>>();
    check::<Call<'_>>();
    check::<CallReply<'_>>();
    check::<Path>();
    check::<Signed<'_, Call<'_>>>();
    check::<Pending<'_, Call<'_>>>();
    check::<AgentSecret>();
    check::<RiskInfo<'_>>();
    check::<SendBizRedPacket>();
    check::<RequestPayment>();
    check::<ChooseWxPay>();
    check::<AppPayment>();
    check::<GetHbInfo<'_>>();
    check::<GetHbInfoReply<'_>>();
    check::<HbInfo<'_>>();
    check::<OrderQueryReply<'_>>();
    check::<Head<'_>>();
    check::<ErrorCode<'_>>();
    check::<Outcome<'_>>();
    check::<Reason<'_>>();
    check::<Advice>();
    check::<Error<io::Error>>();
    check::<RequestError>();
    check::<ReplyError>();
    check::<Violation>();
    check::<TargetError>();
    check::<XmlError>();
    check::<Side>();
    check::<SignType>();
    check::<Rule>();
    check::<Spec<'_>>();
    check::<Envelope<'_>>();
    check::<Unverified<'_>>();
    check::<Fields<'_>>();
    check::<Item<'_>>();
    check::<Writer>();
    check::<Fen>();
    check::<BeijingTime<'_>>();
    check::<Scene>();
    payout_types();

    let client = Client::new(MERCHANT.clone(), FixedAnswer(String::new()), || [0; 16]);
    fn send<T: Send>(_: T) {}
    send(client.send(&PACKET));
    send(client.send(&QUERY));
    send(client.send(&Call::new("pay/orderquery")));
}

/// A transport that is a type and not a closure.
struct FixedAnswer(String);

impl Transport for FixedAnswer {
    type Error = io::Error;

    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, io::Error> {
        Ok(answer(&self.0))
    }
}

impl BlockingTransport for FixedAnswer {
    type Error = io::Error;

    fn send_blocking(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, io::Error> {
        Ok(answer(&self.0))
    }
}

#[test]
fn a_type_is_a_transport_of_both_kinds_and_so_is_a_shared_one() {
    let shared = Arc::new(FixedAnswer(document(&SENT)));
    let client = Client::new(MERCHANT.clone(), Arc::clone(&shared), || [0; 16]);
    let (waited, blocked) = (block_on(client.send(&PACKET)), client.send_blocking(&PACKET));
    assert!(waited.as_ref().unwrap().outcome().is_accepted());
    assert_eq!(waited.unwrap(), blocked.unwrap());
    assert_eq!(client.merchant().mch_id(), "10000098");
}

#[test]
fn a_closure_is_a_transport_and_sees_one_whole_request() {
    let seen = Mutex::new(Vec::new());
    let count = Cell::new(0);
    let nonce = || {
        count.set(count.get() + 1);
        [count.get(); 16]
    };
    let transport = |request: http::Request<Bytes>| {
        seen.lock().unwrap().push(request);
        std::future::ready(Ok::<_, io::Error>(answer(document(&SENT))))
    };
    let client = Client::new(MERCHANT.clone(), transport, nonce)
        .with_base(BaseUrl::parse("http://127.0.0.1:8080").unwrap());
    let reply = block_on(client.send(&PACKET)).unwrap();
    assert_eq!(reply.send_listid.as_deref(), Some("1000041701201411113000000000001"));
    assert!(block_on(client.send(&PACKET)).is_ok());

    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 2, "one call is one request");
    let request = &seen[0];
    assert_eq!(
        (request.method(), request.uri().to_string().as_str()),
        (&http::Method::POST, "http://127.0.0.1:8080/mmpaymkttransfers/sendredpack")
    );
    assert_eq!(request.headers()["content-type"], "text/xml; charset=utf-8");
    assert_eq!(request.extensions().get::<ClientCertificate>(), Some(&ClientCertificate));
    let nonces = [&seen[0], &seen[1]].map(|request| {
        let document = wire::parse(request.body(), &[]).unwrap();
        document.untrusted().get("nonce_str").unwrap().to_owned()
    });
    assert_eq!(nonces, ["01".repeat(16), "02".repeat(16)], "a fresh nonce for each");
}

#[test]
fn a_source_of_nonces_may_be_dry_and_then_nothing_is_sent() {
    let transport = |_: http::Request<Bytes>| -> Result<http::Response<Bytes>, io::Error> { panic!("sent") };
    let dry = || Err::<[u8; 16], _>(io::Error::other("no entropy"));
    let error = Client::new(MERCHANT.clone(), transport, dry).send_blocking(&PACKET).unwrap_err();
    assert_eq!((error.side(), error.outcome()), (Side::Local, Outcome::Unknown(Reason::InvalidRequest)));
    let Error::Request(error) = error else { panic!("{error}") };
    assert_eq!((error.field(), error.violation()), ("nonce_str", &Violation::NoRandomness));
    let wet = Client::new(MERCHANT.clone(), FixedAnswer(document(&SENT)), || Ok::<_, io::Error>([1; 16]));
    assert!(wet.send_blocking(&PACKET).is_ok());
}

#[test]
fn only_the_endpoint_says_whether_a_certificate_is_needed() {
    let marked = |request: http::Request<Bytes>| request.extensions().get::<ClientCertificate>().is_some();
    let nonce = || Nonce::from_bytes([0; 16]);
    assert!(marked(MERCHANT.sign(&PACKET, nonce()).unwrap().into_parts().0));
    assert!(marked(MERCHANT.sign(&QUERY, nonce()).unwrap().into_parts().0));
    assert!(!marked(MERCHANT.sign(&ORDER, nonce()).unwrap().into_parts().0));
}

#[test]
fn an_error_knows_its_side_and_settles_nothing() {
    let calls = Cell::new(0);
    let call = |request: &SendRedPack<'_>, result: Result<&str, io::ErrorKind>| {
        let transport = |_: http::Request<Bytes>| {
            calls.set(calls.get() + 1);
            result.map(answer).map_err(io::Error::from)
        };
        Client::new(MERCHANT.clone(), transport, || [0; 16]).send_blocking(request).unwrap_err()
    };
    let local = call(&SendRedPack { mch_billno: "", ..PACKET.clone() }, Ok("<xml/>"));
    assert_eq!((local.side(), local.outcome()), (Side::Local, Outcome::Unknown(Reason::InvalidRequest)));
    assert_eq!((calls.get(), local.to_string().as_str()), (0, "mch_billno is required"));
    let between = call(&PACKET, Err(io::ErrorKind::TimedOut));
    assert_eq!(
        (between.side(), between.outcome()),
        (Side::Between, Outcome::Unknown(Reason::Transport(Delivery::MaybeSent)))
    );
    let remote = call(&PACKET, Ok("<xml/>"));
    assert_eq!((remote.side(), remote.outcome()), (Side::Remote, Outcome::Unknown(Reason::Unreadable)));
    assert_eq!(calls.get(), 2);
    assert_eq!(
        [Side::Local, Side::Between, Side::Remote].map(|side| side.to_string()),
        ["local", "between", "remote"]
    );
    let advice = [&local, &between, &remote].map(|error| match error.outcome() {
        Outcome::Unknown(reason) => reason.advice(),
        settled => panic!("{settled:?}"),
    });
    assert_eq!(advice, [Advice::FixSetup, Advice::Query, Advice::Query]);
}

#[test]
fn even_a_proof_that_nothing_was_sent_settles_nothing() {
    #[derive(Debug, PartialEq, Eq)]
    struct Proved;
    impl std::fmt::Display for Proved {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("nobody answered")
        }
    }
    impl std::error::Error for Proved {}
    impl Fault for Proved {
        fn delivery(&self) -> Delivery {
            Delivery::NotSent
        }
    }
    let transport = |_: http::Request<Bytes>| -> Result<http::Response<Bytes>, Proved> { Err(Proved) };
    let error = Client::new(MERCHANT.clone(), transport, || [0; 16]).send_blocking(&PACKET).unwrap_err();
    let reason = Reason::Transport(Delivery::NotSent);
    assert_eq!((error.side(), error.outcome()), (Side::Between, Outcome::Unknown(reason.clone())));
    assert_eq!((reason.advice(), reason.clone().into_owned()), (Advice::ResendSame, reason));
    assert_eq!(io::Error::from(io::ErrorKind::ConnectionRefused).delivery(), Delivery::MaybeSent);
}

#[test]
fn an_endpoint_of_ones_own_follows_the_merchants_digest() {
    let sign = |sign_type| {
        let merchant = MERCHANT.clone().with_sign_type(sign_type);
        let signed = merchant.sign(&ORDER, Nonce::from_text("n").unwrap()).unwrap();
        let document = wire::parse(signed.xml().as_bytes(), &[]).unwrap();
        let fields: Vec<_> = document.untrusted().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        assert_eq!(document.untrusted().get("sign").unwrap(), naive_sign(sign_type, &fields));
        assert_eq!(document.untrusted().get("sign_type").unwrap(), sign_type.as_str());
        assert_eq!(signed.string_to_sign(), naive_text(&fields));
        signed.xml().to_owned()
    };
    let (md5, hmac) = (sign(SignType::Md5), sign(SignType::HmacSha256));
    assert_ne!(md5, hmac);
    assert_eq!(MERCHANT.sign_type(), SignType::HmacSha256, "unless said otherwise");
    // the red packets leave no choice
    let packet = |merchant: &Merchant| {
        merchant.sign(&PACKET, Nonce::from_text("n").unwrap()).unwrap().xml().to_owned()
    };
    assert_eq!(packet(&MERCHANT), packet(&md5_merchant()));
}

#[test]
fn an_owned_answer_outlives_its_body() {
    let list = "<hblist><hbinfo><openid>o1</openid><amount>1</amount><x>y</x></hbinfo></hblist></xml>";
    let found = with(&with(&SENT, "status", "ODD"), "reason", "a & b");
    let (reply, outcome) = {
        let response = answer(document(&found).replace("</xml>", list));
        let reply = pending(&MERCHANT, &QUERY).accept(&response).unwrap();
        let outcome = reply.outcome().into_owned();
        (reply.clone().into_owned(), outcome)
    };
    assert_eq!(reply.status, Some(HbStatus::Other("ODD".into())));
    assert_eq!(reply.reason.as_deref(), Some("a & b"));
    assert_eq!((reply.hblist[0].openid.as_deref(), reply.hblist[0].amount), (Some("o1"), Some(Fen(1))));
    assert_eq!(reply.hblist[0].extra, [("x".into(), "y".into())]);
    assert_eq!(outcome, Outcome::Unknown(Reason::UnknownStatus("ODD".into())));
}

#[test]
fn unknown_fields_keep_their_order() {
    let more = [("zzz", "1"), ("aaa", "2"), ("__proto__", "3"), ("mmm", "4")];
    let mixed = document(&[&more[..2], &SENT[..], &more[2..]].concat());
    let reply = accept(&PACKET, mixed).unwrap();
    assert_eq!(reply.extra, more.map(|(name, value)| (name.into(), value.into())));
}

#[test]
fn a_server_reads_the_request_that_a_client_wrote() {
    let options = SendRedPackOptions {
        sub_mch_id: Some("10000090"),
        msgappid: Some("wx_1"),
        consume_mch_id: None,
        scene_id: Some(Scene::Product7),
        risk_info: Some("a%3db"),
    };
    let provider = Merchant::service_provider("1900000109", ApiKey::new(KEY).unwrap()).unwrap();
    for (merchant, packet) in [
        (&*MERCHANT, PACKET.clone()),
        (&*MERCHANT, SendRedPack { wishing: "]]> <&> \u{2028}", ..PACKET.clone() }),
        (&provider, SendRedPack { options, total_amount: Fen(u32::MAX), ..PACKET.clone() }),
    ] {
        let signed = merchant.sign(&packet, Nonce::from_bytes([0; 16])).unwrap();
        let document = wire::parse(signed.xml().as_bytes(), &[]).unwrap();
        assert_eq!(document.untrusted().get("mch_id"), Some(merchant.mch_id()), "whose key is needed");
        let fields = document.signed(SignType::Md5, &ApiKey::new(KEY).unwrap()).unwrap();
        assert_eq!(SendRedPack::read(&fields).unwrap(), packet);
    }
    let signed = MERCHANT.sign(&QUERY, Nonce::from_bytes([0; 16])).unwrap();
    let document = wire::parse(signed.xml().as_bytes(), &[]).unwrap();
    assert_eq!(GetHbInfo::read(document.untrusted()).unwrap(), QUERY);

    let signed = MERCHANT.sign(&MINI, Nonce::from_bytes([0; 16])).unwrap();
    let document = wire::parse(signed.xml().as_bytes(), &[]).unwrap();
    assert_eq!(SendMiniProgramHb::read(document.untrusted()).unwrap(), MINI);
    let options =
        SendWorkWxRedPackOptions { agentid: Some(0), scene_id: Some(Scene::Product4), ..Default::default() };
    let packet = SendWorkWxRedPack { options, ..WORK.clone() };
    let signed = MERCHANT.sign(&packet, Nonce::from_bytes([0; 16])).unwrap();
    let document = wire::parse(signed.xml().as_bytes(), &[]).unwrap();
    assert_eq!(SendWorkWxRedPack::read(document.untrusted()).unwrap(), packet);

    let read = |body: &str, field: &str| {
        let document = wire::parse(body.as_bytes(), &[]).unwrap();
        let error = SendRedPack::read(document.untrusted()).unwrap_err();
        assert_eq!(error.field(), field);
        error.violation().clone()
    };
    let signed = MERCHANT.sign(&PACKET, Nonce::from_bytes([0; 16])).unwrap();
    assert_eq!(read("<xml/>", "mch_billno"), Violation::Missing);
    let changed = |from: &str, to: &str| signed.xml().replace(from, to);
    assert_eq!(read(&changed("<![CDATA[天虹百货]]>", ""), "send_name"), Violation::Missing);
    let amount = read(&changed(">1000<", ">01000<"), "total_amount");
    assert!(matches!(amount, Violation::Malformed { .. }), "{amount}");
    let address = read(&changed("192.168.0.1", "192.168.0.01"), "client_ip");
    assert!(matches!(address, Violation::Malformed { expected: "an IPv4 address" }), "{address}");
    let scene = read(&changed("</xml>", "<scene_id>PRODUCT_9</scene_id></xml>"), "scene_id");
    assert!(matches!(scene, Violation::Malformed { .. }), "{scene}");
}

#[test]
fn a_server_checks_the_sign_over_the_fields_it_knows() {
    let fits = |fields: &[(&str, &str)], choice| {
        let body = document(fields);
        let document = wire::parse(body.as_bytes(), &[]).unwrap();
        OrderQuery::SPEC.is_signed_by(document.untrusted(), &MERCHANT.clone().with_sign_type(choice))
    };
    let asked =
        [("appid", "wx1"), ("mch_id", "1"), ("nonce_str", "n"), ("out_trade_no", "2"), ("attach", "")];
    for (own, other) in [(SignType::Md5, SignType::HmacSha256), (SignType::HmacSha256, SignType::Md5)] {
        let sign = naive_sign(own, &asked);
        let signed = with(&asked, "sign", &sign);
        assert!(fits(&signed, own));
        assert!(fits(&with(&signed, "unknown", "1"), own), "not signed, so ignored");
        assert!(!fits(&signed, other));
        assert!(!fits(&asked, own), "no sign");
        for (field, value) in
            [("mch_id", "2"), ("attach", "x"), ("appid", ""), ("sign", ""), ("sign", &sign[1..])]
        {
            assert!(!fits(&with(&signed, field, value), own), "{field} {value}");
        }
        let more = with(&asked, "unknown", "1");
        assert!(!fits(&with(&more, "sign", &naive_sign(own, &more)), own), "signed, but unknown");
    }
}

#[test]
fn what_a_server_writes_is_what_a_client_reads() {
    let head = Head {
        return_code: ResultCode::Success,
        return_msg: Some("OK <&> ]]>".into()),
        result_code: Some(ResultCode::Success),
        err_code: Some(ErrorCode::new("0")),
        err_code_des: None,
    };
    let mut reply = GetHbInfoReply::new(head);
    reply.mch_billno = Some(QUERY.mch_billno.into());
    reply.mch_id = Some("10000098".into());
    reply.status = Some(HbStatus::Received);
    reply.total_num = Some(2);
    reply.total_amount = Some(Fen(0));
    reply.send_time = Some(BeijingTime::new("2019-12-12 16:35:59"));
    reply.extra = vec![("appid".into(), "wx1".into())];
    let mut claim = HbInfo::default();
    claim.openid = Some("o1".into());
    claim.amount = Some(Fen(0));
    claim.extra = vec![("status".into(), "RECEIVED".into())];
    reply.hblist = vec![claim, HbInfo::default()];

    let mut xml = Writer::new();
    reply.write(&mut xml);
    let xml = xml.finish();
    assert_eq!(MERCHANT.write_reply(GetHbInfo::SPEC, &reply).as_ref(), Ok(&xml), "these have no sign");
    assert_eq!(accept(&QUERY, &xml), Ok(reply), "{xml}");
}

#[test]
fn what_a_server_signs_is_what_a_client_accepts() {
    let head = Head {
        return_code: ResultCode::Success,
        return_msg: Some("ok <&> ]]>".into()),
        result_code: Some(ResultCode::Success),
        err_code: None,
        err_code_des: None,
    };
    let mut reply = SendWorkWxRedPackReply::new(head);
    reply.mch_billno = Some(WORK.mch_billno.into());
    reply.mch_id = Some("10000098".into());
    reply.wxappid = Some(WORK.wxappid.into());
    reply.re_openid = Some(WORK.re_openid.into());
    reply.total_amount = Some(WORK.total_amount);
    reply.sender_name = Some("甲\r\n乙".into());
    reply.extra = vec![("zzz".into(), "1".into())];
    let xml = MERCHANT.write_reply(SendWorkWxRedPack::SPEC, &reply).unwrap();
    assert!(xml.ends_with("]]></sign></xml>"), "the sign comes last: {xml}");
    assert_eq!(accept(&WORK, &xml), Ok(reply.clone()), "{xml}");
    assert_eq!(accept(&WORK, xml.replace(">1000<", ">1001<")).unwrap_err(), ReplyError::SignMismatch);
    // another endpoint may choose its digest: the merchant's
    let write = |merchant: &Merchant| merchant.write_reply(OrderQuery::SPEC, &reply).unwrap();
    let sign_of = |xml: &str| xml.split("<sign><![CDATA[").nth(1).unwrap().split(']').next().unwrap().len();
    assert_eq!((sign_of(&write(&MERCHANT)), sign_of(&write(&md5_merchant()))), (64, 32));
    // what could not be read back is not written
    reply.extra = vec![("bad".into(), "\u{1}".into())];
    let refused = MERCHANT.write_reply(SendWorkWxRedPack::SPEC, &reply).unwrap_err();
    assert!(matches!(refused, ReplyError::Xml(_)), "{refused}");
}

open_enum! {
    /// An open set of one's own.
    enum TradeState {
        /// Paid.
        Success = "SUCCESS",
        /// Not paid.
        NotPay = "NOTPAY",
    }
}

#[test]
fn an_open_set_of_ones_own_keeps_what_it_does_not_know() {
    assert_eq!(TradeState::LISTED, [TradeState::Success, TradeState::NotPay]);
    assert_eq!(TradeState::new("NOTPAY"), TradeState::NotPay);
    let other = TradeState::new(String::from("REVOKED"));
    assert_eq!((other.as_str(), other.to_string().as_str()), ("REVOKED", "REVOKED"));
    assert_eq!(other.clone().into_owned(), other);
}

#[test]
fn a_time_in_either_documented_form_is_beijing_time() {
    for (text, rfc3339) in [
        ("2019-12-12 16:35:59", Some("2019-12-12T16:35:59+08:00")),
        ("20150520102602", Some("2015-05-20T10:26:02+08:00")),
        ("2019-12-12T16:35:59", None),
        ("2019-12-12 16:35:5", None),
        ("2019-12-12 16:35:590", None),
        ("2015052010260", None),
        ("201505201026020", None),
        ("yesterday", None),
        ("", None),
    ] {
        let time = BeijingTime::new(text);
        assert_eq!((time.as_str(), time.to_rfc3339().as_deref()), (text, rfc3339));
    }
}
