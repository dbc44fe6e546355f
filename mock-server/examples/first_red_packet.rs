//! The main job, from a typed request to a verified typed answer.
//!
//! ```text
//! cargo run -p wechatpay-mock-server --example first_red_packet
//! cargo run -p wechatpay-mock-server --example first_red_packet -- --url URL --kit DIR
//! ```
//!
//! Without arguments everything happens in this process. With `--url` (the `url` of the ready line of a running
//! `wechatpay-mock`) and `--kit` (its kit folder), the same packet goes over ureq and mutual TLS; the mock must have
//! been started with `--merchant mch_id=10000098,key=exposed_your_key_here_have_risks,appid=wx8888888888888888`.
#![allow(clippy::print_stdout, reason = "an example that shows what happens")]

use std::error::Error;
use std::path::Path;

use bytes::Bytes;
use clap::Parser;
use wechatpay_mock_server::Mock;
use wechatpay_proto::endpoint::Endpoint;
use wechatpay_proto::transport::{BaseUrl, BlockingTransport};
use wechatpay_proto::v2::mmpaymkttransfers::{GetHbInfo, SendRedPack, SendRedPackOptions};
use wechatpay_proto::{ApiKey, Fen, Merchant, Nonce};
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport};

/// The merchant of the official samples. Its key is printed in every document: it protects nothing.
const MCH_ID: &str = "10000098";
const KEY: &str = "exposed_your_key_here_have_risks";
const APPID: &str = "wx8888888888888888";

/// The packet of the official sample.
fn packet() -> SendRedPack<'static> {
    SendRedPack {
        mch_billno: "10000098201411111234567890",
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
        total_amount: Fen(1_000),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        client_ip: [192, 168, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendRedPackOptions::default(),
    }
}

#[derive(Parser)]
struct Options {
    /// The `url` of a running wechatpay-mock.
    #[arg(long, requires = "kit")]
    url: Option<String>,
    /// The kit folder of that mock.
    #[arg(long, requires = "url")]
    kit: Option<std::path::PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    match (options.url, options.kit) {
        (Some(url), Some(kit)) => over_mutual_tls(&url, &kit),
        _ => in_process(),
    }
}

fn in_process() -> Result<(), Box<dyn Error>> {
    let mock = Mock::builder().seed(42).build();
    let merchant = mock.merchant().mch_id(MCH_ID).key(KEY).appid(APPID).create()?;
    let claim = || Ok(format!("{:?}", merchant.claim(packet().mch_billno)?.status));
    play(&merchant.transport(), &BaseUrl::default(), claim)?;
    println!("balance: {} of 1000000 fen left", merchant.balance_fen());
    Ok(())
}

fn over_mutual_tls(url: &str, kit: &Path) -> Result<(), Box<dyn Error>> {
    let folder = kit.join(MCH_ID);
    let identity =
        Identity::from_pem_files(folder.join("apiclient_cert.pem"), folder.join("apiclient_key.pem"))?;
    let roots = Roots::from_pem_file(kit.join("ca.pem"))?;
    let transport = UreqTransport::new(Settings::new().identity(identity).roots(roots))?;
    // The mock's admin API plays the user.
    let claim = || {
        let uri = format!("{url}/__mock/redpackets/{MCH_ID}/{}/claim", packet().mch_billno);
        let request = http::Request::post(uri).header("x-mock-admin", "1").body(Bytes::new())?;
        let response = transport.send_blocking(request)?;
        Ok(String::from_utf8_lossy(response.body()).into_owned())
    };
    play(&transport, &BaseUrl::parse(url)?, claim)
}

/// Sends the packet, queries it, has the user claim it, and queries again.
fn play<T: BlockingTransport>(
    transport: &T,
    base: &BaseUrl,
    claim: impl Fn() -> Result<String, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let merchant = Merchant::direct(MCH_ID, ApiKey::new(KEY)?)?;

    println!("== sendredpack");
    let packet = packet();
    let sent = call(&merchant, transport, base, &packet, b"nonce for packet")?;
    let reply = sent.pending.accept(&sent.response)?;
    println!("typed answer:\n{reply:#?}\noutcome: {:?}\n", reply.outcome());

    let query = GetHbInfo { mch_billno: packet.mch_billno, appid: APPID };
    println!("== gethbinfo");
    let asked = call(&merchant, transport, base, &query, b"nonce for query1")?;
    let reply = asked.pending.accept(&asked.response)?;
    println!("status: {:?}\noutcome: {:?}\n", reply.status, reply.outcome());

    println!("== the user claims it\n{}\n", claim()?);

    println!("== gethbinfo");
    let asked = call(&merchant, transport, base, &query, b"nonce for query2")?;
    let reply = asked.pending.accept(&asked.response)?;
    println!("status: {:?}\nclaimed: {:#?}\noutcome: {:?}", reply.status, reply.hblist, reply.outcome());
    Ok(())
}

struct Exchanged<'r, E> {
    pending: wechatpay_proto::Pending<'r, E>,
    response: http::Response<Bytes>,
}

/// What `Client` does in one line, with every stage shown.
fn call<'r, E: Endpoint, T: BlockingTransport>(
    merchant: &'r Merchant,
    transport: &T,
    base: &BaseUrl,
    request: &'r E,
    nonce: &[u8; 16],
) -> Result<Exchanged<'r, E>, Box<dyn Error>> {
    let signed = merchant.sign_for(base, request, Nonce::from_bytes(*nonce))?;
    println!("string to sign:\n{}(hidden)\n", signed.string_to_sign());
    println!("signed XML:\n{}\n", signed.xml());
    let (request, pending) = signed.into_parts();
    let response = transport.send_blocking(request)?;
    println!("answer, HTTP {}:\n{}\n", response.status().as_u16(), String::from_utf8_lossy(response.body()));
    Ok(Exchanged { pending, response })
}
