//! Out of PKCS#12: the certificate that the key belongs to, the chain above it, and the key.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use p12_keystore::{Pkcs12Archive, PrivateKeyBag};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode, ErrorKind};

use super::pem::{Chain, contains};
use super::{Identity, IdentityError, rounds};
use crate::tls::provider;

/// A merchant's file has about 3,000 bytes.
const LIMIT: usize = 65_536;

/// With PKCS#12, of the feature `p12`.
impl Identity {
    /// Reads `apiclient_cert.p12` of the merchant platform, as of now: [`from_p12_at`](Self::from_p12_at).
    /// The password is the `mch_id`, unless it was changed.
    ///
    /// ```no_run
    /// use wechatpay_transport::{Identity, Settings};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let identity = Identity::from_p12_file("apiclient_cert.p12", "1900000109")?;
    /// let prepared = Settings::new().identity(identity).prepare()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_p12_file(path: impl AsRef<Path>, password: &str) -> Result<Self, IdentityError> {
        let path = path.as_ref();
        let mut p12 = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LIMIT as u64 + 1).read_to_end(&mut p12))
            .map_err(|source| IdentityError::Io { path: path.to_owned(), source })?;
        Self::from_p12(&p12, password)
    }

    /// [`from_p12_at`](Self::from_p12_at) with the time of the system clock.
    #[expect(clippy::disallowed_methods, reason = "the thin wrapper that reads the clock")]
    pub fn from_p12(p12: &[u8], password: &str) -> Result<Self, IdentityError> {
        Self::from_p12_at(p12, password, SystemTime::now())
    }

    /// Reads a PKCS#12 file. The password is the `mch_id`, unless it was changed. `now` is the time at which the
    /// certificate has to be valid.
    ///
    /// Both kinds of encryption are read: the old one of the merchant platform (RC2 and 3DES) and the new one (PBES2
    /// with AES). Of several certificates the one that belongs to the key comes first, wherever it stands in the file.
    ///
    /// This takes as much computing as the file asks for, within limits: files of common tools take milliseconds, and
    /// what asks for more than 3,000,000 rounds of key derivation is refused. Read only files of your own.
    pub fn from_p12_at(p12: &[u8], password: &str, now: SystemTime) -> Result<Self, IdentityError> {
        let (chain, key) = open(p12, password)?;
        Self::from_parts(chain, key, now)
    }
}

/// Why a PKCS#12 file cannot be opened. Holds nothing of the key or the password.
///
/// `openssl pkcs12 -legacy -nodes -in apiclient_cert.p12 -out apiclient.pem` reads more kinds of files than this crate.
/// [`Identity::from_pem_files`] takes what it writes, twice: once as the certificate, once as the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum P12Error {
    /// It is PEM.
    #[error("the file is PEM and not PKCS#12; Identity::from_pem_files reads it")]
    Pem,
    /// It is not PKCS#12, or damaged.
    #[error("the file is not PKCS#12, or it is damaged")]
    Format(#[source] Box<dyn Error + Send + Sync>),
    /// The password is wrong. A damaged file can look like this too.
    #[error("the password does not open the PKCS#12 file; it is the mch_id, unless it was changed")]
    Password,
    /// It is encrypted or authenticated in a way that is not supported.
    #[error("the PKCS#12 file is protected in a way that is not supported; convert it to PEM")]
    Unsupported(#[source] Box<dyn Error + Send + Sync>),
    /// It is much longer than a certificate and a key.
    #[error("the PKCS#12 file is longer than {limit} bytes")]
    TooLong {
        /// In bytes.
        limit: usize,
    },
    /// It asks for so much computing that it might never end.
    #[error("the PKCS#12 file asks for more than {limit} rounds of key derivation; convert it to PEM")]
    TooSlow {
        /// In all of the file.
        limit: u64,
    },
}

fn open(p12: &[u8], password: &str) -> Result<(Chain, PrivateKeyDer<'static>), IdentityError> {
    if p12.len() > LIMIT {
        return Err(P12Error::TooLong { limit: LIMIT }.into());
    }
    if contains(p12, b"-----BEGIN ") {
        return Err(P12Error::Pem.into());
    }
    if password.chars().any(|character| character > '\u{ffff}') {
        return Err(P12Error::Unsupported("a password with characters beyond U+FFFF".into()).into());
    }
    rounds::check(p12)?;
    let archive = Pkcs12Archive::from_pkcs12(p12, password).map_err(refusal)?;
    let chain: Chain =
        archive.certs.iter().map(|bag| CertificateDer::from(bag.cert.as_der().to_vec())).collect();
    let (key, leaf) = choose(&archive, &chain)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()));
    Ok((upwards(chain, leaf), key))
}

fn refusal(error: p12_keystore::error::Error) -> IdentityError {
    use p12_keystore::error::Error as Refusal;
    match error {
        // Where there is no checksum, a wrong password shows as padding that is wrong.
        Refusal::MacError(_) | Refusal::UnpadError => P12Error::Password.into(),
        Refusal::Pkcs5Error(text) if text.ends_with("decryption failed") => P12Error::Password.into(),
        Refusal::DerError(inner) if matches!(inner.kind(), ErrorKind::OidUnknown { .. }) => {
            P12Error::Unsupported(inner.into()).into()
        }
        Refusal::Pkcs5Error(_)
        | Refusal::UnsupportedEncryptionScheme
        | Refusal::UnsupportedMacAlgorithm
        | Refusal::InvalidParameters
        | Refusal::UnsupportedCertificateType
        | Refusal::UnsupportedContentType => P12Error::Unsupported(error.into()).into(),
        Refusal::X509Error(_) => IdentityError::Certificate(error.into()),
        Refusal::InvalidPrivateKey => IdentityError::UnusableKey(error.into()),
        _ => P12Error::Format(error.into()).into(),
    }
}

/// The key that belongs to one of the certificates, and the place of that certificate. Where none does, what the file
/// says of the first key: the judgement of the pair tells what is wrong with it.
fn choose<'a>(
    archive: &'a Pkcs12Archive,
    chain: &[CertificateDer<'_>],
) -> Result<(&'a PrivateKeyBag, usize), IdentityError> {
    let first = archive.keys.first().ok_or(IdentityError::NoPrivateKey)?;
    let owners: Vec<_> = chain.iter().map(public_key).collect();
    let pair = archive.keys.iter().find_map(|bag| {
        let key = PrivatePkcs8KeyDer::from(bag.key.as_der()).clone_key();
        let key = provider().key_provider.load_private_key(key.into()).ok()?;
        let public = key.public_key()?;
        let leaf = owners.iter().position(|owner| owner.as_deref() == Some(public.as_ref()))?;
        Some((bag, leaf))
    });
    Ok(pair.unwrap_or_else(|| (first, labelled(archive, first))))
}

/// The place of the certificate with the label of the key; the first, where there is none.
fn labelled(archive: &Pkcs12Archive, key: &PrivateKeyBag) -> usize {
    let Some(label) = &key.local_key_id else { return 0 };
    let same = |id: &Option<Vec<u8>>| id.as_deref() == Some(label.as_ref());
    archive.certs.iter().position(|bag| same(&bag.local_key_id)).unwrap_or(0)
}

fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    certificate.tbs_certificate().subject_public_key_info().to_der().ok()
}

/// The certificate at `leaf`, then its issuer, and so on. The rest does not belong to it and is left out.
fn upwards(mut rest: Chain, leaf: usize) -> Chain {
    let mut chain = Chain::new();
    let mut next = (leaf < rest.len()).then_some(leaf);
    while let Some(place) = next {
        chain.push(rest.remove(place));
        next = chain.last().and_then(names).filter(|(subject, issuer)| subject != issuer).and_then(
            |(_, issuer)| {
                rest.iter().position(|other| names(other).is_some_and(|(subject, _)| subject == issuer))
            },
        );
    }
    chain
}

/// The subject and the issuer.
fn names(certificate: &CertificateDer<'static>) -> Option<(Vec<u8>, Vec<u8>)> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let facts = certificate.tbs_certificate();
    Some((facts.subject().to_der().ok()?, facts.issuer().to_der().ok()?))
}
