//! Payouts for the cases, and how they come to where the cases need them: by the real machine.

use std::time::Duration;

use bytes::Bytes;
use wechatpay_campaign::store::Lease;
use wechatpay_proto::payout::{
    Failed, InFlight, Intent, Next, Now, Payout, Policy, Record, Saved, Snapshot, Store, Stored, Unsaved,
};
use wechatpay_proto::transport::{BaseUrl, Delivery};
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
use wechatpay_proto::{ApiKey, Fen, Merchant, Nonce};

pub(crate) const MCH_ID: &str = "10000098";
const APPID: &str = "wx8888888888888888";
const OPENID: &str = "oxTWIuGaIt6gTKsQRLau2M0yL16E";

/// The time at which all cases begin.
pub(crate) const START: Duration = Duration::from_secs(1_767_225_600);

/// So late that all is due.
pub(crate) const LATE: Duration = Duration::from_secs(1_867_225_600);

pub(crate) fn merchant(mch_id: &str) -> Merchant {
    Merchant::direct(mch_id, ApiKey::new("exposed_your_key_here_have_risks").unwrap()).unwrap()
}

/// `seconds` after the start, by both clocks.
pub(crate) fn at(seconds: u64) -> Now {
    let steady = Duration::from_secs(seconds);
    Now { steady, calendar: START + steady }
}

pub(crate) fn intent_of(mch_id: &str, business_id: &str, mch_billno: &str, fen: u32) -> Intent {
    let request = SendRedPack {
        mch_billno,
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: OPENID,
        total_amount: Fen(fen),
        wishing: "祝您元宵节快乐！",
        client_ip: [192, 168, 0, 1].into(),
        act_name: "猜灯谜",
        remark: "O'Brien \\ \"快来抢\" {NULL}",
        options: SendRedPackOptions::default(),
    };
    Intent::new(business_id, &merchant(mch_id), &request).unwrap()
}

pub(crate) fn intent(business_id: &str, mch_billno: &str, fen: u32) -> Intent {
    intent_of(MCH_ID, business_id, mch_billno, fen)
}

/// A lease for the policy and the transport of the cases.
pub(crate) fn lease(length: Duration) -> Lease {
    Lease::new(length, &Policy::default(), Duration::from_secs(15)).unwrap()
}

/// A payout that wants to go on `seconds` after the start.
pub(crate) fn new_at(seconds: u64, intent: Intent) -> Unsaved<Payout> {
    Payout::new(intent, &Policy::default(), at(seconds))
}

/// A payout of 1 yuan that is due at once.
pub(crate) fn new(business_id: &str, mch_billno: &str) -> Unsaved<Payout> {
    new_at(0, intent(business_id, mch_billno, 100))
}

/// `count` of them, `B0` under the number `N0` and so on.
pub(crate) fn many(count: usize) -> Vec<Unsaved<Payout>> {
    (0..count).map(|at| new(&format!("B{at}"), &format!("N{at}"))).collect()
}

pub(crate) fn numbers(payouts: &[Stored]) -> Vec<&str> {
    payouts.iter().map(|stored| stored.intent.mch_billno()).collect()
}

/// Takes the one payout that is free; all are due.
pub(crate) fn take_one<S: Store>(store: &mut S) -> Stored {
    let mut taken = store.take(START, LATE, 10).unwrap();
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.pop().unwrap()
}

pub(crate) fn save<S: Store>(store: &mut S, snapshot: &Snapshot, done: bool) -> Saved {
    let saved = store.save(START, &[Record { snapshot, done }]).unwrap();
    assert_eq!(saved.len(), 1);
    saved[0]
}

fn restore(stored: &Stored, now: Now) -> Payout {
    Payout::restore(stored.intent.clone(), &Policy::default(), &stored.snapshot, now).unwrap()
}

fn send(stored: &Stored, now: Now) -> InFlight {
    let Next::Send(attempt) = restore(stored, now).next(now).unwrap() else { panic!("it does not send") };
    let nonce = Nonce::from_bytes([7; 16]);
    let signed = attempt.saved().sign(now, &merchant(stored.intent.mch_id()), &BaseUrl::default(), nonce);
    signed.unwrap().1
}

fn query(payout: Payout, now: Now) -> InFlight {
    let Next::Query(query) = payout.next(now).unwrap() else { panic!("it does not query") };
    let nonce = Nonce::from_bytes([8; 16]);
    query.sign(now, &merchant(MCH_ID), &BaseUrl::default(), nonce).unwrap().1
}

/// An answer with the echoes of an intent.
fn answer(intent: &Intent, result: &str) -> http::Response<Bytes> {
    let (number, fen) = (intent.mch_billno(), intent.amount().0);
    http::Response::new(Bytes::from(format!(
        "<xml><return_code>SUCCESS</return_code>{result}<mch_billno>{number}</mch_billno><mch_id>{MCH_ID}</mch_id>\
        <wxappid>{APPID}</wxappid><re_openid>{OPENID}</re_openid><total_amount>{fen}</total_amount></xml>"
    )))
}

/// Its snapshot as it comes back from its text, which has whole milliseconds.
fn on_disk(unsaved: &Unsaved<Payout>) -> Snapshot {
    unsaved.snapshot().to_string().parse().unwrap()
}

/// After an attempt without an answer.
pub(crate) fn attempted(stored: &Stored) -> Snapshot {
    on_disk(&send(stored, at(0)).fault(at(0), Delivery::MaybeSent))
}

/// After an attempt that was answered by SEND_FAILED, which no query has confirmed.
pub(crate) fn refused(stored: &Stored) -> Unsaved<Payout> {
    let failed = "<result_code>FAIL</result_code><err_code>SEND_FAILED</err_code>";
    send(stored, at(0)).answer(at(0), &merchant(MCH_ID), &answer(&stored.intent, failed))
}

/// After a query that found `status`; and whether that is an end.
fn found(stored: &Stored, status: &str) -> Unsaved<Payout> {
    let payout = send(stored, at(0)).fault(at(0), Delivery::MaybeSent).saved();
    let result = format!(
        "<result_code>SUCCESS</result_code><status>{status}</status><detail_id>1000041701201</detail_id>"
    );
    query(payout, at(100)).answer(at(100), &merchant(MCH_ID), &answer(&stored.intent, &result))
}

/// After a query that found it claimed: its last snapshot.
pub(crate) fn received(stored: &Stored) -> Snapshot {
    let unsaved = found(stored, "RECEIVED");
    assert!(unsaved.is_done());
    on_disk(&unsaved)
}

/// After a query that found the money back.
pub(crate) fn refunded(stored: &Stored) -> Snapshot {
    let unsaved = found(stored, "REFUND");
    assert!(unsaved.is_done());
    on_disk(&unsaved)
}

/// After a query that found it failed: its last snapshot, and the proof.
pub(crate) fn failed(stored: &Stored) -> (Snapshot, Failed) {
    let unsaved = found(stored, "FAILED");
    assert!(unsaved.is_done());
    let snapshot = on_disk(&unsaved);
    (snapshot, proof(unsaved.saved()))
}

pub(crate) fn proof(payout: Payout) -> Failed {
    let Next::Done(done) = payout.next(at(100)).unwrap() else { panic!("it is not done") };
    done.into_failed().unwrap()
}
