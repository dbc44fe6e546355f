//! Certificates that are made at each run: nothing that could expire lies anywhere.

use std::sync::Arc;

use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::setup::ClientIdentity;

/// Why the suite could not make what it needs.
pub(super) type Failure = Box<dyn std::error::Error>;

pub(super) struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate, and the key to it.
pub(super) struct Pair {
    pub(super) certificate: CertificateDer<'static>,
    key: KeyPair,
}

/// When a certificate is valid, seen from today.
#[derive(Clone, Copy)]
pub(super) enum Validity {
    Now,
    Over,
    ToCome,
}

/// Which client certificate a server asks for.
#[derive(Clone, Copy)]
pub(super) enum Demand<'a> {
    Nothing,
    /// One of this authority, or none.
    Optional(&'a Authority),
    /// One of this authority.
    Required(&'a Authority),
}

impl Authority {
    pub(super) fn new(name: &str) -> Result<Self, Failure> {
        let mut params = params(name, Validity::Now)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Ok(Self { certificate, pem, issuer: Issuer::new(params, key) })
    }

    pub(super) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// For a server of this name or address.
    pub(super) fn server(&self, host: &str, validity: Validity) -> Result<Pair, Failure> {
        self.server_of(&[host], validity)
    }

    /// For a server of these names or addresses.
    pub(super) fn server_of(&self, hosts: &[&str], validity: Validity) -> Result<Pair, Failure> {
        let params = leaf(hosts, validity, ExtendedKeyUsagePurpose::ServerAuth)?;
        let key = KeyPair::generate()?;
        Ok(Pair { certificate: params.signed_by(&key, &self.issuer)?.der().clone(), key })
    }

    /// For a client, with the certificate as a server will see it.
    pub(super) fn client(&self, name: &str) -> Result<(ClientIdentity, CertificateDer<'static>), Failure> {
        let params = leaf(&[name], Validity::Now, ExtendedKeyUsagePurpose::ClientAuth)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let identity = ClientIdentity { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() };
        Ok((identity, certificate.der().clone()))
    }

    fn verifier(&self, may_be_absent: bool) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(if may_be_absent { verifier.allow_unauthenticated() } else { verifier }.build()?)
    }
}

/// A server's certificate that vouches for itself.
pub(super) fn self_signed(host: &str) -> Result<Pair, Failure> {
    let params = leaf(&[host], Validity::Now, ExtendedKeyUsagePurpose::ServerAuth)?;
    let key = KeyPair::generate()?;
    Ok(Pair { certificate: params.self_signed(&key)?.der().clone(), key })
}

impl Pair {
    /// A server that speaks these versions of TLS. It would speak HTTP/2, too, with a client that offers it; nobody
    /// should.
    pub(super) fn config(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        demand: Demand<'_>,
    ) -> Result<Arc<ServerConfig>, Failure> {
        let verifier = match demand {
            Demand::Nothing => WebPkiClientVerifier::no_client_auth(),
            Demand::Optional(authority) => authority.verifier(true)?,
            Demand::Required(authority) => authority.verifier(false)?,
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_protocol_versions(versions)?
                .with_client_cert_verifier(verifier)
                .with_single_cert(vec![self.certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn leaf(
    names: &[&str],
    validity: Validity,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, Failure> {
    let mut params = params(names.first().copied().unwrap_or_default(), validity)?;
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    Ok(params)
}

/// The windows are days wide, so that no clock that is a little off and no time zone matters.
fn params(name: &str, validity: Validity) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let (from, to) = match validity {
        Validity::Now => (-3, 90),
        Validity::Over => (-60, -3),
        Validity::ToCome => (3, 60),
    };
    #[expect(clippy::disallowed_methods, reason = "a client judges certificates by real time")]
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let midnight = |days: i64| -> Result<_, Failure> {
        let date = today.checked_add(Span::new().days(days))?;
        Ok(rcgen::date_time_ymd(date.year().into(), date.month().try_into()?, date.day().try_into()?))
    };
    (params.not_before, params.not_after) = (midnight(from)?, midnight(to)?);
    Ok(params)
}
