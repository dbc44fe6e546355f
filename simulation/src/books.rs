//! What is seen from outside of every number, beside what the workers believe.

use std::time::Duration;

use crate::conduct::Verdict;

/// One number, as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) mch_billno: String,
    /// Which payment it is for.
    pub(crate) want: usize,
    /// How often it was sent.
    pub(crate) sends: u32,
    /// When it was sent last, and whether by a worker whose lease had ended.
    pub(crate) last: Option<(Duration, bool)>,
    /// What its first request said, without nonce and sign.
    pub(crate) said: Option<String>,
    pub(crate) paid: bool,
    /// What a wrong conduct made of it.
    pub(crate) told: Option<Verdict>,
    /// When it was put on disk.
    pub(crate) opened: Duration,
    /// When an alert last said that it was given up, or contradicted itself.
    pub(crate) given_up: Option<Duration>,
    /// Whether a request of it was refused for a defect of the order.
    pub(crate) defect: bool,
    /// Whether the service said that its number stands for another order.
    pub(crate) fatal: bool,
}

/// All numbers of a world.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) orders: Vec<Order>,
    wants: usize,
    alerts: Vec<String>,
}

impl Books {
    pub(crate) fn new(wants: usize) -> Self {
        Self { orders: Vec::new(), wants, alerts: Vec::new() }
    }

    /// A number that nobody has yet.
    pub(crate) fn fresh_number(&self, want: usize, seed: u64) -> String {
        format!("{want:04}{:04}{seed:016x}", self.orders.len())
    }

    /// A number is known from now on.
    pub(crate) fn open(&mut self, want: usize, mch_billno: &str, now: Duration) {
        self.orders.push(Order {
            mch_billno: mch_billno.to_owned(),
            want,
            sends: 0,
            last: None,
            said: None,
            paid: false,
            told: None,
            opened: now,
            given_up: None,
            defect: false,
            fatal: false,
        });
    }

    pub(crate) fn order(&mut self, mch_billno: &str) -> Option<&mut Order> {
        self.orders.iter_mut().find(|order| order.mch_billno == mch_billno)
    }

    pub(crate) fn of_want(&self, want: usize) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(move |order| order.want == want)
    }

    /// How many numbers of a payment were paid.
    pub(crate) fn paid(&self, want: usize) -> usize {
        self.of_want(want).filter(|order| order.paid).count()
    }

    pub(crate) fn wants(&self) -> usize {
        self.wants
    }

    /// Notes the kind of an alert.
    pub(crate) fn heard_alert(&mut self, alert: String) {
        if !self.alerts.contains(&alert) {
            self.alerts.push(alert);
        }
    }

    pub(crate) fn alerts(&self) -> Vec<String> {
        self.alerts.clone()
    }
}
