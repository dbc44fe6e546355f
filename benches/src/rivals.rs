//! What the core is measured beside. The bare ones do less than anybody could: the digest alone, the events of the parser
//! alone. The usual ones do what SDKs do: maps of strings, joined by `format!`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest as _, Md5};
use quick_xml::events::Event;
use sha2::Sha256;
use wechatpay_proto::SignType;

use crate::KEY;

/// Names and values as a caller of a usual SDK holds them.
pub type Pairs = Vec<(String, String)>;

/// A digest that has its key already.
#[derive(Clone, Debug)]
pub enum Bare {
    /// The key stands in the text.
    Md5,
    /// The key is prepared.
    HmacSha256(Box<Hmac<Sha256>>),
}

impl Bare {
    /// With the sample key.
    pub fn new(digest: SignType) -> Self {
        match digest {
            SignType::Md5 => Self::Md5,
            SignType::HmacSha256 => Self::HmacSha256(Box::new(keyed())),
        }
    }

    /// Digests `text` and forgets what came out.
    pub fn digest(&self, text: &[u8]) {
        match self {
            Self::Md5 => drop(black_box(Md5::digest(text))),
            Self::HmacSha256(keyed) => {
                let mut mac = Hmac::clone(keyed);
                mac.update(text);
                drop(black_box(mac.finalize()));
            }
        }
    }
}

fn keyed() -> Hmac<Sha256> {
    // HMAC pads a key with zeros to its block.
    let mut block = [0; 64];
    block.iter_mut().zip(KEY.bytes()).for_each(|(to, from)| *to = from);
    Hmac::new(&block.into())
}

/// Every event of the parser with its defaults, looked at and forgotten; how many there were.
pub fn events(body: &[u8]) -> Result<usize, Box<dyn std::error::Error>> {
    let mut reader = quick_xml::Reader::from_str(std::str::from_utf8(body)?);
    let mut count = 0;
    loop {
        if let Event::Eof = black_box(reader.read_event()?) {
            return Ok(count);
        }
        count += 1;
    }
}

/// The whole document as a map, by the parser's own deserializer.
pub fn map(body: &[u8]) -> Result<BTreeMap<String, String>, Box<dyn std::error::Error>> {
    Ok(quick_xml::de::from_str(std::str::from_utf8(body)?)?)
}

/// Sorted, joined, with the key.
pub fn canonical(fields: &BTreeMap<String, String>) -> String {
    let fields = fields.iter().filter(|(name, value)| *name != "sign" && !value.is_empty());
    let joined: Vec<String> = fields.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}&key={KEY}", joined.join("&"))
}

/// The sign in upper-case hex.
pub fn sign_map(fields: &BTreeMap<String, String>, digest: SignType) -> String {
    let text = canonical(fields);
    match digest {
        SignType::Md5 => hex(&Md5::digest(text)),
        SignType::HmacSha256 => {
            let mut mac = keyed();
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        }
    }
}

/// The sign of fields in any order.
pub fn sign_usual(fields: &Pairs, digest: SignType) -> String {
    sign_map(&fields.iter().cloned().collect(), digest)
}

/// The document that goes out: sorted, signed, escaped.
pub fn request_usual(fields: &Pairs, digest: SignType) -> Result<String, std::fmt::Error> {
    let sign = sign_usual(fields, digest);
    let mut xml = String::from("<xml>");
    for (name, value) in
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([("sign", &*sign)])
    {
        write!(xml, "<{name}>{}</{name}>", quick_xml::escape::escape(value))?;
    }
    Ok(xml + "</xml>")
}

/// The answer as a map, if it is signed as it must be.
pub fn accept_usual(
    body: &[u8],
    digest: Option<SignType>,
) -> Result<BTreeMap<String, String>, Box<dyn std::error::Error>> {
    let fields = map(body)?;
    match digest {
        Some(digest) if fields.get("sign") != Some(&sign_map(&fields, digest)) => Err("sign".into()),
        _ => Ok(fields),
    }
}

/// Upper-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"))
}
