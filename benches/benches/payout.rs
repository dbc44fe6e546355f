//! The campaign driver without any I/O: what each of its events costs, beside the very same requests signed and the very
//! same answers read without it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a bench")]

use std::collections::HashMap;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Response;
use wechatpay_benches::{merchant, packet};
use wechatpay_proto::payout::{Action, Campaign, Goal, Intent, Now, Payout, Policy, Settings, Snapshot};
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::{Merchant, Nonce};

/// Payouts of one campaign.
const PAYOUTS: usize = 1_000;
/// What each of them takes: one of `add`, two of `saved`, one of `answer`, and four of `poll`, which give out the record
/// of the attempt, the request, the record of the answer, and the end.
const EVENTS: u64 = 8 * PAYOUTS as u64;

/// What a campaign begins with.
struct World {
    merchant: Merchant,
    policy: Policy,
    stored: Vec<(Intent, Snapshot)>,
    answers: HashMap<String, Response<Bytes>>,
}

impl World {
    fn new() -> Self {
        let merchant = merchant().unwrap();
        let settings =
            Settings { goal: Goal::Accepted, sends_per_second: 1_000, in_flight: 64, ..Settings::default() };
        let policy = Policy::new(settings).unwrap();
        let (mut stored, mut answers) = (Vec::new(), HashMap::new());
        for at in 0..PAYOUTS {
            let number = format!("B{at:09}");
            let request = SendRedPack { mch_billno: &number, ..packet() };
            let intent = Intent::new(&number, &merchant, &request).unwrap();
            let new = Payout::new(intent.clone(), &policy, Now::default());
            stored.push((intent, new.snapshot()));
            let answer = success(&merchant, &request);
            answers.insert(number, answer);
        }
        Self { merchant, policy, stored, answers }
    }

    /// Leads all of them to their end, and returns how many events that took.
    fn campaign(&self, mut now: Now) -> u64 {
        let mut campaign = Campaign::new(self.merchant.clone(), &self.policy, || *b"16 random bytes!");
        let mut events = 0;
        for (intent, snapshot) in &self.stored {
            campaign.add(now, intent.clone(), snapshot).unwrap();
            events += 1;
        }
        while !campaign.is_empty() {
            match campaign.poll(now).unwrap() {
                Action::Save(save) => {
                    campaign.saved(save);
                    events += 2;
                }
                Action::Send { request, flight } => {
                    black_box(request);
                    let answer = &self.answers[flight.intent().mch_billno()];
                    campaign.answer(now, flight, answer);
                    events += 2;
                }
                Action::Done(done) => {
                    black_box(done);
                    events += 1;
                }
                Action::Wait { until } => now.steady = until.unwrap(),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(campaign.progress().accepted, PAYOUTS as u64);
        events
    }

    /// The same requests and answers without a driver.
    fn bare(&self) -> usize {
        let sent = self.answers.iter().map(|(number, answer)| {
            let request = SendRedPack { mch_billno: number, ..packet() };
            let signed = self.merchant.sign(&request, Nonce::from_bytes(*b"16 random bytes!")).unwrap();
            let (bytes, pending) = signed.into_parts();
            black_box(bytes);
            pending.accept(answer).unwrap().outcome().is_accepted()
        });
        sent.filter(|accepted| *accepted).count()
    }
}

fn success(merchant: &Merchant, request: &SendRedPack<'_>) -> Response<Bytes> {
    let (mch_id, mch_billno) = (merchant.mch_id(), request.mch_billno);
    let (wxappid, re_openid, amount) = (request.wxappid, request.re_openid, request.total_amount.0);
    Response::new(Bytes::from(format!(
        "<xml>\n<return_code><![CDATA[SUCCESS]]></return_code>\n<return_msg><![CDATA[发放成功]]></return_msg>\n\
         <result_code><![CDATA[SUCCESS]]></result_code>\n<err_code><![CDATA[SUCCESS]]></err_code>\n\
         <err_code_des><![CDATA[发放成功]]></err_code_des>\n<mch_billno><![CDATA[{mch_billno}]]></mch_billno>\n\
         <mch_id><![CDATA[{mch_id}]]></mch_id>\n<wxappid><![CDATA[{wxappid}]]></wxappid>\n\
         <re_openid><![CDATA[{re_openid}]]></re_openid>\n<total_amount>{amount}</total_amount>\n\
         <send_listid><![CDATA[1000041701{mch_billno}]]></send_listid>\n</xml>"
    )))
}

fn payout(c: &mut Criterion) {
    let world = World::new();
    assert_eq!(world.campaign(Now::default()), EVENTS);
    assert_eq!(world.bare(), PAYOUTS);

    let mut group = c.benchmark_group(format!("payout/{PAYOUTS} payouts"));
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("campaign: every event, signing and reading included", |b| {
        b.iter(|| world.campaign(Now::default()));
    });
    group.bench_function("rival: the same requests signed and answers read, without a driver", |b| {
        b.iter(|| world.bare());
    });
    group.bench_function("snapshots: one of each as text", |b| {
        b.iter(|| {
            let texts = world.stored.iter().map(|(_, snapshot)| snapshot.to_string().len());
            texts.sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, payout);
criterion_main!(benches);
