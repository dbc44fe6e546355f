//! A campaign with its disk, its clocks, and a service that a test plays.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use wechatpay_proto::payout::{
    Action, Alert, Asked, Campaign, ClockError, End, Flight, Intent, Kind, Now, Payout, Policy, Save,
    Settings, Snapshot, State,
};
use wechatpay_proto::transport::Delivery;
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;

use crate::common::*;
use crate::world::*;

pub(crate) const KIND: Kind = Kind::RedPack;

pub(crate) fn number(at: usize) -> String {
    format!("A{at:09}")
}

pub(crate) fn row(at: usize) -> Intent {
    let request = SendRedPack { mch_billno: &number(at), ..PACKET.clone() };
    Intent::new(&format!("row {at}"), &MERCHANT, &request).unwrap()
}

/// What the service does with a request.
pub(crate) enum Does {
    Answers(Response),
    Fails(Delivery),
}

pub(crate) use Does::{Answers, Fails};

pub(crate) fn of(intent: &Intent, fields: &[(&str, &str)]) -> Does {
    Answers(reply(KIND, &with(fields, "mch_billno", intent.mch_billno())))
}

pub(crate) fn pays(intent: &Intent) -> Does {
    of(intent, &SENT)
}

pub(crate) fn says(intent: &Intent, code: &str) -> Does {
    let mut fields = with(&SENT, "result_code", "FAIL");
    fields.push(("err_code", code));
    of(intent, &without(&fields, "send_listid"))
}

pub(crate) fn shows(intent: &Intent, status: &str) -> Does {
    of(intent, &found_fields(status, &[]))
}

pub(crate) fn misses() -> Does {
    Answers(not_found(KIND))
}

/// What the disk does with a snapshot.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Disk {
    Good,
    Full,
    NotOurs,
}

pub(crate) type Source = fn() -> Result<[u8; 16], ()>;

/// A campaign with its disk, its clocks, and what is in flight.
pub(crate) struct Crowd {
    pub(crate) campaign: Campaign<Source>,
    pub(crate) policy: Policy,
    pub(crate) now: Now,
    pub(crate) disk: Disk,
    pub(crate) stored: BTreeMap<String, Snapshot>,
    pub(crate) offered: Vec<Duration>,
    pub(crate) flights: VecDeque<Flight>,
    /// When something went out, and the host.
    pub(crate) sent: Vec<(Duration, Asked, String, String)>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) done: Vec<(String, End)>,
    pub(crate) parked: Vec<(String, Duration)>,
}

impl Crowd {
    pub(crate) fn new(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_source(change, || Ok([7; 16]))
    }

    pub(crate) fn with_source(change: impl FnOnce(&mut Settings), source: Source) -> Self {
        let policy = policy(change);
        Self {
            campaign: Campaign::new(MERCHANT.clone(), &policy, source),
            policy,
            now: START,
            disk: Disk::Good,
            stored: BTreeMap::new(),
            offered: Vec::new(),
            flights: VecDeque::new(),
            sent: Vec::new(),
            alerts: Vec::new(),
            done: Vec::new(),
            parked: Vec::new(),
        }
    }

    /// Adds new ones.
    pub(crate) fn add(&mut self, rows: std::ops::Range<usize>) {
        for at in rows {
            let unsaved = Payout::new(row(at), &self.policy, self.now);
            self.campaign.add(self.now, Arc::clone(unsaved.intent()), &unsaved.snapshot()).unwrap();
        }
    }

    /// Adds ones that were sent already and have no answer, as a restart finds them.
    pub(crate) fn add_open(&mut self, rows: std::ops::Range<usize>, wants: Asked) {
        for at in rows {
            let mut world = World::with(KIND, self.policy.clone());
            world.intent = Arc::new(row(at));
            let unsaved = Payout::new(Arc::clone(&world.intent), &self.policy, START);
            world.save(unsaved);
            assert_eq!(world.turn(), Turn::Send);
            world.fault(Delivery::MaybeSent);
            if wants == Asked::Send {
                assert_eq!(world.turn(), Turn::Query);
                world.answer(&not_found(KIND));
            }
            self.campaign.add(self.now, world.intent, &world.disk).unwrap();
        }
    }

    pub(crate) fn write(&mut self, save: Save) {
        self.offered.push(self.now.steady);
        match self.disk {
            Disk::Good => {
                self.stored.insert(save.intent().mch_billno().into(), save.snapshot());
                self.campaign.saved(save);
            }
            Disk::Full => self.campaign.not_saved(self.now, save),
            Disk::NotOurs => self.campaign.lost(save),
        }
    }

    /// Does all there is to do now, but answers nothing; until when there is nothing more.
    pub(crate) fn poll(&mut self) -> Result<Option<Duration>, ClockError> {
        loop {
            match self.campaign.poll(self.now)? {
                Action::Save(save) => self.write(save),
                Action::Send { request, flight } => {
                    let number = flight.intent().mch_billno().to_owned();
                    let body = String::from_utf8(request.body().to_vec()).unwrap();
                    assert!(body.contains(&number), "the number is kept");
                    if flight.asked() == Asked::Send {
                        let stored = self.stored.get(&number).expect("on record before it is sent");
                        assert!(matches!(stored.state(), State::Unknown { tainted: true, .. }));
                    }
                    let host = request.uri().host().unwrap().to_owned();
                    self.sent.push((self.now.steady, flight.asked(), number, host));
                    self.flights.push_back(flight);
                }
                Action::Alert { alert, .. } => self.alerts.push(alert),
                Action::Done(done) => {
                    assert_eq!(Some(&done.snapshot()), self.stored.get(done.intent().mch_billno()));
                    self.done.push((done.intent().mch_billno().to_owned(), done.end()));
                }
                Action::Parked { intent, wake_at } => {
                    self.parked.push((intent.mch_billno().to_owned(), wake_at))
                }
                Action::Wait { until } => {
                    assert!(until.is_none_or(|until| until > self.now.steady), "a wait for nothing");
                    let in_flight = self.campaign.progress().in_flight;
                    assert!(in_flight <= u64::from(self.policy.settings().in_flight), "{in_flight}");
                    return Ok(until);
                }
            }
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.calendar += time;
    }

    pub(crate) fn land(&mut self, flight: Flight, does: Does) {
        match does {
            Answers(response) => self.campaign.answer(self.now, flight, &response),
            Fails(delivery) => self.campaign.fault(self.now, flight, delivery),
        }
    }

    /// Answers each request `delay` after it went out, until `end` or until nothing is left.
    pub(crate) fn run(&mut self, end: Duration, mut service: impl FnMut(&Intent, Asked) -> Does) {
        while self.now.steady < end && !self.campaign.is_empty() {
            let until = self.poll().unwrap();
            let flights = std::mem::take(&mut self.flights);
            if flights.is_empty() {
                let Some(until) = until else { break };
                self.pass(until - self.now.steady);
            }
            for flight in flights {
                let does = service(flight.intent(), flight.asked());
                self.land(flight, does);
            }
        }
    }

    /// Lets time go by, and answers nothing.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now.steady + time;
        while let Some(until) = self.poll().unwrap().filter(|until| *until <= end) {
            self.pass(until - self.now.steady);
        }
        self.pass(end - self.now.steady);
    }

    pub(crate) fn times(&self, which: Asked) -> Vec<Duration> {
        self.sent.iter().filter(|(_, asked, ..)| *asked == which).map(|(at, ..)| *at).collect()
    }

    pub(crate) fn numbers(&self, which: Asked) -> Vec<&str> {
        self.sent.iter().filter(|(_, asked, ..)| *asked == which).map(|(_, _, number, _)| &**number).collect()
    }
}

/// The most of them in any second.
pub(crate) fn most_in_a_second(times: &[Duration]) -> usize {
    let within = |from: &Duration| times.iter().filter(|at| **at >= *from && **at < *from + SECOND).count();
    times.iter().map(within).max().unwrap_or(0)
}
