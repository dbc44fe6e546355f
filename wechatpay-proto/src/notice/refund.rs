//! Refund notices: an unsigned envelope around an encrypted document that nothing authenticates.

use std::fmt;

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::{NoticeError, require, understood};
use crate::merchant::{ApiKey, Merchant};
use crate::wire::{self, Fields};

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
    /// `req_info`, the error is [`NoticeError::ReqInfo`] and says no more.
    pub fn read(merchant: &Merchant, body: &[u8]) -> Result<Self, NoticeError> {
        let document = wire::parse(body, &[])?;
        let fields = document.unsigned_by_design(merchant.sign_type(), merchant.key())?;
        understood(&fields)?;
        require(&fields, &["appid", "mch_id", "nonce_str", "req_info"])?;
        if fields.get("mch_id") != Some(merchant.mch_id()) {
            return Err(NoticeError::Mismatch { field: "mch_id" });
        }
        fields.get("req_info").and_then(|info| Self::open(merchant.key(), info)).ok_or(NoticeError::ReqInfo)
    }

    fn open(key: &ApiKey, req_info: &str) -> Option<Self> {
        let plain = decrypt(key, req_info)?;
        let document = wire::parse_root(&plain, "root", &[]).ok()?;
        let inner = document.untrusted();
        require(inner, &REFUND).ok()?;
        Some(Self { inner: inner.clone().into_owned() })
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

/// Base64, AES-256-ECB, PKCS#7: `None` for whatever is wrong.
fn decrypt(key: &ApiKey, req_info: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut data = Zeroizing::new(STANDARD.decode(req_info).ok()?);
    if data.len() > MAX_REQ_INFO || data.len() % BLOCK != 0 {
        return None;
    }
    let cipher = Aes256::new((&*hex_of_md5(key)).into());
    for block in data.chunks_exact_mut(BLOCK) {
        cipher.decrypt_block(block.try_into().ok()?);
    }
    let padding = *data.last()?;
    let kept = data.len().checked_sub(padding.into())?;
    let alike = data.get(kept..)?.iter().all(|byte| *byte == padding);
    data.truncate(kept);
    (alike && (1..=BLOCK).contains(&padding.into())).then_some(data)
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
