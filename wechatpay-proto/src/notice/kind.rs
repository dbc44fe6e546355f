//! Which notice a document is, by what only such a notice has.

use std::fmt;

use crate::wire::Fields;

/// A kind of notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// 支付结果通知 and 扣款结果通知.
    Payment,
    /// 退款结果通知.
    Refund,
    /// 签约、解约结果通知.
    Contract,
    /// 合单支付通知.
    CombinedPayment,
    /// An event with a ciphertext of its own (`event_type`), such as 用户确认订单.
    Event,
    /// 风险交易通知.
    Risk,
    /// 车牌状态变更通知.
    Parking,
}

/// A field that only notices of the kind have; the first that is there decides.
const MARKS: [(&str, Kind); 7] = [
    ("req_info", Kind::Refund),
    ("change_type", Kind::Contract),
    ("combine_out_trade_no", Kind::CombinedPayment),
    ("event_ciphertext", Kind::Event),
    ("transaction_id_list", Kind::Risk),
    ("vehicle_event_createtime", Kind::Parking),
    ("out_trade_no", Kind::Payment),
];

impl Kind {
    /// The kind that the fields look like. Good enough to explain a refusal, never to accept anything.
    pub(super) fn of(untrusted: &Fields<'_>) -> Option<Self> {
        MARKS.into_iter().find(|(mark, _)| untrusted.get(mark).is_some()).map(|(_, kind)| kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payment => "payment notice",
            Self::Refund => "refund notice",
            Self::Contract => "contract notice",
            Self::CombinedPayment => "combined payment notice",
            Self::Event => "event notice",
            Self::Risk => "risk notice",
            Self::Parking => "parking notice",
        })
    }
}
