//! Faults on purpose: what can go wrong, and what became of the money meanwhile.
//!
//! A fault that hides or falsifies the answer says whether the request was carried out. Those of the first group are
//! named after that; all others need a [`Plan`], and have no default. Faults that leave the answer true, or that no
//! request meets, say nothing of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::outcome::{End, TlsFlaw};
use crate::span;

mod armed;
mod catalogue;
mod check;
mod chosen;
mod error;
mod flaws;
mod in_band;
mod make;
mod rule;
mod shape;
mod texts;

pub use armed::{ArmedFault, FaultsState};
pub(crate) use armed::{Facts, Faults};
pub use catalogue::{CatalogueEntry, CatalogueParameter, catalogue};
pub(crate) use chosen::{Carry, Chosen};
pub use error::FaultError;
pub use flaws::{Content, CutAt, Http, Latency, Mistaken, SignFlaw};
pub use rule::{FaultPatch, FaultRule, Plan, When};

/// What can go wrong. In JSON an object with its name in `fault`: `{"fault":"late_commit","after":"20m"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    // Outcome unknown: the name says what became of the money.
    /// The request never arrives: the connection ends, nothing is carried out.
    RequestLost {
        /// How the connection ends.
        #[serde(default)]
        ending: End,
    },
    /// The request is carried out, its answer never arrives.
    ReplyLost {
        /// How the connection ends.
        #[serde(default)]
        ending: End,
    },
    /// The request is carried out, and the answer says SYSTEMERROR, another code, or a status of HTTP.
    AppliedThenError {
        /// The `err_code`; SYSTEMERROR where neither is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The status of a page of the web server in front: 500, 502, 503 or 504.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// The answer says SUCCESS, and nothing was carried out.
    NotAppliedButOk,
    /// The order is taken and answered PROCESSING; it is paid, or fails, later.
    LateCommit {
        /// How much later.
        #[serde(with = "span")]
        after: Duration,
        /// Whether it fails then.
        #[serde(default)]
        fails: bool,
    },
    /// The connection ends now, and the request arrives later, behind a query and a resend say.
    LateArrival {
        /// How much later.
        #[serde(with = "span")]
        after: Duration,
        /// How the connection ends.
        #[serde(default)]
        ending: End,
    },
    /// The same bytes arrive twice, one right behind the other, as by a retry of a proxy. The client gets the second
    /// answer.
    DuplicateDelivery {
        /// Whether the client gets the first answer instead.
        #[serde(default)]
        first: bool,
    },

    // Business.
    /// A refusal in its true envelope.
    ErrCode {
        /// The `err_code`.
        code: String,
        /// The text; the code's usual one where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// The order is taken and stays SENDING: for so many queries, or for ever; with a reason, or without.
    StuckState {
        /// How many queries find it SENDING before it is paid, at least one; without it, all do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        polls: Option<u32>,
        /// The `reason` that queries show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The answer names another order, receiver, amount or merchant. One that is signed is signed so.
    WrongEcho {
        /// The field, such as `mch_billno`; put at the end where the answer has none.
        field: String,
        /// What it says; something else than the truth where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// The sign of the answer is not what it should be.
    ReplySign {
        /// In which way.
        how: SignFlaw,
    },

    // Content, HTTP, transport: what a peer, a proxy or a network makes of a good answer.
    /// The document is not what it should be.
    Content(Content),
    /// HTTP is not what it should be.
    Http(Http),
    /// The answer comes late.
    Latency(Latency),
    /// The answer comes in pieces, 4096 at most, and the connection is closed behind the last.
    Drip {
        /// Bytes of a piece.
        chunk: usize,
        /// Between two pieces.
        #[serde(with = "span")]
        gap: Duration,
    },
    /// The connection ends within the answer.
    Cut {
        /// Where; before the first byte, where that is not given.
        #[serde(default)]
        at: CutAt,
        /// How it ends.
        #[serde(default)]
        ending: End,
    },

    // Before any request: matched by server name and by the count of connections.
    /// The connection is refused.
    Refuse,
    /// The connection is taken, and nothing more comes.
    Silence,
    /// TLS is not what it should be.
    Tls {
        /// In which way.
        how: TlsFlaw,
    },

    // Other.
    /// The client certificate is taken for something else; where there is none, it is still none.
    ClientCertificate {
        /// For what.
        taken_for: Mistaken,
    },
    /// More than so many requests of a merchant in any such time answer FREQ_LIMIT; those are not carried out. The others
    /// go on to the next rule.
    RateLimit {
        /// How many are served.
        most: u32,
        /// In which time.
        #[serde(with = "span")]
        per: Duration,
    },
    /// The service's clock is wrong for this request.
    ClockSkew {
        /// By how much.
        #[serde(with = "span")]
        by: Duration,
        /// Whether it is behind instead of ahead.
        #[serde(default)]
        behind: bool,
    },
}
