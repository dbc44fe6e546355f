//! Which certificate did the client show? The handshake takes any; this room tells them apart.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode as _;

use super::KitError;
use crate::arrival::{Certificate, Standing};

/// Takes any certificate, or none. Only the proof that the client holds its key is still checked.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyCertificate {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Knows the merchant CA.
#[derive(Debug)]
pub(super) struct Judge {
    verifier: Arc<dyn ClientCertVerifier>,
}

impl Judge {
    pub(super) fn new(merchant_ca: RootCertStore) -> Result<Self, KitError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(merchant_ca), provider)
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Self { verifier })
    }

    pub(super) fn judge(&self, chain: Option<&[CertificateDer<'_>]>) -> Certificate {
        let Some((leaf, rest)) = chain.and_then(<[_]>::split_first) else { return Certificate::None };
        let parsed = X509::from_der(leaf).ok();
        let facts = parsed.as_ref().and_then(|certificate| {
            let facts = certificate.tbs_certificate();
            let name = facts.subject().common_name().ok()??;
            Some((name.value().into_owned(), facts.validity().not_before.to_unix_duration()))
        });
        let Some((mch_id, not_before)) = facts else { return Certificate::Foreign };
        // In its own first second a certificate is in force if it ever was: that tells "expired" from "foreign".
        let at = |time| self.verifier.verify_client_cert(leaf, rest, time).is_ok();
        if !at(UnixTime::since_unix_epoch(not_before.saturating_add(Duration::from_secs(1)))) {
            return Certificate::Foreign;
        }
        let standing = if at(UnixTime::now()) { Standing::InForce } else { Standing::Expired };
        Certificate::Merchant { mch_id, standing }
    }
}
