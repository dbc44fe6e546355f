//! What a payout is in columns, and back.

use std::sync::Arc;
use std::time::Duration;

use wechatpay_proto::payout::{Inserted, Intent, IntentRecord, Payout, Snapshot, State, Stored, Unsaved};

use super::error::{Broken, StoreError};
use super::names;

/// The columns that never change.
pub(super) struct Order {
    pub(super) business_id: String,
    pub(super) generation: i64,
    pub(super) mch_billno: String,
    pub(super) business_key: String,
    pub(super) number_key: String,
    pub(super) amount_fen: i64,
    pub(super) fingerprint: String,
    pub(super) intent: String,
    pub(super) standing: Standing,
}

/// The columns that a save writes. The snapshot is what counts; the others are taken from it.
pub(super) struct Standing {
    pub(super) state: &'static str,
    pub(super) attempts: i64,
    pub(super) wake_at: i64,
    pub(super) send_listid: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) refunded_fen: Option<i64>,
    pub(super) snapshot: String,
}

impl Order {
    pub(super) fn of(mch_id: &str, new: &Unsaved<Payout>) -> Result<Self, StoreError> {
        let intent = new.intent();
        if intent.mch_id() != mch_id {
            return Err(StoreError::OtherMerchant { business_id: intent.business_id().to_owned() });
        }
        let record = intent.record();
        let json = serde_json::to_string(&record).map_err(|source| StoreError::Unwritable {
            business_id: intent.business_id().to_owned(),
            source,
        })?;
        Ok(Self {
            business_key: names::business_key(&record.business_id),
            number_key: names::number_key(intent.mch_billno()),
            business_id: record.business_id,
            generation: i64::from(record.generation),
            mch_billno: intent.mch_billno().to_owned(),
            amount_fen: i64::from(intent.amount().0),
            fingerprint: record.fingerprint,
            intent: json,
            standing: Standing::of(&new.snapshot()),
        })
    }

    pub(super) fn key(&self) -> (&str, i64, &str) {
        (&self.business_id, self.generation, &self.fingerprint)
    }

    /// What became of it, where it was not written: by what was there under its business id or its number, in whatever
    /// spelling.
    pub(super) fn judge(&self, there: &[&Present]) -> Option<Inserted> {
        let mut by_id = there.iter().filter(|there| there.has_place_of(self));
        if by_id.clone().any(|there| there.is(self)) {
            return Some(Inserted::Same);
        }
        if let Some(there) = by_id.next() {
            return Some(Inserted::Changed { mch_billno: there.mch_billno.clone() });
        }
        match there.iter().find(|there| there.number_key == self.number_key) {
            Some(there) => Some(Inserted::NumberTaken { business_id: there.business_id.clone() }),
            None => (self.generation > 0).then_some(Inserted::NotFailed),
        }
    }
}

/// What is there already.
pub(super) struct Present {
    pub(super) business_id: String,
    pub(super) business_key: String,
    pub(super) generation: i64,
    pub(super) mch_billno: String,
    pub(super) number_key: String,
    pub(super) fingerprint: String,
}

impl Present {
    pub(super) fn new(business_id: String, generation: i64, mch_billno: String, fingerprint: String) -> Self {
        // Not those of the columns, which differ for what an earlier release took beside another of its look.
        let (business_key, number_key) = (names::business_key(&business_id), names::number_key(&mch_billno));
        Self { business_id, business_key, generation, mch_billno, number_key, fingerprint }
    }

    fn has_place_of(&self, order: &Order) -> bool {
        self.business_key == order.business_key && self.generation == order.generation
    }

    /// The fingerprint is taken of merchant, number and every parameter, and not of the business id.
    fn is(&self, order: &Order) -> bool {
        self.business_id == order.business_id && self.fingerprint == order.fingerprint
    }

    pub(super) fn key(&self) -> (&str, i64, &str) {
        (&self.business_id, self.generation, &self.fingerprint)
    }
}

impl Standing {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let state = snapshot.state();
        Self {
            state: state.name(),
            attempts: i64::from(snapshot.attempts()),
            wake_at: millis(snapshot.wake_at()),
            send_listid: snapshot.send_listid().map(without_nul),
            reason: snapshot.reason().map(without_nul),
            refunded_fen: match state {
                State::Refunded { amount } => amount.map(|fen| i64::from(fen.0)),
                _ => None,
            },
            snapshot: snapshot.to_string(),
        }
    }
}

/// PostgreSQL keeps no NUL in a text. These columns are for people; the snapshot has the text as it came.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// A payout from its row.
pub(super) fn stored(
    mch_id: &str,
    mch_billno: &str,
    intent: &[u8],
    snapshot: &[u8],
) -> Result<Stored, StoreError> {
    let read = || -> Result<Stored, Broken> {
        let record: IntentRecord = serde_json::from_slice(intent)?;
        let intent = Intent::restore(record)?;
        let snapshot: Snapshot = std::str::from_utf8(snapshot)?.parse()?;
        let fits = intent.mch_id() == mch_id
            && intent.mch_billno() == mch_billno
            && snapshot.mch_id() == mch_id
            && snapshot.mch_billno() == mch_billno
            && snapshot.fingerprint() == intent.fingerprint();
        if fits { Ok(Stored { intent: Arc::new(intent), snapshot }) } else { Err(Broken::OtherRow) }
    };
    read().map_err(|cause| StoreError::Broken { mch_billno: mch_billno.to_owned(), cause })
}

/// Milliseconds since 1970, as columns hold them.
pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A time from its column.
pub(super) fn time(millis: i64) -> Duration {
    Duration::from_millis(unsigned(millis))
}

/// A count or an amount from its column; none is negative.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A small count from its column.
pub(super) fn small(value: i64) -> u32 {
    u32::try_from(unsigned(value)).unwrap_or(u32::MAX)
}

/// What wants to go on later than this was put off by a calendar that was wrong.
pub(super) fn too_late(now: Duration) -> i64 {
    millis(now.saturating_add(Snapshot::MAX_WAIT))
}

/// A limit as SQL has it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
