//! Sequences of what clients, users and tests do to the mock server's world.

mod check;
mod mail;
mod step;

use std::collections::BTreeMap;

use wechatpay_mock_server::{Ledger, Mock, MockMerchant, State};

use self::step::{Seen, Step};
use crate::requests::{APPID, KEY, SECRET};

/// The most steps of one input.
const STEPS: usize = 24;

/// Two bytes for each step. After each no fen was made or lost, no number was paid twice, no packet went back or became
/// another; and a world that was put back goes on like the one that never was.
pub fn engine(data: &[u8]) {
    let mut world = World::new();
    for bytes in data.chunks_exact(2).take(STEPS) {
        world.step(&Step::read(bytes[0], bytes[1]));
    }
    if let Some(twin) = &world.twin {
        assert_eq!(twin.mock.state(), world.one.mock.state());
    }
}

/// A mock and the merchants of it.
struct One {
    mock: Mock,
    merchants: Vec<MockMerchant>,
}

impl One {
    fn new() -> Self {
        let mock = Mock::builder().build();
        mock.set_rule(None, "group", "legacy").expect("a switch");
        let merchant = |mch_id| {
            let merchant = mock.merchant().mch_id(mch_id).key(KEY).agent_secret(SECRET);
            merchant.appid(APPID).balance_fen(check::OPENING)
        };
        let direct = merchant(mail::DIRECT).create().expect("sound");
        let provider = merchant(mail::PROVIDER).service_provider().create().expect("sound");
        let under = merchant(mail::UNDER).under(&provider).create().expect("sound");
        Self { mock, merchants: vec![direct, provider, under] }
    }

    fn restored(state: State) -> Self {
        let mock = Mock::builder().build();
        mock.restore(state).expect("what was written is read");
        // In order of their numbers.
        let merchants = mock.merchants();
        Self { mock, merchants }
    }
}

struct World {
    one: One,
    /// The same world, put back at some time.
    twin: Option<One>,
    /// The ledger before the step.
    before: Ledger,
    /// What each merchant started with, and was given since.
    given: Given,
    saved: Option<(State, Given)>,
}

type Given = BTreeMap<String, u64>;

impl World {
    fn new() -> Self {
        let one = One::new();
        let (before, given) = (one.mock.ledger(), check::opening());
        Self { one, twin: None, before, given, saved: None }
    }

    fn step(&mut self, step: &Step) {
        let calm = matches!(step, Step::Mail(_)) && self.one.mock.faults().is_empty();
        let seen = step.take(&self.one);
        if let Some(twin) = &self.twin {
            assert_eq!(step.take(twin), seen, "{step:?}");
        }
        let begin = self.moved(step);
        let ledger = self.one.mock.ledger();
        if begin {
            self.before = ledger.clone();
        }
        check::money(&ledger, &self.given);
        check::packets(&self.before, &ledger);
        if let Some(twin) = &self.twin {
            assert_eq!(twin.mock.ledger(), ledger, "{step:?}");
        }
        if let (true, Step::Mail(letter), Seen::Answer(answer)) = (calm, step, &seen) {
            check::answer(&ledger, letter, answer);
        }
        self.before = ledger;
    }

    /// What a step means for the books, or for the world itself; whether the packets begin anew.
    fn moved(&mut self, step: &Step) -> bool {
        match step {
            Step::TopUp(mch_id, fen) => *self.given.entry((*mch_id).to_owned()).or_default() += fen,
            Step::SetBalance(mch_id, fen) => {
                self.given.insert((*mch_id).to_owned(), fen + check::out(&self.before, mch_id));
            }
            Step::Reset => {
                self.given = check::opening();
                return true;
            }
            Step::Save => self.saved = Some((self.one.mock.state(), self.given.clone())),
            Step::Back => return self.back(),
            // A world is put back once at most: it takes as long as all the rest.
            Step::Twin { json } if self.twin.is_none() => self.twin = Some(self.copy(*json)),
            _ => {}
        }
        false
    }

    fn back(&mut self) -> bool {
        let Some((state, given)) = self.saved.clone() else { return false };
        self.one.mock.restore(state.clone()).expect("what was saved is read");
        self.given = given;
        self.twin = None;
        // The numbers of requests never go back.
        let mut now = self.one.mock.state();
        now.requests = state.requests;
        assert_eq!(now, state);
        true
    }

    fn copy(&self, json: bool) -> One {
        let state = self.one.mock.state();
        if json {
            let read = State::from_json(state.to_json().as_bytes()).expect("what we write, we read");
            assert_eq!(read, state);
        }
        let twin = One::restored(state.clone());
        assert_eq!(twin.mock.state(), state);
        twin
    }
}

#[cfg(test)]
mod tests {
    use wechatpay_mock_server::Status::{self, Received, Refund, Sending, Sent};

    use super::*;
    use crate::tests::seed;

    /// Where the first order of the direct merchant stands after a seed.
    fn ends(name: &str) -> Option<Status> {
        let mut world = World::new();
        for bytes in seed("engine", name).chunks_exact(2) {
            world.step(&Step::read(bytes[0], bytes[1]));
        }
        world.one.mock.red_packet(mail::DIRECT, mail::NUMBERS[0]).map(|packet| packet.status)
    }

    #[test]
    fn the_seeds_of_engine_reach_what_they_are_named_after() {
        assert_eq!(ends("claimed"), Some(Received));
        assert_eq!(ends("returned"), Some(Refund));
        assert_eq!(ends("held"), Some(Sent));
        assert_eq!(ends("late"), Some(Sent));
        assert_eq!(ends("poor"), Some(Sending));
        assert_eq!(ends("provider"), None);
    }

    #[test]
    fn every_step_can_be_taken() {
        for what in 0..=255 {
            let mut world = World::new();
            for which in (what % 13..=255).step_by(13) {
                world.step(&Step::read(what, which));
            }
        }
    }

    #[test]
    #[should_panic(expected = "10000098")]
    fn a_fen_too_much_is_found() {
        let mut world = World::new();
        world.one.mock.top_up(mail::DIRECT, 1).expect("a merchant");
        world.step(&Step::AdvanceToNext);
    }
}
