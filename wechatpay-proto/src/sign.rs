//! The signature of APIv2: names and raw values in byte order of the names, joined as `name=value` with `&`, then
//! `&key=` and the key; MD5, or HMAC-SHA256 keyed with the same key; upper-case hex.
//!
//! The text that is signed is never built: its pieces go straight into the digest, and so does the key.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::merchant::ApiKey;
use crate::wire::{Fields, MAX_ELEMENTS, Value};

/// The digest of a sign. It comes from the endpoint's table or the merchant's configuration, never from a
/// message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignType {
    /// 32 hex digits. Legacy, and the only one that the red packets know.
    Md5,
    /// 64 hex digits. To be preferred wherever an endpoint allows it.
    HmacSha256,
}

impl SignType {
    /// The value of `sign_type` on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }
}

impl fmt::Display for SignType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Takes the pieces of a text, in order.
pub(crate) trait Sink {
    fn put(&mut self, piece: &str);
}

impl Sink for String {
    fn put(&mut self, piece: &str) {
        self.push_str(piece);
    }
}

/// The text to sign, in pieces, up to the key. Fields must come in byte order of their names.
pub(crate) struct Canonical<S> {
    sink: S,
    begun: bool,
}

impl<S: Sink> Canonical<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self { sink, begun: false }
    }

    pub(crate) fn field(&mut self, name: &str, value: &Value<'_>) {
        if value.is_absent() {
            return;
        }
        if std::mem::replace(&mut self.begun, true) {
            self.sink.put("&");
        }
        self.sink.put(name);
        self.sink.put("=");
        match value {
            Value::Text(text) => self.sink.put(text),
            number => {
                // The adaptor never fails.
                let _ = fmt::write(&mut Adaptor(&mut self.sink), format_args!("{number}"));
            }
        }
    }

    /// All fields have been given; what follows is the key, under the name `key` or, for an inner sign, `secret`.
    pub(crate) fn end(mut self, name: &str) -> S {
        if self.begun {
            self.sink.put("&");
        }
        self.sink.put(name);
        self.sink.put("=");
        self.sink
    }
}

/// The whole text to sign, up to the key under the name `end`. `fields` come in byte order of their names.
pub(crate) fn canonical<'f, S: Sink>(
    sink: S,
    fields: impl IntoIterator<Item = (&'f str, Value<'f>)>,
    end: &str,
) -> S {
    let mut canonical = Canonical::new(sink);
    for (name, value) in fields {
        canonical.field(name, &value);
    }
    canonical.end(end)
}

struct Adaptor<'s, S>(&'s mut S);

impl<S: Sink> fmt::Write for Adaptor<'_, S> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.0.put(piece);
        Ok(())
    }
}

/// A digest at work, with the key it will end with.
pub(crate) struct Signer<'k> {
    digest: Digest,
    key: &'k [u8],
}

enum Digest {
    Md5(Md5),
    HmacSha256(Box<Hmac<Sha256>>),
}

impl<'k> Signer<'k> {
    /// `key` has at most 64 bytes where the digest is keyed with it: an [`ApiKey`] has 32.
    pub(crate) fn new(sign_type: SignType, key: &'k [u8]) -> Self {
        let digest = match sign_type {
            SignType::Md5 => Digest::Md5(Md5::new()),
            SignType::HmacSha256 => {
                // HMAC pads a short key with zeros to its block of 64 bytes; a full block cannot be refused.
                let mut block = Zeroizing::new([0; 64]);
                for (to, from) in block.iter_mut().zip(key) {
                    *to = *from;
                }
                Digest::HmacSha256(Box::new(Hmac::new(&(*block).into())))
            }
        };
        Self { digest, key }
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.digest {
            Digest::Md5(digest) => digest.update(bytes),
            Digest::HmacSha256(mac) => mac.update(bytes),
        }
    }

    /// Appends the key and ends the digest.
    pub(crate) fn finish(mut self) -> Sign {
        self.update(self.key);
        match self.digest {
            Digest::Md5(digest) => Sign::Md5(digest.finalize().into()),
            Digest::HmacSha256(mac) => Sign::HmacSha256(mac.finalize().into_bytes().into()),
        }
    }
}

impl Sink for Signer<'_> {
    fn put(&mut self, piece: &str) {
        self.update(piece.as_bytes());
    }
}

/// The sign over all non-empty fields of a flat document but `sign`.
pub(crate) fn of_fields(fields: &Fields<'_>, sign_type: SignType, key: &ApiKey) -> Sign {
    let mut sorted = [("", ""); MAX_ELEMENTS];
    let mut len = 0;
    for (slot, field) in sorted.iter_mut().zip(fields.iter().filter(|(name, _)| *name != "sign")) {
        *slot = field;
        len += 1;
    }
    let sorted = sorted.get_mut(..len).unwrap_or_default();
    sorted.sort_unstable_by_key(|(name, _)| *name);

    let texts = sorted.iter().map(|(name, value)| (*name, Value::Text(value)));
    canonical(Signer::new(sign_type, key.expose()), texts, "key").finish()
}

/// A calculated or received sign. `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub(crate) enum Sign {
    Md5([u8; 16]),
    HmacSha256([u8; 32]),
}

impl Sign {
    /// Decodes hex of either case; `None` for any length but 32 and 64, or a digit that is none.
    pub(crate) fn from_hex(hex: &str) -> Option<Self> {
        match hex.len() {
            32 => decode(hex).map(Self::Md5),
            64 => decode(hex).map(Self::HmacSha256),
            _ => None,
        }
    }

    pub(crate) fn sign_type(&self) -> SignType {
        match self {
            Self::Md5(_) => SignType::Md5,
            Self::HmacSha256(_) => SignType::HmacSha256,
        }
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }

    /// Upper-case hex, the form on the wire.
    pub(crate) fn to_hex(self) -> String {
        hex(self.bytes()).to_ascii_uppercase()
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Md5(bytes) => bytes,
            Self::HmacSha256(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sign({}, ..)", self.sign_type())
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn decode<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
    /// The official example of the signature page, in byte order of the names.
    const OFFICIAL: [(&str, &str); 5] = [
        ("appid", "wxd930ea5d5a258f4f"),
        ("body", "test"),
        ("device_info", "1000"),
        ("mch_id", "10000100"),
        ("nonce_str", "ibuaiVcKdpRxkhJA"),
    ];

    fn fields() -> impl Iterator<Item = (&'static str, Value<'static>)> {
        OFFICIAL.into_iter().map(|(name, value)| (name, Value::Text(value)))
    }

    fn official(sign_type: SignType) -> String {
        let key = ApiKey::new(KEY).unwrap();
        canonical(Signer::new(sign_type, key.expose()), fields(), "key").finish().to_hex()
    }

    #[test]
    fn the_official_vector() {
        let text =
            "appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&nonce_str=ibuaiVcKdpRxkhJA";
        assert_eq!(canonical(String::new(), fields(), "key"), format!("{text}&key="));
        assert_eq!(official(SignType::Md5), "9A0A8659F005D6984697E2CA0A9CF3B7");
        let hmac = "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6";
        assert_eq!(official(SignType::HmacSha256), hmac);
    }

    /// X02: only 32 or 64 hex digits are a sign at all.
    #[test]
    fn x02_a_sign_has_a_form() {
        let sign = official(SignType::Md5);
        assert!(Sign::from_hex(&sign).is_some());
        assert!(Sign::from_hex(&sign.to_lowercase()).is_some());
        let spaced = format!(" {}", &sign[1..]);
        let wide = format!("{}号", &sign[3..]);
        for bad in ["", &sign[1..], &format!("{sign}0"), &"0".repeat(63), &"G".repeat(32), &spaced, &wide] {
            assert!(Sign::from_hex(bad).is_none(), "{bad:?}");
        }
    }
}
