//! The contract that an endpoint fulfils. [`endpoint!`](crate::endpoint!) writes it from a table.

mod form;
mod spec;

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
#[doc(hidden)]
pub use http::uri::{InvalidUri, PathAndQuery};

use crate::error::RequestError;
use crate::reply::Reply;
use crate::rule::{Rule, Violation};
use crate::sign::SignType;
use crate::wire::{Fields, FromText, Value};

pub use form::Form;
pub use spec::{Field, Host, InnerSign, Method, Presence, SignBy, Spec, Trust};

/// A request that a client can sign and send: a typed one ([`Endpoint`]), or the untyped [`Call`](crate::Call).
pub trait Outgoing {
    /// The answer, borrowing from a body.
    type Reply<'b>: Reply<'b, Static = Self::Reply<'static>>;

    /// The facts of this request: where it goes, how it is signed, what its answer must be.
    fn spec(&self) -> Spec<'_>;

    /// The path as a URI holds it.
    #[doc(hidden)]
    fn path(&self) -> Result<PathAndQuery, InvalidUri> {
        self.spec().path.parse()
    }

    /// Shows the value of every row, in the order of [`Spec::fields`].
    fn with_values<R>(&self, envelope: &Envelope<'_>, visit: impl FnOnce(&[Value<'_>]) -> R) -> R;

    /// Shows every row with its value to `rows`, in the order of signing, until one is refused.
    #[doc(hidden)]
    fn each_sorted(&self, envelope: &Envelope<'_>, rows: &mut impl Rows) -> Result<(), RequestError> {
        let spec = self.spec();
        self.with_values(envelope, |values| {
            spec.sorted(values).try_for_each(|(field, value)| rows.row(field, value))
        })
    }

    /// Checks the rules that span several fields.
    fn check(&self) -> Result<(), RequestError> {
        Ok(())
    }

    /// The text fields that have exactly as many bytes as allowed. The service's own texts say "fewer than n", so
    /// whether exactly n passes is not known: shorten them to be on the safe side.
    fn at_limit(&self) -> Vec<&str> {
        let envelope = Envelope::new("", "", SignType::Md5);
        self.with_values(&envelope, |values| {
            let rows = self.spec().fields.iter().zip(values);
            rows.filter(|(field, value)| match (field.rule, value) {
                (Rule::Text { max } | Rule::Echoed { max }, Value::Text(text)) => text.len() == max,
                _ => false,
            })
            .map(|(field, _)| field.name)
            .collect()
        })
    }
}

/// Who is shown the rows of a request, one by one.
#[doc(hidden)]
pub trait Rows {
    /// Takes one row.
    fn row(&mut self, field: &Field<'_>, value: &Value<'_>) -> Result<(), RequestError>;
}

/// A typed request of one endpoint, whose facts are those of its table.
pub trait Endpoint: Outgoing {
    /// The facts of its table.
    const SPEC: &'static Spec<'static>;
}

/// The other direction: a server reads the request that a client wrote.
pub trait Incoming<'f>: Endpoint + Sized {
    /// Reads the fields into their types. A required field must be there; rules are not checked.
    fn read(fields: &'f Fields<'f>) -> Result<Self, RequestError>;
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

/// The value of a row that the request itself does not fill.
#[doc(hidden)]
pub fn absent<'v>(_row: &'static str) -> Value<'v> {
    Value::Absent
}

/// The path of a table: read once, then shared.
#[doc(hidden)]
#[derive(Debug)]
pub struct FixedPath(&'static str, OnceLock<PathAndQuery>);

impl FixedPath {
    pub const fn new(path: &'static str) -> Self {
        Self(path, OnceLock::new())
    }

    pub fn get(&self) -> Result<PathAndQuery, InvalidUri> {
        if let Some(path) = self.1.get() {
            return Ok(path.clone());
        }
        let path = PathAndQuery::from_maybe_shared(Bytes::from_static(self.0.as_bytes()))?;
        Ok(self.1.get_or_init(|| path).clone())
    }
}

#[doc(hidden)]
pub const fn at_most_one(inner: &[InnerSign]) -> Option<InnerSign> {
    match inner {
        [one, ..] => Some(*one),
        [] => None,
    }
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
