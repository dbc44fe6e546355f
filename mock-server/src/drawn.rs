//! What is drawn for an order and for a merchant: all of it from the seed and from whose it is, so that it is the same
//! whenever it is asked for.

use wechatpay_proto::Fen;

use crate::clock::Time;
use crate::packet::{OrderKey, RedPacket, Share};
use crate::seed::Seed;

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Seed {
    /// 31 digits: a fixed prefix, the day in Beijing, and 13 digits of chance.
    pub(crate) fn send_listid(self, now: Time, key: &OrderKey) -> String {
        format!("1000041701{}{}", now.day(), self.digits("send_listid", &key.parts(), 13))
    }

    /// What a mini-program opens a packet with.
    pub(crate) fn package(self, packet: &RedPacket) -> String {
        let OrderKey { mch_id, .. } = &packet.key;
        let hex = |purpose| self.hex(purpose, &packet.key.parts());
        let (sendid, first, second) = (hex("sendid"), hex("package sign 1"), hex("package sign 2"));
        format!("sendid={sendid}&ver=8&sign={first}{second}&mchid={mch_id}&appid={}", packet.wxappid)
    }

    /// `total` in as many shares as asked for, each of at least a fen; there must be a fen for each. A share gets up to
    /// twice what would be its part of the rest, and the last one what is left.
    pub(crate) fn shares(self, key: &OrderKey, total: Fen, count: u32) -> Vec<Share> {
        let mut spare = total.0.saturating_sub(count);
        let amounts = (0..count).map(|number| {
            let [mch_id, mch_billno] = key.parts();
            let draw = self.draw("share", &[mch_id, mch_billno, &number.to_string()]);
            let most = u64::from(spare) * 2 / u64::from(count - number);
            let more = if number + 1 == count { spare } else { (draw % (most + 1)) as u32 };
            spare -= more;
            Share::new(Fen(1 + more))
        });
        amounts.collect()
    }

    /// An API key that says what it is.
    pub(crate) fn key(self, mch_id: &str) -> String {
        let digits = |number| self.digits("key", &[mch_id, number], 14);
        format!("mock{}{}", digits("1"), digits("2"))
    }

    /// The secret of a work-weixin application: real ones have 43 characters too.
    pub(crate) fn agent_secret(self, mch_id: &str) -> String {
        let letter =
            |at: usize| self.draw("agent_secret", &[mch_id, &at.to_string()]) as usize % BASE64_URL.len();
        (0..43).filter_map(|at| BASE64_URL.get(letter(at))).map(|byte| char::from(*byte)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amounts(seed: u64, billno: &str, total: u32, count: u32) -> Vec<u32> {
        let shares = Seed(seed).shares(&OrderKey::new("m", billno), Fen(total), count);
        shares.iter().map(|share| share.amount.0).collect()
    }

    #[test]
    fn shares_depend_on_the_seed_and_the_order() {
        let drawn = amounts(42, "1", 10_000, 20);
        assert_eq!(drawn, amounts(42, "1", 10_000, 20));
        assert_ne!(drawn, amounts(43, "1", 10_000, 20));
        assert_ne!(drawn, amounts(42, "2", 10_000, 20));
        assert_eq!(amounts(42, "1", 3, 3), [1, 1, 1]);
        assert_eq!(amounts(42, "1", u32::MAX, 1), [u32::MAX]);
    }

    proptest! {
        #[test]
        fn shares_are_the_total_and_none_is_empty(seed: u64, total: u32, count in 1_u32..=20) {
            let total = total.max(count);
            let drawn = amounts(seed, "1", total, count);
            prop_assert_eq!(drawn.len(), count as usize);
            prop_assert!(drawn.iter().all(|amount| *amount >= 1));
            prop_assert_eq!(drawn.iter().map(|amount| u64::from(*amount)).sum::<u64>(), u64::from(total));
        }
    }
}
