//! Out of PEM: certificates and keys, or what the file is instead.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::chain::{Chain, choose, upwards};
use super::der::{Document, is_whole};
use super::error::{IdentityError, PemError};
use super::text::{
    BEGIN, contains, decode, find, first_foreign, is_filtered, plain, squeezed, unquoted, whole_base64,
};

/// The chain, with the certificate of the key first, and the key.
pub(super) fn read(
    certificates: &[u8],
    key: &[u8],
) -> Result<(Chain, PrivateKeyDer<'static>), IdentityError> {
    let own = Contents::of(certificates).map_err(IdentityError::CertificatePem)?;
    let mut secret = Contents::of(key).map_err(IdentityError::KeyPem)?;
    if secret.encrypted {
        return Err(IdentityError::EncryptedKey);
    }
    if own.chain.is_empty() && own.has_key() && !secret.has_key() && !secret.chain.is_empty() {
        return Err(IdentityError::Swapped);
    }
    if own.chain.is_empty() {
        return Err(IdentityError::NoCertificate);
    }
    if secret.keys.is_empty() {
        return Err(IdentityError::NoPrivateKey);
    }
    // Where no certificate is that of a key, the judgement of the first two tells what is wrong with them.
    let (key, leaf) = choose(&secret.keys, &own.chain).unwrap_or_default();
    Ok((upwards(own.chain, leaf), secret.keys.swap_remove(key)))
}

/// All certificates and private keys of a file, whatever stands around them.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    keys: Vec<PrivateKeyDer<'static>>,
    encrypted: bool,
}

impl Contents {
    pub(crate) fn of(file: &[u8]) -> Result<Self, PemError> {
        match other_form(file) {
            Some(form) => Err(form),
            None => Self::of_text(&plain(file)),
        }
    }

    fn of_text(text: &[u8]) -> Result<Self, PemError> {
        if contains(text, BEGIN) {
            return Self::of_sections(text);
        }
        match whole_base64(text) {
            Some(inside) if contains(&inside, BEGIN) => Self::of_sections(&plain(&inside)),
            Some(der) if is_whole(&der) => {
                let mut contents = Self::default();
                contents.take(der)?;
                Ok(contents)
            }
            _ => match what_else(text) {
                Some(form) => Err(form),
                None => Ok(Self::default()),
            },
        }
    }

    fn of_sections(mut text: &[u8]) -> Result<Self, PemError> {
        let mut contents = Self::default();
        while let Some(start) = find(text, BEGIN) {
            let (label, rest) = until_hyphens(&text[start + BEGIN.len()..])?;
            let label = squeezed(label);
            match label.iter().find(|byte| !byte.is_ascii_alphanumeric()) {
                Some(b'%' | b'+') => return Err(PemError::UrlEncoded),
                Some(_) => return Err(PemError::Markers),
                None => {}
            }
            let (body, rest) = until_hyphens(rest)?;
            let (end, rest) = until_hyphens(rest)?;
            match end.strip_prefix(b"END") {
                Some(end) if squeezed(end) == label => contents.section(&label, body)?,
                // The next section begins before this one has ended.
                None if end.starts_with(b"BEGIN") => return Err(PemError::CutOff),
                _ => return Err(PemError::Markers),
            }
            text = rest;
        }
        Ok(contents)
    }

    /// Takes in what matters, by its content. Its label says no more than whether it does.
    fn section(&mut self, label: &[u8], body: &[u8]) -> Result<(), PemError> {
        match label {
            // In the old form a header says so, and the rest is not even base64.
            b"ENCRYPTEDPRIVATEKEY" => self.encrypted = true,
            _ if label.ends_with(b"PRIVATEKEY") && contains(&squeezed(body), b"4,ENCRYPTED") => {
                self.encrypted = true;
            }
            b"CERTIFICATE" | b"X509CERTIFICATE" | b"PRIVATEKEY" | b"RSAPRIVATEKEY" | b"ECPRIVATEKEY" => {
                match first_foreign(body) {
                    Some('%') => return Err(PemError::UrlEncoded),
                    Some(character) => return Err(PemError::Character(character)),
                    None => {}
                }
                let der = decode(body).filter(|der| is_whole(der)).ok_or(PemError::Incomplete)?;
                self.take(der)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self, der: Vec<u8>) -> Result<(), PemError> {
        match Document::of(der) {
            Document::Certificate(certificate) => self.chain.push(certificate),
            Document::Key(key) => self.keys.push(key),
            Document::EncryptedKey => self.encrypted = true,
            Document::Pkcs12 => return Err(PemError::Pkcs12),
            Document::Other => return Err(PemError::Other),
        }
        Ok(())
    }

    fn has_key(&self) -> bool {
        self.encrypted || !self.keys.is_empty()
    }
}

/// What stands before the next five hyphens, and what behind them.
fn until_hyphens(text: &[u8]) -> Result<(&[u8], &[u8]), PemError> {
    const HYPHENS: &[u8] = b"-----";
    let at = find(text, HYPHENS).ok_or(PemError::CutOff)?;
    Ok((&text[..at], &text[at + HYPHENS.len()..]))
}

/// What a file is that is certainly not PEM.
fn other_form(file: &[u8]) -> Option<PemError> {
    match file {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0xff, ..] => Some(PemError::Utf16),
        // A SEQUENCE with its length. Text that begins with the digit 0 has no byte behind it that is a length.
        [0x30, 0x80..=0x84, rest @ ..] => {
            let lengths = usize::from(file[1] & 0x0f);
            // The version 3, with which only PKCS#12 begins.
            let version = rest.get(lengths..).is_some_and(|body| body.starts_with(&[2, 1, 3]));
            Some(if version { PemError::Pkcs12 } else { PemError::Der })
        }
        // Keys on elliptic curves can be shorter than 128 bytes. They begin with a version, 0 or 1.
        [0x30, 0x00..=0x7f, 2, 1, 0 | 1, ..] => Some(PemError::Der),
        [1..=0xff, 0, ..] => Some(PemError::Utf16),
        _ if !contains(file, BEGIN) && is_filtered(file) => Some(PemError::TextFilter),
        _ => None,
    }
}

/// What a text is that has no section and is not the base64 of anything that is whole.
fn what_else(text: &[u8]) -> Option<PemError> {
    const WORDS: [&[u8]; 4] = [b"BEGIN", b"END", b"CERTIFICATE", b"PRIVATE"];
    const ENDINGS: [&[u8]; 7] = [b".pem", b".key", b".crt", b".cer", b".der", b".p12", b".pfx"];
    let text = unquoted(text);
    let foreign = first_foreign(text);
    let has = |word: &&[u8]| contains(text, word);
    match foreign {
        // What every certificate and every key begins with.
        None if squeezed(text).starts_with(b"MI") => Some(PemError::Incomplete),
        Some('%') if text.starts_with(b"MI") => Some(PemError::UrlEncoded),
        _ if WORDS[..2].iter().any(has) && WORDS[2..].iter().any(has) => Some(PemError::Markers),
        _ if !text.contains(&b'\n') && ENDINGS.iter().any(|ending| text.ends_with(ending)) => {
            Some(PemError::Path)
        }
        _ => None,
    }
}
