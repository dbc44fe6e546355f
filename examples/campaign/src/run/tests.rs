//! The loop over a store that fails now and then, or takes payouts away, in the world of the mock.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use wechatpay_mock_server::{Mock, MockMerchant, Rules};
use wechatpay_proto::Fen;
use wechatpay_proto::payout::{
    Campaign, Inserted, Intent, Payout, Policy, Record, Saved, Settings, Store, Stored, Unsaved,
};
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};

use super::{Embedded, Ended, FAILURES, Plan, Run};
use crate::audit;
use crate::book::Book;
use crate::failure::Failure;
use crate::report::Sums;
use crate::store::{Ledger, Row, RowKey, SqliteStore, StoreError, Summary};
use crate::watch::Watch;

const DAY: Duration = Duration::from_secs(24 * 3600);
const PAYOUTS: u32 = 200;

/// A store that fails at every so many calls, and gives every so many snapshots to somebody else.
struct Flaky {
    inner: SqliteStore,
    calls: u32,
    fails_every: u32,
    snapshots: u32,
    loses_every: u32,
    lost: HashSet<String>,
}

impl Flaky {
    fn call(&mut self) -> Result<(), StoreError> {
        self.calls += 1;
        if self.calls.is_multiple_of(self.fails_every) {
            return Err(StoreError::InUse { path: PathBuf::from("flaky") });
        }
        Ok(())
    }
}

impl Store for Flaky {
    type Error = StoreError;

    fn insert(&mut self, new: &[Unsaved<Payout>]) -> Result<Vec<Inserted>, StoreError> {
        self.inner.insert(new)
    }

    fn take(&mut self, now: Duration, until: Duration, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.call()?;
        self.inner.take(now, until, limit)
    }

    fn save(&mut self, now: Duration, records: &[Record<'_>]) -> Result<Vec<Saved>, StoreError> {
        self.call()?;
        let mut ours = Vec::new();
        let mut verdicts = Vec::new();
        for record in records {
            self.snapshots += 1;
            let number = record.snapshot.mch_billno();
            let lost = self.snapshots.is_multiple_of(self.loses_every);
            if lost {
                self.lost.insert(number.to_owned());
                self.inner.release(&[number])?;
            } else {
                ours.push(record.clone());
            }
            verdicts.push(!lost);
        }
        let mut written = self.inner.save(now, &ours)?.into_iter();
        let verdict = |ours: bool| if ours { written.next() } else { None };
        Ok(verdicts.into_iter().map(verdict).map(|saved| saved.unwrap_or(Saved::NotOurs)).collect())
    }

    fn release(&mut self, mch_billnos: &[&str]) -> Result<(), StoreError> {
        self.inner.release(mch_billnos)
    }

    fn next_wake(&mut self) -> Result<Option<Duration>, StoreError> {
        self.call()?;
        self.inner.next_wake()
    }
}

impl Ledger for Flaky {
    fn summary(&mut self) -> Result<Summary, StoreError> {
        self.inner.summary()
    }

    fn page(&mut self, after: Option<&RowKey>, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.inner.page(after, limit)
    }

    fn find(&mut self, mch_billno: &str) -> Result<Option<Stored>, StoreError> {
        self.inner.find(mch_billno)
    }
}

fn world() -> (Mock, MockMerchant) {
    let rules = Rules { user_packets_a_day: None, user_fen_a_day: None, ..Rules::default() };
    let mock = Mock::builder().seed(7).rules(rules).build();
    let merchant = mock.merchant().balance_fen(u64::from(PAYOUTS) * 1_000).create().unwrap();
    Embedded::arm(&mock, 30).unwrap();
    (mock, merchant)
}

fn policy() -> Policy {
    Policy::new(Settings { park: Some(Duration::from_secs(60)), ..Settings::default() }).unwrap()
}

fn fill(store: &mut dyn Book, merchant: &MockMerchant) {
    let payout = |at| {
        let request = SendRedPack {
            mch_billno: &format!("A{at:09}"),
            wxappid: merchant.appid(),
            send_name: "天虹百货",
            re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
            total_amount: Fen(1_000),
            wishing: "祝",
            client_ip: [192, 168, 0, 1].into(),
            act_name: "活动",
            remark: "备注",
            options: SendRedPackOptions::default(),
        };
        let intent = Intent::new(&format!("row {at}"), &merchant.credentials(), &request).unwrap();
        Payout::new(intent, &policy(), Embedded::begin())
    };
    let payouts: Vec<_> = (0..PAYOUTS).map(payout).collect();
    assert!(store.insert(&payouts).unwrap().iter().all(|inserted| *inserted == Inserted::New));
}

/// Leads all payouts over such a store, and says how that ended.
fn lead(fails_every: u32, loses_every: u32) -> (Result<Ended, Failure>, Flaky, Mock) {
    let dir = TempDir::new().unwrap();
    let (mock, merchant) = world();
    let inner = SqliteStore::open(dir.path().join("flaky.db"), merchant.mch_id()).unwrap();
    let mut store = Flaky { inner, calls: 0, fails_every, snapshots: 0, loses_every, lost: HashSet::new() };
    fill(&mut store, &merchant);
    let mut last = 0_u128;
    let nonces = Box::new(move || {
        last += 1;
        Ok(last.to_be_bytes())
    });
    let campaign = Campaign::new(merchant.credentials(), &policy(), nonces as super::Nonces);
    let plan = Plan {
        capacity: 50,
        ahead: Duration::from_secs(30),
        look_again: Some(Duration::from_secs(60)),
        renew: DAY,
        grace: DAY,
    };
    let world = Embedded::new(mock.clone(), merchant);
    let ended = Run::new(&mut store, campaign, world, &mut Watch::new(1_000_000, 0), plan).lead();
    (ended, store, mock)
}

#[test]
fn writes_that_fail_and_payouts_that_go_to_others_change_nothing_in_the_end() {
    let (ended, mut store, mock) = lead(3, 17);
    assert_eq!(ended.unwrap(), Ended::Over);
    assert!(store.lost.len() > 20 && store.calls > 300, "{} lost, {} calls", store.lost.len(), store.calls);
    let summary = store.summary().unwrap();
    assert_eq!((summary.payouts(), summary.open()), (u64::from(PAYOUTS), 0));
    let said = audit::compare(&mut store, &Sums::from(&summary), &mock, true).unwrap();
    assert!(said.starts_with("ledger: 200 packets, 200000 fen paid, "), "{said}");
}

#[test]
fn a_store_that_always_fails_ends_the_program_and_nothing_was_sent() {
    let (ended, store, mock) = lead(1, u32::MAX);
    let failure = ended.unwrap_err().to_string();
    assert!(failure.starts_with("cannot take payouts from the store: "), "{failure}");
    assert_eq!((store.calls, mock.requests()), (FAILURES, 0));
}
