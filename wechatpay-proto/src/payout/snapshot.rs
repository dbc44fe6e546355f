//! What goes to disk: one line of text for each payout, with its version and a checksum.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::intent::Intent;
use super::kind::Kind;
use super::knowledge::{Back, Knowledge};
use super::record::{Claim, GaveUp, Package, Plan, Record, State};
use crate::wire::{Fen, plain_number};

/// The version that this release writes. It reads this one and all before it.
const VERSION: u64 = 2;

/// All that one payout needs to go on after a restart, beside its [`Intent`].
///
/// It displays as one line of ASCII, some 200 bytes, and parses back; with the feature `serde` it serialises as that
/// text. The line begins with its version and ends with a checksum, so that one that was cut off or damaged is an error.
/// It names merchant, number and the fingerprint of the intent, and fits no other.
///
/// ```text
/// wxpay-payout v=2 path=/mmpaymkttransfers/sendredpack mch_id=10000098 mch_billno=10000098201411111234567890
///     intent=5f2c… state=unknown attempts=1 tainted=1 first=1763715600000 … sum=9b1c2d3e
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub(super) kind: Kind,
    pub(super) mch_id: Box<str>,
    pub(super) mch_billno: Box<str>,
    pub(super) fingerprint: u64,
    pub(super) record: Record,
}

impl Snapshot {
    pub(super) fn new(intent: &Intent, record: &Record) -> Self {
        Self {
            kind: intent.kind(),
            mch_id: intent.mch_id().into(),
            mch_billno: intent.mch_billno().into(),
            fingerprint: intent.fingerprint(),
            record: record.clone(),
        }
    }

    /// The merchant.
    pub fn mch_id(&self) -> &str {
        &self.mch_id
    }

    /// The number, which is the key of a store.
    pub fn mch_billno(&self) -> &str {
        &self.mch_billno
    }

    /// The fingerprint of its intent.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Where the payout stands.
    pub fn state(&self) -> State {
        self.record.state(self.kind)
    }

    /// How many attempts are on record.
    pub fn attempts(&self) -> u32 {
        self.record.attempts
    }

    /// The service's own number of the payment (微信单号), where an answer named it.
    pub fn send_listid(&self) -> Option<&str> {
        self.record.send_listid.as_deref()
    }

    /// What the front end of a mini program needs to show the packet (`package`), where an answer had it.
    pub fn package(&self) -> Option<&str> {
        self.record.package.as_ref().map(|package| &*package.0)
    }

    /// Why the last answer settled nothing, in a word: an `err_code`, or one of this crate's own in lower case.
    pub fn reason(&self) -> Option<&str> {
        self.record.reason.as_deref()
    }

    /// The longest wait that any policy makes: 48 hours, which are 24 and all of the jitter. What wants to go on later than
    /// that from now was put on record by a calendar that was wrong.
    pub const MAX_WAIT: Duration = Duration::from_secs(48 * 3600);

    /// When it wants to go on: calendar time since 1970. A store finds by it what is due.
    pub fn wake_at(&self) -> Duration {
        self.record.from + self.record.wait
    }
}

/// A snapshot cannot be used. Nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is not a snapshot at all.
    #[error("this is no snapshot of a payout")]
    Foreign,
    /// It was written by a later release.
    #[error("the snapshot has version {found}, this release knows {known}")]
    Version {
        /// The version of the snapshot.
        found: u64,
        /// The version that this release knows.
        known: u64,
    },
    /// It was cut off or changed: the checksum is missing or does not fit.
    #[error("the snapshot is cut off or damaged")]
    Damaged,
    /// A field is missing or cannot be read, though the checksum fits.
    #[error("{field} of the snapshot is missing or malformed")]
    Field {
        /// The field.
        field: &'static str,
    },
    /// It belongs to another merchant.
    #[error("the snapshot is another merchant's")]
    OtherMerchant,
    /// It belongs to another number.
    #[error("the snapshot is of another mch_billno")]
    OtherOrder,
    /// It belongs to an intent with other parameters.
    #[error("the parameters of the intent are not those that the snapshot was taken of")]
    OtherParameters,
}

const MAGIC: &str = "wxpay-payout";

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line();
        write!(f, "{line} sum={:08x}", checksum(&line))
    }
}

impl Snapshot {
    fn line(&self) -> String {
        let record = &self.record;
        let known = &record.known;
        let mut line = Line(format!("{MAGIC} v={VERSION}"));
        line.word("path", self.kind.path());
        line.word("mch_id", &self.mch_id);
        line.word("mch_billno", &self.mch_billno);
        line.word("intent", &format!("{:016x}", self.fingerprint));
        line.word("state", self.state().name());
        line.number("attempts", u128::from(record.attempts));
        line.flag("tainted", record.tainted);
        line.flag("accepted", known.accepted);
        line.flag("refunding", known.refunding);
        line.flag("received", known.received);
        match known.refunded {
            Some(Back(Some(amount))) => line.number("refunded", u128::from(amount.0)),
            Some(Back(None)) => line.word("refunded", "some"),
            None => {}
        }
        line.flag("send_failed", known.send_failed);
        line.flag("failed", known.failed);
        line.flag("fatal", known.fatal);
        line.flag("mismatch", known.mismatch);
        line.flag("confirmed", record.confirmed);
        line.text("send_listid", record.send_listid.as_deref());
        line.text("package", record.package.as_ref().map(|package| &*package.0));
        line.text("reason", record.reason.as_deref());
        line.time("halted", record.halted);
        line.flag("window_closed", record.window_closed);
        match record.gave_up {
            Some(GaveUp::Horizon) => line.word("gave_up", "horizon"),
            Some(GaveUp::Defect) => line.word("gave_up", "defect"),
            None => {}
        }
        line.time("first", record.first);
        line.time("last", record.last);
        line.time("seen", Some(record.seen));
        line.time("claim_since", record.claim.map(|claim| claim.since));
        line.time("claim", record.claim.map(|claim| claim.calendar));
        line.time("claim_refuted", record.claim.and_then(|claim| claim.refuted));
        line.flag("time_lost", record.time_lost);
        line.time("unseen", Some(record.unseen).filter(|time| !time.is_zero()));
        line.time("watched", Some(record.watched).filter(|time| !time.is_zero()));
        line.number("step", u128::from(record.step));
        line.word("plan", if record.plan == Plan::Send { "send" } else { "query" });
        line.time("from", Some(record.from));
        line.time("wait", Some(record.wait));
        line.0
    }
}

impl FromStr for Snapshot {
    type Err = SnapshotError;

    fn from_str(text: &str) -> Result<Self, SnapshotError> {
        let rest = text.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(" v="));
        let version = rest.ok_or(SnapshotError::Foreign)?.split(' ').next().and_then(plain_number);
        match version {
            None => return Err(SnapshotError::Damaged),
            Some(1..=VERSION) => {}
            Some(found) => return Err(SnapshotError::Version { found, known: VERSION }),
        }
        let (line, sum) = text.rsplit_once(" sum=").ok_or(SnapshotError::Damaged)?;
        if sum != format!("{:08x}", checksum(line)) {
            return Err(SnapshotError::Damaged);
        }
        Parts::of(line).ok_or(SnapshotError::Damaged)?.snapshot()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Snapshot {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Snapshot {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn checksum(line: &str) -> u32 {
    Sha256::digest(line).iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

/// A line under way: ` name=value`, absent ones left out.
struct Line(String);

impl Line {
    fn word(&mut self, name: &str, value: &str) {
        self.0.extend([" ", name, "=", value]);
    }

    fn number(&mut self, name: &str, value: u128) {
        self.word(name, &value.to_string());
    }

    fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.word(name, "1");
        }
    }

    fn time(&mut self, name: &str, value: Option<Duration>) {
        if let Some(value) = value {
            self.number(name, value.as_millis());
        }
    }

    /// Text of the service's: anything may be in it.
    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.word(name, &Cow::from(utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
    }
}

/// The words of a line by their names.
struct Parts<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> Parts<'t> {
    fn of(line: &'t str) -> Option<Self> {
        let words = line.split(' ').skip(1);
        let mut parts = BTreeMap::new();
        for word in words {
            let (name, value) = word.split_once('=')?;
            parts.insert(name, value).is_none().then_some(())?;
        }
        Some(Self(parts))
    }

    fn required(&self, field: &'static str) -> Result<&'t str, SnapshotError> {
        self.0.get(field).copied().ok_or(SnapshotError::Field { field })
    }

    fn number(&self, field: &'static str) -> Result<u64, SnapshotError> {
        plain_number(self.required(field)?).ok_or(SnapshotError::Field { field })
    }

    fn small(&self, field: &'static str) -> Result<u32, SnapshotError> {
        u32::try_from(self.number(field)?).map_err(|_| SnapshotError::Field { field })
    }

    fn flag(&self, field: &'static str) -> Result<bool, SnapshotError> {
        match self.0.get(field) {
            None => Ok(false),
            Some(&"1") => Ok(true),
            Some(_) => Err(SnapshotError::Field { field }),
        }
    }

    fn time(&self, field: &'static str) -> Result<Option<Duration>, SnapshotError> {
        if self.0.contains_key(field) { self.number(field).map(millis).map(Some) } else { Ok(None) }
    }

    fn text(&self, field: &'static str) -> Result<Option<Box<str>>, SnapshotError> {
        let Some(value) = self.0.get(field) else { return Ok(None) };
        let text = percent_decode_str(value).decode_utf8().map_err(|_| SnapshotError::Field { field })?;
        Ok(Some(text.into()))
    }

    fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        let broken = |field| SnapshotError::Field { field };
        let fingerprint = self.required("intent")?;
        let snapshot = Snapshot {
            kind: Kind::of_path(self.required("path")?).ok_or(broken("path"))?,
            mch_id: self.required("mch_id")?.into(),
            mch_billno: self.required("mch_billno")?.into(),
            fingerprint: u64::from_str_radix(fingerprint, 16).map_err(|_| broken("intent"))?,
            record: self.record()?,
        };
        // The word is there for people and queries; the facts decide.
        if self.required("state")? != snapshot.state().name() && !self.was_called_failed(&snapshot.record) {
            return Err(broken("state"));
        }
        match senseless(&snapshot.record) {
            None => Ok(snapshot),
            Some(field) => Err(broken(field)),
        }
    }

    /// Version 1 called an order failed once `SEND_FAILED` was told, and took NOT_FOUND for its confirmation even while an
    /// attempt was open.
    fn was_called_failed(&self, record: &Record) -> bool {
        let open = matches!(record.state(Kind::RedPack), State::Unknown { .. });
        self.is_of_version_1() && open && record.known.send_failed && self.0.get("state") == Some(&"failed")
    }

    fn is_of_version_1(&self) -> bool {
        self.0.get("v") == Some(&"1")
    }

    fn record(&self) -> Result<Record, SnapshotError> {
        let broken = |field| SnapshotError::Field { field };
        let attempts = self.small("attempts")?;
        // Without them no window would ever close.
        for field in ["first", "last"] {
            if attempts > 0 && !self.0.contains_key(field) {
                return Err(broken(field));
            }
        }
        let tainted = self.flag("tainted")?;
        let claim = match (self.time("claim_since")?, self.time("claim")?, self.time("claim_refuted")?) {
            (Some(since), Some(calendar), refuted) => Some(Claim { since, calendar, refuted }),
            (None, None, None) => None,
            _ => return Err(broken("claim")),
        };
        Ok(Record {
            attempts,
            tainted,
            known: self.known()?,
            confirmed: self.flag("confirmed")? && !(tainted && self.is_of_version_1()),
            send_listid: self.text("send_listid")?,
            package: self.text("package")?.map(Package),
            reason: self.text("reason")?,
            halted: self.time("halted")?,
            window_closed: self.flag("window_closed")?,
            gave_up: match self.0.get("gave_up") {
                None => None,
                Some(&"horizon") => Some(GaveUp::Horizon),
                Some(&"defect") => Some(GaveUp::Defect),
                Some(_) => return Err(broken("gave_up")),
            },
            first: self.time("first")?,
            last: self.time("last")?,
            seen: millis(self.number("seen")?),
            claim,
            time_lost: self.flag("time_lost")?,
            unseen: self.time("unseen")?.unwrap_or_default(),
            watched: self.time("watched")?.unwrap_or_default(),
            step: self.small("step")?,
            plan: match self.required("plan")? {
                "send" => Plan::Send,
                "query" => Plan::Query,
                _ => return Err(broken("plan")),
            },
            from: millis(self.number("from")?),
            wait: millis(self.number("wait")?),
        })
    }

    fn known(&self) -> Result<Knowledge, SnapshotError> {
        Ok(Knowledge {
            accepted: self.flag("accepted")?,
            refunding: self.flag("refunding")?,
            received: self.flag("received")?,
            refunded: match self.0.get("refunded") {
                None => None,
                Some(&"some") => Some(Back(None)),
                Some(_) => Some(Back(Some(Fen(self.small("refunded")?)))),
            },
            send_failed: self.flag("send_failed")?,
            failed: self.flag("failed")?,
            fatal: self.flag("fatal")?,
            mismatch: self.flag("mismatch")?,
        })
    }
}

/// A field that no payout puts down so: it would be sent for ever, wait for ever, or count as confirmed beforehand.
fn senseless(record: &Record) -> Option<&'static str> {
    let later = |time: Option<Duration>| time.is_some_and(|time| time > record.seen);
    let under_way = record.known != Knowledge::default() || record.halted.is_some();
    if (under_way && record.first.is_none()) || later(record.first) {
        Some("first")
    } else if later(record.last) {
        Some("last")
    } else if later(record.halted) {
        Some("halted")
    } else if record.claim.is_some_and(|claim| !claim.is_sensible(record.seen)) {
        Some("claim")
    } else if record.wait > Snapshot::MAX_WAIT {
        Some("wait")
    } else if record.confirmed && (!record.known.send_failed || record.tainted && !record.known.failed) {
        Some("confirmed")
    } else {
        None
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
