//! One red packet from end to end without a socket: signed, paid by the mock in-process, its answer accepted. Beside it the
//! mock alone, which gets the same requests already signed, and the usual way around the same mock.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::time::Duration;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use wechatpay_benches::rivals::{Pairs, accept_usual, request_usual};
use wechatpay_benches::{KEY, NONCE, packet};
use wechatpay_mock_server::{Mock, MockMerchant, Rules};
use wechatpay_proto::transport::{BlockingTransport as _, ClientCertificate};
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::{Merchant, Nonce, SignType};

/// Packets of one round. Each round has a mock of its own, made before the time runs.
const ROUND: usize = 200;
const AMOUNT: u64 = 1_000;

struct World {
    mock: MockMerchant,
    merchant: Merchant,
    numbers: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mock = Mock::builder().rules(Rules::unlimited()).build();
        let merchant = mock.merchant().mch_id("10000098").key(KEY).appid(packet().wxappid);
        let mock = merchant.balance_fen(AMOUNT * ROUND as u64).create().unwrap();
        let numbers = (0..ROUND).map(|at| format!("B{at:09}")).collect();
        Self { merchant: mock.credentials(), mock, numbers }
    }

    fn requests(&self) -> impl Iterator<Item = SendRedPack<'_>> {
        self.numbers.iter().map(|number| SendRedPack { mch_billno: number, ..packet() })
    }

    /// How many were accepted.
    fn typed(&self) -> usize {
        let transport = self.mock.transport();
        let accepted = self.requests().filter(|request| {
            let signed = self.merchant.sign(request, Nonce::from_bytes(NONCE)).unwrap();
            let (request, pending) = signed.into_parts();
            let response = transport.send_blocking(request).unwrap();
            pending.accept(&response).unwrap().outcome().is_accepted()
        });
        accepted.count()
    }

    fn signed(&self) -> Vec<Request<Bytes>> {
        let sign = |request| self.merchant.sign(&request, Nonce::from_bytes(NONCE)).unwrap().into_parts().0;
        self.requests().map(sign).collect()
    }

    fn usual(&self) -> usize {
        let transport = self.mock.transport();
        let accepted = self.numbers.iter().filter(|number| {
            let xml = request_usual(&pairs(number), SignType::Md5).unwrap();
            let request = Request::post("https://api.mch.weixin.qq.com/mmpaymkttransfers/sendredpack");
            let request = request.extension(ClientCertificate).body(Bytes::from(xml)).unwrap();
            let response = transport.send_blocking(request).unwrap();
            accept_usual(response.body(), None).unwrap()["result_code"] == "SUCCESS"
        });
        accepted.count()
    }
}

fn pairs(mch_billno: &str) -> Pairs {
    let packet = packet();
    let nonce: String = NONCE.iter().map(|byte| format!("{byte:02x}")).collect();
    let pairs = [
        ("nonce_str", &*nonce),
        ("mch_id", "10000098"),
        ("mch_billno", mch_billno),
        ("wxappid", packet.wxappid),
        ("send_name", packet.send_name),
        ("re_openid", packet.re_openid),
        ("total_amount", "1000"),
        ("total_num", "1"),
        ("wishing", packet.wishing),
        ("client_ip", "192.168.0.1"),
        ("act_name", packet.act_name),
        ("remark", packet.remark),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn flow(c: &mut Criterion) {
    for flow in [World::typed, World::usual] {
        let world = World::new();
        assert_eq!((flow(&world), world.mock.balance_fen()), (ROUND, 0));
    }
    let mut group = c.benchmark_group("flow/red packet in-process");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(50);
    group.throughput(Throughput::Elements(ROUND as u64));
    line(&mut group, "wechatpay-proto", World::new, |world| world.typed());
    let signed = || {
        let world = World::new();
        (world.signed(), world)
    };
    line(&mut group, "bare: the mock alone, signed beforehand", signed, |(requests, world)| {
        let transport = world.mock.transport();
        let answers = requests.drain(..).map(|request| transport.send_blocking(request).unwrap());
        answers.filter(|answer| answer.status() == 200).count()
    });
    line(&mut group, "usual: sorted map, format!, serde map", World::new, |world| world.usual());
    group.finish();
}

fn line<I>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut make: impl FnMut() -> I,
    mut run: impl FnMut(&mut I) -> usize,
) {
    group.bench_function(name, |b| {
        let counted = |input: &mut I| assert_eq!(run(input), ROUND);
        b.iter_batched_ref(&mut make, counted, BatchSize::PerIteration);
    });
}

criterion_group!(benches, flow);
criterion_main!(benches);
