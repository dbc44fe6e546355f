//! Which certificate is that of the key, and which are above it. Files have them in any order.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use crate::tls::provider;

pub(super) type Chain = Vec<CertificateDer<'static>>;

/// The first key that belongs to a certificate, and that certificate, by their places.
pub(super) fn choose(keys: &[PrivateKeyDer<'static>], chain: &Chain) -> Option<(usize, usize)> {
    let owners: Vec<_> = chain.iter().map(public_key).collect();
    keys.iter().enumerate().find_map(|(place, key)| {
        let key = provider().key_provider.load_private_key(key.clone_key()).ok()?;
        let public = key.public_key()?;
        let leaf = owners.iter().position(|owner| owner.as_deref() == Some(public.as_ref()))?;
        Some((place, leaf))
    })
}

fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    certificate.tbs_certificate().subject_public_key_info().to_der().ok()
}

/// The certificate at `leaf`, then its issuer, and so on. The rest does not belong to it and is left out.
pub(super) fn upwards(mut rest: Chain, leaf: usize) -> Chain {
    let mut chain = Chain::new();
    let mut next = (leaf < rest.len()).then_some(leaf);
    while let Some(place) = next {
        chain.push(rest.remove(place));
        next = chain.last().and_then(names).filter(|(subject, issuer)| subject != issuer).and_then(
            |(_, issuer)| {
                rest.iter().position(|other| names(other).is_some_and(|(subject, _)| subject == issuer))
            },
        );
    }
    chain
}

/// The subject and the issuer.
fn names(certificate: &CertificateDer<'static>) -> Option<(Vec<u8>, Vec<u8>)> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let facts = certificate.tbs_certificate();
    Some((facts.subject().to_der().ok()?, facts.issuer().to_der().ok()?))
}
