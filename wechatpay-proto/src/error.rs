//! Errors that say whose fault it is: ours ([`RequestError`]), the way's (the transport's own type), or the other
//! side's ([`ReplyError`]). None of them holds a key, a sign, a signed text, a text that was sent, or a body.

use std::borrow::Cow;
use std::fmt;

use crate::endpoint::Form;
use crate::outcome::{Outcome, Reason};
use crate::rule::{Rule, Violation};
use crate::sign::SignType;
use crate::transport::Fault;
use crate::wire::{Malformed, Value, XmlError};

/// The request, or what it is made of, breaks a rule. Nothing was signed and nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {violation}")]
pub struct RequestError {
    field: Cow<'static, str>,
    violation: Violation,
}

impl RequestError {
    /// `field`, by its wire name, breaks a rule: for rules that span several fields of an endpoint of your own.
    pub fn new(field: impl Into<Cow<'static, str>>, violation: Violation) -> Self {
        Self { field: field.into(), violation }
    }

    /// Holds one value against one rule.
    pub(crate) fn check(
        field: impl Into<Cow<'static, str>>,
        rule: Rule,
        value: Value<'_>,
    ) -> Result<(), Self> {
        rule.check(&value).map_err(|violation| Self::new(field, violation))
    }

    /// The wire name of the field (`key` for the API key, `url` for the address).
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The rule, and how it is broken.
    pub fn violation(&self) -> &Violation {
        &self.violation
    }
}

/// The answer cannot be read, verified, or matched with its request. For a payment the outcome is
/// [`Outcome::Unknown`]: the money may or may not have moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The HTTP status is not 200. Every answer of WeChat Pay itself has 200.
    #[error("HTTP status {0}, the service answers with 200")]
    HttpStatus(u16),
    /// HTTP status 400, and the page of the web server in front says that no client certificate was shown.
    #[error(
        "HTTP status 400: no client certificate was shown, says the service, and this path needs one: give the transport the \
         merchant's (apiclient_cert) and its key"
    )]
    CertificateNotShown,
    /// HTTP status 400, and the page of the web server in front says that the client certificate is not accepted.
    #[error(
        "HTTP status 400: the client certificate was refused, says the service: it must be the one that WeChat Pay issued to \
         the merchant (apiclient_cert), whole and with its own key"
    )]
    CertificateRefused,
    /// The body is no document, or is one where a success of this path is none. A bill, for example, is text; its bytes are
    /// the caller's to read.
    #[error("{}", other_form(*.found, *.expected))]
    OtherForm {
        /// What the body is.
        found: Form,
        /// What a success of this path is.
        expected: Form,
    },
    /// Not a document of the dialect.
    #[error("answer is no document that is accepted: {0}")]
    Xml(XmlError),
    /// The endpoint signs its answers, and this one has no sign.
    #[error("sign is missing")]
    SignMissing,
    /// A sign that is not 32 or 64 hex digits.
    #[error("sign is not 32 or 64 hex digits")]
    SignMalformed,
    /// A sign of another digest than the one agreed on.
    #[error("sign is not of the type {expected}")]
    SignTypeMismatch {
        /// The digest that the endpoint or the merchant's configuration prescribes.
        expected: SignType,
    },
    /// The sign does not fit the fields and the key.
    #[error("sign does not match")]
    SignMismatch,
    /// A signed answer with a list in it; the signature covers flat documents only.
    #[error("a signed answer must be flat")]
    SignedNesting,
    /// A signed answer with an element `key`, which would blur where the fields end and the key begins.
    #[error("a signed answer must not have a key element")]
    KeyElement,
    /// A field that every answer of this kind has is not there.
    #[error("{field} is missing from the answer")]
    Missing {
        /// The wire name.
        field: &'static str,
    },
    /// A field that is not of its type.
    #[error("{field} of the answer is not {expected}")]
    Malformed {
        /// The wire name.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A success that has what no success of this call has: it is the answer to another kind of call. **Raise an alert.**
    #[error("{field} is in the answer and in no success of this call: it is the answer to another call")]
    OtherCall {
        /// The wire name.
        field: &'static str,
    },
    /// The answer echoes another order, receiver or amount than was sent. **Raise an alert.**
    #[error("{field} of the answer is not that of the request")]
    Correlation {
        /// The wire name.
        field: &'static str,
    },
}

fn other_form(found: Form, expected: Form) -> String {
    if expected.allows(found) {
        format!("answer is {found}, as this path answers, and no document: read the body yourself")
    } else if found == Form::Xml {
        format!("answer is {found} that says SUCCESS, where a success is {expected}")
    } else {
        format!(
            "answer is {found}, expected {expected}: did the service itself answer, and the transport leave it as it is?"
        )
    }
}

impl From<XmlError> for ReplyError {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

impl ReplyError {
    #[doc(hidden)]
    pub fn malformed(field: &'static str, malformed: Malformed) -> Self {
        Self::Malformed { field, expected: malformed.expected }
    }

    /// Always [`Outcome::Unknown`]: query the order, or send it again with the same `mch_billno`.
    pub fn outcome(&self) -> Outcome<'static> {
        Outcome::Unknown(Reason::Unreadable)
    }
}

/// Where a call went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// On our side, before a byte was sent.
    Local,
    /// Between the two: the request may have arrived, unless the transport proves that it was not sent.
    Between,
    /// On the other side, in the answer.
    Remote,
}

/// What can go wrong with one call over a transport whose own error is `T`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<T> {
    /// Local: the request breaks a rule; nothing was sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Between: the transport failed; the request may or may not have arrived, see [`Fault::delivery`].
    #[error("transport failed")]
    Transport(#[source] T),
    /// Remote: the answer cannot be used.
    #[error(transparent)]
    Reply(ReplyError),
}

impl<T> Error<T> {
    /// Whose fault it is.
    pub fn side(&self) -> Side {
        match self {
            Self::Request(_) => Side::Local,
            Self::Transport(_) => Side::Between,
            Self::Reply(_) => Side::Remote,
        }
    }

    /// Always [`Outcome::Unknown`], even where nothing was sent: that says nothing about attempts made before, and
    /// nothing but an answer settles an order.
    pub fn outcome(&self) -> Outcome<'static>
    where
        T: Fault,
    {
        Outcome::Unknown(match self {
            Self::Request(_) => Reason::InvalidRequest,
            Self::Transport(fault) => Reason::Transport(fault.delivery()),
            Self::Reply(_) => Reason::Unreadable,
        })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Between => "between",
            Self::Remote => "remote",
        })
    }
}
