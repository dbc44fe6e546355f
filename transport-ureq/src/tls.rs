//! Who we are, and whom we believe. Everything is judged here, once, and never again at the first request.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{ClientCert, RootCerts};
use x509_cert::certificate::{CertificateInner, TbsCertificate, Version};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::oid::db::rfc5912::RSA_ENCRYPTION;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::time::Time;

/// The merchant's certificate and its private key: `apiclient_cert.pem` and `apiclient_key.pem`.
///
/// A pair that exists is usable: both can be read, they belong together, rustls accepts them, and the certificate
/// was valid at the time that was given. The key stays in memory as long as the identity and the transport live,
/// and it never appears in `Debug`.
#[derive(Clone)]
pub struct Identity {
    certificate: ClientCert,
    common_name: Option<String>,
    not_after: SystemTime,
}

impl Identity {
    /// [`from_pem_at`](Self::from_pem_at) with the time of the system clock.
    #[expect(clippy::disallowed_methods, reason = "the thin wrapper that reads the clock")]
    pub fn from_pem(certificate_chain: &[u8], private_key: &[u8]) -> Result<Self, IdentityError> {
        Self::from_pem_at(certificate_chain, private_key, SystemTime::now())
    }

    /// Reads a certificate chain, the merchant's own certificate first, and its private key; both are PEM. The key
    /// is PKCS#8, PKCS#1 or SEC1, and not encrypted. `now` is the time at which the certificate has to be valid.
    pub fn from_pem_at(
        certificate_chain: &[u8],
        private_key: &[u8],
        now: SystemTime,
    ) -> Result<Self, IdentityError> {
        let (chain, key) = read_pem(certificate_chain, private_key)?;
        let leaf = chain.first().ok_or(IdentityError::NoCertificate)?;
        let parsed = CertificateInner::from_der(leaf).map_err(certificate_error)?;
        let facts = parsed.tbs_certificate();
        check_form(facts)?;
        let not_after = check_validity(facts, now)?;
        check_pair(&chain, &key)?;
        let certificate = to_ureq(&chain, private_key)?;
        Ok(Self { certificate, common_name: common_name(facts), not_after })
    }

    /// The common name of the certificate, which is the `mch_id`; `None` where it has none that is text.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The last moment at which the certificate is valid. Merchant certificates live for five years.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// How many whole days of validity are left at `now`; negative once it has expired. Renew below 30.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        let days = |span: Duration| i64::try_from(span.as_secs() / 86_400).unwrap_or(i64::MAX);
        match self.not_after.duration_since(now) {
            Ok(left) => days(left),
            Err(past) => -days(past.duration()) - 1,
        }
    }

    pub(crate) fn certificate(&self) -> &ClientCert {
        &self.certificate
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("common_name", &self.common_name)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Why a certificate and a key cannot be used. Holds nothing of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The first file holds no certificate.
    #[error("the certificate file holds no PEM certificate")]
    NoCertificate,
    /// The second file holds no private key.
    #[error("the key file holds no PEM private key")]
    NoPrivateKey,
    /// The key was given as the certificate and the certificate as the key.
    #[error("the certificate file and the key file are swapped")]
    Swapped,
    /// The key is protected by a password. `openssl pkey -in apiclient_key.pem` writes it without.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// The PEM of the certificate is damaged, for example cut off.
    #[error("the PEM of the certificate is damaged")]
    CertificatePem,
    /// The PEM of the private key is damaged, for example cut off.
    #[error("the PEM of the private key is damaged")]
    KeyPem,
    /// The certificate is not X.509, or not what rustls accepts.
    #[error("the certificate cannot be read")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificate is X.509 version 1 or 2; TLS needs version 3.
    #[error("the certificate is not X.509 version 3")]
    CertificateVersion,
    /// The RSA key has fewer than 2048 bits.
    #[error("the RSA key has {bits} bits, and 2048 are needed")]
    WeakKey {
        /// The length of the modulus.
        bits: usize,
    },
    /// The certificate is not valid yet; or the clock is wrong.
    #[error("the certificate is not valid yet")]
    NotYetValid {
        /// The first moment at which it is valid.
        not_before: SystemTime,
    },
    /// The certificate has expired.
    #[error("the certificate has expired")]
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

/// The certificate authorities that may vouch for the server.
///
/// WeChat Pay has changed its root before, so a single pinned one is a future outage. Verification cannot be
/// switched off: to talk to a server of your own, trust its authority with [`from_pem`](Self::from_pem).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Roots {
    /// Mozilla's authorities as they were when this program was built.
    #[default]
    WebPki,
    /// These authorities and no others.
    Custom(CustomRoots),
}

impl Roots {
    /// Trusts exactly the certificates of a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let (certificates, _) = sections(pem).ok_or(RootsError::Pem)?;
        if certificates.is_empty() {
            return Err(RootsError::NoCertificate);
        }
        let mut store = RootCertStore::empty(); // ureq would silently leave out what does not fit
        for certificate in &certificates {
            store.add(certificate.clone()).map_err(|error| RootsError::Certificate(error.into()))?;
        }
        Ok(Self::Custom(CustomRoots(Arc::new(certificates.iter().map(to_ureq_certificate).collect()))))
    }

    pub(crate) fn to_ureq(&self) -> RootCerts {
        match self {
            Self::WebPki => RootCerts::WebPki,
            Self::Custom(CustomRoots(certificates)) => RootCerts::Specific(Arc::clone(certificates)),
        }
    }
}

/// Certificate authorities of the caller's choice. Made by [`Roots::from_pem`].
#[derive(Clone)]
pub struct CustomRoots(Arc<Vec<ureq::tls::Certificate<'static>>>);

impl fmt::Debug for CustomRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomRoots({} certificates)", self.0.len())
    }
}

/// Why a file of certificate authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// There is no certificate in it.
    #[error("the file holds no PEM certificate")]
    NoCertificate,
    /// The PEM is damaged.
    #[error("the PEM is damaged")]
    Pem,
    /// One of the certificates cannot be a trust anchor.
    #[error("a certificate cannot be used as a root")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The one provider of cryptography, always passed on explicitly.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

type Chain = Vec<CertificateDer<'static>>;

fn read_pem(certificates: &[u8], key: &[u8]) -> Result<(Chain, PrivateKeyDer<'static>), IdentityError> {
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

/// All certificates and the first private key. `None` where the PEM is damaged: its error is dropped, because it can
/// quote a line, and the line can be the key.
fn sections(pem: &[u8]) -> Option<(Chain, Option<PrivateKeyDer<'static>>)> {
    let (mut certificates, mut key) = (Vec::new(), None);
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        match section.ok()? {
            (SectionKind::Certificate, der) => certificates.push(CertificateDer::from(der)),
            (kind, der) => key = key.or_else(|| PrivateKeyDer::from_pem(kind, der)),
        }
    }
    Some((certificates, key))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What rustls would refuse as well, but with a less telling error.
fn check_form(facts: &TbsCertificate) -> Result<(), IdentityError> {
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
fn check_validity(facts: &TbsCertificate, now: SystemTime) -> Result<SystemTime, IdentityError> {
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

/// Does what ureq does at the first request. ureq panics there if it fails.
fn check_pair(chain: &Chain, key: &PrivateKeyDer<'static>) -> Result<(), IdentityError> {
    let key = provider()
        .key_provider
        .load_private_key(key.clone_key())
        .map_err(|error| IdentityError::UnusableKey(error.into()))?;
    CertifiedKey::new(chain.clone(), key).keys_match().map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => IdentityError::KeyMismatch,
        error => certificate_error(error),
    })
}

fn common_name(facts: &TbsCertificate) -> Option<String> {
    let name = facts.subject().common_name().ok()??;
    Some(name.value().into_owned())
}

/// ureq takes the kind of a key from PEM alone. It picks the first key in the text, as [`sections`] did.
fn to_ureq(chain: &Chain, key_pem: &[u8]) -> Result<ClientCert, IdentityError> {
    let certificates: Vec<_> = chain.iter().map(to_ureq_certificate).collect();
    let key = ureq::tls::PrivateKey::from_pem(key_pem).map_err(|_| IdentityError::KeyPem)?;
    Ok(ClientCert::new_with_certs(&certificates, key))
}

fn to_ureq_certificate(certificate: &CertificateDer<'_>) -> ureq::tls::Certificate<'static> {
    ureq::tls::Certificate::from_der(certificate).to_owned()
}

fn certificate_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> IdentityError {
    IdentityError::Certificate(error.into())
}
