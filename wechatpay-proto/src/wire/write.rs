//! The writer: names and values to one flat `<xml>` document.

use std::fmt::{self, Write as _};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::Value;

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
        if value.is_absent() {
            return;
        }
        self.open(name);
        match value {
            // A raw carriage return would be read back as a line feed.
            Value::Text(text) if text.contains("]]>") || text.contains('\r') => {
                self.xml.push_str(&quick_xml::escape::escape(*text));
            }
            Value::Text(text) => {
                self.xml.push_str("<![CDATA[");
                self.xml.push_str(text);
                self.xml.push_str("]]>");
            }
            bare => {
                // Writing to a String cannot fail.
                let _ = write!(self.xml, "{bare}");
            }
        }
        self.close(name);
    }

    /// Writes `<name>`, for a list or an item; [`close`](Self::close) must follow.
    pub fn open(&mut self, name: &str) {
        self.xml.push('<');
        self.xml.push_str(name);
        self.xml.push('>');
    }

    /// Writes `</name>`.
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
    fn element(&mut self, name: &str, value: &Value<'_>);
    fn finish(self) -> String;
}

impl Sheet for Writer {
    fn element(&mut self, name: &str, value: &Value<'_>) {
        self.element(name, value);
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
    fn element(&mut self, name: &str, value: &Value<'_>) {
        if value.is_absent() {
            return;
        }
        let mark = if self.0.is_empty() { "?" } else { "&" };
        self.0.extend([mark, name, "="].into_iter().chain(percent_encode(&value.to_string())));
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
