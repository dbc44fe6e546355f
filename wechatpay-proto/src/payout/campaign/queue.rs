//! Who waits until when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use crate::payout::evidence::Asked;

/// Numbers by the time that they wait for; those of one time in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(Duration, u64, Entry)>>,
    pushed: u64,
}

#[derive(Debug)]
struct Entry(Arc<str>, Asked);

// The place in the order is unique, so entries are never compared by what they hold.
impl PartialEq for Entry {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Queue {
    pub(super) fn push(&mut self, until: Duration, number: Arc<str>, asked: Asked) {
        self.pushed += 1;
        self.heap.push(Reverse((until, self.pushed, Entry(number, asked))));
    }

    pub(super) fn pop_due(&mut self, now: Duration) -> Option<(Duration, Arc<str>, Asked)> {
        self.next().filter(|until| *until <= now)?;
        self.heap.pop().map(|Reverse((until, _, Entry(number, asked)))| (until, number, asked))
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse((until, _, _))| *until)
    }
}
