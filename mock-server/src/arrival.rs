//! How a request came: with which certificate, from where, by which way.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::fault::Mistaken;

/// The client certificate that came with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// None, or plain HTTP.
    #[default]
    None,
    /// One that this mock's merchant CA did not make.
    Foreign,
    /// One of a merchant.
    Merchant {
        /// Its merchant number, the common name.
        mch_id: String,
        /// Whether it is in force.
        standing: Standing,
    },
}

/// Whether a certificate is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is.
    #[default]
    InForce,
    /// It is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It was taken back.
    Revoked,
}

/// What a certificate says of itself, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The common name of its subject.
    pub subject_cn: Option<String>,
    /// Its serial number, in upper-case hexadecimal digits.
    pub serial: Option<String>,
    /// The end of its validity, in RFC 3339.
    pub not_after: Option<String>,
}

/// By which way a request came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Without a socket.
    #[default]
    InProcess,
    /// By plain HTTP.
    Plain,
    /// By TLS.
    Tls,
    /// Through the proxy that the server plays for SDKs with a fixed host.
    Connect,
}

/// How a request came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// With which client certificate.
    pub certificate: Certificate,
    /// What the certificate says of itself.
    pub shown: Option<CertificateFacts>,
    /// From which address; `None` in-process.
    pub peer: Option<IpAddr>,
    /// By which way.
    pub via: Via,
}

impl Arrival {
    /// The same, with the certificate taken for something else. Where there is none of a merchant, there is none to
    /// be mistaken.
    pub(crate) fn taken_for(&self, mistaken: Mistaken) -> Self {
        let Certificate::Merchant { mch_id, .. } = &self.certificate else { return self.clone() };
        let standing = |standing| Certificate::Merchant { mch_id: mch_id.clone(), standing };
        let certificate = match mistaken {
            Mistaken::Missing => Certificate::None,
            Mistaken::Foreign => Certificate::Foreign,
            Mistaken::OtherMerchant => Certificate::of(format!("{mch_id}0")),
            Mistaken::Expired => standing(Standing::Expired),
            Mistaken::Revoked => standing(Standing::Revoked),
        };
        Self { certificate, ..self.clone() }
    }

    /// In-process, with this certificate.
    pub fn with(certificate: Certificate) -> Self {
        Self { certificate, ..Self::default() }
    }
}

impl Certificate {
    /// Whether it is this merchant's.
    pub(crate) fn is_of(&self, whose: &str) -> bool {
        matches!(self, Self::Merchant { mch_id, .. } if mch_id == whose)
    }

    /// A merchant's, in force.
    pub fn of(mch_id: impl Into<String>) -> Self {
        Self::Merchant { mch_id: mch_id.into(), standing: Standing::InForce }
    }
}
