//! The last requests, bounded by their number and by their bytes: the oldest go when there are too many.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::follow::{Follower, Followers};
use super::{Filter, Record};
use crate::outcome::{Commit, RequestId};

/// How much a journal keeps. 1000 requests and 64 MiB, unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    entries: usize,
    bytes: usize,
}

/// A journal cannot be so small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalLimitsError {
    /// It could not keep a single request.
    #[error("a journal of {entries} entries is too small: it must keep 1 or more")]
    Entries {
        /// What was given.
        entries: usize,
    },
}

impl JournalLimits {
    /// At most so many requests, 1 or more, and at most so many bytes in all. A request that is larger than that by
    /// itself is kept without its bodies; one that is larger even so is not kept, and counts as dropped.
    pub fn new(entries: usize, bytes: usize) -> Result<Self, JournalLimitsError> {
        match entries {
            0 => Err(JournalLimitsError::Entries { entries }),
            _ => Ok(Self { entries, bytes }),
        }
    }

    /// The most requests.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// The most bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { entries: 1_000, bytes: 64 * 1024 * 1024 }
    }
}

/// What a journal has, and what it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalCounts {
    /// How many requests it keeps.
    pub kept: usize,
    /// The bytes that these hold.
    pub bytes: usize,
    /// How many requests there were in all.
    pub total: u64,
    /// How many of these went, or were never kept, for want of room.
    pub dropped: u64,
    /// How many went in this way since the whole journal was cleared.
    pub dropped_since_clear: u64,
}

/// Records in the order of their arrival, within limits.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    limits: JournalLimits,
    /// Each with its weight.
    records: VecDeque<(Arc<Record>, usize)>,
    bytes: usize,
    pub(super) dropped: u64,
}

impl Shelf {
    pub(super) fn new(limits: JournalLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub(super) fn push(&mut self, record: &Arc<Record>, weight: usize) {
        if weight > self.limits.bytes {
            self.dropped += 1;
            return;
        }
        while self.records.len() >= self.limits.entries || self.limits.bytes - self.bytes < weight {
            let Some((_, oldest)) = self.records.pop_front() else { break };
            self.bytes -= oldest;
            self.dropped += 1;
        }
        self.records.push_back((Arc::clone(record), weight));
        self.bytes += weight;
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> Vec<Arc<Record>> {
        self.bytes = 0;
        self.records.drain(..).map(|(record, _)| record).collect()
    }

    fn retain(&mut self, stay: impl Fn(&Record) -> bool) {
        let bytes = &mut self.bytes;
        self.records.retain(|(record, weight)| {
            let stays = stay(record);
            *bytes -= if stays { 0 } else { *weight };
            stays
        });
    }
}

/// The last requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    shelf: Shelf,
    pub(super) followers: Followers,
    total: u64,
    /// What was dropped before the whole journal was last cleared.
    dropped_before: u64,
}

impl Journal {
    pub(crate) fn new(limits: JournalLimits) -> Self {
        Self { shelf: Shelf::new(limits), ..Self::default() }
    }

    pub(crate) fn limits(&self) -> JournalLimits {
        self.shelf.limits
    }

    /// Notes a request.
    pub(crate) fn push(&mut self, record: Record) {
        self.total += 1;
        let (record, weight) = self.fit(record);
        let record = Arc::new(record);
        self.followers.push(&record, weight);
        self.shelf.push(&record, weight);
    }

    fn fit(&self, record: Record) -> (Record, usize) {
        let weight = record.weight();
        if weight <= self.shelf.limits.bytes {
            return (record, weight);
        }
        let record = record.trimmed();
        let weight = record.weight();
        (record, weight)
    }

    /// Notes what became of a request that was still on its way.
    pub(crate) fn decided(&mut self, id: RequestId, commit: Commit) {
        let found = self.shelf.records.iter_mut().rev().find(|(record, _)| record.id == id);
        if let Some((record, _)) = found {
            Arc::make_mut(record).commit = commit;
        }
    }

    /// The request with this number.
    pub(crate) fn get(&self, id: RequestId) -> Option<Arc<Record>> {
        self.newest_first().find(|record| record.id == id).cloned()
    }

    /// All that are kept, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.shelf.records.iter().rev().map(|(record, _)| record)
    }

    /// Those that the filter selects, the newest first.
    pub(crate) fn find<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Arc<Record>> {
        let matching = self.newest_first().filter(|record| filter.matches(record));
        matching.take(filter.limit.unwrap_or(usize::MAX))
    }

    /// Forgets those that the filter selects, and says how many.
    pub(crate) fn clear(&mut self, filter: &Filter) -> usize {
        let doomed: BTreeSet<RequestId> = self.find(filter).map(|record| record.id).collect();
        self.shelf.retain(|record| !doomed.contains(&record.id));
        if *filter == Filter::default() {
            self.dropped_before = self.shelf.dropped;
        }
        doomed.len()
    }

    pub(crate) fn counts(&self) -> JournalCounts {
        JournalCounts {
            kept: self.shelf.records.len(),
            bytes: self.shelf.bytes,
            total: self.total,
            dropped: self.shelf.dropped,
            dropped_since_clear: self.shelf.dropped - self.dropped_before,
        }
    }

    /// Someone who hears of every request from now on.
    pub(crate) fn follow(&mut self) -> Follower {
        self.followers.join(self.limits())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::samples::record;
    use super::*;

    fn ids(journal: &Journal) -> Vec<u64> {
        journal.newest_first().map(|record| record.id.0).collect()
    }

    fn heavy(id: u64, bytes: usize) -> Record {
        let mut heavy = record(id, &[]);
        heavy.body = Bytes::from(vec![b'x'; bytes]);
        heavy
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut journal = Journal::new(JournalLimits::new(3, usize::MAX).unwrap());
        (1..=5).for_each(|id| journal.push(record(id, &[])));
        assert_eq!(ids(&journal), [5, 4, 3]);
        let counts = journal.counts();
        assert_eq!((counts.kept, counts.total, counts.dropped, counts.dropped_since_clear), (3, 5, 2, 2));
        assert_eq!(counts.bytes, journal.newest_first().map(|record| record.weight()).sum::<usize>());
        assert!(journal.get(RequestId(3)).is_some());
        assert!(journal.get(RequestId(2)).is_none());
        assert!(JournalLimits::new(0, 1).unwrap_err().to_string().contains("1 or more"));
        let limits = JournalLimits::default();
        assert_eq!((limits.entries(), limits.bytes()), (1_000, 67_108_864));
    }

    #[test]
    fn the_oldest_go_when_they_are_too_large() {
        let unit = heavy(1, 1_000).weight();
        let mut journal = Journal::new(JournalLimits::new(100, 2 * unit + 500).unwrap());
        [1, 2, 3].into_iter().for_each(|id| journal.push(heavy(id, 1_000)));
        assert_eq!(ids(&journal), [3, 2]);
        journal.push(heavy(4, unit));
        assert_eq!(ids(&journal), [4]);
        assert_eq!(journal.counts().dropped, 3);
    }

    #[test]
    fn what_is_larger_than_everything_is_kept_without_its_bodies_or_not_at_all() {
        let small = record(1, &[]).weight();
        let mut journal = Journal::new(JournalLimits::new(100, 2 * small).unwrap());
        journal.push(record(1, &[]));
        journal.push(heavy(2, 2 * small));
        assert_eq!(ids(&journal), [2, 1]);
        let trimmed = journal.get(RequestId(2)).unwrap();
        assert!(trimmed.trimmed && trimmed.body.is_empty());
        let mut endless = record(3, &[]);
        endless.target = "x".repeat(2 * small);
        journal.push(endless);
        assert_eq!(ids(&journal), [2, 1]);
        assert_eq!((journal.counts().total, journal.counts().dropped), (3, 1));
    }

    #[test]
    fn clearing_takes_what_matches_and_only_clearing_all_counts_anew() {
        let mut journal = Journal::new(JournalLimits::new(4, usize::MAX).unwrap());
        let merchants = ["a", "b", "a", "b", "a"];
        for (id, mch_id) in (1..).zip(merchants) {
            journal.push(record(id, &[("mch_id", mch_id)]));
        }
        assert_eq!(journal.clear(&Filter::default().merchant("b").limit(1)), 1);
        assert_eq!(ids(&journal), [5, 3, 2]);
        assert_eq!(journal.clear(&Filter::default().merchant("a")), 2);
        assert_eq!(ids(&journal), [2]);
        assert_eq!(journal.counts().bytes, journal.get(RequestId(2)).unwrap().weight());
        assert_eq!(journal.counts().dropped_since_clear, 1);
        assert_eq!(journal.clear(&Filter::default()), 1);
        let counts = journal.counts();
        assert_eq!((counts.kept, counts.bytes, counts.total), (0, 0, 5));
        assert_eq!((counts.dropped, counts.dropped_since_clear), (1, 0));
    }

    #[test]
    fn what_was_decided_later_is_noted_though_someone_holds_the_record() {
        let mut journal = Journal::default();
        let at = record(1, &[]).at;
        journal.push(Record { commit: Commit::Later(at), ..record(1, &[]) });
        let held = journal.get(RequestId(1)).unwrap();
        journal.decided(RequestId(1), Commit::Applied);
        journal.decided(RequestId(2), Commit::Applied);
        assert_eq!(journal.get(RequestId(1)).unwrap().commit, Commit::Applied);
        assert_eq!(held.commit, Commit::Later(at));
    }

    proptest! {
        #[test]
        fn the_bounds_hold_whatever_comes(
            entries in 1_usize..6,
            bytes in 0_usize..8_000,
            sizes in prop::collection::vec(0_usize..5_000, 0..40),
        ) {
            let mut journal = Journal::new(JournalLimits::new(entries, bytes).unwrap());
            for (id, size) in (1..).zip(&sizes) {
                journal.push(heavy(id, *size));
                let counts = journal.counts();
                let weights = journal.newest_first().map(|record| record.weight()).sum::<usize>();
                prop_assert!(counts.kept <= entries && counts.bytes <= bytes);
                prop_assert_eq!(counts.bytes, weights);
                prop_assert_eq!(counts.total, counts.dropped + counts.kept as u64);
            }
        }
    }
}
