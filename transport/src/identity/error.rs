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
    #[error("there is no certificate in the file of the certificate")]
    NoCertificate,
    /// The file of the private key is empty, or holds something else.
    #[error("there is no private key in the file of the private key")]
    NoPrivateKey,
    /// The key was given as the certificate and the certificate as the key.
    #[error("the file of the certificate and that of the private key are swapped")]
    Swapped,
    /// The key is protected by a password.
    #[error(
        "the private key is encrypted; `openssl pkey -in apiclient_key.pem -out plain.pem` takes its password off"
    )]
    EncryptedKey,
    /// The certificate is in another form.
    #[error("the certificate is not PEM, it is {0}")]
    CertificateNotPem(NotPem),
    /// The private key is in another form.
    #[error("the private key is not PEM, it is {0}")]
    KeyNotPem(NotPem),
    /// The PEM of the certificate is damaged, for example cut off.
    #[error("the PEM of the certificate is damaged, for example cut off")]
    CertificatePem,
    /// The PEM of the private key is damaged, for example cut off.
    #[error("the PEM of the private key is damaged, for example cut off")]
    KeyPem,
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

/// What was given where PEM was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotPem {
    /// The binary form of a certificate or a key.
    #[error("DER; `openssl x509 -inform DER` and `openssl pkey -inform DER` write PEM")]
    Der,
    /// `apiclient_cert.p12`.
    #[error("PKCS#12; take apiclient_cert.pem and apiclient_key.pem, or Identity::from_p12")]
    Pkcs12,
    /// Text as some shells of Windows write it.
    #[error("text in UTF-16; save it as UTF-8")]
    Utf16,
}

pub(super) fn certificate_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> IdentityError {
    IdentityError::Certificate(error.into())
}

fn date(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).ok();
    let date = since.and_then(|since| DateTime::from_unix_duration(since).ok());
    date.map_or_else(|| "an unknown time".to_owned(), |date| date.to_string())
}
