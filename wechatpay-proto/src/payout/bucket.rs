//! A token bucket, as a pure function of the time.

use std::time::Duration;

/// At most `burst` at once, and `per_second` a second. With a burst of 1 they are evenly spaced, and no second that one
/// begins has more than `per_second`.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    interval: Duration,
    burst: u32,
    /// When the bucket would be full, if nothing more is taken.
    full_at: Duration,
}

impl TokenBucket {
    /// A full bucket. Zeros count as one.
    pub fn new(per_second: u32, burst: u32) -> Self {
        // Rounded up, so that the rate is never above what was asked for.
        let nanos = 1_000_000_000_u64.div_ceil(u64::from(per_second.max(1)));
        Self { interval: Duration::from_nanos(nanos), burst: burst.max(1), full_at: Duration::ZERO }
    }

    /// When the next token can be taken: now, or later. `now` is the time since any fixed moment, by a clock that does not
    /// jump.
    pub fn ready_at(&self, now: Duration) -> Duration {
        let slack = self.interval.saturating_mul(self.burst - 1);
        now.max(self.full_at.saturating_sub(slack))
    }

    /// Takes a token, if there is one.
    #[must_use = "nothing may go where there was none"]
    pub fn take(&mut self, now: Duration) -> bool {
        let ready = self.ready_at(now) <= now;
        if ready {
            self.full_at = self.full_at.max(now).saturating_add(self.interval);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `offers` evenly spaced takers get a token in a second that begins at any of them.
    fn most_in_a_second(mut bucket: TokenBucket, offers: u32) -> usize {
        let step = Duration::from_secs(10) / offers;
        let taken: Vec<_> = (0..offers).map(|at| step * at).filter(|at| bucket.take(*at)).collect();
        let in_second = |from: &Duration| {
            taken.iter().filter(|at| (*from..*from + Duration::from_secs(1)).contains(at)).count()
        };
        taken.iter().map(in_second).max().unwrap()
    }

    #[test]
    fn no_second_has_more_than_it_may() {
        for rate in [1, 7, 30, 1000] {
            assert_eq!(most_in_a_second(TokenBucket::new(rate, 1), 100_000), rate as usize, "{rate}");
        }
        assert_eq!(most_in_a_second(TokenBucket::new(30, 30), 100_000), 59, "a burst and what follows it");
    }

    #[test]
    fn no_time_and_no_rate_is_too_strange() {
        for (rate, burst) in [(0, 0), (1, u32::MAX), (u32::MAX, u32::MAX), (1, 1)] {
            let mut bucket = TokenBucket::new(rate, burst);
            for now in [Duration::ZERO, Duration::MAX, Duration::from_secs(1), Duration::MAX] {
                let ready = bucket.ready_at(now);
                assert!(ready >= now);
                assert_eq!(bucket.take(now), ready == now);
            }
        }
    }

    #[test]
    fn a_pause_fills_it_to_the_burst_and_no_further() {
        let mut bucket = TokenBucket::new(10, 3);
        let late = Duration::from_secs(1000);
        assert!(bucket.take(late) && bucket.take(late) && bucket.take(late));
        assert!(!bucket.take(late));
        assert_eq!(bucket.ready_at(late), late + Duration::from_millis(100));
        assert!(!bucket.take(Duration::from_secs(1)), "a clock that went back gives nothing");
    }
}
