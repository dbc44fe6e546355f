//! A second reader and a second signer, written from the rules alone: no tokenizer, no code of the core. Slow and plain
//! on purpose, so that reading it is enough to believe it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use wechatpay_proto::SignType;

/// Names and values, in the order of the document.
pub(crate) type Pairs = Vec<(String, String)>;

/// What a document says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// The leaves of the root.
    pub(crate) fields: Pairs,
    /// The lists: each its container and the leaves of its items.
    pub(crate) lists: Vec<(String, Vec<Pairs>)>,
    /// Each element of the root as it is written.
    pub(crate) written: Vec<String>,
    /// Where the end tag of the root begins, in bytes; `None` where the root is `<xml/>`.
    pub(crate) end: Option<usize>,
}

impl Document {
    /// What is signed: the pairs with a value but `sign`, by name.
    pub(crate) fn signed(&self) -> Pairs {
        let mut pairs = self.fields.clone();
        pairs.retain(|(name, value)| name != "sign" && !value.is_empty());
        pairs.sort();
        pairs
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value, which may be empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// `name=value` joined with `&`, then `&key=`.
pub(crate) fn canonical(pairs: &Pairs) -> String {
    joined(pairs) + "key="
}

/// The same for the sign within the sign, which ends in `&secret=` and the secret.
pub(crate) fn inner_sign(pairs: &Pairs, secret: &str) -> String {
    hex(&Md5::digest(joined(pairs) + "secret=" + secret))
}

fn joined(pairs: &Pairs) -> String {
    let mut pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    pairs.sort_by(|one, other| one.0.as_bytes().cmp(other.0.as_bytes()));
    pairs.iter().map(|(name, value)| format!("{name}={value}&")).collect()
}

/// The sign over these pairs, in upper-case hex.
pub(crate) fn sign(pairs: &Pairs, sign_type: SignType, key: &str) -> String {
    let text = canonical(pairs) + key;
    match sign_type {
        SignType::Md5 => hex(&Md5::digest(text)),
        SignType::HmacSha256 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length will do");
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Why a document is refused, for whoever reads a finding.
pub(crate) type Refused = &'static str;

const VALUE: usize = 32 * 1024;
const ELEMENTS: usize = 1024;

/// Reads a document whose only nesting is in these pairs of container and item.
pub(crate) fn read(body: &[u8], lists: &[(&str, &str)]) -> Result<Document, Refused> {
    if body.len() > 64 * 1024 {
        return Err("body too long");
    }
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
    if !text.chars().all(is_char) {
        return Err("character");
    }
    let mut reader = Reader { whole: text, rest: text, lists, elements: 0 };
    reader.take("\u{FEFF}");
    reader.declaration()?;
    reader.space();
    let mut document = Document::default();
    if !reader.take("<xml") {
        return Err("no root");
    }
    if !reader.end_of_start_tag()? {
        reader.root(&mut document)?;
    }
    reader.space();
    if reader.rest.is_empty() { Ok(document) } else { Err("something behind the root") }
}

/// `Char` of XML 1.0, section 2.2.
fn is_char(c: char) -> bool {
    let code = u32::from(c);
    code == 0x9
        || code == 0xA
        || code == 0xD
        || (0x20..=0xD7FF).contains(&code)
        || (0xE000..=0xFFFD).contains(&code)
        || (0x10000..=0x10FFFF).contains(&code)
}

fn is_space(c: char) -> bool {
    c == ' ' || c == '\t' || c == '\r' || c == '\n'
}

struct Reader<'t, 'l> {
    whole: &'t str,
    rest: &'t str,
    lists: &'l [(&'l str, &'l str)],
    elements: usize,
}

impl<'t> Reader<'t, '_> {
    fn at(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    /// Takes this text, if it comes next.
    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes all characters of a kind.
    fn take_while(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest.trim_start_matches(is);
        let (taken, rest) = self.rest.split_at(self.rest.len() - rest.len());
        self.rest = rest;
        taken
    }

    /// White space outside leaves.
    fn space(&mut self) {
        self.take_while(is_space);
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="no"?>`, the encoding in any case or not at all, the last word `yes` or
    /// `no` or not at all.
    fn declaration(&mut self) -> Result<(), Refused> {
        if !self.take("<?xml") {
            return Ok(());
        }
        if !self.pseudo_attribute("version", |value| value == "1.0") {
            return Err("declaration: version");
        }
        self.pseudo_attribute("encoding", |value| value.eq_ignore_ascii_case("utf-8"));
        self.pseudo_attribute("standalone", |value| value == "yes" || value == "no");
        self.take_while(is_space);
        if self.take("?>") { Ok(()) } else { Err("declaration") }
    }

    fn pseudo_attribute(&mut self, name: &str, good: fn(&str) -> bool) -> bool {
        let before = self.rest;
        let spaced = !self.take_while(is_space).is_empty();
        let named = spaced && self.take(name);
        self.take_while(is_space);
        let equals = named && self.take("=");
        self.take_while(is_space);
        let quote = if self.take("\"") { "\"" } else { "'" };
        let quoted = quote == "\"" || self.take("'");
        let found = self.take_while(|c| c != '"' && c != '\'' && c != '<');
        let whole = equals && quoted && self.take(quote) && good(found);
        if !whole {
            self.rest = before;
        }
        whole
    }

    /// White space, then `>` or `/>`; whether it was the latter.
    fn end_of_start_tag(&mut self) -> Result<bool, Refused> {
        self.take_while(is_space);
        if self.take("/>") {
            Ok(true)
        } else if self.take(">") {
            Ok(false)
        } else {
            Err("start tag")
        }
    }

    /// Behind `</`: the name, white space, `>`.
    fn end_tag(&mut self, name: &str) -> Result<(), Refused> {
        let named = self.take(name);
        self.take_while(is_space);
        if named && self.take(">") { Ok(()) } else { Err("end tag") }
    }

    /// Behind the start tag of the root, up to its end.
    fn root(&mut self, document: &mut Document) -> Result<(), Refused> {
        loop {
            self.space();
            let begin = self.at();
            if self.take("</") {
                document.end = Some(begin);
                return self.end_tag("xml");
            }
            let (name, empty) = self.child()?;
            if document.has(name) || document.lists.iter().any(|(container, _)| container == name) {
                return Err("name twice");
            }
            match self.lists.iter().find(|(container, _)| *container == name) {
                Some((_, item)) => {
                    let items = if empty { Vec::new() } else { self.items(name, item)? };
                    document.lists.push((name.to_owned(), items));
                }
                None => {
                    let value = if empty { String::new() } else { self.leaf(name)? };
                    document.fields.push((name.to_owned(), value));
                }
            }
            document.written.push(self.whole[begin..self.at()].to_owned());
        }
    }

    fn items(&mut self, container: &str, item: &str) -> Result<Vec<Pairs>, Refused> {
        let mut items = Vec::new();
        loop {
            self.space();
            if self.take("</") {
                self.end_tag(container)?;
                return Ok(items);
            }
            let (name, empty) = self.child()?;
            if name != item {
                return Err("not the item of the list");
            }
            items.push(if empty { Pairs::new() } else { self.item(name)? });
        }
    }

    fn item(&mut self, item: &str) -> Result<Pairs, Refused> {
        let mut pairs = Pairs::new();
        loop {
            self.space();
            if self.take("</") {
                self.end_tag(item)?;
                return Ok(pairs);
            }
            let (name, empty) = self.child()?;
            if pairs.iter().any(|(own, _)| own == name) {
                return Err("name twice in an item");
            }
            let value = if empty { String::new() } else { self.leaf(name)? };
            pairs.push((name.to_owned(), value));
        }
    }

    /// A whole start tag: its name, and whether it is an empty-element tag.
    fn child(&mut self) -> Result<(&'t str, bool), Refused> {
        if !self.take("<") {
            return Err("neither element nor white space");
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || name.len() > 64 {
            return Err("name");
        }
        self.elements += 1;
        if self.elements > ELEMENTS {
            return Err("too many elements");
        }
        Ok((name, self.end_of_start_tag()?))
    }

    /// The value of a leaf, up to and including its end tag.
    fn leaf(&mut self, name: &str) -> Result<String, Refused> {
        let mut value = String::new();
        loop {
            if self.take("</") {
                self.end_tag(name)?;
                return Ok(value);
            }
            value += &self.piece()?;
            if value.len() > VALUE {
                return Err("value too long");
            }
        }
    }

    /// A CDATA section, a reference, or the text up to the next mark.
    fn piece(&mut self) -> Result<String, Refused> {
        let raw = if self.take("<![CDATA[") {
            let end = self.rest.find("]]>").ok_or("CDATA without end")?;
            let (inside, rest) = self.rest.split_at(end);
            self.rest = &rest[3..];
            inside
        } else if self.take("&") {
            return self.reference();
        } else {
            let text = self.take_while(|c| c != '<' && c != '&');
            match text {
                "" => return Err("neither text nor the end of the leaf"),
                text if text.contains("]]>") => return Err("]]> in text"),
                text => text,
            }
        };
        Ok(raw.replace("\r\n", "\n").replace('\r', "\n"))
    }

    /// Behind `&`.
    fn reference(&mut self) -> Result<String, Refused> {
        for (entity, text) in [("lt;", "<"), ("gt;", ">"), ("amp;", "&"), ("apos;", "'"), ("quot;", "\"")] {
            if self.take(entity) {
                return Ok(text.to_owned());
            }
        }
        let radix = if self.take("#x") {
            16
        } else if self.take("#") {
            10
        } else {
            return Err("entity");
        };
        let digits = self.take_while(|c| c.is_digit(radix));
        if digits.is_empty() || !self.take(";") {
            return Err("character reference");
        }
        let add =
            |code: u32, c: char| code.saturating_mul(radix).saturating_add(c.to_digit(radix).unwrap_or(0));
        let c = char::from_u32(digits.chars().fold(0, add)).filter(|c| is_char(*c));
        c.map(String::from).ok_or("reference to no character")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: [(&str, &str); 1] = [("hblist", "hbinfo")];

    #[test]
    fn the_dialect_is_read() {
        let document = b"\xEF\xBB\xBF<?xml version='1.0' encoding=\"Utf-8\" ?>\n<xml >\n<a>1&#x32;<![CDATA[<]]>\r\n</a><b/>\
            <hblist><hbinfo><openid>o</openid></hbinfo><hbinfo/></hblist> </xml >\n";
        let document = read(document, &LISTS).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(document.fields, [pair("a", "12<\n"), pair("b", "")]);
        assert_eq!(document.lists, [("hblist".to_owned(), vec![vec![pair("openid", "o")], vec![]])]);
        assert_eq!(document.written[1], "<b/>");
        assert_eq!(document.signed(), [pair("a", "12<\n")]);
    }

    #[test]
    fn what_is_not_of_the_dialect_is_refused() {
        for bad in [
            "",
            " ",
            "<xml>",
            "<xml><a>1</xml>",
            "<XML/>",
            "<xmlx/>",
            "<xml/><xml/>",
            "<xml>t</xml>",
            "<xml a='1'/>",
            "<xml><a b='1'/></xml>",
            "<xml><a/><a/></xml>",
            "<xml><a><b/></a></xml>",
            "<xml><1/></xml>",
            "<xml><!-- --></xml>",
            "<xml><a><!-- --></a></xml>",
            "<!DOCTYPE x><xml/>",
            "<xml>&#32;</xml>",
            "<xml><![CDATA[ ]]></xml>",
            "<xml><a>]]></a></xml>",
            "<xml><a>&b;</a></xml>",
            "<xml><a>&#1;</a></xml>",
            "<xml><a>\u{1}</a></xml>",
            " <?xml version='1.0'?><xml/>",
            "<?xml version='1.0' encoding='GBK'?><xml/>",
            "<?xml version='1.0' standalone='true'?><xml/>",
            "<?xml version='1.0' standalone='YES'?><xml/>",
            "<?xml version='1.0' standalone='no' encoding='UTF-8'?><xml/>",
            "<?xml version='1.0' standalone='no'?><!DOCTYPE x><xml/>",
            "<xml><hbinfo><a/></hbinfo></xml>",
            "\u{FEFF}\u{FEFF}<xml/>",
            "<xml><a/ ></xml>",
            "<xml></ xml>",
            "<xml><a>&#-1;</a></xml>",
            "<xml><a>&#x110000;</a></xml>",
        ] {
            assert!(read(bad.as_bytes(), &LISTS).is_err(), "{bad}");
        }
        assert!(read(b"<xml><hblist/></xml>", &LISTS).is_ok());
        assert!(read(b"<?xml version='1.0' standalone='yes'?><xml/>", &LISTS).is_ok());
        assert!(read(b"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><xml/>", &LISTS).is_ok());
        assert!(read(b"<xml><hblist><hbinfo/></hblist></xml>", &[]).is_err());
    }

    #[test]
    fn the_official_sign() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let pairs = [
            ("appid", "wxd930ea5d5a258f4f"),
            ("mch_id", "10000100"),
            ("device_info", "1000"),
            ("body", "test"),
            ("nonce_str", "ibuaiVcKdpRxkhJA"),
        ];
        let (pairs, key) = (pairs.map(pair).to_vec(), "192006250b4c09247ec02edce69f6a2d");
        assert_eq!(sign(&pairs, SignType::Md5, key), "9A0A8659F005D6984697E2CA0A9CF3B7");
        let hmac = "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6";
        assert_eq!(sign(&pairs, SignType::HmacSha256, key), hmac);
    }
}
