//! The loop over a store that fails now and then, or takes payouts away, in the world of the mock.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use wechatpay_mock_server::{Mock, MockMerchant, Rules};
use wechatpay_proto::Fen;
use wechatpay_proto::payout::{
    Campaign, Flight, Inserted, Intent, Now, Payout, Policy, Record, Saved, Settings, Store, Stored, Unsaved,
};
use wechatpay_proto::transport::{BlockingTransport, Delivery, Transport};
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};

use super::outside::Event;
use super::{Carriage, Embedded, Ended, FAILURES, Happened, Plan, Run, Tasks, Threads, World};
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
    /// From when to when, since the campaign began, it cannot be reached.
    down: Range<Duration>,
}

impl Flaky {
    fn call(&mut self, now: Duration) -> Result<(), StoreError> {
        self.calls += 1;
        let down = self.down.contains(&now.saturating_sub(Embedded::begin().calendar));
        if down || self.calls.is_multiple_of(self.fails_every) {
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
        self.call(now)?;
        self.inner.take(now, until, limit)
    }

    fn save(&mut self, now: Duration, records: &[Record<'_>]) -> Result<Vec<Saved>, StoreError> {
        self.call(now)?;
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
        self.call(Duration::ZERO)?;
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

/// A store that is full, in a folder that goes when it is dropped.
fn flaky(merchant: &MockMerchant, fails_every: u32, loses_every: u32) -> (Flaky, TempDir) {
    let dir = TempDir::new().unwrap();
    let inner = SqliteStore::open(dir.path().join("flaky.db"), merchant.mch_id()).unwrap();
    let (lost, down) = (HashSet::new(), Duration::ZERO..Duration::ZERO);
    let mut store = Flaky { inner, calls: 0, fails_every, snapshots: 0, loses_every, lost, down };
    fill(&mut store, merchant);
    (store, dir)
}

/// Leads all payouts of a store in a world, and says how that ended.
fn lead(store: &mut Flaky, merchant: &MockMerchant, world: impl World) -> Result<Ended, Failure> {
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
    Run::new(store, campaign, world, &mut Watch::new(1_000_000, 0), plan).lead()
}

#[test]
fn writes_that_fail_and_payouts_that_go_to_others_change_nothing_in_the_end() {
    let (mock, merchant) = world();
    let (mut store, _dir) = flaky(&merchant, 3, 17);
    let inside = Embedded::new(mock.clone(), merchant.clone());
    assert_eq!(lead(&mut store, &merchant, inside).unwrap(), Ended::Over);
    assert!(store.lost.len() > 20 && store.calls > 300, "{} lost, {} calls", store.lost.len(), store.calls);
    let summary = store.summary().unwrap();
    assert_eq!((summary.payouts(), summary.open()), (u64::from(PAYOUTS), 0));
    let said = audit::compare(&mut store, &Sums::from(&summary), &mock, true).unwrap();
    assert!(said.starts_with("ledger: 200 packets, 200000 fen paid, "), "{said}");
}

#[test]
fn a_store_that_always_fails_ends_the_program_and_nothing_was_sent() {
    let (mock, merchant) = world();
    let (mut store, _dir) = flaky(&merchant, 1, u32::MAX);
    let inside = Embedded::new(mock.clone(), merchant.clone());
    let failure = lead(&mut store, &merchant, inside).unwrap_err().to_string();
    assert!(failure.starts_with("cannot take payouts from the store: "), "{failure}");
    assert_eq!((store.calls, mock.requests()), (FAILURES, 0));
}

#[test]
fn a_store_that_is_away_for_a_while_is_waited_for_whatever_is_to_be_written_meanwhile() {
    let (mock, merchant) = world();
    let (mut store, _dir) = flaky(&merchant, u32::MAX, u32::MAX);
    // Answers that come one by one want to be written one by one: far more than `FAILURES` times.
    store.down = Duration::from_secs(2)..Duration::from_secs(25);
    let one_by_one = OneByOne(Embedded::new(mock.clone(), merchant.clone()));
    assert_eq!(lead(&mut store, &merchant, one_by_one).unwrap(), Ended::Over);
    assert_eq!(store.summary().unwrap().open(), 0);
    assert_eq!(mock.ledger().packets().count(), PAYOUTS as usize);
}

/// A world in which no two answers come together.
struct OneByOne(Embedded);

impl World for OneByOne {
    fn now(&self) -> Now {
        self.0.now()
    }

    fn send(&mut self, request: http::Request<Bytes>, flight: Flight) {
        self.0.send(request, flight);
    }

    fn wait(&mut self, until: Option<Duration>) -> Happened {
        if until == Some(Duration::ZERO) { Happened::Nothing } else { self.0.wait(until) }
    }
}

#[test]
fn what_cannot_be_read_is_left_alone_and_all_others_are_paid() {
    let (mock, merchant) = world();
    let (mut store, dir) = flaky(&merchant, u32::MAX, u32::MAX);
    let db = rusqlite::Connection::open(dir.path().join("flaky.db")).unwrap();
    let damage = "UPDATE payout SET snapshot = 'damaged' WHERE mch_billno IN ('A000000003', 'A000000150')";
    assert_eq!(db.execute(damage, []).unwrap(), 2);
    let inside = Embedded::new(mock.clone(), merchant.clone());
    assert_eq!(lead(&mut store, &merchant, inside).unwrap(), Ended::Over);
    assert_eq!(store.summary().unwrap().open(), 2);
    assert_eq!(mock.ledger().packets().count(), PAYOUTS as usize - 2);
}

/// A world in which answers never come, and a signal does.
struct Silent(Embedded, Vec<Flight>);

impl World for Silent {
    fn now(&self) -> Now {
        self.0.now()
    }

    fn send(&mut self, _: http::Request<Bytes>, flight: Flight) {
        self.1.push(flight);
    }

    fn wait(&mut self, until: Option<Duration>) -> Happened {
        let Happened::Nothing = self.0.wait(until) else { panic!("nothing was sent") };
        if self.1.is_empty() { Happened::Nothing } else { Happened::Stop }
    }
}

#[test]
fn what_is_under_way_when_the_patience_ends_is_not_given_back() {
    let (mock, merchant) = world();
    let (mut store, _dir) = flaky(&merchant, u32::MAX, u32::MAX);
    let silent = Silent(Embedded::new(mock, merchant.clone()), Vec::new());
    assert_eq!(lead(&mut store, &merchant, silent).unwrap(), Ended::Stopped);
    let free = store.inner.take(Duration::ZERO, Duration::MAX, usize::MAX).unwrap();
    assert_eq!(free.len(), PAYOUTS as usize - 50, "what it held it still holds");
}

/// A transport that panics, without a word.
#[derive(Clone)]
struct Panicking;

impl BlockingTransport for Panicking {
    type Error = io::Error;

    fn send_blocking(&self, _: http::Request<Bytes>) -> io::Result<http::Response<Bytes>> {
        resume_unwind(Box::new(()))
    }
}

impl Transport for Panicking {
    type Error = io::Error;

    async fn send(&self, _: http::Request<Bytes>) -> io::Result<http::Response<Bytes>> {
        resume_unwind(Box::new(()))
    }
}

/// A world with a carriage, in which a signal comes when all that was sent has landed.
struct Carried {
    inside: Embedded,
    carriage: Box<dyn Carriage>,
    events: Receiver<Event>,
    sent: u32,
    landed: u32,
}

impl World for Carried {
    fn now(&self) -> Now {
        self.inside.now()
    }

    fn send(&mut self, request: http::Request<Bytes>, flight: Flight) {
        self.sent += 1;
        self.carriage.carry(request, flight);
    }

    fn wait(&mut self, until: Option<Duration>) -> Happened {
        if self.sent == 0 {
            return self.inside.wait(until);
        }
        if self.landed == self.sent {
            return Happened::Stop;
        }
        let Ok(Event::Landed(landed)) = self.events.recv_timeout(DAY) else { panic!("nothing came") };
        self.landed += 1;
        let lost = landed.outcome.as_ref().unwrap_err();
        assert_eq!((lost.delivery, &*lost.text), (Delivery::MaybeSent, "the transport panicked"));
        Happened::Landed(landed)
    }
}

#[test]
fn a_transport_that_panics_leaves_the_outcome_open_and_nobody_waiting() {
    for blocking in [true, false] {
        let (mock, merchant) = world();
        let (mut store, _dir) = flaky(&merchant, u32::MAX, u32::MAX);
        let (sender, events) = channel();
        let carriage: Box<dyn Carriage> = match blocking {
            // Two threads carry them all, so neither may die.
            true => Box::new(Threads::start(&Panicking, 2, &sender).unwrap()),
            false => Box::new(Tasks::start(Panicking, &sender).unwrap()),
        };
        let inside = Embedded::new(mock, merchant.clone());
        let world = Carried { inside, carriage, events, sent: 0, landed: 0 };
        assert_eq!(lead(&mut store, &merchant, world).unwrap(), Ended::Stopped);
        assert!(store.summary().unwrap().state("unknown").payouts >= 16);
    }
}
