//! Signed notices of any kind: read once, verified, and the merchant's own.

use super::body::BodyForm;
use super::error::NoticeError;
use super::kind::Kind;
use crate::error::ReplyError;
use crate::merchant::Merchant;
use crate::wire::{self, Fields, Unverified};

/// What may be missing, and says something by that: that nothing failed.
const TELLING_BY_ABSENCE: [&str; 3] = ["err_code", "result_code", "return_code"];

/// Reads a signed notice that has no type of its own here: contracts (签约、解约), combined payments, vehicles, risks.
///
/// One parse, the sign with the digest of [`Merchant::sign_type`], `return_code` where it is there, then `needed`, and
/// `mch_id` (`combine_mch_id` of a combined payment), which is the merchant's own. Name in `needed` whatever you act upon:
/// the sign cannot tell a field that is missing from one that was folded into the text beside it (`a=1&b=2`), so only what
/// is there by its own name counts. A `result_code` is yours to look at. An event notice (`event_ciphertext`) stays encrypted.
///
/// A kind whose digest is fixed is read with that one: `&merchant.clone().with_sign_type(SignType::HmacSha256)`.
///
/// A user signed a contract (委托代扣), or ended it:
///
/// ```
/// use wechatpay_proto::notice::{self, NoticeError};
/// use wechatpay_proto::{ApiKey, Merchant, SignType};
///
/// /// The answer to the notice, and the change of the contract where there is one.
/// fn contract_changed(merchant: &Merchant, body: &[u8]) -> (&'static str, Option<(String, String)>) {
///     match notice::read_signed(merchant, body, &["change_type", "contract_code", "contract_id", "plan_id"]) {
///         Ok(fields) => {
///             let own = |name| fields.get(name).unwrap_or_default().to_owned();
///             // Once for each (contract_id, change_type): the same notice comes many times.
///             (notice::SUCCESS, Some((own("contract_code"), own("change_type"))))
///         }
///         Err(error) => {
///             eprintln!("{error}; likely: {:?}", error.likely_causes());
///             (notice::FAIL, None)
///         }
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let merchant = Merchant::direct("10000100", ApiKey::new("192006250b4c09247ec02edce69f6a2d")?)?
///     .with_sign_type(SignType::Md5);
/// let body = b"<xml><change_type>ADD</change_type><contract_code>100001256</contract_code>\
///     <contract_id>Wx15463511252015071056489715</contract_id><mch_id>10000100</mch_id>\
///     <openid>oUpF8uMEb4qRXf22hE3X68TekukE</openid><operate_time>2015-07-01 10:00:00</operate_time>\
///     <plan_id>123</plan_id><request_serial>1695</request_serial>\
///     <sign>E1D59C7D7E7C25C7B429CEA39A694482</sign></xml>";
/// let (answer, change) = contract_changed(&merchant, body);
/// assert_eq!(answer, notice::SUCCESS);
/// assert_eq!(change, Some(("100001256".to_owned(), "ADD".to_owned())));
/// # let forged = String::from_utf8(body.to_vec())?.replace("ADD", "DELETE");
/// # assert_eq!(contract_changed(&merchant, forged.as_bytes()), (notice::FAIL, None));
/// # Ok(())
/// # }
/// ```
pub fn read_signed<'b>(
    merchant: &Merchant,
    body: &'b [u8],
    needed: &[&'static str],
) -> Result<Fields<'b>, NoticeError> {
    verified(merchant, parse(body)?, needed)
}

/// The same for a kind that has a type of its own; a notice of another kind is called that.
pub(super) fn read_kind<'b>(
    merchant: &Merchant,
    body: &'b [u8],
    expected: Kind,
    needed: &[&'static str],
) -> Result<Fields<'b>, NoticeError> {
    let document = parse(body)?;
    let other = Kind::of(document.untrusted()).filter(|found| *found != expected);
    verified(merchant, document, needed).map_err(|error| match (other, error) {
        (
            Some(found),
            NoticeError::Refused(
                ReplyError::SignMissing | ReplyError::SignTypeMismatch { .. } | ReplyError::Missing { .. },
            ),
        ) => NoticeError::OtherKind { expected, found },
        (_, error) => error,
    })
}

/// One parse. Where it fails, the error says what the body is, if that can be told.
pub(super) fn parse(body: &[u8]) -> Result<Unverified<'_>, NoticeError> {
    wire::parse(body, &[]).map_err(|error| BodyForm::of(body).map_or_else(|| error.into(), NoticeError::Body))
}

fn verified<'b>(
    merchant: &Merchant,
    document: Unverified<'b>,
    needed: &[&'static str],
) -> Result<Fields<'b>, NoticeError> {
    let untrusted = document.untrusted();
    if untrusted.get("return_code") == Some("FAIL") && !untrusted.contains("sign") {
        return Err(NoticeError::CommunicationFailure);
    }
    let fields = document.signed(merchant.sign_type(), merchant.key())?;
    if fields.get("return_code").is_some_and(|code| code != "SUCCESS") {
        return Err(NoticeError::CommunicationFailure);
    }
    require(&fields, needed)?;
    unfolded(&fields, &TELLING_BY_ABSENCE)?;
    let (field, own) = match fields.get("combine_mch_id") {
        Some(own) if fields.get("mch_id").is_none() => ("combine_mch_id", own),
        _ => ("mch_id", required(&fields, "mch_id")?),
    };
    if own == merchant.mch_id() { Ok(fields) } else { Err(NoticeError::Mismatch { field }) }
}

pub(super) fn require(fields: &Fields<'_>, names: &[&'static str]) -> Result<(), NoticeError> {
    names.iter().try_for_each(|name| required(fields, name).map(|_| ()))
}

fn required<'f>(fields: &'f Fields<'_>, field: &'static str) -> Result<&'f str, NoticeError> {
    fields.get(field).ok_or_else(|| ReplyError::Missing { field }.into())
}

/// That none of `names` is missing while the text of another field looks as if it had swallowed it.
pub(super) fn unfolded(fields: &Fields<'_>, names: &[&'static str]) -> Result<(), NoticeError> {
    let is_folded = |name: &str| {
        let swallowed = format!("&{name}=");
        fields.get(name).is_none() && fields.iter().any(|(_, value)| value.contains(&swallowed))
    };
    match names.iter().find(|name| is_folded(name)) {
        Some(&field) => Err(NoticeError::Folded { field }),
        None => Ok(()),
    }
}
