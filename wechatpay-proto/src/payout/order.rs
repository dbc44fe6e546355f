//! The order that the types enforce. This compiles, and each example below differs from it in one step:
//!
//! ```
//! # use wechatpay_proto::payout::*;
//! # use wechatpay_proto::{Merchant, Nonce, transport::BaseUrl};
//! # type Response = http::Response<bytes::Bytes>;
//! fn send(unsaved: Unsaved<Attempt>, now: Now, by: &Merchant, to: &BaseUrl, nonce: Nonce, answer: &Response) {
//!     let snapshot = unsaved.snapshot(); // written to disk here
//!     let Ok((request, in_flight)) = unsaved.saved().sign(now, by, to, nonce) else { return };
//!     let unsaved = in_flight.answer(now, by, answer);
//!     let Ok(Next::Query(query)) = unsaved.saved().next(now) else { return };
//! }
//! ```
//!
//! No request without a record:
//!
//! ```compile_fail,E0599
//! # use wechatpay_proto::payout::*;
//! # use wechatpay_proto::{Merchant, Nonce, transport::BaseUrl};
//! fn send(unsaved: Unsaved<Attempt>, now: Now, by: &Merchant, to: &BaseUrl, nonce: Nonce) {
//!     let Ok((request, in_flight)) = unsaved.sign(now, by, to, nonce) else { return };
//! }
//! ```
//!
//! ```compile_fail,E0616
//! # use wechatpay_proto::payout::*;
//! fn send(unsaved: Unsaved<Attempt>) -> Attempt {
//!     unsaved.inner
//! }
//! ```
//!
//! No second request from one attempt, nor from one query:
//!
//! ```compile_fail,E0382
//! # use wechatpay_proto::payout::*;
//! # use wechatpay_proto::{Merchant, Nonce, transport::BaseUrl};
//! fn send(attempt: Attempt, now: Now, by: &Merchant, to: &BaseUrl, nonce: Nonce, other: Nonce) {
//!     let one = attempt.sign(now, by, to, nonce);
//!     let two = attempt.sign(now, by, to, other);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use wechatpay_proto::payout::*;
//! # use wechatpay_proto::{Merchant, Nonce, transport::BaseUrl};
//! fn send(query: Query, now: Now, by: &Merchant, to: &BaseUrl, nonce: Nonce, other: Nonce) {
//!     let one = query.sign(now, by, to, nonce);
//!     let two = query.sign(now, by, to, other);
//! }
//! ```
//!
//! While one is in flight there is nothing that could ask for another, and it is answered once:
//!
//! ```compile_fail,E0599
//! # use wechatpay_proto::payout::*;
//! fn again(in_flight: InFlight, now: Now) {
//!     let next = in_flight.next(now);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use wechatpay_proto::payout::*;
//! # use wechatpay_proto::transport::Delivery;
//! fn again(in_flight: InFlight, now: Now) {
//!     let one = in_flight.fault(now, Delivery::NotSent);
//!     let two = in_flight.fault(now, Delivery::NotSent);
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use wechatpay_proto::payout::*;
//! fn again(payout: Payout, now: Now) {
//!     let one = payout.next(now);
//!     let two = payout.next(now);
//! }
//! ```
//!
//! No answer is acted on before it is on record:
//!
//! ```compile_fail,E0599
//! # use wechatpay_proto::payout::*;
//! fn on(unsaved: Unsaved<Payout>, now: Now) {
//!     let next = unsaved.next(now);
//! }
//! ```
//!
//! The proof of a failure cannot be made, nor used twice, nor can evidence be invented:
//!
//! ```compile_fail,E0451
//! # use wechatpay_proto::payout::*;
//! fn proof(intent: std::sync::Arc<Intent>) -> Failed {
//!     Failed { intent }
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use wechatpay_proto::payout::*;
//! fn twice(failed: Failed) {
//!     let one = failed.renumber("A1");
//!     let two = failed.renumber("A2");
//! }
//! ```
//!
//! ```compile_fail,E0624
//! # use wechatpay_proto::payout::*;
//! # use wechatpay_proto::{Reason, transport::Delivery};
//! fn invented(in_flight: InFlight) {
//!     let reason = Reason::Transport(Delivery::NotSent);
//!     let evidence = Evidence::fault(in_flight.intent(), Asked::Send, reason);
//! }
//! ```
//!
//! Nothing of an intent can be changed:
//!
//! ```compile_fail,E0616
//! # use wechatpay_proto::payout::*;
//! fn more(mut intent: Intent) {
//!     intent.amount = wechatpay_proto::Fen(5);
//! }
//! ```
//!
//! ```compile_fail,E0624
//! # use wechatpay_proto::payout::*;
//! fn other(intent: &Intent) {
//!     let intent = intent.renumbered("A1");
//! }
//! ```
//!
//! None of them can be had twice:
//!
//! ```
//! # use wechatpay_proto::payout::*;
//! fn twice<T: Clone>() {}
//! twice::<Snapshot>();
//! ```
//!
//! ```compile_fail,E0277
//! # use wechatpay_proto::payout::*;
//! fn twice<T: Clone>() {}
//! twice::<Payout>();
//! ```
//!
//! ```compile_fail,E0277
//! # use wechatpay_proto::payout::*;
//! fn twice<T: Clone>() {}
//! twice::<Unsaved<Payout>>();
//! ```
//!
//! ```compile_fail,E0277
//! # use wechatpay_proto::payout::*;
//! fn twice<T: Clone>() {}
//! twice::<Attempt>();
//! ```
//!
//! ```compile_fail,E0277
//! # use wechatpay_proto::payout::*;
//! fn twice<T: Clone>() {}
//! twice::<Query>();
//! ```
//!
//! ```compile_fail,E0277
//! # use wechatpay_proto::payout::*;
//! fn twice<T: Clone>() {}
//! twice::<InFlight>();
//! ```
//!
//! ```compile_fail,E0277
//! # use wechatpay_proto::payout::*;
//! fn twice<T: Clone>() {}
//! twice::<Failed>();
//! ```
