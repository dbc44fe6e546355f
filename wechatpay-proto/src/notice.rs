//! Notices: what the service posts to the merchant once a payment or a refund has come to its end.
//!
//! The same notice comes many times, from 15 seconds to 24 hours and 4 minutes after the first, until it is answered
//! with [`SUCCESS`] within 5 seconds; it may also never come. It has no time of its own, so an old one cannot be told
//! from a new one. Hence the duty of whoever receives it, in this order:
//!
//! 1. [`PaymentNotice::read`]: one parse, the sign, what every notice has, the merchant number.
//! 2. [`PaymentNotice::is_for`]: the amount and the appid are those of the merchant's own order.
//! 3. Under a lock, once for each [`DuplicateKey`]: settle the order. [`Handled`] does that for one process.
//! 4. Answer [`SUCCESS`], also where it was handled before; [`FAIL`] where it should come again.
//!
//! ```
//! use wechatpay_proto::notice::{self, Handled, Handling, Order, PaymentNotice};
//! use wechatpay_proto::{ApiKey, Fen, Merchant, SignType};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let merchant = Merchant::direct("10000100", ApiKey::new("192006250b4c09247ec02edce69f6a2d")?)?
//!     .with_sign_type(SignType::Md5);
//! let body = b"<xml><appid>wxd930ea5d5a258f4f</appid><bank_type>CFT</bank_type><is_subscribe>Y</is_subscribe>\
//!     <mch_id>10000100</mch_id><nonce_str>ibuaiVcKdpRxkhJA</nonce_str><openid>oUpF8uMEb4qRXf22hE3X68TekukE</openid>\
//!     <out_trade_no>1409811653</out_trade_no><result_code>SUCCESS</result_code><return_code>SUCCESS</return_code>\
//!     <total_fee>100</total_fee><trade_type>JSAPI</trade_type>\
//!     <transaction_id>1004400740201409030005092168</transaction_id>\
//!     <sign>A6A15081D8F4387263C71BB753A591F6</sign></xml>";
//! let notice = PaymentNotice::read(&merchant, body)?;
//! // Found among the merchant's own orders by `notice.out_trade_no()`:
//! notice.is_for(&Order { appid: "wxd930ea5d5a258f4f", out_trade_no: "1409811653", total_fee: Fen(100) })?;
//!
//! let mut handled = Handled::default(); // behind a lock that all receivers share
//! let mut deliver = |notice: &PaymentNotice<'_>| {
//!     handled.once(notice.duplicate_key(), || Ok::<_, std::io::Error>("goods are on their way"))
//! };
//! assert!(notice.is_success());
//! assert_eq!(deliver(&notice)?, Handling::Done("goods are on their way"));
//! assert_eq!(deliver(&notice)?, Handling::AlreadyProcessed);
//! let answer = notice::SUCCESS;
//! # assert!(answer.contains("SUCCESS"));
//! # Ok(())
//! # }
//! ```
//!
//! Refund notices are another matter: nothing authenticates them. See [`RefundNotice`]. Any other notice that is signed can be
//! opened with [`wire::parse`] and [`Unverified::signed`](crate::wire::Unverified::signed).

mod refund;

use std::collections::BTreeSet;
use std::fmt;

use crate::error::ReplyError;
use crate::merchant::Merchant;
use crate::wire::{self, Fen, Fields, FromText as _, XmlError};

pub use refund::{MAX_REQ_INFO, RefundNotice};

/// The answer that ends the notices: it was handled, now or before.
pub const SUCCESS: &str =
    "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>";

/// The answer that asks for it again. It gives no reason: whoever sends forgeries would learn from one.
pub const FAIL: &str =
    "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[FAIL]]></return_msg></xml>";

/// What every payment notice has, as the official table says. The sign cannot tell a field that is missing from one
/// that was folded into the text beside it, so absence is refused.
const PAYMENT: [&str; 11] = [
    "appid",
    "bank_type",
    "is_subscribe",
    "mch_id",
    "nonce_str",
    "openid",
    "out_trade_no",
    "result_code",
    "total_fee",
    "trade_type",
    "transaction_id",
];

/// Why a notice must not be acted upon. Answer it with [`FAIL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeError {
    /// It cannot be read or verified, or lacks what every notice of its kind has.
    #[error("notice refused: {0}")]
    Refused(ReplyError),
    /// `return_code` is not SUCCESS: a failure of communication, of which nothing else may be read.
    #[error("notice of a failed communication")]
    CommunicationFailure,
    /// It is about another merchant, order or amount. **Raise an alert.**
    #[error("{field} of the notice is not that of the order")]
    Mismatch {
        /// The wire name.
        field: &'static str,
    },
    /// `req_info` of a refund notice cannot be used; why is not said.
    #[error("req_info cannot be used")]
    ReqInfo,
}

impl From<ReplyError> for NoticeError {
    fn from(error: ReplyError) -> Self {
        Self::Refused(error)
    }
}

impl From<XmlError> for NoticeError {
    fn from(error: XmlError) -> Self {
        Self::Refused(error.into())
    }
}

/// The merchant's own record of an order, to hold a notice against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'o> {
    /// 应用ID.
    pub appid: &'o str,
    /// 商户订单号.
    pub out_trade_no: &'o str,
    /// 标价金额, in fen (CNY).
    pub total_fee: Fen,
}

/// A payment notice (支付结果通知) whose sign was verified and whose merchant number is the merchant's own.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentNotice<'b> {
    fields: Fields<'b>,
    total_fee: Fen,
}

impl<'b> PaymentNotice<'b> {
    /// Reads a body. The digest is [`Merchant::sign_type`], the one that the order was placed with; the notice itself
    /// has no say in it.
    pub fn read(merchant: &Merchant, body: &'b [u8]) -> Result<Self, NoticeError> {
        let document = wire::parse(body, &[])?;
        let untrusted = document.untrusted();
        if untrusted.get("return_code") == Some("FAIL") && !untrusted.contains("sign") {
            return Err(NoticeError::CommunicationFailure);
        }
        let fields = document.signed(merchant.sign_type(), merchant.key())?;
        understood(&fields)?;
        require(&fields, &PAYMENT)?;
        if fields.get("mch_id") != Some(merchant.mch_id()) {
            return Err(NoticeError::Mismatch { field: "mch_id" });
        }
        let total_fee = Fen::from_text(fields.get("total_fee").unwrap_or_default().into())
            .map_err(|malformed| ReplyError::malformed("total_fee", malformed))?;
        Ok(Self { fields, total_fee })
    }

    /// Whether it is about this order: the same number, appid and amount, in CNY. The error names the first that is not.
    pub fn is_for(&self, order: &Order<'_>) -> Result<(), NoticeError> {
        let yuan = self.fields.get("fee_type").is_none_or(|currency| currency == "CNY");
        let rows = [
            ("out_trade_no", self.out_trade_no() == order.out_trade_no),
            ("appid", self.appid() == order.appid),
            ("total_fee", self.total_fee == order.total_fee),
            ("fee_type", yuan),
        ];
        match rows.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(NoticeError::Mismatch { field }),
            None => Ok(()),
        }
    }

    /// Whether the order was paid. Everything but `result_code` SUCCESS is a failure to pay.
    pub fn is_success(&self) -> bool {
        self.text("result_code") == "SUCCESS"
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

    /// 微信支付订单号.
    pub fn transaction_id(&self) -> &str {
        self.text("transaction_id")
    }

    /// 标价金额, in fen where `fee_type` is CNY or absent.
    pub fn total_fee(&self) -> Fen {
        self.total_fee
    }

    /// All fields by name, verified.
    pub fn fields(&self) -> &Fields<'b> {
        &self.fields
    }

    /// What makes two notices one.
    pub fn duplicate_key(&self) -> DuplicateKey {
        DuplicateKey {
            mch_id: self.mch_id().to_owned(),
            out_trade_no: self.out_trade_no().to_owned(),
            is_success: self.is_success(),
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

/// What makes two notices one: the order, and whether it was paid. A failure that was handled must not hide the success
/// that comes after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct DuplicateKey {
    /// 商户号.
    pub mch_id: String,
    /// 商户订单号.
    pub out_trade_no: String,
    /// Whether it is about a success.
    pub is_success: bool,
}

/// Which notices were handled, in the memory of one process. Share it behind one lock. It grows with every order and is
/// gone with the process: a row with a unique key, written in the transaction that settles the order, is what lasts.
#[derive(Clone, Debug, Default)]
pub struct Handled(BTreeSet<DuplicateKey>);

impl Handled {
    /// Does `work` unless it was done for this key before. Work that fails counts as not done.
    pub fn once<T, E>(
        &mut self,
        key: DuplicateKey,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<Handling<T>, E> {
        if self.0.contains(&key) {
            return Ok(Handling::AlreadyProcessed);
        }
        let done = work()?;
        self.0.insert(key);
        Ok(Handling::Done(done))
    }
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Handling<T> {
    /// It was the first, and this came of it.
    Done(T),
    /// It was handled before. Answer [`SUCCESS`] all the same.
    AlreadyProcessed,
}

/// `return_code` is SUCCESS, or nothing else may be read.
fn understood(fields: &Fields<'_>) -> Result<(), NoticeError> {
    require(fields, &["return_code"])?;
    if fields.get("return_code") == Some("SUCCESS") { Ok(()) } else { Err(NoticeError::CommunicationFailure) }
}

fn require(fields: &Fields<'_>, names: &[&'static str]) -> Result<(), NoticeError> {
    match names.iter().find(|name| fields.get(name).is_none()) {
        Some(&field) => Err(ReplyError::Missing { field }.into()),
        None => Ok(()),
    }
}
