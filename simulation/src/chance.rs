//! Chance: everything that a world draws comes from its one seed, by a generator whose numbers are the same for ever.

use std::time::Duration;

use oorandom::Rand64;

/// A source of draws.
#[derive(Clone, Debug)]
pub struct Chance(Rand64);

impl Chance {
    /// What a seed holds for one purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self(Rand64::new(u128::from(seed) << 64 | u128::from(purpose)))
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.rand_range(0..end) }
    }

    /// An index below `len`.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    /// `true` in so many of a thousand cases. Nothing is drawn for what never happens.
    pub fn permille(&mut self, odds: u32) -> bool {
        odds > 0 && self.below(1000) < u64::from(odds)
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// A time of whole milliseconds, from `least` to below `most`.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = most.saturating_sub(least).as_millis();
        least + Duration::from_millis(self.below(u64::try_from(span).unwrap_or(u64::MAX)))
    }

    /// A time up to `most`, of any order of magnitude alike: as often seconds as hours.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        let bits = 64 - u64::try_from(most.as_millis()).unwrap_or(u64::MAX).leading_zeros();
        let scale = 1_u64 << self.below(u64::from(bits));
        Duration::from_millis(scale + self.below(scale)).min(most)
    }
}
