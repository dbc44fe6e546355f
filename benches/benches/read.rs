//! Reading a body into the list of its fields: UTF-8, every rule of the dialect, every value decoded. Beside it the bare
//! events of the parser underneath, with its defaults and nothing kept, and the usual way, a map made by its deserializer.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Response;
use wechatpay_benches::documents::{order_query, red_packet, wide};
use wechatpay_benches::requests::{Wide40, Wide80, Wide160};
use wechatpay_benches::rivals::{events, map};
use wechatpay_proto::{SignType, wire};

fn read(c: &mut Criterion) {
    group(c, "read/red packet", red_packet(), Throughput::Bytes);
    group(c, "read/order query 20 fields", order_query(SignType::Md5), Throughput::Bytes);
}

fn growth(c: &mut Criterion) {
    for kib in [4, 16, 64] {
        let body = wide(Wide40::ROWS, Some(kib * 1024));
        let name = if kib == 4 { "read/4 KiB".to_owned() } else { format!("read/growth/{kib} KiB") };
        group(c, &name, body, Throughput::Bytes);
    }
    for rows in [Wide40::ROWS, Wide80::ROWS, Wide160::ROWS] {
        let fields = rows.len() + 3;
        let elements = |_| Throughput::Elements(fields as u64);
        group(c, &format!("read/growth/{fields} fields"), wide(rows, None), elements);
    }
}

fn group(c: &mut Criterion, name: &str, response: Response<Bytes>, throughput: impl Fn(u64) -> Throughput) {
    let body = response.body();
    let document = wire::parse(body, &[]).unwrap();
    let usual = map(body).unwrap();
    let ours = document.untrusted().to_map();
    assert_eq!(ours, usual.iter().map(|(name, value)| (&**name, &**value)).collect(), "{name}");
    // A start, a text and an end for each field, and the white space between them.
    assert!(events(body).unwrap() >= 3 * ours.len() + 2);

    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.throughput(throughput(body.len() as u64));
    group.bench_function("wechatpay-proto", |b| {
        b.iter(|| wire::parse(black_box(body), &[]).unwrap());
    });
    group.bench_function("bare: quick-xml events, nothing kept", |b| {
        b.iter(|| events(black_box(body)).unwrap());
    });
    group.bench_function("usual: quick-xml serde into a map", |b| {
        b.iter(|| map(black_box(body)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, read, growth);
criterion_main!(benches);
