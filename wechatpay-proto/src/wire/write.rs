//! The writer: names and values to one flat `<xml>` document.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::Value;
use super::scan::Kinds;
use crate::short::Short;

/// Writes a flat document as the official samples look: text in CDATA, numbers and addresses bare, no white space
/// between elements. Absent and empty values leave no trace.
///
/// Text that holds `]]>` or a carriage return is escaped instead. Whatever the text, as long as it has only
/// characters that XML allows, reading the document gives it back:
///
/// ```
/// use wechatpay_proto::wire::{self, Value, Writer};
///
/// let mut xml = Writer::new();
/// xml.element("wishing", &Value::Text("</xml> & ]]>"));
/// let xml = xml.finish();
/// assert_eq!(wire::parse(xml.as_bytes(), &[]).unwrap().untrusted().get("wishing"), Some("</xml> & ]]>"));
/// ```
#[derive(Clone)]
pub struct Writer {
    xml: String,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes)", self.xml.len())
    }
}

impl Writer {
    /// A document with an open root.
    pub fn new() -> Self {
        let mut xml = String::with_capacity(1024);
        xml.push_str("<xml>");
        Self { xml }
    }

    /// Writes `<name>value</name>`. `name` is a name of the dialect: it comes from a table.
    pub fn element(&mut self, name: &str, value: &Value<'_>) {
        let mut digits = Short::new();
        let text = value.shown(&mut digits);
        self.leaf(name, text, value.is_text().then(|| Kinds::of(text)));
    }

    /// Writes a value as it stands on the wire; `kinds` are those of its bytes where it is text.
    #[inline(always)]
    fn leaf(&mut self, name: &str, value: &str, kinds: Option<Kinds>) {
        if value.is_empty() {
            return;
        }
        self.open(name);
        match kinds {
            None => self.xml.push_str(value),
            Some(kinds) if kinds.has(Kinds::GREATER.and(Kinds::CONTROL)) => self.escaped(value),
            Some(_) => self.cdata(value),
        }
        self.close(name);
    }

    #[inline(always)]
    fn cdata(&mut self, text: &str) {
        self.xml.push_str("<![CDATA[");
        self.xml.push_str(text);
        self.xml.push_str("]]>");
    }

    /// In CDATA unless that would end too early, or a carriage return would be read back as a line feed.
    #[cold]
    fn escaped(&mut self, text: &str) {
        if text.contains("]]>") || text.contains('\r') {
            self.xml.push_str(&quick_xml::escape::escape(text));
        } else {
            self.cdata(text);
        }
    }

    /// Writes `<name>`, for a list or an item; [`close`](Self::close) must follow.
    #[inline(always)]
    pub fn open(&mut self, name: &str) {
        self.xml.push('<');
        self.xml.push_str(name);
        self.xml.push('>');
    }

    /// Writes `</name>`.
    #[inline(always)]
    pub fn close(&mut self, name: &str) {
        self.xml.push_str("</");
        self.xml.push_str(name);
        self.xml.push('>');
    }

    /// Closes the root and gives the document out.
    pub fn finish(mut self) -> String {
        self.close("xml");
        self.xml
    }
}

/// What the fields of a request are written on, in their order of signing.
pub(crate) trait Sheet {
    /// A field as it stands on the wire, and which bytes it has where it is text. An empty one leaves no trace.
    fn field(&mut self, name: &str, value: &str, kinds: Option<Kinds>);
    fn finish(self) -> String;
}

impl Sheet for Writer {
    #[inline(always)]
    fn field(&mut self, name: &str, value: &str, kinds: Option<Kinds>) {
        self.leaf(name, value, kinds);
    }

    fn finish(self) -> String {
        self.finish()
    }
}

/// The query of a URL: `?name=value&…`, values percent-encoded.
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }
}

impl Sheet for Query {
    fn field(&mut self, name: &str, value: &str, _kinds: Option<Kinds>) {
        if value.is_empty() {
            return;
        }
        let mark = if self.0.is_empty() { "?" } else { "&" };
        self.0.extend([mark, name, "="].into_iter().chain(percent_encode(value)));
    }

    fn finish(self) -> String {
        self.0
    }
}

/// Everything but RFC 3986's unreserved characters as `%XX`, upper case: what the encoders of other languages agree on.
pub(crate) fn percent_encode(text: &str) -> PercentEncode<'_> {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, ESCAPED)
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}
