//! An expectation that checks itself at the end of a test.

use std::thread;

use super::verify::{Expectation, Matching, Mismatch};
use super::{Count, JournalView};
use crate::mock::Mock;

/// An expectation of requests that arrive after it was made: at least one, unless told otherwise. When it is dropped
/// it panics if it was not met, except where the thread is panicking already.
#[derive(Debug)]
#[must_use = "it is checked when it is dropped, and counts from when it was made"]
pub struct Expected {
    later: JournalView,
    expectation: Expectation,
    name: Option<String>,
}

impl Expected {
    pub(super) fn new(mock: Mock, path: String) -> Self {
        let later = mock.journal().since_seq(mock.requests());
        let matching = Matching { path: Some(path), ..Matching::default() };
        Self { later, expectation: Expectation { matching, count: Count::from(1..) }, name: None }
    }

    /// How many: `1`, `1..`, `..=2` or `1..=2`.
    pub fn times(mut self, count: impl Into<Count>) -> Self {
        self.expectation.count = count.into();
        self
    }

    /// Only those that name this merchant.
    pub fn merchant(mut self, mch_id: impl Into<String>) -> Self {
        self.expectation.matching.mch_id = Some(mch_id.into());
        self
    }

    /// Only those whose document has this field. May be said more than once.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.expectation.matching.fields.insert(name.into(), value.into());
        self
    }

    /// What the panic calls it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether it is met now; how many requests match.
    pub fn check(&self) -> Result<usize, Mismatch> {
        self.expectation.check(&self.later.evidence())
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        if let Err(mismatch) = self.check() {
            let name = self.name.as_deref().or(self.expectation.matching.path.as_deref()).unwrap_or_default();
            panic!("{name}: {mismatch}");
        }
    }
}
