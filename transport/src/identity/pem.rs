//! Out of PEM: certificates and a key, or what the file is instead.

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{IdentityError, NotPem};

pub(crate) type Chain = Vec<CertificateDer<'static>>;

pub(super) fn read(
    certificates: &[u8],
    key: &[u8],
) -> Result<(Chain, PrivateKeyDer<'static>), IdentityError> {
    if let Some(form) = other_form(certificates) {
        return Err(IdentityError::CertificateNotPem(form));
    }
    if let Some(form) = other_form(key) {
        return Err(IdentityError::KeyNotPem(form));
    }
    // Before the sections: PEM knows no encrypted ones, and the old form of them is not even base64.
    if contains(key, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || contains(key, b"Proc-Type: 4,ENCRYPTED") {
        return Err(IdentityError::EncryptedKey);
    }
    let (chain, misplaced_key) = sections(certificates).ok_or(IdentityError::CertificatePem)?;
    let (misplaced_chain, key) = sections(key).ok_or(IdentityError::KeyPem)?;
    match key {
        None if chain.is_empty() && misplaced_key.is_some() && !misplaced_chain.is_empty() => {
            Err(IdentityError::Swapped)
        }
        _ if chain.is_empty() => Err(IdentityError::NoCertificate),
        None => Err(IdentityError::NoPrivateKey),
        Some(key) => Ok((chain, key)),
    }
}

/// All certificates and the first private key, whatever stands around them. `None` where the PEM is damaged: its error
/// is dropped, because it can quote a line, and the line can be the key.
pub(crate) fn sections(pem: &[u8]) -> Option<(Chain, Option<PrivateKeyDer<'static>>)> {
    // Editors put a byte order mark in front, and the first line would not be seen behind it.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);
    let (mut certificates, mut key) = (Vec::new(), None);
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        match section.ok()? {
            (SectionKind::Certificate, der) => certificates.push(CertificateDer::from(der)),
            (kind, der) => key = key.or_else(|| PrivateKeyDer::from_pem(kind, der)),
        }
    }
    Some((certificates, key))
}

/// What a file is that is certainly not PEM.
pub(crate) fn other_form(file: &[u8]) -> Option<NotPem> {
    match file {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(NotPem::Utf16),
        // A SEQUENCE with its length. Text that begins with the digit 0 has no byte behind it that is a length.
        [0x30, 0x80..=0x84, rest @ ..] => {
            let lengths = usize::from(file[1] & 0x0f);
            // The version 3, with which only PKCS#12 begins.
            let version = rest.get(lengths..).is_some_and(|body| body.starts_with(&[2, 1, 3]));
            Some(if version { NotPem::Pkcs12 } else { NotPem::Der })
        }
        // Keys on elliptic curves can be shorter than 128 bytes. They begin with a version, 0 or 1.
        [0x30, 0x00..=0x7f, 2, 1, 0 | 1, ..] => Some(NotPem::Der),
        _ => None,
    }
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
