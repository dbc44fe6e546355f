//! Payouts: never twice, never lost. Still no I/O.
//!
//! A timeout, a reset, an error page, an unlisted code: after each of them nobody knows whether the money moved. **Unknown
//! is the normal outcome of an attempt**, and only evidence leaves it: a success of this very order, or its definite failure.
//! Until then there are two moves, to query the `mch_billno` and to send the same one again with the same parameters.
//!
//! This module makes those moves. It is handed an [`Intent`] and leads it to its end through timeouts, crashes and contradictory
//! answers. It says what to write to disk, what to send, and when to ask again; files, sockets, clocks and randomness
//! are the caller's. It fits any runtime, queue or workflow engine.
//!
//! # The order that the types enforce
//!
//! ```text
//! Intent ──► Payout::new ──► Unsaved<Payout> ── saved() ──► Payout ◄─────────────────────────┐
//!                              intent and snapshot             │ next(now)                   │ saved()
//!                              go to disk                      ├─► Wait { until }            │
//!                                                              ├─► Done ── into_failed() ──► Failed ── renumber() ──► Intent
//!                                                              ├─► Query ──────────────┐     │
//!                                                              └─► Unsaved<Attempt>    │     │
//!                                                                     │ saved()        │     │
//!                                                                     ▼                ▼     │
//!                                                                  Attempt ── sign() ── InFlight ── answer() / fault() ──► Unsaved<Payout>
//! ```
//!
//! Each arrow takes what it starts from. There is no request without an [`Attempt`], no attempt whose record was not
//! [saved](Unsaved::saved), no second request while one is [in flight](InFlight), and no new `mch_billno` but from [`Failed`],
//! where the *business* asks for it. Business parameters cannot be changed at all: a resend has another nonce, and with it
//! another sign, and nothing else.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use wechatpay_proto::payout::{End, Intent, Next, Now, Payout, Policy};
//! use wechatpay_proto::transport::{BaseUrl, Delivery};
//! use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
//! use wechatpay_proto::{ApiKey, Fen, Merchant, Nonce};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let merchant = Merchant::direct("10000098", ApiKey::new("exposed_your_key_here_have_risks")?)?;
//! let packet = SendRedPack {
//!     mch_billno: "10000098201411111234567890",
//!     wxappid: "wx8888888888888888",
//!     send_name: "天虹百货",
//!     re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
//!     total_amount: Fen(1_000),
//!     wishing: "祝您元宵节快乐！",
//!     client_ip: [192, 168, 0, 1].into(),
//!     act_name: "猜灯谜抢红包活动",
//!     remark: "快来抢！",
//!     options: SendRedPackOptions::default(),
//! };
//! // The service of this example: it takes the packet and its answer is lost; then it is asked.
//! # let common = "<mch_billno>10000098201411111234567890</mch_billno><mch_id>10000098</mch_id>";
//! # let success = "<return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>";
//! # let found = format!("<xml>{success}{common}<status>RECEIVED</status><total_amount>1000</total_amount></xml>");
//! let service = |request: http::Request<Bytes>| match request.uri().path() {
//!     "/mmpaymkttransfers/sendredpack" => Err(Delivery::MaybeSent),
//!     _ => Ok(http::Response::new(Bytes::from(found.clone()))),
//! };
//!
//! let mut disk = Vec::new(); // the intent, and behind it every snapshot
//! let mut now = Now { steady: Duration::ZERO, calendar: Duration::from_secs(1_767_225_600) };
//!
//! let intent = Intent::new("prize 17 of 2026", &merchant, &packet)?;
//! let unsaved = Payout::new(intent, &Policy::default(), now);
//! disk.push(format!("{:?} {}", unsaved.intent(), unsaved.snapshot()));
//! let mut payout = unsaved.saved();
//! let end = loop {
//!     let in_flight = match payout.next(now)? {
//!         Next::Send(unsaved) => {
//!             disk.push(unsaved.snapshot().to_string()); // before the first byte leaves
//!             unsaved.saved().sign(now, &merchant, &BaseUrl::default(), Nonce::from_bytes([1; 16]))?
//!         }
//!         Next::Query(query) => query.sign(now, &merchant, &BaseUrl::default(), Nonce::from_bytes([2; 16]))?,
//!         Next::Record(unsaved) => {
//!             disk.push(unsaved.snapshot().to_string());
//!             payout = unsaved.saved();
//!             continue;
//!         }
//!         Next::Wait { payout: waiting, until } => {
//!             now = Now { steady: until, calendar: now.calendar + (until - now.steady) };
//!             payout = waiting;
//!             continue;
//!         }
//!         Next::Done(done) => break done.end(),
//!     };
//!     let (request, in_flight) = in_flight;
//!     let unsaved = match service(request) {
//!         Ok(response) => in_flight.answer(now, &merchant, &response),
//!         Err(delivery) => in_flight.fault(now, delivery),
//!     };
//!     disk.push(unsaved.snapshot().to_string()); // before anything is done about it
//!     payout = unsaved.saved();
//! };
//! assert_eq!(end, End::Received); // sent once, paid once, although its answer was lost
//! assert_eq!(disk.len(), 4);
//! # Ok(())
//! # }
//! ```
//!
//! After a crash, [`Payout::restore`] goes on from the intent and the last [`Snapshot`] that was written. A payout that was
//! under way is unknown then, and is queried first.
//!
//! # How answers are read
//!
//! | answer | what follows |
//! |---|---|
//! | a success that names this order; a query that finds it `SENT`, `RECEIVED`, `RFUND_ING`, `REFUND` | [`State::Accepted`], [`Received`](State::Received), [`Refunding`](State::Refunding), [`Refunded`](State::Refunded) |
//! | a query that finds it `FAILED` | [`State::Failed`] |
//! | `SEND_FAILED` to a sending | sending stops, queries go on. Where no attempt is open, a query that still finds nothing after [`Settings::failure_wait`], by both clocks, confirms it: [`State::Failed`]. While one is open, only `FAILED` does: a request that is still on its way may be taken, and paid |
//! | a query that finds it `SENDING`, with or without a `reason` | nothing is settled; sent again after 20 minutes |
//! | `SYSTEMERROR`, `PROCESSING`, `NOT_FOUND`, unlisted codes, `return_code` FAIL, anything unreadable, any fault | nothing is settled; queried, and sent again where it is not found |
//! | a refusal: balance, limit, permission, certificate, sign | nothing is settled; alert; tried again later under the same number |
//! | a defect of the order: its parameters | nothing is settled; alert; sending stops, queries go on |
//! | `FATAL_ERROR`: the number stands for an order with other parameters | the same; what is found under the number need not be this order, so that it is a [`State::Conflict`] |
//! | a success that names a fault (`err_code`), or names another payment than the success before | nothing is settled; alert; from now on no failure is believed |
//! | success and failure of one order | [`State::Conflict`], for a person |
//!
//! An attempt is *open* until an answer to this very request says what became of it. The payment's own number (`send_listid`)
//! is known from the first success; a refusal may name any.
//!
//! # Time
//!
//! Waits go by the steady clock, windows and horizons by the calendar, as far as it can be believed. A calendar that jumps
//! ahead while the steady clock does not is a [`ClockError`], until it comes back or has stayed there for ten minutes. How long
//! a payout was left alone between two processes is believed after ten minutes, or when a process a day later bears it out.
//! Until then nothing is given up, and what may be sent goes by the larger of both times. Where two processes contradict each
//! other, the earlier time holds, and what was sent in between is not sent again: only queries go on. So a calendar that is
//! wrong for a moment neither ends a payout nor stops it for good.
//!
//! Facts are joined, whatever the order in which they arrive, and never taken back. An answer that comes after its time
//! goes the same way: [`Payout::hear`].
//!
//! # What is not known
//!
//! How long a number can be sent again at the service, whether with a fresh nonce, and which parameters it compares.
//! The machine assumes a day ([`Settings::resend_window`]) and freezes all parameters; what the service makes of the rest is
//! in its answers.
//!
//! # Many at once
//!
//! [`Campaign`] leads many payouts of one merchant: rate, cap, fairness, pauses. [`Store`] is what it needs of a disk. The program
//! in `examples/campaign` of the repository has both on SQLite and on PostgreSQL.

mod alert;
mod bucket;
mod campaign;
mod clocks;
mod done;
mod evidence;
mod intent;
mod kind;
mod knowledge;
mod machine;
mod now;
#[cfg(doctest)]
mod order;
mod policy;
mod record;
mod request;
mod schedule;
mod snapshot;
mod store;

pub use alert::Alert;
pub use bucket::TokenBucket;
pub use campaign::{Action, AddError, Campaign, Flight, Progress, Save};
pub use done::{Done, End, Failed, NotRenumbered};
pub use evidence::{Asked, Evidence};
pub use intent::{Intent, IntentError, IntentRecord, MAX_BUSINESS_ID};
pub use kind::{Kind, Payable};
pub use machine::{Blocked, Locked, Next, Payout, Unsaved};
pub use now::{ClockError, Now};
pub use policy::{Goal, Policy, PolicyError, Settings};
pub use record::{GaveUp, State};
pub use request::{Attempt, InFlight, Query, Unsent, UnsentError};
pub use snapshot::{Snapshot, SnapshotError};
pub use store::{Inserted, Record, Saved, Store, Stored};
