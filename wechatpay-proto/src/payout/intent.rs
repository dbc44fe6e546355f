//! An intent to pay: who, how much, under which number. Frozen when it is made.

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::kind::{Kind, Payable};
use crate::endpoint::{Envelope, Presence};
use crate::error::RequestError;
use crate::merchant::Merchant;
use crate::nonce::Nonce;
use crate::rule::{Rule, Violation};
use crate::sign::SignType;
use crate::wire::{Fen, Fields, NamedValues, Value, is_xml_char, plain_number};

/// The most bytes of a business id.
pub const MAX_BUSINESS_ID: usize = 64;

/// One payout that the business wants, with its `mch_billno` and every other business parameter. Nothing of it can be
/// changed: what is sent first is what is sent again.
///
/// It is made from a typed request, whose rules are checked then. Write it to disk, under its business id and its number
/// (both unique), before a [`Payout`](super::Payout) is made of it.
///
/// With the feature `serde` it serialises, as its [`IntentRecord`].
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "IntentRecord", into = "IntentRecord"))]
pub struct Intent {
    business_id: Box<str>,
    mch_id: Box<str>,
    kind: Kind,
    fields: Fields<'static>,
    amount: Fen,
    generation: u32,
    fingerprint: u64,
}

impl Intent {
    /// The intent to make this payment. `business_id` is the business's own name for it: 1 to [`MAX_BUSINESS_ID`] bytes of
    /// text; two intents of one business id are one intent.
    ///
    /// The request is checked as it is when it is signed.
    pub fn new<E: Payable>(
        business_id: &str,
        merchant: &Merchant,
        request: &E,
    ) -> Result<Self, RequestError> {
        let probe = Nonce::from_bytes([0; 16]);
        drop(merchant.sign(request, probe)?);
        let envelope = Envelope::new("", "", SignType::Md5);
        let fields = request.with_values(&envelope, |values| {
            let rows = E::SPEC.fields.iter().zip(values);
            let given = rows.filter(|(field, value)| is_given(field.presence) && !value.is_absent());
            given.map(|(field, value)| (field.name.into(), value.to_string().into())).collect()
        });
        Self::assemble(business_id, merchant.mch_id(), E::KIND, fields, 0)
    }

    /// The same payment under another number. Only a [`Failed`](super::Failed) payout can ask for it.
    pub(super) fn renumbered(&self, mch_billno: &str) -> Result<Self, RequestError> {
        RequestError::check("mch_billno", Rule::Alphanumeric { max: 28 }, Value::Text(mch_billno))?;
        if mch_billno == self.mch_billno() {
            let violation = Violation::Malformed { expected: "another number than the one that failed" };
            return Err(RequestError::new("mch_billno", violation));
        }
        let fields = self.fields.iter().map(|(name, value)| {
            let value = if name == "mch_billno" { mch_billno } else { value };
            (Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned()))
        });
        let generation = self.generation.saturating_add(1);
        Self::assemble(&self.business_id, &self.mch_id, self.kind, fields.collect(), generation)
    }

    fn assemble(
        business_id: &str,
        mch_id: &str,
        kind: Kind,
        fields: NamedValues<'static>,
        generation: u32,
    ) -> Result<Self, RequestError> {
        RequestError::check("business_id", Rule::Text { max: MAX_BUSINESS_ID }, Value::Text(business_id))?;
        RequestError::check("mch_id", Rule::Alphanumeric { max: 32 }, Value::Text(mch_id))?;
        let fields =
            Fields::from_pairs(fields).ok_or_else(|| RequestError::new("fields", Violation::Duplicate))?;
        let required =
            |name: &'static str| fields.get(name).ok_or_else(|| RequestError::new(name, Violation::Missing));
        let mch_billno = required("mch_billno")?;
        RequestError::check("mch_billno", Rule::Alphanumeric { max: 28 }, Value::Text(mch_billno))?;
        RequestError::check("wxappid", Rule::Token { max: 32 }, Value::Text(required("wxappid")?))?;
        let amount = plain_number(required("total_amount")?).and_then(|fen| u32::try_from(fen).ok());
        let malformed = Violation::Malformed { expected: "an amount in fen" };
        let amount = Fen(amount.ok_or_else(|| RequestError::new("total_amount", malformed))?);
        if let Some((name, _)) = fields.iter().find(|(_, value)| !value.chars().all(is_xml_char)) {
            let violation = Violation::Malformed { expected: "text that XML allows" };
            return Err(RequestError::new(name.to_owned(), violation));
        }
        let fingerprint = fingerprint(mch_id, kind, &fields);
        Ok(Self {
            business_id: business_id.into(),
            mch_id: mch_id.into(),
            kind,
            fields,
            amount,
            generation,
            fingerprint,
        })
    }

    /// The business's own name for it.
    pub fn business_id(&self) -> &str {
        &self.business_id
    }

    /// The merchant that pays, or the service provider that acts for one.
    pub fn mch_id(&self) -> &str {
        &self.mch_id
    }

    /// Its number (商户订单号).
    pub fn mch_billno(&self) -> &str {
        self.fields.get("mch_billno").unwrap_or_default()
    }

    /// Which endpoint sends it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How much, in fen; of a group packet all shares together.
    pub fn amount(&self) -> Fen {
        self.amount
    }

    /// Who gets it: an openid under the appid.
    pub fn re_openid(&self) -> &str {
        self.fields.get("re_openid").unwrap_or_default()
    }

    /// `wxappid`; the query calls it `appid`.
    pub(super) fn appid(&self) -> &str {
        self.fields.get("wxappid").unwrap_or_default()
    }

    /// How many numbers of this business id failed before this one.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Every business parameter by its wire name, in the order of the official table.
    pub fn fields(&self) -> &Fields<'static> {
        &self.fields
    }

    /// The first eight bytes of a SHA-256 over merchant, kind and all parameters: two intents with the same one pay the
    /// same under the same number. The business id is no part of it.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// It as plain data, for a store.
    pub fn record(&self) -> IntentRecord {
        let fields = self.fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        IntentRecord {
            version: VERSION,
            business_id: self.business_id.to_string(),
            mch_id: self.mch_id.to_string(),
            path: self.kind.path().to_owned(),
            generation: self.generation,
            fields: fields.collect(),
            fingerprint: format!("{:016x}", self.fingerprint),
        }
    }

    /// It back from a store.
    pub fn restore(record: IntentRecord) -> Result<Self, IntentError> {
        if record.version != VERSION {
            return Err(IntentError::Version { found: record.version, known: VERSION });
        }
        let kind = Kind::of_path(&record.path).ok_or(IntentError::Path { path: record.path })?;
        let fields = record.fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let intent = Self::assemble(&record.business_id, &record.mch_id, kind, fields, record.generation)?;
        if record.fingerprint == format!("{:016x}", intent.fingerprint) {
            Ok(intent)
        } else {
            Err(IntentError::Changed)
        }
    }
}

impl fmt::Debug for Intent {
    /// Without the receiver and the texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut intent = f.debug_struct("Intent");
        intent
            .field("business_id", &self.business_id)
            .field("mch_id", &self.mch_id)
            .field("kind", &self.kind);
        intent.field("mch_billno", &self.mch_billno()).field("amount", &self.amount);
        intent.finish_non_exhaustive()
    }
}

/// The version of an intent's record that this release writes.
const VERSION: u32 = 1;

/// An [`Intent`] as plain data: what a store keeps.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct IntentRecord {
    /// The version of this record.
    pub version: u32,
    /// The business's own name for it.
    pub business_id: String,
    /// The merchant.
    pub mch_id: String,
    /// The path of the endpoint that sends it.
    pub path: String,
    /// How many numbers of this business id failed before this one.
    pub generation: u32,
    /// The business parameters: wire names and values, in the order of the official table.
    pub fields: Vec<(String, String)>,
    /// [`Intent::fingerprint`], as 16 hex digits: what shows a record that was changed by hand.
    pub fingerprint: String,
}

impl fmt::Debug for IntentRecord {
    /// Without the receiver and the texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.fields.iter().map(|(name, _)| name);
        let mut record = f.debug_struct("IntentRecord");
        record.field("business_id", &self.business_id).field("path", &self.path);
        record.field("fields", &names.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

impl From<Intent> for IntentRecord {
    fn from(intent: Intent) -> Self {
        intent.record()
    }
}

impl TryFrom<IntentRecord> for Intent {
    type Error = IntentError;

    fn try_from(record: IntentRecord) -> Result<Self, IntentError> {
        Self::restore(record)
    }
}

/// Why a stored intent cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntentError {
    /// It was written by a later release.
    #[error("the intent has version {found}, this release knows {known}")]
    Version {
        /// The version of the record.
        found: u32,
        /// The version that this release knows.
        known: u32,
    },
    /// No payout is sent by this path.
    #[error("{path:?} is no path of a payout")]
    Path {
        /// The path of the record.
        path: String,
    },
    /// A field breaks a rule.
    #[error(transparent)]
    Field(#[from] RequestError),
    /// The parameters are not those that were written: the fingerprint differs.
    #[error("the parameters are not those that the fingerprint was taken of")]
    Changed,
}

/// Rows that the caller fills. The core fills the others, and they are the same at every attempt but for the nonce.
fn is_given(presence: Presence) -> bool {
    use Presence::{Optional, ProviderOptional, ProviderRequired, Required};
    matches!(presence, Required | Optional | ProviderRequired | ProviderOptional)
}

fn fingerprint(mch_id: &str, kind: Kind, fields: &Fields<'_>) -> u64 {
    let mut digest = Sha256::new();
    let mut part = |text: &str| {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    };
    part(mch_id);
    part(kind.path());
    for (name, value) in fields.iter() {
        part(name);
        part(value);
    }
    leading(&digest.finalize())
}

/// The first eight bytes of a digest, as a number.
pub(super) fn leading(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
