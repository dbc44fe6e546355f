//! Which certificate did the client show? The handshake takes any; this room tells them apart.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, RootCertStore, SignatureScheme,
};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode as _;

use super::KitError;
use crate::arrival::{Certificate, CertificateFacts, Standing};

/// Takes any certificate, or none. Only the proof that the client holds its key is still checked. Or, on purpose, it
/// takes none of those that are shown.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
    taken: bool,
}

impl AnyCertificate {
    pub(super) fn taken(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, taken: true }
    }

    pub(super) fn refused(provider: &CryptoProvider) -> Self {
        Self { taken: false, ..Self::taken(provider) }
    }
}

/// The client hears `certificate_unknown`.
#[derive(Debug, thiserror::Error)]
#[error("client certificates are refused on purpose")]
struct Refused;

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
        match self.taken {
            true => Ok(ClientCertVerified::assertion()),
            false => Err(CertificateError::Other(OtherError(Arc::new(Refused))).into()),
        }
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

/// What a client's certificate says of itself, for whoever reads the journal. Nothing of it is verified. None where
/// there is no certificate, or one that cannot be read.
pub(super) fn facts(chain: Option<&[CertificateDer<'_>]>) -> Option<CertificateFacts> {
    let leaf = X509::from_der(chain?.first()?).ok()?;
    let facts = leaf.tbs_certificate();
    let subject = facts.subject().common_name().ok().flatten();
    let end = i64::try_from(facts.validity().not_after.to_unix_duration().as_secs()).ok();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    Some(CertificateFacts {
        subject_cn: subject.map(|name| name.value().into_owned()),
        serial: Some(hex(facts.serial_number().as_bytes())),
        not_after: end.and_then(|end| Timestamp::from_second(end).ok()).map(|end| end.to_string()),
    })
}

fn standing(certificate: &X509, now: UnixTime) -> Standing {
    let validity = certificate.tbs_certificate().validity();
    let (begin, end) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    match now.as_secs() {
        now if now < begin.as_secs() => Standing::NotYetValid,
        now if now > end.as_secs() => Standing::Expired,
        _ => Standing::InForce,
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

    pub(super) fn judge(&self, chain: Option<&[CertificateDer<'_>]>, now: UnixTime) -> Certificate {
        let Some((leaf, rest)) = chain.and_then(<[_]>::split_first) else { return Certificate::None };
        let Ok(certificate) = X509::from_der(leaf) else { return Certificate::Foreign };
        let facts = certificate.tbs_certificate();
        let Ok(Some(name)) = facts.subject().common_name() else { return Certificate::Foreign };
        // In its own first second a certificate is in force if it ever is: that tells "not now" from "foreign".
        let begin = facts.validity().not_before.to_unix_duration();
        let first_second = UnixTime::since_unix_epoch(begin.saturating_add(Duration::from_secs(1)));
        if self.verifier.verify_client_cert(leaf, rest, first_second).is_err() {
            return Certificate::Foreign;
        }
        Certificate::Merchant { mch_id: name.value().into_owned(), standing: standing(&certificate, now) }
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;

    use super::super::{Kit, Validity};
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn der((certificate, _): (String, String)) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()
    }

    #[test]
    fn a_merchant_is_known_in_its_time_and_out_of_it() {
        let kit = Kit::create(None).unwrap();
        for (validity, standing) in [
            (Validity::Current, Standing::InForce),
            (Validity::Expired, Standing::Expired),
            (Validity::NotYetValid, Standing::NotYetValid),
        ] {
            let shown = der(kit.merchant_pem("10000098", validity).unwrap());
            let verdict = Certificate::Merchant { mch_id: "10000098".to_owned(), standing };
            assert_eq!(kit.judge(Some(std::slice::from_ref(&shown))), verdict);
            assert_eq!(facts(Some(&[shown])).unwrap().subject_cn.as_deref(), Some("10000098"));
        }
        let foreign = der(kit.foreign_pem("10000098").unwrap());
        assert_eq!(kit.judge(Some(std::slice::from_ref(&foreign))), Certificate::Foreign);
        assert_eq!(facts(Some(&[foreign])).unwrap().subject_cn.as_deref(), Some("10000098"));
    }

    #[test]
    fn the_facts_are_those_of_the_certificate() {
        let kit = Kit::create(None).unwrap();
        let shown = || der(kit.merchant_pem("10000098", Validity::Current).unwrap());
        let one = [shown()];
        let told = facts(Some(&one)).unwrap();
        let serial = told.serial.unwrap();
        assert!(serial.len() == 40 && serial.bytes().all(|digit| b"0123456789ABCDEF".contains(&digit)));
        assert_ne!(facts(Some(&[shown()])).unwrap().serial.unwrap(), serial, "one key, many certificates");

        let parsed = X509::from_der(&one[0]).unwrap();
        let validity = parsed.tbs_certificate().validity();
        let [begin, end] = [validity.not_before, validity.not_after].map(|time| time.to_unix_duration());
        let told: Timestamp = told.not_after.unwrap().parse().unwrap();
        assert_eq!(u64::try_from(told.as_second()).unwrap(), end.as_secs());
        let second = Duration::from_secs(1);
        for (now, expected) in [
            (begin - second, Standing::NotYetValid),
            (begin, Standing::InForce),
            (begin + DAY, Standing::InForce),
            (end, Standing::InForce),
            (end + second, Standing::Expired),
        ] {
            assert_eq!(standing(&parsed, UnixTime::since_unix_epoch(now)), expected);
        }
    }

    #[test]
    fn of_nothing_and_of_rubbish_there_are_no_facts() {
        let kit = Kit::create(None).unwrap();
        let rubbish = [CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])];
        for chain in [None, Some(&[][..]), Some(&rubbish)] {
            assert_eq!(facts(chain), None);
        }
        assert_eq!(kit.judge(None), Certificate::None);
        assert_eq!(kit.judge(Some(&rubbish)), Certificate::Foreign);
    }
}
