//! What was looked at, and what came of it.

use std::borrow::Cow;
use std::fmt;

/// The cases that were run; every one of them held.
#[derive(Clone, Debug)]
pub struct Report {
    held: Vec<(Cow<'static, str>, &'static str)>,
    skipped: Vec<(Cow<'static, str>, &'static str)>,
}

impl Report {
    /// The ids of the cases that held, in the order of the run.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.held.iter().map(|(id, _)| &**id)
    }

    /// The ids of the cases that were not run, each with the reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.skipped.iter().map(|(id, why)| (&**id, *why))
    }
}

/// A line for each case: its id and what it shows.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases held", self.held.len())?;
        for (id, shows) in &self.held {
            write!(f, "\n  {id}: {shows}")?;
        }
        for (id, why) in &self.skipped {
            write!(f, "\n  {id}: skipped, {why}")?;
        }
        Ok(())
    }
}

/// A report that is being written.
#[derive(Default)]
pub(super) struct Findings {
    held: Vec<(Cow<'static, str>, &'static str)>,
    skipped: Vec<(Cow<'static, str>, &'static str)>,
    failed: Vec<(Cow<'static, str>, &'static str, Vec<String>)>,
}

impl Findings {
    pub(super) fn skip(&mut self, id: Cow<'static, str>, why: &'static str) {
        self.skipped.push((id, why));
    }

    pub(super) fn ran(&mut self, id: Cow<'static, str>, shows: &'static str, problems: Vec<String>) {
        match problems.is_empty() {
            true => self.held.push((id, shows)),
            false => self.failed.push((id, shows, problems)),
        }
    }

    /// All that failed, or nothing.
    pub(super) fn so_far(&self) -> String {
        if self.failed.is_empty() { String::new() } else { self.to_string() }
    }

    /// Panics with all that failed, if anything did.
    #[track_caller]
    pub(super) fn report(self) -> Report {
        assert!(self.failed.is_empty(), "{self}");
        Report { held: self.held, skipped: self.skipped }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, all) = (self.failed.len(), self.failed.len() + self.held.len());
        write!(f, "{failed} of {all} cases failed:")?;
        for (id, shows, problems) in &self.failed {
            write!(f, "\n  {id}: {shows}")?;
            for problem in problems {
                write!(f, "\n    {problem}")?;
            }
        }
        Ok(())
    }
}
