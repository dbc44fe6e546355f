//! Out of PKCS#12: the certificate that the key belongs to, the chain above it, and the key.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use p12_keystore::{Pkcs12Archive, PrivateKeyBag};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_cert::der::ErrorKind;

use super::chain::{Chain, choose, upwards};
use super::der::{is_whole, whole_length};
use super::text::{BEGIN, contains, is_filtered, plain, whole_base64};
use super::{Identity, IdentityError, rounds};

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

    /// Reads a PKCS#12 file, or the base64 of one. The password is the `mch_id`, unless it was changed. `now` is the time
    /// at which the certificate has to be valid.
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
    /// It is empty.
    #[error("the PKCS#12 file is empty")]
    Empty,
    /// It is text, and neither PEM nor the base64 of PKCS#12.
    #[error("the file is text, and PKCS#12 is not; download it again, and look at what came")]
    Text,
    /// A binary file that was taken for text on its way, by a filter of resources, for example.
    #[error(
        "the PKCS#12 file was damaged by something that took it for text, such as the filter of resources of a build \
         tool; exclude *.p12 there and copy the original again"
    )]
    TextFilter,
    /// Each LF became CR LF.
    #[error(
        "the PKCS#12 file was damaged by a change of line ends, LF to CR LF, such as that of Git or of FTP in text \
         mode; mark *.p12 as binary there and copy the original again"
    )]
    LineEnds,
    /// It is cut off, or there is something behind it.
    #[error(
        "the PKCS#12 file has {len} bytes, and by its own first bytes it has {expected}: {}; copy the original again",
        if len < expected { "it is cut off" } else { "something was added" }
    )]
    Length {
        /// In bytes, by its own first bytes.
        expected: usize,
        /// In bytes, as it is.
        len: usize,
    },
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

fn open(file: &[u8], password: &str) -> Result<(Chain, PrivateKeyDer<'static>), IdentityError> {
    if file.len() > LIMIT {
        return Err(P12Error::TooLong { limit: LIMIT }.into());
    }
    let decoded = whole_base64(&plain(file));
    let p12 = decoded.as_deref().unwrap_or(file);
    check(p12)?;
    if password.chars().any(|character| character > '\u{ffff}') {
        return Err(P12Error::Unsupported("a password with characters beyond U+FFFF".into()).into());
    }
    rounds::check(p12)?;
    let archive = Pkcs12Archive::from_pkcs12(p12, password).map_err(refusal)?;
    let chain: Chain =
        archive.certs.iter().map(|bag| CertificateDer::from(bag.cert.as_der().to_vec())).collect();
    let key = |bag: &PrivateKeyBag| PrivatePkcs8KeyDer::from(bag.key.as_der().to_vec()).into();
    let mut keys: Vec<PrivateKeyDer<'static>> = archive.keys.iter().map(key).collect();
    let first = archive.keys.first().ok_or(IdentityError::NoPrivateKey)?;
    // Where no key belongs to a certificate, what the file says of the first one: the judgement of the pair tells what is
    // wrong with it.
    let (key, leaf) = choose(&keys, &chain).unwrap_or_else(|| (0, labelled(&archive, first)));
    Ok((upwards(chain, leaf), keys.swap_remove(key)))
}

/// What happened to a file on its way, told before it is read.
fn check(p12: &[u8]) -> Result<(), P12Error> {
    let text =
        std::str::from_utf8(p12).is_ok() || p12.starts_with(b"\xff\xfe") || p12.starts_with(b"\xfe\xff");
    match whole_length(p12) {
        _ if p12.trim_ascii().is_empty() => Err(P12Error::Empty),
        _ if contains(p12, BEGIN) => Err(P12Error::Pem),
        _ if is_filtered(p12) => Err(P12Error::TextFilter),
        _ if text => Err(P12Error::Text),
        Some(expected) if expected != p12.len() => match is_whole(&with_line_feeds(p12)) {
            true => Err(P12Error::LineEnds),
            false => Err(P12Error::Length { expected, len: p12.len() }),
        },
        _ => Ok(()),
    }
}

/// Each CR LF as LF.
fn with_line_feeds(file: &[u8]) -> Vec<u8> {
    let next = file.iter().skip(1).map(Some).chain([None]);
    file.iter().zip(next).filter(|pair| *pair != (&b'\r', Some(&b'\n'))).map(|(byte, _)| *byte).collect()
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

/// The place of the certificate with the label of the key; the first, where there is none.
fn labelled(archive: &Pkcs12Archive, key: &PrivateKeyBag) -> usize {
    let Some(label) = &key.local_key_id else { return 0 };
    let same = |id: &Option<Vec<u8>>| id.as_deref() == Some(label.as_ref());
    archive.certs.iter().position(|bag| same(&bag.local_key_id)).unwrap_or(0)
}
