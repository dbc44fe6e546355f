//! Refund notices: an unsigned envelope around an encrypted document that nothing authenticates.

use std::fmt;

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::error::NoticeError;
use super::kind::Kind;
use super::signed::{parse, require};
use crate::merchant::{ApiKey, Merchant};
use crate::wire::{self, Fields, XmlErrorKind};

/// The most bytes of `req_info`, decoded: 8 KiB. The official table gives it 1024 characters.
pub const MAX_REQ_INFO: usize = 8 * 1024;

const BLOCK: usize = 16;

/// A notice about a refund (退款结果通知), opened. **A hint, no evidence:** query the refund before any money is booked.
///
/// The envelope has no sign. `req_info` is AES-256 in ECB mode, keyed with the MD5 of the API key, without a code
/// that would show a change: its blocks can be moved, left out and sent again by whoever saw some. So what was inside
/// is read by the same strict reader, and stays [`untrusted`](Self::untrusted).
///
/// ```
/// use wechatpay_proto::notice::RefundNotice;
/// use wechatpay_proto::{ApiKey, Merchant};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let merchant = Merchant::direct("10000100", ApiKey::new("192006250b4c09247ec02edce69f6a2d")?)?;
/// let body = b"<xml><return_code>SUCCESS</return_code><appid>wxd930ea5d5a258f4f</appid><mch_id>10000100</mch_id>\
///     <nonce_str>TeqClE3i0mvn3DrK</nonce_str><req_info>\
///     WBzGpzQuNpcFxIlFjUUD9CdH4BF3YHmtiHaWV8j0mqCNbSzW5nfLV3s3E+6agRcwtuHb/ByxC1WGbNQBk9iRrB1nrAkQoHW5zvGl\
///     y7JQ97BE9MoBJvZiYZ1CSR74BEAF1RaqstooJADu4+jPUpdTkj5CU94mC07PPf96j9LbH5tm20WXAnRnJrMnr0kfDxwCk1kvZfTx\
///     Zm7BmVi/A325X/d4bcABiUUd8b7RVRPDctRphKRvimOoX2K25FOUExot9ssnguXDW7g4eBmvdeP/+RcybedSKnFvQNxP4YG7MCDg\
///     FnINmQeaLpnVYMXT2dlTXhaW6n2E8fVCMaNEeFLmR5GeUkGKAYtZswjQVN7vLqQ=\
///     </req_info></xml>";
/// let notice = RefundNotice::read(&merchant, body)?;
/// // Ask the service about this one, and believe only that answer.
/// assert_eq!(notice.out_refund_no(), "R1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RefundNotice {
    inner: Fields<'static>,
}

impl RefundNotice {
    /// Reads a body: one parse, the envelope, then `req_info` with the key of `merchant`. Whatever is wrong with
    /// `req_info`, the error is [`NoticeError::ReqInfo`] and says no more;
    /// [`likely_causes`](NoticeError::likely_causes) does, for the log.
    pub fn read(merchant: &Merchant, body: &[u8]) -> Result<Self, NoticeError> {
        let document = parse(body)?;
        if let Some(found) = Kind::of(document.untrusted()).filter(|found| *found != Kind::Refund) {
            return Err(NoticeError::OtherKind { expected: Kind::Refund, found });
        }
        let fields = document.unsigned_by_design(merchant.sign_type(), merchant.key())?;
        require(&fields, &["return_code"])?;
        if fields.get("return_code") != Some("SUCCESS") {
            return Err(NoticeError::CommunicationFailure);
        }
        require(&fields, &["appid", "mch_id", "nonce_str", "req_info"])?;
        if fields.get("mch_id") != Some(merchant.mch_id()) {
            return Err(NoticeError::Mismatch { field: "mch_id" });
        }
        let req_info = fields.get("req_info").unwrap_or_default();
        Self::open(merchant.key(), req_info).map_err(|cause| NoticeError::ReqInfo(ReqInfoFault(cause)))
    }

    fn open(key: &ApiKey, req_info: &str) -> Result<Self, Cause> {
        let plain = decrypt(key, req_info)?;
        let document = wire::parse_root(&plain, "root", &[]).map_err(|error| match error.kind {
            XmlErrorKind::NotUtf8 | XmlErrorKind::Character => Cause::Key,
            XmlErrorKind::NotXmlRoot => Cause::Root,
            _ => Cause::Document,
        })?;
        let inner = document.untrusted();
        require(inner, &REFUND).map_err(|_| Cause::Document)?;
        Ok(Self { inner: inner.clone().into_owned() })
    }

    /// 商户退款单号: what to query. Not verified either; a number that is not one of the merchant's own means nothing.
    pub fn out_refund_no(&self) -> &str {
        self.inner.get("out_refund_no").unwrap_or_default()
    }

    /// All fields that were inside `req_info`, by name. Nothing here is verified.
    pub fn untrusted(&self) -> &Fields<'static> {
        &self.inner
    }
}

impl fmt::Debug for RefundNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RefundNotice").field(&self.inner).finish()
    }
}

/// What every refund has, in the real documents and in the official table.
const REFUND: [&str; 7] = [
    "out_refund_no",
    "out_trade_no",
    "refund_fee",
    "refund_id",
    "refund_status",
    "total_fee",
    "transaction_id",
];

/// Why `req_info` cannot be used. Two of them are equal and look alike, whatever the cause: only
/// [`NoticeError::likely_causes`] tells one from another.
#[derive(Clone, Copy)]
pub struct ReqInfoFault(Cause);

/// How far it came.
#[derive(Clone, Copy)]
enum Cause {
    /// White space in the base64.
    Wrapped,
    /// A space where a `+` was.
    Spaces,
    /// No base64 for another reason.
    Base64,
    /// Not whole blocks, or too many.
    Length,
    /// The padding does not fit, or what is inside is no text.
    Key,
    /// A text whose root is another.
    Root,
    /// A document that is not accepted, or lacks what every refund has.
    Document,
}

impl ReqInfoFault {
    pub(super) fn likely_causes(self) -> &'static [&'static str] {
        match self.0 {
            Cause::Wrapped => &[
                "req_info has line breaks or tabs in its base64: something wrapped or indented it on its way",
            ],
            Cause::Spaces => &[
                "req_info has spaces in its base64: a form decoder (application/x-www-form-urlencoded) turned '+' into \
                 spaces",
                "something reformatted the body on its way",
            ],
            Cause::Base64 => &[
                "req_info is not base64 of the standard alphabet with padding: it was cut short, url-encoded, or turned \
                 into the url-safe alphabet",
            ],
            Cause::Length => &["req_info was cut short or made longer on its way"],
            Cause::Key => &[
                "req_info was encrypted under another key: the API key was changed since, belongs to another merchant, or \
                 is the key of APIv3; a service provider's notices use the provider's key",
                "blocks of req_info were changed, moved or left out",
            ],
            Cause::Root => &[
                "the key seems to fit, but the root of what is inside is not <root>: req_info of something else than a \
                 refund notice, or by another version of the API",
                "req_info was encrypted under another key",
            ],
            Cause::Document => &[
                "the key seems to fit, but what is inside is no document that is accepted, or lacks a field that every \
                 refund has",
                "blocks of req_info were changed, moved or left out",
            ],
        }
    }
}

impl fmt::Debug for ReqInfoFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl PartialEq for ReqInfoFault {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ReqInfoFault {}

/// Base64, AES-256-ECB, PKCS#7.
fn decrypt(key: &ApiKey, req_info: &str) -> Result<Zeroizing<Vec<u8>>, Cause> {
    let mut data = Zeroizing::new(STANDARD.decode(req_info).map_err(|_| not_base64(req_info))?);
    if data.len() > MAX_REQ_INFO || data.len() % BLOCK != 0 {
        return Err(Cause::Length);
    }
    let cipher = Aes256::new((&*hex_of_md5(key)).into());
    for block in data.chunks_exact_mut(BLOCK) {
        cipher.decrypt_block(block.try_into().map_err(|_| Cause::Length)?);
    }
    let padding = *data.last().ok_or(Cause::Length)?;
    let kept = data.len().checked_sub(padding.into()).ok_or(Cause::Key)?;
    let alike = data.get(kept..).is_some_and(|rest| rest.iter().all(|byte| *byte == padding));
    data.truncate(kept);
    if alike && (1..=BLOCK).contains(&padding.into()) { Ok(data) } else { Err(Cause::Key) }
}

fn not_base64(req_info: &str) -> Cause {
    if req_info.contains(['\r', '\n', '\t']) {
        Cause::Wrapped
    } else if req_info.contains(' ') {
        Cause::Spaces
    } else {
        Cause::Base64
    }
}

/// The key of `req_info`: the MD5 of the API key, in 32 lower-case hex digits.
fn hex_of_md5(key: &ApiKey) -> Zeroizing<[u8; 32]> {
    let digest = Zeroizing::new(<[u8; 16]>::from(Md5::digest(key.expose())));
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
    let mut hex = Zeroizing::new([0; 32]);
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest.iter()) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    hex
}
