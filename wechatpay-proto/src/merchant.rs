//! Who is calling: the merchant number, the API key, and the mode.

use std::fmt;
use std::sync::LazyLock;

use zeroize::Zeroizing;

use crate::endpoint::{Outgoing, Spec, Trust};
use crate::error::{ReplyError, RequestError};
use crate::nonce::Nonce;
use crate::reply::Reply;
use crate::rule::{Rule, Violation};
use crate::sign::{self, Keyed, SignType};
use crate::signed::{self, Signed};
use crate::transport::BaseUrl;
use crate::wire::{self, Value, Writer};

/// The APIv2 key (API密钥): exactly 32 visible ASCII bytes. Overwritten when dropped, never shown.
#[derive(Clone)]
pub struct ApiKey(Box<KeyRoom>);

/// The key, and the HMAC that begins with it: made once, not for each sign.
#[derive(Clone)]
struct KeyRoom {
    bytes: Zeroizing<[u8; 32]>,
    keyed: Keyed,
}

impl ApiKey {
    /// Takes the key as the merchant platform shows it. No default and no shorter key exists: with an empty key
    /// everybody can sign.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, RequestError> {
        let key = key.as_ref();
        let refuse = |violation| Err(RequestError::new("key", violation));
        if key.len() != 32 {
            return refuse(Violation::Length { exactly: 32, len: key.len() });
        }
        if let Some(at) = key.iter().position(|byte| !byte.is_ascii_graphic()) {
            return refuse(Violation::Characters { allowed: "visible ASCII", at });
        }
        // Filled in place: a key that moves leaves no copy behind.
        let mut room = Box::new(KeyRoom { bytes: Zeroizing::new([0; 32]), keyed: sign::keyed(&[0; 32]) });
        room.bytes.copy_from_slice(key);
        room.keyed = sign::keyed(&room.bytes);
        Ok(Self(room))
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0.bytes
    }

    pub(crate) fn keyed(&self) -> &Keyed {
        &self.0.keyed
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// The secret of a work-weixin application (企业微信应用的 secret), for `workwx_sign`: 1 to 128 visible ASCII bytes; real
/// ones have 43. Overwritten when dropped, never shown.
#[derive(Clone)]
pub struct AgentSecret(Zeroizing<Box<[u8]>>);

impl AgentSecret {
    /// Takes the secret as the administration of work-weixin shows it.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, RequestError> {
        let secret = secret.as_ref();
        let refuse = |violation| Err(RequestError::new("secret", violation));
        match secret.iter().position(|byte| !byte.is_ascii_graphic()) {
            _ if secret.is_empty() => refuse(Violation::Missing),
            _ if secret.len() > 128 => refuse(Violation::TooLong { max: 128, len: secret.len() }),
            Some(at) => refuse(Violation::Characters { allowed: "visible ASCII", at }),
            None => Ok(Self(Zeroizing::new(secret.into()))),
        }
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AgentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentSecret(..)")
    }
}

/// How the merchant calls: for itself, or for sub-merchants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// 直连商户: the caller pays. Fields for service providers are refused.
    Direct,
    /// 服务商: the caller acts for a sub-merchant. The fields that this needs are required.
    ServiceProvider,
}

/// A merchant that can sign requests and verify answers.
#[derive(Clone, Debug)]
pub struct Merchant {
    mch_id: Box<str>,
    key: ApiKey,
    mode: Mode,
    sign_type: SignType,
    agent_secret: Option<AgentSecret>,
}

impl Merchant {
    /// A merchant that calls for itself. `mch_id` has 1 to 32 of `[0-9A-Za-z]`; real ones are digits.
    pub fn direct(mch_id: &str, key: ApiKey) -> Result<Self, RequestError> {
        Self::new(mch_id, key, Mode::Direct)
    }

    /// A service provider that calls for its sub-merchants; `mch_id` is the provider's own.
    pub fn service_provider(mch_id: &str, key: ApiKey) -> Result<Self, RequestError> {
        Self::new(mch_id, key, Mode::ServiceProvider)
    }

    fn new(mch_id: &str, key: ApiKey, mode: Mode) -> Result<Self, RequestError> {
        RequestError::check("mch_id", Rule::Alphanumeric { max: 32 }, Value::Text(mch_id))?;
        Ok(Self { mch_id: mch_id.into(), key, mode, sign_type: SignType::HmacSha256, agent_secret: None })
    }

    /// The digest for endpoints that leave the choice: HMAC-SHA256 unless said otherwise here. The red packets
    /// leave none, they are MD5.
    #[must_use]
    pub fn with_sign_type(self, sign_type: SignType) -> Self {
        Self { sign_type, ..self }
    }

    /// The secret of the work-weixin application that sends red packets (`sendworkwxredpack`).
    #[must_use]
    pub fn with_agent_secret(self, secret: AgentSecret) -> Self {
        Self { agent_secret: Some(secret), ..self }
    }

    /// The merchant number (商户号).
    pub fn mch_id(&self) -> &str {
        &self.mch_id
    }

    /// Whether the merchant calls for itself or for sub-merchants.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The digest for endpoints that leave the choice.
    pub fn sign_type(&self) -> SignType {
        self.sign_type
    }

    pub(crate) fn key(&self) -> &ApiKey {
        &self.key
    }

    pub(crate) fn agent_secret(&self) -> Option<&AgentSecret> {
        self.agent_secret.as_ref()
    }

    /// Checks `request` against every rule of its table and signs it for the production host.
    ///
    /// A resend takes the same request with a fresh nonce.
    pub fn sign<'r, E: Outgoing>(
        &'r self,
        request: &'r E,
        nonce: Nonce,
    ) -> Result<Signed<'r, E>, RequestError> {
        static PRODUCTION: LazyLock<BaseUrl> = LazyLock::new(BaseUrl::default);
        self.sign_for(&PRODUCTION, request, nonce)
    }

    /// Like [`sign`](Self::sign), for another host: the backup, or a mock.
    pub fn sign_for<'r, E: Outgoing>(
        &'r self,
        base: &BaseUrl,
        request: &'r E,
        nonce: Nonce,
    ) -> Result<Signed<'r, E>, RequestError> {
        Signed::new(self, base, request, nonce)
    }

    /// The server's direction: the document of an answer, with its sign where the endpoint's answers carry one.
    ///
    /// Fails where what was written could not be read back: a list in a signed answer, a character that XML does not
    /// allow.
    pub fn write_reply<'b>(&self, spec: &Spec<'_>, reply: &impl Reply<'b>) -> Result<String, ReplyError> {
        let mut xml = Writer::new();
        reply.write(&mut xml);
        match spec.trust {
            Trust::TransportOnly => {
                let document = xml.finish();
                wire::parse(document.as_bytes(), spec.lists)?;
                Ok(document)
            }
            Trust::Signed | Trust::SignedSuccess => {
                signed::seal(xml, spec.sign_type(self.sign_type), &self.key)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X12: a key is 32 visible ASCII bytes, nothing else.
    #[test]
    fn x12_keys_that_are_refused() {
        assert!(ApiKey::new("exposed_your_key_here_have_risks").is_ok());
        assert!(ApiKey::new("192006250b4c09247ec02edce69f6a2d").is_ok());
        let cases = [
            ("", "key has 0 bytes, exactly 32 are needed"),
            ("192006250b4c09247ec02edce69f6a2", "key has 31 bytes, exactly 32 are needed"),
            ("192006250b4c09247ec02edce69f6a2d0", "key has 33 bytes, exactly 32 are needed"),
        ];
        for (key, message) in cases {
            assert_eq!(ApiKey::new(key).unwrap_err().to_string(), message);
        }
        for bad in [" ", "\n", "\0", "\u{7f}"] {
            let error = ApiKey::new(format!("1920062{bad}0b4c09247ec02edce69f6a2d")).unwrap_err();
            assert!(matches!(error.violation(), Violation::Characters { at: 7, .. }), "{bad:?}");
        }
        // ten characters of three bytes and two of one make 32 bytes too
        assert!(ApiKey::new("密钥密钥密钥密钥密钥ab").is_err());
    }

    #[test]
    fn a_merchant_number_is_checked() {
        let key = || ApiKey::new("192006250b4c09247ec02edce69f6a2d").unwrap();
        assert_eq!(Merchant::direct("10000098", key()).unwrap().mode(), Mode::Direct);
        assert_eq!(Merchant::service_provider("1900000109", key()).unwrap().mode(), Mode::ServiceProvider);
        for (bad, message) in [
            ("", "mch_id is required"),
            ("1 2", "mch_id has a character that is not allowed at byte 1; allowed: [0-9A-Za-z]"),
        ] {
            assert_eq!(Merchant::direct(bad, key()).unwrap_err().to_string(), message);
        }
    }
}
