//! Hearing of every request, for a file or a page: what the journal has dropped meanwhile is still heard of, as long
//! as the listener is not too slow by a whole journal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::ring::Shelf;
use super::{JournalLimits, Record};

/// Hears of every request from the moment on at which it was made. What it has not taken yet is kept for it, within
/// the limits of the journal. When it is dropped, nothing more is.
#[derive(Debug)]
pub struct Follower {
    backlog: Arc<Mutex<Shelf>>,
}

/// What a follower heard since it last asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Heard {
    /// The requests, the oldest first, as they were when they arrived.
    pub records: Vec<Arc<Record>>,
    /// How many there were besides, all older than these, for which there was no room.
    pub missed: u64,
}

impl Follower {
    /// Takes what there is. It does not wait.
    pub fn take(&self) -> Heard {
        let mut backlog = open(&self.backlog);
        let missed = std::mem::take(&mut backlog.dropped);
        Heard { records: backlog.drain(), missed }
    }
}

/// Everyone who follows a journal. Copies of the journal are followed by the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Followers(Vec<Weak<Mutex<Shelf>>>);

impl Followers {
    pub(super) fn join(&mut self, limits: JournalLimits) -> Follower {
        let backlog = Arc::new(Mutex::new(Shelf::new(limits)));
        self.0.push(Arc::downgrade(&backlog));
        Follower { backlog }
    }

    pub(super) fn push(&mut self, record: &Arc<Record>, weight: usize) {
        self.0.retain(|follower| {
            let backlog = follower.upgrade();
            backlog.map(|backlog| open(&backlog).push(record, weight)).is_some()
        });
    }
}

fn open(backlog: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    // Nothing that is done with it can panic half-way.
    backlog.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::Journal;
    use super::super::samples::record;
    use super::*;
    use crate::journal::Filter;

    fn take(follower: &Follower) -> (Vec<u64>, u64) {
        let heard = follower.take();
        (heard.records.iter().map(|record| record.id.0).collect(), heard.missed)
    }

    #[test]
    fn everyone_hears_everything_once_and_in_order() {
        let mut journal = Journal::new(JournalLimits::new(3, usize::MAX).unwrap());
        journal.push(record(1, &[]));
        let (one, other) = (journal.follow(), journal.follow());
        [2, 3].into_iter().for_each(|id| journal.push(record(id, &[])));
        assert_eq!(take(&one), (vec![2, 3], 0));
        assert_eq!(take(&one), (vec![], 0));
        // What was cleared is heard of all the same.
        journal.clear(&Filter::default());
        [4, 5].into_iter().for_each(|id| journal.push(record(id, &[])));
        assert_eq!(take(&one), (vec![4, 5], 0));
        assert_eq!(take(&other), (vec![3, 4, 5], 1));
    }

    #[test]
    fn nothing_is_kept_for_one_that_is_gone() {
        let mut journal = Journal::default();
        let (one, other) = (journal.follow(), journal.follow());
        drop(one);
        journal.push(record(1, &[]));
        assert_eq!(journal.followers.0.len(), 1);
        assert_eq!(take(&other), (vec![1], 0));
    }
}
