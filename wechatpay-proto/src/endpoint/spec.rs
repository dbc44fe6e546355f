//! The facts of one endpoint, as data: where it goes, its rows, how it is signed, what its answer must be.

use super::Form;
use crate::error::RequestError;
use crate::merchant::{Merchant, Mode};
use crate::rule::{Rule, Violation};
use crate::short::Short;
use crate::sign::{Canonical, Sign, SignType, Signer};
use crate::wire::scan::Kinds;
use crate::wire::{Fields, List, Value};

/// The facts of one endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'s> {
    /// The path, from the root of the host; an untyped call may have an unsigned query behind it.
    pub path: &'s str,
    /// How the fields travel.
    pub method: Method,
    /// Which of the service's hosts serves it.
    pub host: Host,
    /// Whether the merchant's client certificate is required.
    pub certificate: bool,
    /// Who chooses the digest.
    pub sign_by: SignBy,
    /// What the trust in an answer rests on.
    pub trust: Trust,
    /// The form of a success.
    pub form: Form,
    /// The rows of the request, in the order of the table.
    pub fields: &'s [Field<'s>],
    /// The same rows, by index, in byte order of their names.
    pub order: &'s [usize],
    /// The sign within the sign, where there is one.
    pub inner: Option<InnerSign>,
    /// Rows of the answer that must equal the request's, byte for byte, wherever they were sent and come back. Where an
    /// answer counts them (`out_refund_no_0`, `out_refund_no_1`), one of them must.
    pub echoes: &'s [&'static str],
    /// Rows of the answer that every success has.
    pub promises: &'s [&'static str],
    /// Rows that no success has unless they were sent: they mark the successes of other calls.
    pub foreign: &'s [&'static str],
    /// The lists that an answer may hold.
    pub lists: &'s [List],
}

impl Spec<'_> {
    /// The rows with their values, in byte order of the names: the order of signing.
    pub(crate) fn sorted<'v>(
        &'v self,
        values: &'v [Value<'v>],
    ) -> impl Iterator<Item = (&'v Field<'v>, &'v Value<'v>)> {
        self.order.iter().filter_map(|&row| Some((self.fields.get(row)?, values.get(row)?)))
    }

    /// MD5 over the named rows, ending in `&secret=` and the secret of the work-weixin application, where the endpoint has
    /// such a row and `merchant` the secret.
    pub(crate) fn inner_sign(&self, values: &[Value<'_>], merchant: &Merchant) -> Option<Sign> {
        let (inner, secret) = self.inner.zip(merchant.agent_secret())?;
        let (mut signer, mut digits) = (Signer::inner(secret), Short::new());
        for (field, value) in self.sorted(values).filter(|(field, _)| inner.over.contains(&field.name)) {
            signer.field(field.name, value.shown(&mut digits));
        }
        Some(signer.finish("secret="))
    }

    /// The values that a client sent, as text, in the order of the rows.
    fn received<'f>(&self, fields: &'f Fields<'_>) -> Vec<Value<'f>> {
        self.fields.iter().map(|field| fields.get(field.name).map_or(Value::Absent, Value::Text)).collect()
    }

    /// The server's check of a request: does its sign fit the fields that the table knows? Like the service itself,
    /// it ignores unknown fields, so one that was signed makes the sign wrong. Key and, where the endpoint
    /// leaves the choice, digest are `merchant`'s.
    pub fn is_signed_by(&self, fields: &Fields<'_>, merchant: &Merchant) -> bool {
        let received = fields.get("sign").and_then(Sign::from_hex);
        received.is_some_and(|received| {
            let mut signer = Signer::new(self.sign_type(merchant.sign_type()), merchant.key());
            let mut digits = Short::new();
            for (field, value) in self.sorted(&self.received(fields)) {
                signer.field(field.name, value.shown(&mut digits));
            }
            signer.finish("key=").matches(&received)
        })
    }

    /// The server's check of the sign within the sign, with `merchant`'s secret. An endpoint that has none is content.
    pub fn is_inner_signed_by(&self, fields: &Fields<'_>, merchant: &Merchant) -> bool {
        let Some(inner) = self.inner else { return true };
        let received = fields.get(inner.name).and_then(Sign::from_hex);
        let expected = self.inner_sign(&self.received(fields), merchant);
        received.zip(expected).is_some_and(|(received, expected)| expected.matches(&received))
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

/// How the fields of a request travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// In an XML document.
    Post,
    /// In the query of the URL, for pages that a user's browser opens.
    Get,
}

/// Which of the service's hosts serves an endpoint. A base URL that is none of the service's own, such as a mock's,
/// stands for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `api.mch.weixin.qq.com`, with the backup `api2.mch.weixin.qq.com`.
    Api,
    /// `fraud.mch.weixin.qq.com`.
    Fraud,
    /// `payapp.weixin.qq.com`.
    PayApp,
    /// `payapp.mch.weixin.qq.com`.
    PayAppMch,
}

/// A sign within the sign: MD5 over some of the rows and a secret of its own (`workwx_sign`). It is a row itself, which
/// the outer sign covers.
#[derive(Clone, Copy, Debug)]
pub struct InnerSign {
    /// The row that holds it.
    pub name: &'static str,
    /// The rows that it covers.
    pub over: &'static [&'static str],
}

/// One row of a request's table.
#[derive(Clone, Copy, Debug)]
pub struct Field<'s> {
    /// The name on the wire.
    pub name: &'s str,
    /// Whether it must be there.
    pub presence: Presence,
    /// What it may hold.
    pub rule: Rule,
}

impl Field<'_> {
    /// Checks one value of a request from a merchant in `mode`; `kinds` are those of its bytes.
    #[inline(always)]
    pub(crate) fn check(&self, value: &Value<'_>, kinds: Kinds, mode: Mode) -> Result<(), RequestError> {
        let verdict = if value.is_absent() {
            match (self.presence, mode) {
                (Presence::Required | Presence::Envelope | Presence::Fixed, _) => Err(Violation::Missing),
                (Presence::Computed, _) => Err(Violation::NoAgentSecret),
                (Presence::ProviderRequired, Mode::ServiceProvider) => Err(Violation::ServiceProviderMust),
                _ => return Ok(()),
            }
        } else {
            match (self.presence, mode) {
                (Presence::ProviderRequired | Presence::ProviderOptional, Mode::Direct) => {
                    Err(Violation::ServiceProviderOnly)
                }
                _ => self.rule.check_seen(value, kinds),
            }
        };
        verdict.map_err(|violation| RequestError::new(self.name.to_owned(), violation))
    }
}

/// Whether a row must be in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// Always, and the core fills it in.
    Envelope,
    /// Always.
    Required,
    /// Always, with one value.
    Fixed,
    /// Always, and calculated from other rows: the sign within the sign.
    Computed,
    /// Never from this client; the service knows it, and signs it where another client sends it.
    Tolerated,
    /// The caller's choice.
    Optional,
    /// Always from a service provider, never from a direct merchant.
    ProviderRequired,
    /// A service provider's choice, never from a direct merchant.
    ProviderOptional,
}

/// Who chooses the digest of the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// Answers are signed. One without a sign is refused before any field of it can be read.
    Signed,
    /// Successes are signed, and one without a sign is refused. Failures were seen without: of those nothing but the
    /// codes and their texts can be read, which settle nothing.
    SignedSuccess,
    /// Answers carry no sign by design: what protects them is TLS, and that they echo the request. A sign that is
    /// there all the same must fit.
    TransportOnly,
}
