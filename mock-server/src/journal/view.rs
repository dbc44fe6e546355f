//! The journal as tests and skins hold it: a mock, and which of its requests are meant.

use std::sync::Arc;

use super::verify::{Difference, Evidence, Mismatch, judge_one};
use super::{
    CommitKind, Expectation, Expected, Filter, Follower, JournalCounts, JournalLimits, Record, Verdict,
};
use crate::mock::Mock;
use crate::outcome::RequestId;

/// The requests of a mock that meet some conditions; without any, all that the journal keeps.
///
/// ```
/// # use wechatpay_mock_server::{Arrival, Mock, Verdict};
/// let mock = Mock::builder().build();
/// let request = http::Request::post("/mmpaymkttransfers/sendredpack").body("<xml>".into()).unwrap();
/// mock.handle(&request, &Arrival::default());
/// let record = mock.journal().path("sendredpack").one().unwrap();
/// assert_eq!(record.verdict, Verdict::Xml);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JournalView {
    mock: Mock,
    filter: Filter,
}

impl Mock {
    /// What arrived, and what became of it.
    pub fn journal(&self) -> JournalView {
        JournalView { mock: self.clone(), filter: Filter::default() }
    }

    /// Whether as many requests arrived as should have; how many did. Only those count that the journal still keeps.
    pub fn verify(&self, expectation: &Expectation) -> Result<usize, Mismatch> {
        expectation.check(&self.journal().evidence())
    }

    /// An expectation of requests to a path, such as `sendredpack`, from now on. It is checked when it is dropped.
    pub fn expect(&self, path: impl Into<String>) -> Expected {
        Expected::new(self.clone(), path.into())
    }

    /// Someone who hears of every request from now on, whatever the journal drops.
    pub fn follow(&self) -> Follower {
        self.world().engine.journal.follow()
    }
}

impl JournalView {
    /// Those that this filter means, in place of the conditions so far.
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// Those to this path, or to one with this last part, such as `sendredpack`.
    pub fn path(self, path: impl Into<String>) -> Self {
        self.with(|filter| filter.path(path))
    }

    /// Those that name this merchant.
    pub fn merchant(self, mch_id: impl Into<String>) -> Self {
        self.with(|filter| filter.merchant(mch_id))
    }

    /// Those that name this order.
    pub fn order(self, mch_billno: impl Into<String>) -> Self {
        self.with(|filter| filter.order(mch_billno))
    }

    /// Those of which this was found.
    pub fn verdict(self, verdict: Verdict) -> Self {
        self.with(|filter| filter.verdict(verdict))
    }

    /// Those that were carried out, were not, or are to be.
    pub fn commit(self, commit: CommitKind) -> Self {
        self.with(|filter| filter.commit(commit))
    }

    /// Those that met the fault with this number or name.
    pub fn fault(self, fault: impl Into<String>) -> Self {
        self.with(|filter| filter.fault(fault))
    }

    /// Those with a higher number than this.
    pub fn since_seq(self, seq: u64) -> Self {
        self.with(|filter| filter.since_seq(seq))
    }

    fn with(self, add: impl FnOnce(Filter) -> Filter) -> Self {
        Self { filter: add(self.filter), ..self }
    }

    /// All of them, the newest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Record>> {
        self.mock.settled().engine.journal.find(&self.filter).cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.mock.settled().engine.journal.find(&self.filter).count()
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Record>> {
        self.mock.settled().engine.journal.find(&self.filter).next().cloned()
    }

    /// The only one. The error names those that there are, or those that come near.
    pub fn one(&self) -> Result<Arc<Record>, Mismatch> {
        let differences = |record: &Record| self.filter.unmet(record).map(Difference::from).collect();
        judge_one(&self.evidence(), differences)
    }

    /// The one with this number, whatever the conditions.
    #[must_use]
    pub fn get(&self, id: RequestId) -> Option<Arc<Record>> {
        self.mock.settled().engine.journal.get(id)
    }

    /// Forgets them, and says how many there were. What is forgotten was not dropped.
    pub fn clear(&self) -> usize {
        self.mock.settled().engine.journal.clear(&self.filter)
    }

    /// What the whole journal has and had, whatever the conditions.
    #[must_use]
    pub fn counts(&self) -> JournalCounts {
        self.mock.world().engine.journal.counts()
    }

    /// How much the whole journal keeps.
    #[must_use]
    pub fn limits(&self) -> JournalLimits {
        self.mock.world().engine.journal.limits()
    }

    /// Everything that is new enough to be looked at. Reading it needs no lock.
    pub(super) fn evidence(&self) -> Evidence {
        let world = self.mock.settled();
        let journal = &world.engine.journal;
        let records = journal.newest_first().filter(|record| self.filter.reaches(record));
        let records: Vec<_> = records.cloned().collect();
        // What was dropped before the first that is meant is not missed.
        let JournalCounts { total, dropped_since_clear, .. } = journal.counts();
        let meant = total.saturating_sub(self.filter.since_seq.unwrap_or(0));
        let dropped = dropped_since_clear.min(meant.saturating_sub(records.len() as u64));
        Evidence { records, dropped }
    }
}
