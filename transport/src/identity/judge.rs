//! Whether a certificate and a key are good for TLS, judged before the first request.

use std::time::SystemTime;

use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::oid::db::rfc5912::RSA_ENCRYPTION;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::time::Time;

use super::chain::Chain;
use super::error::{IdentityError, certificate_error};
use crate::tls::provider;

/// What rustls would refuse as well, but with a less telling error.
pub(super) fn check_form(facts: &TbsCertificate) -> Result<(), IdentityError> {
    if facts.version() != Version::V3 {
        return Err(IdentityError::CertificateVersion);
    }
    match rsa_bits(facts).map_err(certificate_error)? {
        Some(bits) if bits < 2048 => Err(IdentityError::WeakKey { bits }),
        _ => Ok(()),
    }
}

/// The length of the modulus; `None` where the key is not RSA.
fn rsa_bits(facts: &TbsCertificate) -> x509_cert::der::Result<Option<usize>> {
    let public_key = facts.subject_public_key_info();
    if public_key.algorithm.oid != RSA_ENCRYPTION {
        return Ok(None);
    }
    let mut modulus_and_exponent = SliceReader::new(public_key.subject_public_key.raw_bytes())?;
    let bits = modulus_and_exponent.sequence(|reader| {
        let modulus = UintRef::decode(reader)?;
        UintRef::decode(reader)?;
        let leading_zeros = modulus.as_bytes().first().map_or(0, |byte| byte.leading_zeros() as usize);
        Ok::<_, x509_cert::der::Error>(modulus.as_bytes().len() * 8 - leading_zeros)
    })?;
    Ok(Some(bits))
}

/// Returns the end of the validity. Both ends belong to it.
pub(super) fn check_validity(facts: &TbsCertificate, now: SystemTime) -> Result<SystemTime, IdentityError> {
    let moment = |time: Time| {
        let moment = SystemTime::UNIX_EPOCH.checked_add(time.to_unix_duration());
        moment.ok_or_else(|| certificate_error("a date that this system cannot represent"))
    };
    let (not_before, not_after) = (moment(facts.validity().not_before)?, moment(facts.validity().not_after)?);
    if now < not_before {
        return Err(IdentityError::NotYetValid { not_before });
    }
    if now > not_after {
        return Err(IdentityError::Expired { not_after });
    }
    Ok(not_after)
}

/// Loads the key and holds it against the certificate.
pub(super) fn certify(chain: Chain, key: PrivateKeyDer<'static>) -> Result<CertifiedKey, IdentityError> {
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(|error| IdentityError::UnusableKey(error.into()))?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityError::KeyMismatch),
        Err(error) => Err(certificate_error(error)),
    }
}

pub(super) fn common_name(facts: &TbsCertificate) -> Option<String> {
    let name = facts.subject().common_name().ok()??;
    Some(name.value().into_owned())
}
