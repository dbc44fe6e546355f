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
    ///
    /// A key that is refused is looked at more closely: where white space, a byte order mark, quotation marks or
    /// characters that cannot be seen came with it, the error says so. Nothing is taken away silently.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, RequestError> {
        let key = key.as_ref();
        let invisible = key.iter().position(|byte| !byte.is_ascii_graphic());
        let violation = match (key.len(), invisible) {
            (32, None) => None,
            (32, Some(at)) => Some(Violation::Characters { allowed: "visible ASCII", at }),
            (len, _) => Some(Violation::Length { exactly: 32, len }),
        };
        if let Some(violation) = violation {
            return Err(RequestError::new("key", stray(key).unwrap_or(violation)));
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
    /// Takes the secret as the administration of work-weixin shows it. What came with it by copying is refused, as
    /// [`ApiKey::new`] does, and quotation marks around it.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, RequestError> {
        let secret = secret.as_ref();
        let refuse = |violation| Err(RequestError::new("secret", violation));
        if let Some(stray) = stray(secret) {
            return refuse(stray);
        }
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

/// What copying, an editor or a configuration file left around a secret, or within it where nobody sees it.
fn stray(secret: &[u8]) -> Option<Violation> {
    let found = |what, at| Some(Violation::Stray { what, at });
    if [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| secret.starts_with(mark)) {
        return found("a byte order mark", 0);
    }
    let text = std::str::from_utf8(secret).ok()?;
    let quoted = text.len() > 1 && text.starts_with(is_quote) && text.ends_with(is_quote);
    match text.char_indices().find(|(_, character)| is_unseen(*character)) {
        Some((at, _)) => found("a character that cannot be seen", at),
        None if text.starts_with(char::is_whitespace) => found("white space", 0),
        None if text.ends_with(char::is_whitespace) => found("white space", text.trim_end().len()),
        None if quoted => found("a quotation mark", 0),
        None => None,
    }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '「' | '」' | '『' | '』')
}

/// Soft hyphens, characters of no width, marks of direction and of byte order.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
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

    /// What stands around a secret once it was copied, edited or written into a configuration file.
    const LEFT: [(&str, &str, &str, usize); 20] = [
        ("", "\n", "white space", 32),
        ("", "\r\n", "white space", 32),
        (" ", "", "white space", 0),
        ("\t", " ", "white space", 0),
        ("", "\u{a0}", "white space", 32),
        ("", "\u{3000}", "white space", 32),
        ("\"", "\"\n", "white space", 34),
        ("\u{feff}", "", "a byte order mark", 0),
        ("\u{feff}", "\r\n", "a byte order mark", 0),
        ("\"", "\"", "a quotation mark", 0),
        ("'", "'", "a quotation mark", 0),
        ("`", "`", "a quotation mark", 0),
        ("“", "”", "a quotation mark", 0),
        ("「", "」", "a quotation mark", 0),
        ("\u{200b}", "", "a character that cannot be seen", 0),
        ("", "\u{200b}", "a character that cannot be seen", 32),
        ("", "\u{200d}\n", "a character that cannot be seen", 32),
        ("", "\u{2060}", "a character that cannot be seen", 32),
        ("", "\u{feff}", "a character that cannot be seen", 32),
        ("", "\u{202c}", "a character that cannot be seen", 32),
    ];

    #[test]
    fn what_is_left_around_a_key_or_a_secret_is_named() {
        const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
        for (before, behind, what, at) in LEFT {
            let given = format!("{before}{KEY}{behind}");
            let errors = [ApiKey::new(&given).unwrap_err(), AgentSecret::new(&given).unwrap_err()];
            for (error, field) in errors.iter().zip(["key", "secret"]) {
                let message = format!("{field} has {what} at byte {at}, which is no part of it");
                assert_eq!(error.to_string(), message, "{given:?}");
                assert!(!format!("{error:?}").contains(&KEY[..6]), "{error:?}");
            }
        }
        let utf_16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(KEY.bytes().flat_map(|byte| [byte, 0])).collect();
        let error = ApiKey::new(utf_16).unwrap_err();
        assert_eq!(error.to_string(), "key has a byte order mark at byte 0, which is no part of it");
        // Within the 32 bytes too.
        for (key, what) in [
            ("192006250b4c09247ec02edce69f6a2\n", "white space at byte 31"),
            ("19200625\u{200b}0b4c09247ec02edce69f6", "a character that cannot be seen at byte 8"),
            ("19200625\u{200b}0b4c09247ec02edce69f6a2d", "a character that cannot be seen at byte 8"),
        ] {
            assert!(ApiKey::new(key).unwrap_err().to_string().contains(what), "{key:?}");
        }
    }

    #[test]
    fn what_may_be_part_of_a_key_stays() {
        assert!(ApiKey::new("\"2006250b4c09247ec02edce69f6a2d\"").is_ok(), "32 visible bytes");
        for (key, len) in
            [("\"192006250b4c09247ec02edce69f6a2d", 33), ("192006250b4c09247ec02edce69f6a2d'", 33), ("\"", 1)]
        {
            let error = ApiKey::new(key).unwrap_err();
            assert!(matches!(error.violation(), Violation::Length { len: is, .. } if *is == len), "{error}");
        }
        assert!(["\"", "'a", "a'"].into_iter().all(|secret| AgentSecret::new(secret).is_ok()));
        assert!(ApiKey::new(b"\xff192006250b4c09247ec02edce69f6a\n").is_err(), "no text");
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
