//! The form of an answer: a document, or bytes that the caller reads.

use std::fmt;

/// The form of an answer. Only a document can be verified and read here; a body in any other form is the caller's to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// A document of APIv2, as nearly every answer is.
    Xml,
    /// JSON: the answer of `/appauth/getaccesstoken`; anywhere else an answer of APIv3, or of somebody in between.
    Json,
    /// Lines of text: a bill, or comments. Compressed where the request said `tar_type` `GZIP`; failures are documents.
    Text,
    /// Compressed by gzip: a bill that was asked for so; anywhere else an answer that the transport did not unpack.
    Gzip,
    /// A page of a web server or a proxy, in place of an answer.
    Html,
}

impl Form {
    /// What `body` is by its first bytes, where `expected` would be right. Text has no mark: it is what nothing else is,
    /// where text is expected.
    pub(crate) fn of(body: &[u8], expected: Self) -> Self {
        if body.starts_with(&[0x1F, 0x8B]) {
            return Self::Gzip;
        }
        match body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start() {
            [b'{' | b'[', ..] => Self::Json,
            [b'<', rest @ ..] if is_html(rest) => Self::Html,
            [] | [b'<', ..] => Self::Xml,
            _ if expected == Self::Text => Self::Text,
            _ => Self::Xml,
        }
    }

    /// Whether a success of an endpoint that answers in this form may be `found`.
    pub(crate) fn allows(self, found: Self) -> bool {
        self == found || (self, found) == (Self::Text, Self::Gzip)
    }
}

/// Whether a page begins so, behind its first `<`.
fn is_html(rest: &[u8]) -> bool {
    let begins = |with: &[u8]| {
        let (start, behind) = rest.split_at_checked(with.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(with) && behind.first().is_some_and(|byte| !byte.is_ascii_alphanumeric())
    };
    begins(b"html") || begins(b"!doctype html")
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xml => "an XML document",
            Self::Json => "JSON",
            Self::Text => "text",
            Self::Gzip => "compressed by gzip",
            Self::Html => "an HTML page",
        })
    }
}
