//! The random text of each request. The core has no source of randomness: the caller brings the bytes.

use std::fmt;

use crate::error::RequestError;
use crate::rule::{Rule, Violation};
use crate::short::Short;
use crate::wire::Value;

/// 随机字符串 (`nonce_str`): at most 32 characters. Used up by the request that it signs.
#[derive(PartialEq, Eq)]
pub struct Nonce(Short);

impl Nonce {
    /// From 16 unpredictable bytes: 32 hex digits. The transports offer such bytes from the operating system.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Short::hex(&bytes))
    }

    /// From text of one's own: 1 to 32 of `[0-9A-Za-z]`. For documented examples, and for a resend that must be
    /// the same to the byte.
    pub fn from_text(text: &str) -> Result<Self, RequestError> {
        RequestError::check("nonce_str", Rule::Alphanumeric { max: 32 }, Value::Text(text))?;
        let mut short = Short::new();
        text.bytes().for_each(|byte| short.push(byte));
        Ok(Self(short))
    }

    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nonce").field(&self.as_str()).finish()
    }
}

/// What a source of nonces may give: 16 bytes, or an error that it has none.
pub trait NonceBytes {
    /// The nonce; without bytes an error that names `nonce_str`.
    fn into_nonce(self) -> Result<Nonce, RequestError>;
}

impl NonceBytes for [u8; 16] {
    fn into_nonce(self) -> Result<Nonce, RequestError> {
        Ok(Nonce::from_bytes(self))
    }
}

impl<E> NonceBytes for Result<[u8; 16], E> {
    fn into_nonce(self) -> Result<Nonce, RequestError> {
        match self {
            Ok(bytes) => bytes.into_nonce(),
            Err(_) => Err(RequestError::new("nonce_str", Violation::NoRandomness)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_32_hex_digits() {
        let nonce = Nonce::from_bytes(*b"\x00\x01\x0f\x10\xff\xa5abcdefghij");
        assert_eq!(nonce.as_str(), "00010f10ffa56162636465666768696a");
        assert_eq!(nonce.as_str().len(), 32);
    }

    #[test]
    fn a_source_that_is_dry_is_a_local_error() {
        assert_eq!(Ok::<_, ()>([0; 16]).into_nonce(), [0; 16].into_nonce());
        assert_eq!(
            Err(()).into_nonce().unwrap_err().to_string(),
            "nonce_str cannot be made without random bytes"
        );
    }

    #[test]
    fn text_is_checked() {
        assert!(Nonce::from_text("5K8264ILTKCH16CQ2502SI8ZNMTM67VS").is_ok());
        assert_eq!(Nonce::from_text("").unwrap_err().to_string(), "nonce_str is required");
        assert!(Nonce::from_text(&"a".repeat(33)).is_err());
        assert!(Nonce::from_text("a b").is_err());
    }
}
