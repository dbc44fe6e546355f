//! Payment notices: verified, the merchant's own, and what they say of the order.

use std::fmt;

use super::error::NoticeError;
use super::handled::DuplicateKey;
use super::kind::Kind;
use super::order::Order;
use super::signed::{read_kind, require, unfolded};
use crate::error::ReplyError;
use crate::merchant::Merchant;
use crate::wire::{Fen, Fields, FromText as _, Malformed};

/// What every payment notice has, whatever the product and the result. The sign cannot tell a field that is missing from
/// one that was folded into the text beside it, so absence is refused.
const ALWAYS: [&str; 5] = ["return_code", "result_code", "appid", "mch_id", "out_trade_no"];

/// What a success has as well.
const OF_A_SUCCESS: [&str; 2] = ["total_fee", "transaction_id"];

/// What may be missing, and says something by that: the usual currency, no sub-merchant, never completed, no other state.
const TELLING_BY_ABSENCE: [&str; 4] = ["fee_type", "sub_mch_id", "time_end", "trade_state"];

/// An `err_code` that is none.
const NO_ERROR: [&str; 3] = ["SUCCESS", "0", "OK"];

/// An `err_code` by which the service says that it does not know yet.
const UNDECIDED: [&str; 4] = ["BANKERROR", "PROCESSING", "SYSTEMERROR", "USERPAYING"];

/// What a payment notice says of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use]
pub enum Verdict {
    /// Paid: `result_code` is SUCCESS, a `trade_state` that is there is SUCCESS, and no error is named.
    Paid,
    /// Not paid, so far: `result_code` is FAIL, and nothing says otherwise. A later attempt may pay the order still, and
    /// its notice has another [`DuplicateKey`].
    Failed,
    /// It contradicts itself (`result_code` SUCCESS with `trade_state` PAY_FAIL, FAIL with SUCCESS, a success with an
    /// error), or names a state that is neither. Neither ship nor charge again: query the order, and act upon that.
    Unknown,
}

/// A payment notice (支付结果通知, 扣款结果通知) whose sign was verified and whose merchant number is the merchant's own.
///
/// Which fields it has differs by product: App has no `is_subscribe`, 委托代扣 no `trade_type`, and a failure of 委托代扣
/// neither an amount nor a `transaction_id`. A success always has both.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentNotice<'b> {
    fields: Fields<'b>,
    verdict: Verdict,
    /// In the smallest unit of its currency.
    amount: Option<u32>,
}

impl<'b> PaymentNotice<'b> {
    /// Reads a body. The digest is [`Merchant::sign_type`], the one that the order was placed with; the notice itself
    /// has no say in it.
    pub fn read(merchant: &Merchant, body: &'b [u8]) -> Result<Self, NoticeError> {
        let fields = read_kind(merchant, body, Kind::Payment, &ALWAYS)?;
        unfolded(&fields, &TELLING_BY_ABSENCE)?;
        let verdict = verdict(&fields);
        if verdict == Verdict::Paid {
            require(&fields, &OF_A_SUCCESS)?;
        }
        for field in ["out_trade_no", "transaction_id"] {
            if fields.get(field).is_some_and(|number| number.contains('&')) {
                let expected = "a number: another field seems to be folded into it";
                return Err(ReplyError::malformed(field, Malformed { expected }).into());
            }
        }
        let amount = fields.get("total_fee").map(|text| u32::from_text(text.into())).transpose();
        let amount = amount.map_err(|malformed| ReplyError::malformed("total_fee", malformed))?;
        Ok(Self { fields, verdict, amount })
    }

    /// Whether it is about this order: the same number, appid, currency and amount, and the same sub-merchant where the
    /// order names one. The error names the first that is not. A failure that tells no amount is held against the rest.
    ///
    /// It says nothing of the payment: see [`verdict`](Self::verdict).
    pub fn is_for(&self, order: &Order<'_>) -> Result<(), NoticeError> {
        let is_sub = |sub_mch_id| self.fields.get("sub_mch_id") == Some(sub_mch_id);
        let rows = [
            ("out_trade_no", self.out_trade_no() == order.out_trade_no),
            ("appid", self.appid() == order.appid),
            ("sub_mch_id", order.sub_mch_id.is_none_or(is_sub)),
            ("fee_type", self.amount.is_none() || self.fee_type() == order.fee_type),
            ("total_fee", self.amount.is_none_or(|amount| amount == order.total_fee)),
        ];
        match rows.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(NoticeError::Mismatch { field }),
            None => Ok(()),
        }
    }

    /// What it says of the order.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Whether the order was paid: [`Verdict::Paid`]. Where it was not, [`verdict`](Self::verdict) tells a failure from a
    /// contradiction.
    pub fn is_success(&self) -> bool {
        self.verdict == Verdict::Paid
    }

    /// 商户号: the merchant's own.
    pub fn mch_id(&self) -> &str {
        self.text("mch_id")
    }

    /// 应用ID.
    pub fn appid(&self) -> &str {
        self.text("appid")
    }

    /// 商户订单号: which of the merchant's orders.
    pub fn out_trade_no(&self) -> &str {
        self.text("out_trade_no")
    }

    /// 微信支付订单号. A success has one.
    pub fn transaction_id(&self) -> Option<&str> {
        self.fields.get("transaction_id")
    }

    /// 标价金额 in CNY. `None` where the notice tells no amount, or one in another currency: see
    /// [`amount`](Self::amount).
    pub fn total_fee(&self) -> Option<Fen> {
        self.amount.filter(|_| self.fee_type() == "CNY").map(Fen)
    }

    /// 标价金额 (`total_fee`), in the smallest unit of [`fee_type`](Self::fee_type). A success has one.
    pub fn amount(&self) -> Option<u32> {
        self.amount
    }

    /// 标价币种; CNY where the notice names none.
    pub fn fee_type(&self) -> &str {
        self.fields.get("fee_type").unwrap_or("CNY")
    }

    /// 错误代码, of a failure.
    pub fn err_code(&self) -> Option<&str> {
        self.fields.get("err_code")
    }

    /// 错误代码描述, for people.
    pub fn err_code_des(&self) -> Option<&str> {
        self.fields.get("err_code_des")
    }

    /// 交易状态, which 委托代扣 tells: `SUCCESS`, `PAY_FAIL`, `ACCEPT` and others.
    pub fn trade_state(&self) -> Option<&str> {
        self.fields.get("trade_state")
    }

    /// All fields by name, verified.
    pub fn fields(&self) -> &Fields<'b> {
        &self.fields
    }

    /// What makes two notices one.
    pub fn duplicate_key(&self) -> DuplicateKey {
        DuplicateKey {
            mch_id: self.mch_id().to_owned(),
            sub_mch_id: self.fields.get("sub_mch_id").map(str::to_owned),
            out_trade_no: self.out_trade_no().to_owned(),
            verdict: self.verdict,
        }
    }

    fn text(&self, mandatory: &'static str) -> &str {
        self.fields.get(mandatory).unwrap_or_default()
    }
}

impl fmt::Debug for PaymentNotice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PaymentNotice").field(&self.fields).finish()
    }
}

/// Only facts that agree make a success or a failure.
fn verdict(fields: &Fields<'_>) -> Verdict {
    let err_code = fields.get("err_code");
    let no_error = err_code.is_none_or(|code| NO_ERROR.contains(&code));
    let decided = err_code.is_none_or(|code| !NO_ERROR.contains(&code) && !UNDECIDED.contains(&code));
    let completed = fields.get("time_end").is_some();
    match (fields.get("result_code"), fields.get("trade_state")) {
        (Some("SUCCESS"), None | Some("SUCCESS")) if no_error => Verdict::Paid,
        (Some("FAIL"), None | Some("PAY_FAIL" | "CLOSED")) if decided && !completed => Verdict::Failed,
        _ => Verdict::Unknown,
    }
}
