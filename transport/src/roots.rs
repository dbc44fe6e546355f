//! Whom we believe.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;

use crate::identity::{Contents, PemError};

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
    /// What the operating system trusts, judged by its own means where it has them (Windows, macOS, Android).
    /// Follows the system's updates; on Linux the files are read once, when the transport is built, and the variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` can name others. Of the feature `platform-verifier`.
    #[cfg(feature = "platform-verifier")]
    Platform,
    /// These authorities and no others.
    Custom(CustomRoots),
}

impl Roots {
    /// Trusts exactly the certificates of a PEM file, read from disk.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, RootsError> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|source| RootsError::Io { path: path.to_owned(), source })?;
        Self::from_pem(&pem)
    }

    /// Trusts exactly the certificates of a PEM file. It may have suffered what [`PemError`] lists.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let certificates = Contents::of(pem).map_err(RootsError::Pem)?.chain;
        if certificates.is_empty() {
            return Err(RootsError::NoCertificate);
        }
        let mut store = RootCertStore::empty();
        for certificate in certificates {
            store.add(certificate).map_err(|error| RootsError::Certificate(error.into()))?;
        }
        Ok(Self::Custom(CustomRoots(Arc::new(store))))
    }
}

/// Certificate authorities of the caller's choice. Made by [`Roots::from_pem`].
#[derive(Clone)]
pub struct CustomRoots(pub(crate) Arc<RootCertStore>);

impl fmt::Debug for CustomRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomRoots({} certificates)", self.0.len())
    }
}

/// Why a file of certificate authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is empty, or holds something else.
    #[error("there is no PEM certificate in the file")]
    NoCertificate,
    /// The file is in another form, or damaged.
    #[error("the file cannot be read as PEM: {0}")]
    Pem(PemError),
    /// One of the certificates cannot be a trust anchor.
    #[error("a certificate cannot be used as a root")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}
