//! A sans-IO core for WeChat Pay APIv2: typed requests become signed bytes, bytes become verified typed answers.
//!
//! **In scope:** the wire, the signature, the rules of each endpoint, and what an answer means for the money.
//! **Not in scope:** sockets, TLS, clocks, randomness, logging, retries. Transports stand beside this crate; bring
//! your own by implementing [`Transport`](transport::Transport) or
//! [`BlockingTransport`](transport::BlockingTransport), or pass a closure.
//!
//! # One red packet
//!
//! ```
//! use bytes::Bytes;
//! use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
//! use wechatpay_proto::{ApiKey, Fen, Merchant, Nonce, Outcome};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let merchant = Merchant::direct("10000098", ApiKey::new("exposed_your_key_here_have_risks")?)?;
//! let packet = SendRedPack {
//!     mch_billno: "10000098201411111234567890",
//!     wxappid: "wx8888888888888888",
//!     send_name: "天虹百货",
//!     re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
//!     total_amount: Fen(1_000),
//!     wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
//!     client_ip: [192, 168, 0, 1].into(),
//!     act_name: "猜灯谜抢红包活动",
//!     remark: "猜越多得越多，快来抢！",
//!     options: SendRedPackOptions::default(),
//! };
//!
//! // Before the first byte leaves, `packet` and its `mch_billno` belong on disk.
//! let signed = merchant.sign(&packet, Nonce::from_bytes(*b"16 random bytes!"))?;
//! let (request, pending) = signed.into_parts();
//! assert_eq!(request.uri(), "https://api.mch.weixin.qq.com/mmpaymkttransfers/sendredpack");
//!
//! // Any HTTP stack with the merchant's client certificate carries it there, and brings this back:
//! let response = http::Response::new(Bytes::from_static(
//!     b"<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>\
//!       <mch_billno>10000098201411111234567890</mch_billno><mch_id>10000098</mch_id>\
//!       <wxappid>wx8888888888888888</wxappid><re_openid>oxTWIuGaIt6gTKsQRLau2M0yL16E</re_openid>\
//!       <total_amount>1000</total_amount><send_listid>1000041701201411110000000000001</send_listid></xml>",
//! ));
//! let reply = pending.accept(&response)?;
//! match reply.outcome() {
//!     Outcome::Accepted => println!("taken as {:?}", reply.send_listid),
//!     Outcome::Failed => println!("not paid; query once to be sure, then a new mch_billno may be chosen"),
//!     // Everything else. Query, or send again with the SAME mch_billno. So it is for every error above, too.
//!     Outcome::Unknown(reason) => println!("not settled: {reason:?}, next: {:?}", reason.advice()),
//! }
//! # assert!(reply.outcome().is_accepted());
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! [`RequestError`] is local: a rule was broken, nothing was sent. A transport's own error lies between. A
//! [`ReplyError`] is remote: the answer cannot be read, verified or matched. The latter two always mean
//! [`Outcome::Unknown`]. No error and no `Debug` text holds a key, a calculated sign, a signed text or a body.
//!
//! # Endpoints
//!
//! They stand under [`v2`], in folders that mirror the URL, each made by the [`endpoint!`] table that you can use
//! for endpoints of your own. Any other path of APIv2 is reached by [`Call`], by name and value. [`jsapi`] signs what the
//! front end needs, [`notice`] reads what the service posts to the merchant.
//!
//! # Features
//!
//! `serde` (off by default): `Serialize` for the values of [`jsapi`].
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

pub mod call;
mod client;
mod code;
pub mod endpoint;
mod error;
pub mod failover;
pub mod jsapi;
mod merchant;
mod nonce;
pub mod notice;
mod outcome;
pub mod payout;
pub mod reply;
mod risk;
pub mod rule;
mod short;
mod sign;
mod signed;
#[doc(hidden)]
pub mod table;
pub mod transport;
pub mod v2;
pub mod wire;

pub use call::{Call, CallReply};
pub use client::Client;
pub use code::{Advice, ErrorCode};
pub use error::{Error, ReplyError, RequestError, Side};
pub use merchant::{AgentSecret, ApiKey, Merchant, Mode};
pub use nonce::{Nonce, NonceBytes};
pub use outcome::{Outcome, Reason};
pub use risk::RiskInfo;
pub use sign::SignType;
pub use signed::{Pending, Signed};
pub use wire::{BeijingTime, Fen};
