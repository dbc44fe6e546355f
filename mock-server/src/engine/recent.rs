//! What a merchant did a moment ago, as far as limits ask for it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::answer::Refusal;
use crate::clock::Time;

/// What one merchant did a moment ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Recent {
    /// The sends of the last second.
    pub sends: VecDeque<Time>,
}

impl Recent {
    /// Counts one more send, of which there may be `most` in any second.
    pub(crate) fn send(&mut self, now: Time, most: u32) -> Result<(), Refusal> {
        let window = &mut self.sends;
        while window.front().is_some_and(|sent| now.since(*sent) >= Duration::from_secs(1)) {
            window.pop_front();
        }
        if window.len() >= most as usize {
            return Err(Refusal::too_often());
        }
        window.push_back(now);
        Ok(())
    }
}
