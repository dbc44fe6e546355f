//! Who we are. Everything about a certificate and its key is judged here, once, and never again at the first request.

mod chain;
mod der;
mod error;
mod judge;
#[cfg(feature = "p12")]
mod p12;
mod pem;
#[cfg(feature = "p12")]
mod rounds;
mod text;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::PrivateKeyDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use x509_cert::certificate::CertificateInner;
use x509_cert::der::Decode;

use self::error::certificate_error;
pub use self::error::{IdentityError, PemError};
use self::judge::{certify, check_form, check_validity, common_name};
#[cfg(feature = "p12")]
pub use self::p12::P12Error;
pub(crate) use self::pem::Contents;

/// The merchant's certificate and its private key: `apiclient_cert.pem` and `apiclient_key.pem`.
///
/// A pair that exists is usable: both can be read, they belong together, rustls accepts them, and the certificate
/// was valid at the time that was given. The key stays in memory as long as the identity and the transport live,
/// and it never appears in `Debug`.
///
/// Merchant certificates live for five years. [`renewal_due`](Self::renewal_due) says when to renew; ask it now and
/// then, for example where the health of the service is reported.
#[derive(Clone)]
pub struct Identity {
    certified_key: CertifiedKey,
    common_name: Option<String>,
    not_after: SystemTime,
}

impl Identity {
    /// Reads the two files of the merchant platform, as of now: [`from_pem_at`](Self::from_pem_at).
    pub fn from_pem_files(
        certificate_chain: impl AsRef<Path>,
        private_key: impl AsRef<Path>,
    ) -> Result<Self, IdentityError> {
        Self::from_pem(&read_file(certificate_chain.as_ref())?, &read_file(private_key.as_ref())?)
    }

    /// [`from_pem_at`](Self::from_pem_at) with the time of the system clock.
    #[expect(clippy::disallowed_methods, reason = "the thin wrapper that reads the clock")]
    pub fn from_pem(certificate_chain: &[u8], private_key: &[u8]) -> Result<Self, IdentityError> {
        Self::from_pem_at(certificate_chain, private_key, SystemTime::now())
    }

    /// Reads a certificate chain and the private key of one of its certificates; both are PEM. The key is PKCS#8, PKCS#1
    /// or SEC1, whatever its first line calls it, and not encrypted. `now` is the time at which the certificate has to be
    /// valid.
    ///
    /// The certificate that belongs to the key is shown first, wherever it stands, and its issuers after it, as far as
    /// they are there; the others are left out.
    ///
    /// PEM may come out of an environment variable or a store of secrets: line breaks that are gone, or two characters
    /// `\n` each, indentation, quotation marks, base64 of the PEM, and base64 without its first and last line are read.
    /// Where that is not clear it is an error that says what happened: [`PemError`].
    pub fn from_pem_at(
        certificate_chain: &[u8],
        private_key: &[u8],
        now: SystemTime,
    ) -> Result<Self, IdentityError> {
        let (chain, key) = pem::read(certificate_chain, private_key)?;
        Self::from_parts(chain, key, now)
    }

    fn from_parts(
        chain: chain::Chain,
        key: PrivateKeyDer<'static>,
        now: SystemTime,
    ) -> Result<Self, IdentityError> {
        let leaf = chain.first().ok_or(IdentityError::NoCertificate)?;
        let parsed = CertificateInner::from_der(leaf).map_err(certificate_error)?;
        let facts = parsed.tbs_certificate();
        check_form(facts)?;
        let not_after = check_validity(facts, now)?;
        let common_name = common_name(facts);
        Ok(Self { certified_key: certify(chain, key)?, common_name, not_after })
    }

    /// The common name of the certificate, which is the `mch_id`; `None` where it has none that is text.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The last moment at which the certificate is valid. Merchant certificates live for five years.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// The days that are left, once they are fewer than 30; negative after the end. `None` while there is time.
    ///
    /// ```no_run
    /// # let identity = wechatpay_transport::Identity::from_pem(b"", b"").unwrap();
    /// if let Some(days) = identity.renewal_due(std::time::SystemTime::now()) {
    ///     eprintln!("the merchant certificate ends in {days} days");
    /// }
    /// ```
    pub fn renewal_due(&self, now: SystemTime) -> Option<i64> {
        Some(self.days_left(now)).filter(|days| *days < 30)
    }

    /// How many whole days of validity are left at `now`; negative once it has expired.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        let days = |span: Duration| i64::try_from(span.as_secs() / 86_400).unwrap_or(i64::MAX);
        match self.not_after.duration_since(now) {
            Ok(left) => days(left),
            Err(past) => -days(past.duration()) - 1,
        }
    }

    /// What a TLS client needs in order to show this identity.
    pub(crate) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.certified_key.clone()))
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

fn read_file(path: &Path) -> Result<Vec<u8>, IdentityError> {
    std::fs::read(path).map_err(|source| IdentityError::Io { path: path.to_owned(), source })
}
