//! The contract that an endpoint fulfils. [`endpoint!`](crate::endpoint!) writes it from a table.

use std::borrow::Cow;

use crate::error::RequestError;
use crate::merchant::{Merchant, Mode};
use crate::reply::Reply;
use crate::rule::{Rule, Violation};
use crate::sign::{Canonical, Sign, SignType, Signer, Sink};
use crate::wire::{Fields, FromText, List, Value};

/// A typed request of one endpoint.
pub trait Endpoint {
    /// The facts of its table.
    const SPEC: &'static Spec;

    /// Its typed answer, borrowing from a body.
    type Reply<'b>: Reply<'b, Static = Self::Reply<'static>>;

    /// Shows the value of every row, in the order of [`Spec::fields`].
    fn with_values<R>(&self, envelope: &Envelope<'_>, visit: impl FnOnce(&[Value<'_>]) -> R) -> R;

    /// Checks the rules that span several fields.
    fn check(&self) -> Result<(), RequestError> {
        Ok(())
    }

    /// The text fields that have exactly as many bytes as allowed. The service's own texts say "fewer than n", so
    /// whether exactly n passes is not known: shorten them to be on the safe side.
    fn at_limit(&self) -> Vec<&'static str> {
        let envelope = Envelope::new("", "", SignType::Md5);
        self.with_values(&envelope, |values| {
            let rows = Self::SPEC.fields.iter().zip(values);
            rows.filter(|(field, value)| match (field.rule, value) {
                (Rule::Text { max }, Value::Text(text)) => text.len() == max,
                _ => false,
            })
            .map(|(field, _)| field.name)
            .collect()
        })
    }
}

/// The other direction: a server reads the request that a client wrote.
pub trait Incoming<'f>: Endpoint + Sized {
    /// Reads the fields into their types. A required field must be there; rules are not checked.
    fn read(fields: &'f Fields<'f>) -> Result<Self, RequestError>;
}

/// The facts of one endpoint's table.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The path, from the root of the host.
    pub path: &'static str,
    /// Whether the merchant's client certificate is required.
    pub certificate: bool,
    /// Who chooses the digest.
    pub sign_by: SignBy,
    /// What the trust in an answer rests on.
    pub trust: Trust,
    /// The rows of the request, in the order of the table.
    pub fields: &'static [Field],
    /// The same rows, by index, in byte order of their names.
    pub order: &'static [usize],
    /// Rows of the answer that must equal the request's wherever they are present.
    pub echoes: &'static [&'static str],
    /// Rows of the answer that every success has.
    pub promises: &'static [&'static str],
    /// The lists that an answer may hold.
    pub lists: &'static [List],
}

impl Spec {
    /// The rows with their values, in byte order of the names: the order of signing.
    pub(crate) fn sorted<'v>(
        &self,
        values: &'v [Value<'v>],
    ) -> impl Iterator<Item = (&'static Field, &'v Value<'v>)> {
        self.order.iter().filter_map(|&row| Some((self.fields.get(row)?, values.get(row)?)))
    }

    /// Puts the text to sign into `sink`, up to the key.
    pub(crate) fn canonical<S: Sink>(&self, values: &[Value<'_>], sink: S) -> S {
        let mut canonical = Canonical::new(sink);
        for (field, value) in self.sorted(values) {
            canonical.field(field.name, value);
        }
        canonical.end()
    }

    /// The server's check of a request: does its sign fit the fields that the table knows? Like the service itself,
    /// it ignores unknown fields, so one that was signed makes the sign wrong. Key and, where the endpoint
    /// leaves the choice, digest are `merchant`'s.
    pub fn is_signed_by(&self, fields: &Fields<'_>, merchant: &Merchant) -> bool {
        let received = fields.get("sign").and_then(Sign::from_hex);
        received.is_some_and(|received| {
            let values: Vec<_> = self
                .fields
                .iter()
                .map(|field| fields.get(field.name).map_or(Value::Absent, Value::Text))
                .collect();
            let signer = Signer::new(self.sign_type(merchant.sign_type()), merchant.key());
            self.canonical(&values, signer).finish().matches(&received)
        })
    }

    /// The digest for a merchant that prefers `choice`.
    pub fn sign_type(&self, choice: SignType) -> SignType {
        match self.sign_by {
            SignBy::Md5 => SignType::Md5,
            SignBy::HmacSha256 => SignType::HmacSha256,
            SignBy::Merchant => choice,
        }
    }
}

/// One row of a request's table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// Whether it must be there.
    pub presence: Presence,
    /// What it may hold.
    pub rule: Rule,
}

impl Field {
    /// Checks one value of a request from a merchant in `mode`.
    pub(crate) fn check(&self, value: &Value<'_>, mode: Mode) -> Result<(), RequestError> {
        let verdict = match (self.presence, value.is_absent(), mode) {
            (Presence::Required | Presence::Envelope | Presence::Fixed, true, _) => Err(Violation::Missing),
            (Presence::ProviderRequired, true, Mode::ServiceProvider) => Err(Violation::ServiceProviderMust),
            (_, true, _) => Ok(()),
            (Presence::ProviderRequired | Presence::ProviderOptional, false, Mode::Direct) => {
                Err(Violation::ServiceProviderOnly)
            }
            (_, false, _) => self.rule.check(value),
        };
        verdict.map_err(|violation| RequestError::new(self.name, violation))
    }
}

/// Whether a row must be in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Always, and the core fills it in.
    Envelope,
    /// Always.
    Required,
    /// Always, with one value.
    Fixed,
    /// The caller's choice.
    Optional,
    /// Always from a service provider, never from a direct merchant.
    ProviderRequired,
    /// A service provider's choice, never from a direct merchant.
    ProviderOptional,
}

/// Who chooses the digest of the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignBy {
    /// The endpoint knows MD5 only.
    Md5,
    /// The endpoint knows HMAC-SHA256 only.
    HmacSha256,
    /// The merchant's configuration ([`Merchant::with_sign_type`](crate::Merchant::with_sign_type)).
    Merchant,
}

/// What the trust in an answer rests on. It is a fact of the endpoint; no answer can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Answers are signed. One without a sign is refused before any field of it can be read.
    Signed,
    /// Answers carry no sign by design: what protects them is TLS, and that they echo the request. A sign that is
    /// there all the same must fit.
    TransportOnly,
}

/// What the core adds to every request.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'r> {
    mch_id: &'r str,
    nonce: &'r str,
    sign_type: SignType,
}

impl<'r> Envelope<'r> {
    pub(crate) fn new(mch_id: &'r str, nonce: &'r str, sign_type: SignType) -> Self {
        Self { mch_id, nonce, sign_type }
    }

    /// The merchant number.
    pub fn mch_id(&self) -> Value<'r> {
        Value::Text(self.mch_id)
    }

    /// The random text.
    pub fn nonce(&self) -> Value<'r> {
        Value::Text(self.nonce)
    }

    /// `MD5` or `HMAC-SHA256`, for endpoints that want it said.
    pub fn sign_type(&self) -> Value<'r> {
        Value::Text(self.sign_type.as_str())
    }
}

/// The rule of an envelope row, under the name of the method that gives its value.
#[doc(hidden)]
#[allow(non_upper_case_globals, reason = "named after the methods")]
pub mod envelope_rules {
    use crate::rule::Rule;

    pub const mch_id: Rule = Rule::Alphanumeric { max: 32 };
    pub const nonce: Rule = Rule::Token { max: 32 };
    pub const sign_type: Rule = Rule::Token { max: 32 };
}

#[doc(hidden)]
pub fn read_required<'f, T: FromText<'f>>(
    fields: &'f Fields<'f>,
    name: &'static str,
) -> Result<T, RequestError> {
    read_optional(fields, name)?.ok_or_else(|| RequestError::new(name, Violation::Missing))
}

#[doc(hidden)]
pub fn read_optional<'f, T: FromText<'f>>(
    fields: &'f Fields<'f>,
    name: &'static str,
) -> Result<Option<T>, RequestError> {
    let Some(text) = fields.get(name) else { return Ok(None) };
    T::from_text(Cow::Borrowed(text))
        .map(Some)
        .map_err(|malformed| RequestError::new(name, Violation::Malformed { expected: malformed.expected }))
}
