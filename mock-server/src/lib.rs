//! A stand-in for WeChat Pay APIv2 that checks requests as the service does, keeps the money, and never touches the
//! network: one engine without I/O, in-process or behind a socket for SDKs of any language.
//!
//! It serves the cash red packets: `sendredpack`, `sendminiprogramhb`, `sendgroupredpack` (closed, as the service has
//! it, unless [`Rules::group`] says otherwise) and `gethbinfo`, and those of work-weixin: `sendworkwxredpack` and
//! `queryworkwxredpack`. Orders are taken once for each (`mch_id`, `mch_billno`), whichever endpoint sends; sending a
//! number again never pays again. Time is a clock that you advance, chance comes from one seed.
//!
//! ```
//! use std::time::Duration;
//! use wechatpay_mock_server::{Mock, Status};
//! use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
//! use wechatpay_proto::{Client, Fen};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mock = Mock::builder().seed(42).build();
//! let merchant = mock.merchant().mch_id("10000098").balance_fen(5_000).create()?;
//! let client = Client::new(merchant.credentials(), merchant.transport(), || *b"a nonce in tests");
//! let reply = client.send_blocking(&SendRedPack {
//!     mch_billno: "1",
//!     wxappid: merchant.appid(),
//!     send_name: "天虹百货",
//!     re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
//!     total_amount: Fen(1_000),
//!     wishing: "祝您元宵节快乐！",
//!     client_ip: [127, 0, 0, 1].into(),
//!     act_name: "猜灯谜抢红包活动",
//!     remark: "快来抢！",
//!     options: SendRedPackOptions::default(),
//! })?;
//! assert!(reply.outcome().is_accepted());
//! assert_eq!(merchant.balance_fen(), 4_000);
//!
//! // Nobody claims it, so the money comes back after a day.
//! mock.advance(Duration::from_secs(25 * 3600));
//! assert_eq!(merchant.red_packet("1").unwrap().status, Status::Refund);
//! assert_eq!(merchant.balance_fen(), 5_000);
//! # Ok(())
//! # }
//! ```
//!
//! What goes wrong is said beforehand: [`Mock::arm`] takes a [`Fault`], which says what becomes of the money. What
//! arrived is in the journal: [`Mock::journal`] finds it, [`Mock::expect`] counts it when the test ends, and
//! [`Mock::wait_for`] waits for it. [`Mock::state`] and [`Mock::restore`] go back to any point.
//!
//! ```
//! # use std::time::Duration;
//! # use wechatpay_mock_server::{Commit, Fault, Mock};
//! # use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
//! # use wechatpay_proto::{Client, Fen};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mock = Mock::builder().build();
//! # let merchant = mock.merchant().mch_id("10000098").balance_fen(5_000).create()?;
//! # let client = Client::new(merchant.credentials(), merchant.transport(), || *b"a nonce in tests");
//! # let packet = SendRedPack {
//! #     mch_billno: "1",
//! #     wxappid: merchant.appid(),
//! #     send_name: "天虹百货",
//! #     re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
//! #     total_amount: Fen(1_000),
//! #     wishing: "祝您元宵节快乐！",
//! #     client_ip: [127, 0, 0, 1].into(),
//! #     act_name: "猜灯谜抢红包活动",
//! #     remark: "快来抢！",
//! #     options: SendRedPackOptions::default(),
//! # };
//! let before = mock.state();
//! let expected = mock.expect("sendredpack").merchant("10000098").times(2);
//!
//! // The packet is paid, and the client cannot know.
//! mock.arm(Fault::reply_lost().on("sendredpack").times(1))?;
//! assert!(client.send_blocking(&packet).is_err());
//! assert_eq!(mock.journal().order("1").one()?.commit, Commit::Applied);
//!
//! // The same number again, not too soon: it is paid once.
//! mock.advance(Duration::from_secs(1));
//! assert!(client.send_blocking(&packet)?.outcome().is_accepted());
//! assert_eq!(merchant.balance_fen(), 4_000);
//! drop(expected);
//!
//! mock.restore(before)?;
//! assert_eq!(merchant.balance_fen(), 5_000);
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `server`, `Mock::serve` puts the same world behind one port of HTTP, HTTPS and an admin API, and a
//! `Kit` holds the certificates for it. The binary `wechatpay-mock` is that server for SDKs of any language.

mod account;
mod answer;
mod arrival;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod control;
mod drawn;
mod engine;
mod fault;
mod handlers;
mod journal;
#[cfg(feature = "server")]
mod kit;
mod ledger;
mod merchant;
mod mock;
mod outcome;
mod packet;
pub mod rules;
mod seed;
#[cfg(feature = "server")]
mod serve;
mod span;
mod state;
mod transport;
mod users;
mod waiting;

pub use arrival::{Arrival, Certificate, CertificateFacts, Standing, Via};
pub use clock::{Clock, Time};
pub use control::{ChangedRule, Remains, Scheduled, Scope, ScopedFault, Upcoming};
pub use engine::{Event, Fired, MAX_REQUEST, Recent};
pub use fault::{
    ArmedFault, CatalogueEntry, CatalogueParameter, Content, CutAt, Fault, FaultError, FaultPatch, FaultRule,
    FaultsState, Http, Latency, Mistaken, Plan, SignFlaw, When, catalogue,
};
pub use journal::{
    CommitKind, Count, CurlFiles, Difference, Expectation, Expected, Filter, FilterError, Follower, Heard,
    JournalCounts, JournalLimits, JournalLimitsError, JournalView, Matching, Mismatch, NearMiss, Record,
    Verdict,
};
#[cfg(feature = "server")]
pub use kit::{
    AuthorityFault, EnvFormat, Environment, Kit, KitError, KitOptions, MerchantFiles, Sdk, Validity,
};
pub use ledger::Ledger;
pub use merchant::{FormerKey, MerchantBuilder, MerchantMode, MerchantSpec, MockMerchant};
pub use mock::{Mock, MockBuilder, MockError};
pub use outcome::{Admission, Broken, Commit, Effect, End, Hello, Outcome, Piece, RequestId, TlsFlaw};
pub use packet::{Action, ActionError, Claim, Hold, Kind, OrderKey, RedPacket, Share, Status, Until};
pub use rules::{GroupRedPack, RuleError, Rules, Switch};
#[cfg(feature = "server")]
pub use serve::{Connections, ServeError, Server, ServerBuilder, fuzz_http};
#[doc(hidden)]
pub use span::parse as parse_duration;
pub use state::{
    ClaimState, ClockState, HistoryState, LateState, PacketState, STATE_VERSION, ShareState, State,
    StateError, UserState,
};
pub use transport::{InProcess, InProcessError};
pub use users::UserFlag;
pub use waiting::{Arrived, Waited};

/// The code in the documents, so that it keeps compiling and running.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct English;
    #[doc = include_str!("../../README.zh-CN.md")]
    struct Chinese;
    #[doc = include_str!("../../docs/from-php-and-node.md")]
    struct GuideEnglish;
    #[doc = include_str!("../../docs/from-php-and-node.zh-CN.md")]
    struct GuideChinese;
    #[doc = include_str!("../../docs/what-went-wrong.md")]
    struct WrongEnglish;
    #[doc = include_str!("../../docs/what-went-wrong.zh-CN.md")]
    struct WrongChinese;
    #[cfg(feature = "server")]
    #[doc = include_str!("../../docs/mock-server.md")]
    struct StartEnglish;
    #[cfg(feature = "server")]
    #[doc = include_str!("../../docs/mock-server.zh-CN.md")]
    struct StartChinese;
}
