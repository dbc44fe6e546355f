//! Notices: what the service posts to the merchant once a payment or a refund has come to its end.
//!
//! The same notice comes many times, from 15 seconds to 24 hours and 4 minutes after the first (the newer official pages
//! end at 3 hours and 4 minutes), until it is answered with [`SUCCESS`] within 5 seconds; it may also never come. Then the
//! order is queried. It has no time of its own, so an old one cannot be told from a new one. Hence the duty of whoever
//! receives it, in this order:
//!
//! 1. [`PaymentNotice::read`]: one parse, the sign, what every notice has, the merchant number. Give it the bytes of the
//!    HTTP request as they came.
//! 2. [`PaymentNotice::is_for`]: the appid, the amount and its currency are those of the merchant's own order.
//! 3. Under a lock, once for each [`DuplicateKey`], act upon [`PaymentNotice::verdict`]: settle the order where it says
//!    [`Paid`](Verdict::Paid); nowhere else. [`Handled`] does that for one process.
//! 4. Answer [`SUCCESS`], also where it was handled before; [`FAIL`] where it should come again. Whatever went wrong, the
//!    answer is the same: the error and its [`likely_causes`](NoticeError::likely_causes) belong in the log.
//!
//! ```
//! use wechatpay_proto::notice::{self, Handled, Handling, Order, PaymentNotice, Verdict};
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
//! notice.is_for(&Order::new("wxd930ea5d5a258f4f", "1409811653", Fen(100)))?;
//!
//! let mut handled = Handled::default(); // behind a lock that all receivers share
//! let mut handle = |notice: &PaymentNotice<'_>| {
//!     handled.once(notice.duplicate_key(), || {
//!         Ok::<_, std::io::Error>(match notice.verdict() {
//!             Verdict::Paid => "goods are on their way",
//!             Verdict::Failed => "not paid, so far",
//!             Verdict::Unknown => "ask the service about the order",
//!         })
//!     })
//! };
//! assert_eq!(handle(&notice)?, Handling::Done("goods are on their way"));
//! assert_eq!(handle(&notice)?, Handling::AlreadyProcessed);
//! let answer = notice::SUCCESS;
//! # assert!(answer.contains("SUCCESS"));
//! # Ok(())
//! # }
//! ```
//!
//! Refund notices are another matter: nothing authenticates them. See [`RefundNotice`]. Any other notice that is signed is
//! read by [`read_signed`].

mod body;
mod error;
mod handled;
mod kind;
mod order;
mod payment;
mod refund;
mod signed;

pub use body::BodyForm;
pub use error::NoticeError;
pub use handled::{DuplicateKey, Handled, Handling};
pub use kind::Kind;
pub use order::Order;
pub use payment::{PaymentNotice, Verdict};
pub use refund::{MAX_REQ_INFO, RefundNotice, ReqInfoFault};
pub use signed::read_signed;

/// The answer that ends the notices: it was handled, now or before.
pub const SUCCESS: &str =
    "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>";

/// The answer that asks for it again. It gives no reason: whoever sends forgeries would learn from one.
pub const FAIL: &str =
    "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[FAIL]]></return_msg></xml>";
