//! What was taken for packets on each day in Beijing, for the limits of a day. All of it follows from the packets.

use std::collections::BTreeMap;

use crate::clock::Time;
use crate::packet::{Kind, RedPacket};

/// What was taken, by merchant and day. Each merchant has days of its own: a fault may have its clock go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Days(BTreeMap<(String, String), Day>);

/// What one merchant spent on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Day {
    fen: u64,
    /// Packets and fen, by the user.
    users: BTreeMap<String, (u32, u64)>,
}

fn key(mch_id: &str, at: Time) -> (String, String) {
    (mch_id.to_owned(), at.day())
}

impl Days {
    /// Forgets the days of these merchants.
    pub(super) fn forget(&mut self, whose: impl Fn(&str) -> bool) {
        self.0.retain(|(mch_id, _), _| !whose(mch_id));
    }

    /// Counts a packet on the day on which its amount was taken, if it was.
    pub(super) fn count(&mut self, packet: &RedPacket) {
        let Some(at) = packet.taken else { return };
        let day = self.0.entry(key(&packet.key.mch_id, at)).or_default();
        let fen = u64::from(packet.amount.0);
        day.fen = day.fen.saturating_add(fen);
        // Of a group packet the seed user is only the first to see it.
        if packet.kind != Kind::Group {
            let user = day.users.entry(packet.re_openid.clone()).or_default();
            *user = (user.0.saturating_add(1), user.1.saturating_add(fen));
        }
    }

    /// Takes a packet back out of its day: it was counted, and is not paid after all.
    pub(super) fn discount(&mut self, packet: &RedPacket) {
        let Some(at) = packet.taken else { return };
        let key = key(&packet.key.mch_id, at);
        let Some(day) = self.0.get_mut(&key) else { return };
        let fen = u64::from(packet.amount.0);
        day.fen = day.fen.saturating_sub(fen);
        if let Some(user) = day.users.get_mut(&packet.re_openid).filter(|_| packet.kind != Kind::Group) {
            *user = (user.0.saturating_sub(1), user.1.saturating_sub(fen));
        }
        day.users.retain(|_, (packets, _)| *packets > 0);
        if *day == Day::default() {
            self.0.remove(&key);
        }
    }

    /// Packets and fen that a user got from a merchant on a day, and fen that the merchant spent.
    pub(super) fn on(&self, now: Time, mch_id: &str, openid: &str) -> (u32, u64, u64) {
        let Some(day) = self.0.get(&key(mch_id, now)) else { return (0, 0, 0) };
        let (packets, fen) = day.users.get(openid).copied().unwrap_or_default();
        (packets, fen, day.fen)
    }

    /// The same for one user of one merchant on one day, without the rest.
    pub(super) fn excerpt(&self, now: Time, mch_id: &str, openid: &str) -> Self {
        let key = key(mch_id, now);
        let one = |day: &Day| {
            let user = day.users.get_key_value(openid).map(|(openid, had)| (openid.clone(), *had));
            Day { fen: day.fen, users: user.into_iter().collect() }
        };
        let day = self.0.get(&key).map(one);
        Self(day.map(|day| (key, day)).into_iter().collect())
    }
}
