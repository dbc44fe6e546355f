//! Where the behaviour of the service is set, unknown or of one's own choice: limits, windows and delays.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// The switches of a mock. The defaults are what the service documents, or what was seen of it.
///
/// ```
/// use wechatpay_mock_server::Rules;
/// let rules = Rules { sends_per_second: None, ..Rules::default() };
/// assert_eq!(rules.claim_window.as_secs(), 24 * 3600);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Sending the same `mch_billno` again sooner than this answers FREQ_LIMIT. 1 s.
    pub resend_gap: Duration,
    /// Sends of one merchant in any second; more answer FREQ_LIMIT. 30; `None` for no limit. While the clock stands
    /// still no second passes: advance it, or lift the limit.
    pub sends_per_second: Option<u32>,
    /// Amounts in fen that need no `scene_id`. 100..=20000.
    pub amount: RangeInclusive<u32>,
    /// Amounts in fen with a `scene_id`. 1..=499900, the widest range that was reported.
    pub scene_amount: RangeInclusive<u32>,
    /// Fen of a whole group packet, whose average share has the limits of an ordinary packet. 100..=100000.
    pub group_amount: RangeInclusive<u32>,
    /// Packets for one user on one day in Beijing; more answer SENDNUM_LIMIT. Those for groups do not count. 10.
    pub user_packets_a_day: Option<u32>,
    /// Fen for one user on one day in Beijing; more answer RCVDAMOUNT_LIMIT. Those for groups do not count. 100000.
    pub user_fen_a_day: Option<u64>,
    /// Fen from one merchant on one day in Beijing; more answer SENDAMOUNT_LIMIT. 100000000.
    pub merchant_fen_a_day: Option<u64>,
    /// How long an order that was taken but not paid (SENDING with a `reason`) can be sent again. 24 h.
    pub order_life: Duration,
    /// How long a packet can be claimed. 24 h.
    pub claim_window: Duration,
    /// From the end of the claim window to the money's return. 15 min.
    pub refund_delay: Duration,
    /// How long an order can be queried. 30 days.
    pub query_horizon: Duration,
    /// What `sendgroupredpack` answers, which the service took offline.
    pub group: GroupRedPack,
    /// Whether `sendworkwxredpack` and `queryworkwxredpack` sign failures too, as documented. Real ones were seen
    /// without a sign. `true`.
    pub sign_work_weixin_failures: bool,
}

/// What `sendgroupredpack` answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupRedPack {
    /// API_METHOD_CLOSED to whatever is in order.
    #[default]
    Closed,
    /// It works as it did.
    Legacy,
    /// The page of an unknown path.
    Gone,
}

impl Rules {
    pub(crate) fn switches(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// The default rules without limits to how often, how much, and for whom in a day: for a load.
    pub fn unlimited() -> Self {
        Self {
            resend_gap: Duration::ZERO,
            sends_per_second: None,
            user_packets_a_day: None,
            user_fen_a_day: None,
            merchant_fen_a_day: None,
            ..Self::default()
        }
    }
}

/// The rules of a world, and of merchants that have others.
#[derive(Clone, Debug)]
pub(crate) struct RuleBook {
    world: Rules,
    own: BTreeMap<String, Rules>,
}

impl RuleBook {
    pub(crate) fn new(world: Rules) -> Self {
        Self { world, own: BTreeMap::new() }
    }

    pub(crate) fn world(&self) -> &Rules {
        &self.world
    }

    pub(crate) fn clear(&mut self, _mch_id: &str) {}

    pub(crate) fn set(&mut self, _mch_id: Option<&str>, _name: &str, _value: &str) -> Result<(), RuleError> {
        Ok(())
    }

    pub(crate) fn own(&self, _mch_id: &str) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    pub(crate) fn set_own(
        &mut self,
        _mch_id: &str,
        _overrides: &BTreeMap<String, String>,
    ) -> Result<(), crate::MockError> {
        Ok(())
    }

    /// The rules that hold for a merchant.
    pub(crate) fn of(&self, mch_id: &str) -> &Rules {
        self.own.get(mch_id).unwrap_or(&self.world)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            resend_gap: Duration::from_secs(1),
            sends_per_second: Some(30),
            amount: 100..=20_000,
            scene_amount: 1..=499_900,
            group_amount: 100..=100_000,
            user_packets_a_day: Some(10),
            user_fen_a_day: Some(100_000),
            merchant_fen_a_day: Some(100_000_000),
            order_life: 24 * HOUR,
            claim_window: 24 * HOUR,
            refund_delay: HOUR / 4,
            query_horizon: 30 * 24 * HOUR,
            group: GroupRedPack::default(),
            sign_work_weixin_failures: true,
        }
    }
}

/// x
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("x")]
pub struct RuleError;
