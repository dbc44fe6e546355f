//! What a framework made of a body before it came here.

use std::fmt;

/// What a body is in place of the XML that the service posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyForm {
    /// No byte, or white space only.
    Empty,
    /// The XML within quotes, or what is left of them: serialised once more.
    JsonString,
    /// A JSON object or array: the XML converted, or a notice of APIv3.
    Json,
    /// `&lt;xml&gt;`.
    HtmlEscaped,
    /// `%3Cxml%3E`.
    UrlEncoded,
    /// The base64 of the XML.
    Base64,
    /// Gzip, not unpacked.
    Gzip,
    /// Text without one tag: a filter took them out.
    Stripped,
}

impl BodyForm {
    /// What a body is that cannot be read; `None` where it looks like XML, or like nothing known.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body).trim_ascii();
        let begins = |with: &str| {
            let start = body.get(..with.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
        };
        let (escaped, encoded) = (["&lt;", "&#60;", "&#x3c;", "&amp;"], ["%3c", "%253c"]);
        match body {
            [] => Some(Self::Empty),
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [b'"' | b'\'', ..] => Some(Self::JsonString),
            // The quotes are gone, the escapes within them are not.
            _ if begins("<xml>\\") => Some(Self::JsonString),
            [b'{' | b'[', ..] => Some(Self::Json),
            _ if escaped.into_iter().any(begins) => Some(Self::HtmlEscaped),
            _ if encoded.into_iter().any(begins) => Some(Self::UrlEncoded),
            // `<xml` and `<?xml`; another case of letters is another text.
            _ if body.starts_with(b"PHhtb") || body.starts_with(b"PD94bW") => Some(Self::Base64),
            _ if str::from_utf8(body).is_ok_and(|text| !text.contains('<')) => Some(Self::Stripped),
            _ => None,
        }
    }
}

impl fmt::Display for BodyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::JsonString => "quoted as a JSON string",
            Self::Json => "JSON, converted from the XML or a notice of APIv3",
            Self::HtmlEscaped => "HTML-escaped",
            Self::UrlEncoded => "url-encoded",
            Self::Base64 => "base64",
            Self::Gzip => "gzip, not unpacked",
            Self::Stripped => "text without a tag, as a filter against scripts leaves it",
        })
    }
}
