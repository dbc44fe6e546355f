//! What a merchant did a moment ago, as far as limits ask for it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// How many nonces of a merchant are remembered.
const NONCES: usize = 1000;

/// What one merchant did a moment ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Recent {
    /// The sends of the last second.
    pub(crate) sends: Window,
    /// The queries of the last second.
    pub(crate) queries: Window,
    /// The last nonces, where they may not be used again.
    nonces: VecDeque<String>,
}

/// When something happened a moment ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Window(VecDeque<Time>);

impl Window {
    /// Counts one more, of which there may be `most` in any time of `per`; `false` where it is one too many.
    pub(crate) fn count(&mut self, now: Time, most: u32, per: Duration) -> bool {
        while self.0.front().is_some_and(|then| !now.is_within(per, *then)) {
            self.0.pop_front();
        }
        let room = self.0.len() < most as usize;
        if room {
            self.0.push_back(now);
        }
        room
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Recent {
    /// Notes a nonce; `false` where it was used before.
    pub(crate) fn note(&mut self, nonce: &str) -> bool {
        let fresh = !self.nonces.iter().any(|used| used == nonce);
        if fresh {
            self.nonces.push_back(nonce.to_owned());
        }
        if self.nonces.len() > NONCES {
            self.nonces.pop_front();
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_window_is_a_second_long() {
        let (mut window, start) = (Window::default(), Clock::default_frozen().now());
        let (at, second) = (|millis| start.after(Duration::from_millis(millis)), Duration::from_secs(1));
        let counted = [0, 400, 500, 999, 1000, 1399, 1400].map(|millis| window.count(at(millis), 2, second));
        assert_eq!(counted, [true, true, false, false, true, false, true]);
        assert!(!Window::default().count(start, 0, second));
    }

    #[test]
    fn the_last_thousand_nonces_are_remembered() {
        let mut recent = Recent::default();
        assert!((0..=NONCES).all(|number| recent.note(&number.to_string())));
        assert!(!recent.note("1"));
        assert!(recent.note("0"));
        assert!(recent.note("1"));
        assert_eq!(recent.nonces.len(), NONCES);
    }
}
