//! Signing, from the typed request to the XML with its sign: the check of every rule, the nonce, the digest and the
//! document. Beside it the bare digest of the very same bytes, which nothing can beat, and the usual way.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wechatpay_benches::requests::{Wide40, Wide80, Wide160, close_order, free_packet, packet_14};
use wechatpay_benches::rivals::{Bare, Pairs, request_usual};
use wechatpay_benches::{KEY, NONCE, merchant};
use wechatpay_proto::endpoint::Outgoing;
use wechatpay_proto::{Merchant, Nonce, SignType, wire};

const VALUE: &str = "1217752501201407033233368018";

fn sign(c: &mut Criterion) {
    for (name, digest) in [("md5", SignType::Md5), ("hmac", SignType::HmacSha256)] {
        let merchant = merchant().unwrap().with_sign_type(digest);
        group(c, &format!("sign/{name}/5 fields"), &merchant, &close_order());
        match digest {
            SignType::Md5 => group(c, "sign/md5/14 fields", &merchant, &packet_14()),
            SignType::HmacSha256 => group(c, "sign/hmac/14 fields", &merchant, &free_packet()),
        }
        group(c, &format!("sign/{name}/40 fields"), &merchant, &Wide40::filled(VALUE));
    }
}

fn growth(c: &mut Criterion) {
    let merchant = merchant().unwrap().with_sign_type(SignType::Md5);
    group(c, "sign/growth/40 fields", &merchant, &Wide40::filled(VALUE));
    group(c, "sign/growth/80 fields", &merchant, &Wide80::filled(VALUE));
    group(c, "sign/growth/160 fields", &merchant, &Wide160::filled(VALUE));
}

fn group<E: Outgoing>(c: &mut Criterion, name: &str, merchant: &Merchant, request: &E) {
    let digest = request.spec().sign_type(merchant.sign_type());
    let signed = merchant.sign(request, Nonce::from_bytes(NONCE)).unwrap();
    let canonical = signed.string_to_sign() + KEY;
    let pairs = pairs(&signed.string_to_sign());
    assert!(name.ends_with(&format!("/{} fields", pairs.len())), "{name}: {} are signed", pairs.len());
    let usual = request_usual(&pairs, digest).unwrap();
    let [ours, theirs] = [signed.xml(), &usual].map(|xml| wire::parse(xml.as_bytes(), &[]).unwrap());
    assert_eq!(ours.untrusted().to_map(), theirs.untrusted().to_map(), "{name}: the sign too");

    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    match name.starts_with("sign/growth/") {
        true => group.throughput(Throughput::Elements(pairs.len() as u64)),
        false => group.throughput(Throughput::Bytes(canonical.len() as u64)),
    };
    group.bench_function("wechatpay-proto", |b| {
        b.iter(|| merchant.sign(black_box(request), Nonce::from_bytes(black_box(NONCE))).unwrap());
    });
    let bare = Bare::new(digest);
    group.bench_function("bare: the digest of the same bytes", |b| {
        b.iter(|| bare.digest(black_box(canonical.as_bytes())));
    });
    group.bench_function("usual: sorted map, format!, escaped XML", |b| {
        b.iter(|| request_usual(black_box(&pairs), digest).unwrap());
    });
    group.finish();
}

/// The fields back from the text to sign: what a caller of a usual SDK holds.
fn pairs(string_to_sign: &str) -> Pairs {
    let pairs = string_to_sign.trim_end_matches("&key=").split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

criterion_group!(benches, sign, growth);
criterion_main!(benches);
