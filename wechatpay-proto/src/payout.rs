//! Payouts: never twice, never lost.

mod alert;
mod bucket;
mod campaign;
mod evidence;
mod intent;
mod kind;
mod knowledge;
mod machine;
mod now;
mod policy;
mod record;
mod request;
mod schedule;
mod snapshot;
mod store;

pub use alert::Alert;
pub use bucket::TokenBucket;
pub use campaign::{Action, AddError, Campaign, Flight, Progress, Save};
pub use evidence::{Asked, Evidence};
pub use intent::{Intent, IntentError, IntentRecord, MAX_BUSINESS_ID};
pub use kind::{Kind, Payable};
pub use machine::{Blocked, Done, End, Failed, Locked, Next, Payout, Unsaved};
pub use now::{ClockError, Now};
pub use policy::{Goal, Policy, PolicyError, Settings};
pub use record::{GaveUp, State};
pub use request::{Attempt, InFlight, Query, Unsent, UnsentError};
pub use snapshot::{Snapshot, SnapshotError};
pub use store::{Inserted, Record, Saved, Store, Stored};
