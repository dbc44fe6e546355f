//! The half of `benches/compare.sh` that is Rust: what it does, with which inputs, what came of it and how long it took,
//! as JSON on one line for the half in Node, which does the same with the same inputs.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use wechatpay_benches::documents::{order_query, red_packet};
use wechatpay_benches::requests::{order_query as query, packet_14};
use wechatpay_benches::{KEY, NONCE, merchant};
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::{Merchant, Nonce, SignType, wire};

/// How often, and how many times each.
type Batches = (usize, usize);

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let batches = if short { (3, 10) } else { (51, 5_000) };
    let md5 = merchant().unwrap().with_sign_type(SignType::Md5);
    let mut operations = vec![
        sign(batches, &md5),
        accept(batches, "accept its answer, which has no sign", &md5, &packet_14(), &red_packet()),
    ];
    for digest in [SignType::Md5, SignType::HmacSha256] {
        let name = format!("accept an order query of 20 fields, {digest}");
        let merchant = md5.clone().with_sign_type(digest);
        operations.push(accept(batches, &name, &merchant, &query(), &order_query(digest)));
    }
    let (count, size) = batches;
    let world = json!({ "mch_id": md5.mch_id(), "key": KEY, "batches": count, "size": size });
    println!("{}", json!({ "world": world, "operations": operations }));
}

fn sign(batches: Batches, merchant: &Merchant) -> Value {
    let packet = packet_14();
    let signed = merchant.sign(&packet, Nonce::from_bytes(NONCE)).unwrap();
    let mut fields = fields(signed.xml().as_bytes());
    let sign = fields.remove("sign").unwrap();
    let ns = median(batches, || {
        drop(black_box(merchant.sign(black_box(&packet), Nonce::from_bytes(black_box(NONCE))).unwrap()));
    });
    json!({
        "name": "sign sendredpack of 14 fields",
        "path": packet.spec().path,
        "fields": fields,
        "sign": sign,
        "xml": signed.xml(),
        "ns": ns,
    })
}

fn accept<E: Outgoing>(
    batches: Batches,
    name: &str,
    merchant: &Merchant,
    request: &E,
    response: &Response<Bytes>,
) -> Value {
    let pending = merchant.sign(request, Nonce::from_bytes(NONCE)).unwrap().into_parts().1;
    assert!(pending.accept(response).unwrap().head().is_success());
    let ns = median(batches, || drop(black_box(pending.accept(black_box(response)).unwrap())));
    let body = str::from_utf8(response.body()).unwrap();
    json!({
        "name": name,
        "path": request.spec().path,
        "body": body,
        "fields": fields(body.as_bytes()),
        "ns": ns,
    })
}

fn fields(document: &[u8]) -> BTreeMap<String, String> {
    let document = wire::parse(document, &[]).unwrap();
    let fields = document.untrusted().to_map().into_iter();
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The median of the batches, in nanoseconds for one time; the first tenth warms up.
fn median((count, size): Batches, mut work: impl FnMut()) -> f64 {
    let batch = |_| {
        let start = Instant::now();
        (0..size).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e9 / size as f64
    };
    let mut times: Vec<f64> = (0..count + count / 10).map(batch).skip(count / 10).collect();
    times.sort_by(f64::total_cmp);
    times[count / 2]
}
