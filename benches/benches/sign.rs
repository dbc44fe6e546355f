//! Signing one red packet, from the typed request to the XML with its sign, beside two rivals: the bare digest of
//! the very same bytes, which nothing can beat, and the usual way with a sorted map of strings.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use md5::{Digest as _, Md5};
use wechatpay_benches::{KEY, merchant, packet};
use wechatpay_proto::Nonce;

const NONCE: [u8; 16] = *b"16 random bytes!";

fn sign(c: &mut Criterion) {
    let (merchant, packet) = (merchant().unwrap(), packet());
    let signed = merchant.sign(&packet, Nonce::from_bytes(NONCE)).unwrap();
    let canonical = signed.string_to_sign() + KEY;
    let sign = hex(&Md5::digest(&canonical));
    assert!(signed.xml().contains(&format!("<sign><![CDATA[{sign}]]></sign>")));
    assert_eq!(by_map(&fields(signed.string_to_sign())), sign);

    let mut group = c.benchmark_group("sign/md5/12 fields");
    group.throughput(Throughput::Bytes(canonical.len() as u64));
    group.bench_function("wechatpay-proto: check, sign, write XML", |b| {
        b.iter(|| merchant.sign(black_box(&packet), Nonce::from_bytes(NONCE)).unwrap());
    });
    group.bench_function("rival: bare md-5 digest of the same bytes", |b| {
        b.iter(|| Md5::digest(black_box(&canonical)));
    });
    let fields = fields(signed.string_to_sign());
    group.bench_function("rival: sorted map of strings, joined, signed, written as XML", |b| {
        b.iter(|| by_map_with_xml(black_box(&fields)));
    });
    group.finish();
}

/// The fields back from the text to sign: what a caller of the usual SDK holds.
fn fields(string_to_sign: String) -> Vec<(String, String)> {
    let pairs = string_to_sign.trim_end_matches("&key=").split('&');
    pairs
        .map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
        .collect()
}

fn by_map(fields: &[(String, String)]) -> String {
    let sorted: BTreeMap<String, String> = fields.iter().cloned().collect();
    let joined: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    hex(&Md5::digest(format!("{}&key={KEY}", joined.join("&"))))
}

fn by_map_with_xml(fields: &[(String, String)]) -> String {
    let sign = by_map(fields);
    let mut xml = String::from("<xml>");
    for (name, value) in
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([("sign", &*sign)])
    {
        write!(xml, "<{name}>{}</{name}>", quick_xml::escape::escape(value)).unwrap();
    }
    xml + "</xml>"
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

criterion_group!(benches, sign);
criterion_main!(benches);
