//! The signature of APIv2: names and raw values in byte order of the names, joined as `name=value` with `&`, then
//! `&key=` and the key; MD5, or HMAC-SHA256 keyed with the same key; upper-case hex.
//!
//! The text that is signed passes through the [`Signer`]'s room into the digest; the key goes straight there.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::merchant::{AgentSecret, ApiKey};
use crate::short::Short;
use crate::wire::Fields;

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

/// What takes in the text to sign: `name=value&` of each field, in byte order of the names, then the name of the key.
pub(crate) trait Canonical: Sized {
    fn put(&mut self, name: &str, value: &str);

    /// A field as it stands on the wire. An empty one leaves no trace.
    #[inline(always)]
    fn field(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.put(name, value);
        }
    }
}

/// The text itself, for people to read.
impl Canonical for String {
    fn put(&mut self, name: &str, value: &str) {
        self.extend([name, "=", value, "&"]);
    }
}

/// An HMAC that has taken in its key and nothing else.
pub(crate) type Keyed = Hmac<Sha256>;

/// What every HMAC-SHA256 with this key begins with.
pub(crate) fn keyed(key: &[u8; 32]) -> Keyed {
    // HMAC pads a short key with zeros to its block of 64 bytes; a full block cannot be refused.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&(*block).into())
}

/// A digest at work, with the key it will end with.
pub(crate) struct Signer<'k> {
    digest: Digest,
    key: &'k [u8],
    /// Text that waits for the digest: many small pieces are dear to it, one large piece is not.
    room: [u8; 1024],
    /// How much of the room holds text.
    len: usize,
}

// Without a box, which would be dearer than the rest of a sign.
enum Digest {
    Md5(Md5),
    HmacSha256(Keyed),
}

impl Digest {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(digest) => digest.update(bytes),
            Self::HmacSha256(mac) => mac.update(bytes),
        }
    }
}

impl<'k> Signer<'k> {
    #[inline(always)]
    pub(crate) fn new(sign_type: SignType, key: &'k ApiKey) -> Self {
        let digest = match sign_type {
            SignType::Md5 => Digest::Md5(Md5::new()),
            SignType::HmacSha256 => Digest::HmacSha256(key.keyed().clone()),
        };
        Self::of(digest, key.expose())
    }

    /// For the sign within the sign, which is always MD5.
    pub(crate) fn inner(secret: &'k AgentSecret) -> Self {
        Self::of(Digest::Md5(Md5::new()), secret.expose())
    }

    #[inline(always)]
    fn of(digest: Digest, key: &'k [u8]) -> Self {
        Self { digest, key, room: [0; 1024], len: 0 }
    }

    /// Gives the digest everything that waits.
    fn empty(&mut self) {
        self.digest.update(self.room.get(..self.len).unwrap_or_default());
        self.len = 0;
    }

    /// Takes a field for which there was not enough room.
    #[cold]
    fn make_room(&mut self, name: &str, value: &str) {
        self.empty();
        if self.write(name, value).is_none() {
            [name, "=", value, "&"].iter().for_each(|piece| self.digest.update(piece.as_bytes()));
        }
    }

    /// Writes the field into the room, if there is enough.
    #[inline(always)]
    fn write(&mut self, name: &str, value: &str) -> Option<()> {
        let end = self.len + name.len() + value.len() + 2;
        let (own, rest) = self.room.get_mut(self.len..end)?.split_at_mut_checked(name.len())?;
        let [equals, rest @ .., and] = rest else { return None };
        own.copy_from_slice(name.as_bytes());
        *equals = b'=';
        rest.copy_from_slice(value.as_bytes());
        *and = b'&';
        self.len = end;
        Some(())
    }

    /// All fields have been given. What follows is the key, under the name `key=` or, for an inner sign, `secret=`.
    #[inline(always)]
    pub(crate) fn finish(mut self, name: &str) -> Sign {
        self.empty();
        self.digest.update(name.as_bytes());
        self.digest.update(self.key);
        match self.digest {
            Digest::Md5(digest) => Sign::Md5(digest.finalize().into()),
            Digest::HmacSha256(mac) => Sign::HmacSha256(mac.finalize().into_bytes().into()),
        }
    }
}

impl Canonical for Signer<'_> {
    #[inline(always)]
    fn put(&mut self, name: &str, value: &str) {
        if self.write(name, value).is_none() {
            self.make_room(name, value);
        }
    }
}

/// The sign over all non-empty fields of a flat document but `sign`.
pub(crate) fn of_fields(fields: &Fields<'_>, sign_type: SignType, key: &ApiKey) -> Sign {
    let mut signer = Signer::new(sign_type, key);
    for (name, value) in fields.sorted().filter(|(name, _)| *name != "sign") {
        signer.field(name, value);
    }
    signer.finish("key=")
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
    pub(crate) fn to_hex(self) -> Short {
        Short::upper_hex(self.bytes())
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

fn decode<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'A'..=b'F' => Some(c - b'A' + 10),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(hex.as_bytes().as_chunks().0) {
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

    fn sign(sign_type: SignType, fields: &[(&str, &str)]) -> String {
        let key = ApiKey::new(KEY).unwrap();
        let mut signer = Signer::new(sign_type, &key);
        fields.iter().for_each(|(name, value)| signer.field(name, value));
        signer.finish("key=").to_hex().as_str().to_owned()
    }

    fn text(fields: &[(&str, &str)]) -> String {
        let mut text = String::new();
        fields.iter().for_each(|(name, value)| text.field(name, value));
        text + "key="
    }

    fn official(sign_type: SignType) -> String {
        sign(sign_type, &OFFICIAL)
    }

    #[test]
    fn the_official_vector() {
        let expected =
            "appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&nonce_str=ibuaiVcKdpRxkhJA";
        assert_eq!(text(&OFFICIAL), format!("{expected}&key="));
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

    /// The room is 1 KiB and a block 64 bytes: lengths on both sides of each, as one value and as many.
    #[test]
    fn the_room_of_a_signer_leaves_no_trace() {
        use std::fmt::Write as _;
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02X}");
                hex
            })
        };
        let key = ApiKey::new(KEY).unwrap();
        for len in (0..200).chain(900..1100).chain([2047, 2048, 2049, 5000]) {
            let long = "x".repeat(len);
            let short = "y".repeat(len % 67 + 1);
            let fields = [("a", &*short), ("b", &*long), ("c", &*short), ("d", &*long), ("e", "z")];
            let text = text(&fields) + KEY;
            assert_eq!(sign(SignType::Md5, &fields), hex(&Md5::digest(&text)), "{len}");
            let mac = key.keyed().clone().chain_update(&text).finalize().into_bytes();
            assert_eq!(sign(SignType::HmacSha256, &fields), hex(&mac), "{len}");
        }
    }
}
