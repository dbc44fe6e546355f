//! Why an identity cannot be used, and what to do about it.

use std::path::PathBuf;
use std::time::SystemTime;

use x509_cert::der::DateTime;

#[cfg(feature = "p12")]
use super::p12::P12Error;

/// Why a certificate and a key cannot be used. Holds nothing of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of the certificate is empty, or holds something else.
    #[error("there is no certificate in the file of the certificate: it is empty, or holds something else")]
    NoCertificate,
    /// The file of the private key is empty, or holds something else.
    #[error("there is no private key in the file of the private key: it is empty, or holds something else")]
    NoPrivateKey,
    /// The key was given as the certificate and the certificate as the key.
    #[error("the file of the certificate and that of the private key are swapped")]
    Swapped,
    /// The key is protected by a password.
    #[error(
        "the private key is encrypted; `openssl pkey -in apiclient_key.pem -out plain.pem` takes its password off"
    )]
    EncryptedKey,
    /// The certificate is in another form, or damaged.
    #[error("the certificate cannot be read as PEM: {0}")]
    CertificatePem(PemError),
    /// The private key is in another form, or damaged.
    #[error("the private key cannot be read as PEM: {0}")]
    KeyPem(PemError),
    /// The PKCS#12 file cannot be opened.
    #[cfg(feature = "p12")]
    #[error(transparent)]
    P12(#[from] P12Error),
    /// The certificate is not X.509, or not what rustls accepts.
    #[error("the certificate cannot be read")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificate is X.509 version 1 or 2; TLS needs version 3.
    #[error("the certificate is not X.509 version 3, which TLS needs")]
    CertificateVersion,
    /// The RSA key has fewer than 2048 bits.
    #[error("the RSA key has {bits} bits, and 2048 are needed")]
    WeakKey {
        /// The length of the modulus.
        bits: usize,
    },
    /// The certificate is not valid yet; or the clock is wrong.
    #[error("the certificate is not valid before {}, if the clock is right", date(*not_before))]
    NotYetValid {
        /// The first moment at which it is valid.
        not_before: SystemTime,
    },
    /// The certificate has expired. A new one comes from the merchant platform.
    #[error(
        "the certificate has expired at {}, a new one comes from the merchant platform",
        date(*not_after)
    )]
    Expired {
        /// The last moment at which it was valid.
        not_after: SystemTime,
    },
    /// The key is damaged, or of a kind that rustls with ring cannot use.
    #[error("the private key cannot be used")]
    UnusableKey(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
}

/// What was given where PEM was wanted, or what happened to the PEM. Holds nothing of the key.
///
/// PEM survives much: line breaks that are gone, or two characters `\n` each, indentation, quotation marks, JSON and
/// assignments around it, another kind of key in its first line, base64 of it, and base64 without its first and last
/// line. What is left here has no reading, or more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// The binary form of a certificate or a key.
    #[error("it is DER; `openssl x509 -inform DER` and `openssl pkey -inform DER` write PEM")]
    Der,
    /// `apiclient_cert.p12`.
    #[error("it is PKCS#12; take apiclient_cert.pem and apiclient_key.pem, or Identity::from_p12")]
    Pkcs12,
    /// Text as some shells of Windows write it.
    #[error("it is text in UTF-16; save it as UTF-8")]
    Utf16,
    /// A binary file that was taken for text on its way.
    #[error(
        "it is a binary file, damaged by something that took it for text, such as the filter of resources of a build \
         tool; copy the original again"
    )]
    TextFilter,
    /// Percent signs in place of some characters.
    #[error("it is URL-encoded; decode it first")]
    UrlEncoded,
    /// The name of a file where its content was wanted.
    #[error("it is the path of a file and not its content; Identity::from_pem_files reads files")]
    Path,
    /// The last line is missing.
    #[error("it is cut off, a line -----END ...----- is missing")]
    CutOff,
    /// The first or the last line is not as it has to be.
    #[error(
        "its first line -----BEGIN ...----- or its last line -----END ...----- is damaged or missing; both have five \
         hyphens on each side and the same words"
    )]
    Markers,
    /// There is a character that base64 does not have.
    #[error("between its first line and its last one is the character {0:?}, which base64 does not have")]
    Character(char),
    /// Some of the base64 is missing, or some is there twice.
    #[error(
        "some of its base64 is missing or surplus: a line was lost, or each + became a space; copy it again"
    )]
    Incomplete,
    /// Its content is something else: a public key, for example.
    #[error("it holds neither a certificate nor a private key; a public key is none")]
    Other,
}

pub(super) fn certificate_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> IdentityError {
    IdentityError::Certificate(error.into())
}

fn date(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).ok();
    let date = since.and_then(|since| DateTime::from_unix_duration(since).ok());
    date.map_or_else(|| "an unknown time".to_owned(), |date| date.to_string())
}
