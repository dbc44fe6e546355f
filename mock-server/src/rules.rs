//! Where the behaviour of the service is set, unknown or of one's own choice: limits, windows, delays, and what is
//! answered where nothing settles it. Each is a field for Rust and a switch with a name for everybody else.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderValue;
use wechatpay_proto::v2::mmpaymkttransfers::Scene;

mod book;
mod choices;
mod forms;
mod table;

pub(crate) use book::RuleBook;
pub use choices::{
    Duplicates, Echoes, Edge, Envelope, Extent, GroupRedPack, HbList, LargeBody, NoBalance, NotFound,
    PackageForm, PlainCert, ResendAnswer, Settle, SignCase, SystemError, TotalNumMissing, Whitespace,
    XmlEnvelope,
};
pub use table::{RuleError, Switch};

const HOUR: Duration = Duration::from_secs(3600);

/// The switches of a mock. The defaults are what the service documents, or what was seen of it.
///
/// ```
/// use wechatpay_mock_server::Rules;
/// let mut rules = Rules { sends_per_second: None, ..Rules::default() };
/// assert_eq!(rules.claim_window.as_secs(), 24 * 3600);
/// rules.set("claim-window", "72h")?;
/// assert_eq!(rules.claim_window.as_secs(), 72 * 3600);
/// # Ok::<(), wechatpay_mock_server::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What `sendgroupredpack` answers, which the service took offline.
    pub group: GroupRedPack,
    /// In which envelope a refusal comes.
    pub envelope: Envelope,
    /// Exactly as many bytes as allowed in `send_name`, `act_name`, `wishing` and `remark`. Accepted.
    pub length_edge: Edge,
    /// The envelope of XML_ERROR.
    pub xml_envelope: XmlEnvelope,
    /// What a body above [`MAX_REQUEST`](crate::MAX_REQUEST) answers.
    pub large_body: LargeBody,
    /// Which of two elements of one name counts.
    pub duplicates: Duplicates,
    /// What is compared when a number is sent again: `re_openid`, amount and appid, or every field but the nonce.
    pub reentry_compare: Extent,
    /// Sending the same `mch_billno` again sooner than this is refused. 1 s.
    pub resend_gap: Duration,
    /// What that refusal is.
    pub resend_answer: ResendAnswer,
    /// A `nonce_str` that is among the last thousand of its merchant. Accepted.
    pub nonce_reuse: Edge,
    /// Queries of one merchant in any second; more answer FREQ_LIMIT. No limit.
    pub query_limit: Option<u32>,
    /// What a value of white space alone is.
    pub whitespace: Whitespace,
    /// What a missing `total_num` answers.
    pub total_num_missing: TotalNumMissing,
    /// How `package` is written.
    pub package_form: PackageForm,
    /// How long an order that was taken but not paid (SENDING with a `reason`) can be sent again. 24 h.
    pub order_life: Duration,
    /// Amounts in fen that need no `scene_id`. 100..=20000.
    pub amount: RangeInclusive<u32>,
    /// Amounts in fen with a `scene_id`. 1..=499900, the widest range that was reported.
    pub scene_amount: RangeInclusive<u32>,
    /// The scenes that are opened for the merchant; another one in `scene_id` answers PARAM_ERROR. All.
    pub open_scenes: Vec<Scene>,
    /// Fen of a whole group packet, whose average share has the limits of an ordinary packet. 100..=100000.
    pub group_amount: RangeInclusive<u32>,
    /// Packets for one user on one day in Beijing; more answer SENDNUM_LIMIT. Those for groups do not count. 10.
    pub user_packets_a_day: Option<u32>,
    /// Fen for one user on one day in Beijing; more answer RCVDAMOUNT_LIMIT. Those for groups do not count. 100000.
    pub user_fen_a_day: Option<u64>,
    /// Fen from one merchant on one day in Beijing; more answer SENDAMOUNT_LIMIT. 100000000.
    pub merchant_fen_a_day: Option<u64>,
    /// Sends of one merchant in any second; more answer FREQ_LIMIT. 30; `None` for no limit. While the clock stands
    /// still no second passes: advance it, or lift the limit.
    pub sends_per_second: Option<u32>,
    /// What a query of an unknown order answers.
    pub not_found: NotFound,
    /// What `gethbinfo` says of those who claimed.
    pub hblist: HbList,
    /// The text of SYSTEMERROR on a send.
    pub system_error: SystemError,
    /// Which refusals name the order.
    pub echoes: Echoes,
    /// The `Content-Type` of the application's answers. `text/plain;charset=utf-8`.
    pub content_type: HeaderValue,
    /// What the sign of a request covers: the fields that the endpoint knows, or all that were sent.
    pub sign_scope: Extent,
    /// In which case the hex digits of a sign may be.
    pub sign_case: SignCase,
    /// Whether a wrong sign is let through, with `X-Mock-Diagnosis: sign` on the answer as a warning. `false`.
    pub lenient: bool,
    /// When an order is paid that nothing is in the way of.
    pub settle: Settle,
    /// How long after it was taken an order cannot be found by a query. Zero.
    pub query_lag: Duration,
    /// How long a packet can be claimed. 24 h.
    pub claim_window: Duration,
    /// From the end of the claim window to the money's return. 15 min.
    pub refund_delay: Duration,
    /// How long an order can be queried. 30 days.
    pub query_horizon: Duration,
    /// Whether nothing is paid from 0:00 to 8:00 in Beijing, as in old documents: TIME_LIMITED. `false`.
    pub night_window: bool,
    /// What a balance that does not cover the packet answers.
    pub no_balance: NoBalance,
    /// What plain HTTP counts as.
    pub plain_cert: PlainCert,
    /// Whether `sendworkwxredpack` and `queryworkwxredpack` sign failures too, as documented. Real ones were seen
    /// without a sign. `true`.
    pub sign_work_weixin_failures: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            group: GroupRedPack::default(),
            envelope: Envelope::default(),
            length_edge: Edge::default(),
            xml_envelope: XmlEnvelope::default(),
            large_body: LargeBody::default(),
            duplicates: Duplicates::default(),
            reentry_compare: Extent::default(),
            resend_gap: Duration::from_secs(1),
            resend_answer: ResendAnswer::default(),
            nonce_reuse: Edge::default(),
            query_limit: None,
            whitespace: Whitespace::default(),
            total_num_missing: TotalNumMissing::default(),
            package_form: PackageForm::default(),
            order_life: 24 * HOUR,
            amount: 100..=20_000,
            scene_amount: 1..=499_900,
            open_scenes: Scene::ALL.to_vec(),
            group_amount: 100..=100_000,
            user_packets_a_day: Some(10),
            user_fen_a_day: Some(100_000),
            merchant_fen_a_day: Some(100_000_000),
            sends_per_second: Some(30),
            not_found: NotFound::default(),
            hblist: HbList::default(),
            system_error: SystemError::default(),
            echoes: Echoes::default(),
            content_type: HeaderValue::from_static("text/plain;charset=utf-8"),
            sign_scope: Extent::default(),
            sign_case: SignCase::default(),
            lenient: false,
            settle: Settle::default(),
            query_lag: Duration::ZERO,
            claim_window: 24 * HOUR,
            refund_delay: HOUR / 4,
            query_horizon: 30 * 24 * HOUR,
            night_window: false,
            no_balance: NoBalance::default(),
            plain_cert: PlainCert::default(),
            sign_work_weixin_failures: true,
        }
    }
}

impl Rules {
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

    /// Sets one switch by its name, `_` and `-` being the same. An error leaves the rules as they were.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), RuleError> {
        table::find(name)?.set(self, name, value)
    }

    /// Every switch, with what it is set to: what [`set`](Self::set) takes back.
    pub fn switches(&self) -> Vec<(&'static str, String)> {
        table::TABLE.iter().map(|row| (row.name, (row.print)(self))).collect()
    }

    /// Every switch with all that is to be said of it, in the order of the documents.
    pub fn describe(&self) -> Vec<Switch> {
        let usual = Self::default();
        let describe = |row: &table::Row| Switch {
            name: row.name,
            value: (row.print)(self),
            default: (row.print)(&usual),
            accepted: row.accepted,
            meaning: row.meaning,
            of_merchants: row.reach == table::Reach::Merchant,
        };
        table::TABLE.iter().map(describe).collect()
    }
}
