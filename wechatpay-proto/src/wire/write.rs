//! The writer: names and values to one flat `<xml>` document.

use std::fmt::{self, Write as _};

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

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}
