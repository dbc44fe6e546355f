//! A private certificate authority, made anew by each test.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use wechatpay_transport_ureq::{Identity, Roots};

pub(crate) const MCH_ID: &str = "1900000109";

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a server asks of its clients.
pub(crate) enum Demand {
    Nothing,
    MayIdentify,
    MustIdentify,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority made by a test");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::from_pem(self.pem().as_bytes()).unwrap()
    }

    pub(crate) fn identity(&self) -> Identity {
        let (certificate, key) = self.issue(MCH_ID, |params| {
            params.distinguished_name.push(DnType::CommonName, MCH_ID);
        });
        let year_2026 = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        Identity::from_pem_at(certificate.pem().as_bytes(), key.serialize_pem().as_bytes(), year_2026)
            .unwrap()
    }

    /// A server for `host`.
    pub(crate) fn server(&self, host: &str, demand: Demand) -> Arc<ServerConfig> {
        self.configure(host, demand, rustls::ALL_VERSIONS, |_| ())
    }

    pub(crate) fn server_with(
        &self,
        demand: Demand,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        self.configure("127.0.0.1", demand, &[version], |_| ())
    }

    pub(crate) fn expired_server(&self) -> Arc<ServerConfig> {
        self.configure("127.0.0.1", Demand::Nothing, rustls::ALL_VERSIONS, |params| {
            params.not_after = date_time_ymd(2001, 1, 1);
        })
    }

    fn configure(
        &self,
        host: &str,
        demand: Demand,
        versions: &[&'static SupportedProtocolVersion],
        adjust: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(host, adjust);
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(self.verifier(demand))
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        Arc::new(config)
    }

    fn verifier(&self, demand: Demand) -> Arc<dyn ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
        match demand {
            Demand::Nothing => WebPkiClientVerifier::no_client_auth(),
            Demand::MayIdentify => verifier.allow_unauthenticated().build().unwrap(),
            Demand::MustIdentify => verifier.build().unwrap(),
        }
    }

    fn issue(
        &self,
        host: &str,
        adjust: impl FnOnce(&mut CertificateParams),
    ) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        adjust(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
