//! Signs of answers: made by the letter of the documentation over the answer as it is, right or wrong on purpose.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use wechatpay_proto::endpoint::Endpoint as _;
use wechatpay_proto::v2::mmpaymkttransfers::GetHbInfo;
use wechatpay_proto::wire;

use super::document;
use crate::account::Account;
use crate::fault::SignFlaw;

const SIGN: &str = "sign";
/// A key that no merchant has.
const MADE_UP: &str = "mockmockmockmockmockmockmockmock";

/// Edits a document; one that was signed is signed again.
pub(super) fn again(text: &str, merchant: Option<&Account>, edit: impl FnOnce(&str) -> String) -> String {
    let plain = document::remove(text, SIGN);
    match merchant.filter(|_| plain != text) {
        Some(merchant) => {
            let plain = edit(&plain);
            let sign = md5(&plain, &merchant.key.0);
            document::add(&plain, SIGN, &sign)
        }
        None => edit(text),
    }
}

/// A document whose sign is not what it should be.
pub(super) fn flaw(text: &str, how: SignFlaw, merchant: Option<&Account>) -> String {
    let plain = document::remove(text, SIGN);
    // Nobody can sign for a merchant that is not known.
    let Some(merchant) = merchant else { return text.to_owned() };
    let key = &*merchant.key.0;
    let sign = match how {
        SignFlaw::Missing => return plain,
        SignFlaw::Unexpected => md5(&plain, key),
        SignFlaw::Bad => md5(&document::add(&plain, "mock", "something else"), key),
        SignFlaw::WrongType => hmac_sha256(&plain, key),
        SignFlaw::LowerCase => md5(&plain, key).to_ascii_lowercase(),
        SignFlaw::OldKey => md5(&plain, merchant.former.as_ref().map_or(MADE_UP, |former| &former.key.0)),
    };
    document::add(&plain, SIGN, &sign)
}

fn md5(text: &str, key: &str) -> String {
    hex(&Md5::digest(string_to_sign(text, key)))
}

fn hmac_sha256(text: &str, key: &str) -> String {
    // Any length of key will do.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    hex(&mac.chain_update(string_to_sign(text, key)).finalize().into_bytes())
}

/// All fields outside lists that are not empty, in order of their names.
fn string_to_sign(text: &str, key: &str) -> String {
    let fields = wire::parse(text.as_bytes(), GetHbInfo::SPEC.lists).ok();
    let fields = fields.as_ref().map(|fields| fields.untrusted().to_map()).unwrap_or_default();
    let pairs = fields.iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(name, value)| format!("{name}={value}&")).collect::<String>() + "key=" + key
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
