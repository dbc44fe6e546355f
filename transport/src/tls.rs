//! The settings of TLS, made in one place: one provider of cryptography, verification always on, TLS 1.2 and 1.3,
//! HTTP/1.1, no early data, no log of keys.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use crate::identity::Identity;
use crate::roots::{CustomRoots, Roots};

/// The one provider of cryptography, always passed on explicitly.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client that believes `roots` and shows `identity`, or nothing.
pub(crate) fn client_config(
    roots: &Roots,
    identity: Option<&Identity>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let builder = believing(roots)?;
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity.resolver()),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn believing(roots: &Roots) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(match roots {
        Roots::WebPki => {
            let store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            builder.with_root_certificates(store)
        }
        // rustls calls every verifier of another crate dangerous. This one verifies.
        #[cfg(feature = "platform-verifier")]
        Roots::Platform => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(rustls_platform_verifier::Verifier::new(provider())?)),
        Roots::Custom(CustomRoots(store)) => builder.with_root_certificates(Arc::clone(store)),
    })
}
