//! What can go wrong with a kit. Nothing here holds a key.

use std::error::Error;
use std::path::PathBuf;

/// What a kit could not be made for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// A file or folder cannot be written.
    #[error("cannot write {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the kit cannot be read.
    #[error("cannot read {}; make it a readable file, or remove it to have it made anew", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused what was made.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// A PKCS#12 file.
    #[error("cannot make a PKCS#12 file")]
    P12(#[source] Box<dyn Error + Send + Sync>),
    /// A merchant number that cannot name a folder.
    #[error("{mch_id:?} cannot name a folder: a merchant number is letters and digits of ASCII")]
    MchId {
        /// The number.
        mch_id: String,
    },
    /// A name that the server cannot have.
    #[error(
        "host alias {alias:?} is neither an IP address nor a DNS name: labels of letters, digits and hyphens, joined \
         by dots, at most 253 characters in all; leave out scheme, port, brackets and wildcards"
    )]
    HostAlias {
        /// The name.
        alias: String,
    },
    /// What lies in the kit's folder in the place of an authority is none.
    #[error(
        "{} cannot be used: {fault}; remove it, and the next start makes a new authority (clients then have to trust \
         the new certificate)",
        path.display()
    )]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: AuthorityFault,
    },
    /// A path that cannot stand in a text.
    #[error("{} is not Unicode; choose another folder for the kit", path.display())]
    NotUnicode {
        /// The path.
        path: PathBuf,
    },
}

/// What is wrong with the file that an authority is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityFault {
    /// The key is missing or broken.
    #[error("it holds no private key in PEM, or a broken one")]
    Key,
    /// The certificate is missing or broken.
    #[error("it holds no certificate in PEM, or a broken one")]
    Certificate,
    /// The two do not belong together.
    #[error("its certificate is not that of its private key")]
    Mismatch,
    /// The certificate may not sign others.
    #[error("its certificate is not that of an authority (CA)")]
    NotAnAuthority,
}
