//! Accepting an answer: from the response to the typed, verified reply that belongs to the request. Beside it the bare
//! events of the parser and the bare digest of the signed bytes, one after the other, and the usual way: a map made by the
//! parser's deserializer, sorted, joined, compared.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Response;
use wechatpay_benches::documents::{order_query, red_packet, wide};
use wechatpay_benches::requests::{self, Wide40, Wide80, Wide160};
use wechatpay_benches::rivals::{Bare, accept_usual, canonical, events, map, sign_map};
use wechatpay_benches::{NONCE, merchant, packet};
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::reply::Reply as _;
use wechatpay_proto::{Fen, Merchant, Nonce, SignType};

fn accept(c: &mut Criterion) {
    let direct = merchant().unwrap();
    let response = red_packet();
    let packet = packet();
    let reply = pending(&direct, &packet).accept(&response).unwrap();
    assert!(reply.outcome().is_accepted());
    assert_eq!(
        (reply.mch_billno.as_deref(), reply.total_amount),
        (Some(packet.mch_billno), Some(Fen(1_000)))
    );
    group(c, "accept/unsigned red packet", &direct, &packet, &response, Throughput::Bytes);

    for (name, digest) in [("md5", SignType::Md5), ("hmac", SignType::HmacSha256)] {
        let (merchant, query) = (direct.clone().with_sign_type(digest), requests::order_query());
        let response = order_query(digest);
        let reply = pending(&merchant, &query).accept(&response).unwrap();
        assert_eq!((reply.trade_state.as_deref(), reply.cash_fee), (Some("SUCCESS"), Some(Fen(100))));
        assert!(reply.extra.is_empty());
        let name = format!("accept/signed order query 20 fields/{name}");
        group(c, &name, &merchant, &query, &response, Throughput::Bytes);
    }
}

fn growth(c: &mut Criterion) {
    let merchant = merchant().unwrap().with_sign_type(SignType::Md5);
    for kib in [4, 16, 64] {
        let (request, response) = (Wide40::filled("x"), wide(Wide40::ROWS, Some(kib * 1024)));
        group(c, &format!("accept/growth/{kib} KiB"), &merchant, &request, &response, Throughput::Bytes);
    }
    let fields = |count| move |_| Throughput::Elements(count);
    let [forty, eighty, more] = [Wide40::ROWS, Wide80::ROWS, Wide160::ROWS].map(|rows| wide(rows, None));
    group(c, "accept/growth/40 fields", &merchant, &Wide40::filled("x"), &forty, fields(40));
    group(c, "accept/growth/80 fields", &merchant, &Wide80::filled("x"), &eighty, fields(80));
    group(c, "accept/growth/160 fields", &merchant, &Wide160::filled("x"), &more, fields(160));
}

fn group<E: Outgoing>(
    c: &mut Criterion,
    name: &str,
    merchant: &Merchant,
    request: &E,
    response: &Response<Bytes>,
    throughput: impl Fn(u64) -> Throughput,
) {
    let body = response.body();
    let fields = map(body).unwrap();
    let digest = fields.contains_key("sign").then(|| request.spec().sign_type(merchant.sign_type()));
    assert_eq!(digest.map(|digest| sign_map(&fields, digest)).as_ref(), fields.get("sign"));
    assert_eq!(accept_usual(body, digest).unwrap(), fields);
    let canonical = canonical(&fields);
    let pending = pending(merchant, request);
    assert!(pending.accept(response).unwrap().head().is_success());

    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.throughput(throughput(body.len() as u64));
    group.bench_function("wechatpay-proto", |b| {
        b.iter(|| drop(black_box(pending.accept(black_box(response)).unwrap())));
    });
    let bare = digest.map(Bare::new);
    group.bench_function("bare: quick-xml events and the digest", |b| {
        b.iter(|| {
            let count = events(black_box(body)).unwrap();
            (count, bare.as_ref().map(|bare| bare.digest(black_box(canonical.as_bytes()))))
        });
    });
    group.bench_function("usual: serde map, sorted, format!, compared", |b| {
        b.iter(|| accept_usual(black_box(body), digest).unwrap());
    });
    group.finish();
}

fn pending<'r, E: Outgoing>(merchant: &'r Merchant, request: &'r E) -> wechatpay_proto::Pending<'r, E> {
    // What the request holds does not matter to its answer, but for the echoes.
    merchant.sign(request, Nonce::from_bytes(NONCE)).unwrap().into_parts().1
}

criterion_group!(benches, accept, growth);
criterion_main!(benches);
