//! Many worlds, on threads. What comes out does not depend on how many threads there are.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::conduct::Conduct;
use crate::plan::Plan;
use crate::report::{Counts, Report};
use crate::world::{PlanError, World};

/// Worlds that are taken at once by a thread.
const BATCH: u64 = 64;

/// What many worlds came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The counts of all.
    pub counts: Counts,
    /// The seeds of the worlds that showed what must not be, in order.
    pub bad: Vec<u64>,
    /// Those among them where money went twice or was reported wrongly.
    pub harmed: Vec<u64>,
}

impl Total {
    fn take(&mut self, seed: u64, counts: &Counts) {
        self.counts.add(counts);
        if counts.violations > 0 {
            self.bad.push(seed);
        }
        if counts.paid_twice + counts.misreported > 0 {
            self.harmed.push(seed);
        }
    }

    fn join(&mut self, other: Self) {
        self.counts.add(&other.counts);
        self.bad.extend(other.bad);
        self.harmed.extend(other.harmed);
    }
}

/// The world of one seed.
pub fn world(seed: u64, conduct: &dyn Conduct, traced: bool) -> Result<Report, PlanError> {
    Ok(World::new(Plan::of_seed(seed), conduct, traced)?.run())
}

/// How many payments the worlds of these seeds hold: the seed behind the last that is needed for so many.
pub fn seeds_for(packets: u64, first: u64) -> u64 {
    let (mut seed, mut found) = (first, 0);
    while found < packets {
        found += Plan::of_seed(seed).wants.len() as u64;
        seed += 1;
    }
    seed
}

/// The worlds of many seeds, on so many threads.
pub fn worlds(
    seeds: std::ops::Range<u64>,
    conduct: &dyn Conduct,
    threads: usize,
) -> Result<Total, PlanError> {
    let (next, all) = (AtomicU64::new(seeds.start), Mutex::new(Ok(Total::default())));
    let work = || {
        let mut total = Total::default();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= seeds.end {
                break Ok(total);
            }
            for seed in first..seeds.end.min(first + BATCH) {
                total.take(seed, &world(seed, conduct, false)?.counts);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let done: Result<Total, PlanError> = work();
                let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                match (&mut *all, done) {
                    (Ok(all), Ok(done)) => all.join(done),
                    (all, Err(error)) => *all = Err(error),
                    (Err(_), _) => {}
                }
            });
        }
    });
    let mut total = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)?;
    total.bad.sort_unstable();
    total.harmed.sort_unstable();
    Ok(total)
}
