//! Certificates that are unusual, and keys of every kind.

use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose, KeyPair,
    PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};
use rustls::SignatureScheme;
use rustls::pki_types::CertificateDer;
use wechatpay_transport::{Identity, IdentityError, Lane, Settings};

const YEAR_2050: u64 = 2_524_608_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A pair as PEM, of a key of this kind and a certificate that is changed before it is signed.
fn pair(kind: &'static SignatureAlgorithm, change: impl FnOnce(&mut CertificateParams)) -> [String; 2] {
    let key = KeyPair::generate_for(kind).unwrap();
    let mut params = CertificateParams::default(); // 1975 to 4096
    change(&mut params);
    [params.self_signed(&key).unwrap().pem(), key.serialize_pem()]
}

fn read([certificate, key]: &[String; 2], now: u64) -> Result<Identity, IdentityError> {
    Identity::from_pem_at(certificate.as_bytes(), key.as_bytes(), at(now))
}

/// What a server would be shown that wants these signatures.
fn shown(identity: Identity, schemes: &[SignatureScheme]) -> Option<Vec<CertificateDer<'static>>> {
    let prepared = Settings::new().identity(identity).prepare().unwrap();
    let config = prepared.tls(Lane::Merchant).unwrap();
    Some(config.client_auth_cert_resolver.resolve(&[], schemes)?.cert.clone())
}

#[test]
fn curves_of_other_kinds_work() {
    for (kind, scheme) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, SignatureScheme::ECDSA_NISTP384_SHA384),
        (&PKCS_ED25519, SignatureScheme::ED25519),
    ] {
        let identity = read(&pair(kind, |_| ()), YEAR_2050).unwrap();
        assert!(shown(identity, &[scheme]).is_some());
    }
}

macro_rules! files {
    ($name:literal) => {
        Identity::from_pem_at(
            include_bytes!(concat!("identities/", $name, ".cert.pem")),
            include_bytes!(concat!("identities/", $name, ".key.pem")),
            at(1_704_067_200),
        )
    };
}

#[test]
fn rsa_keys_have_2048_bits_or_more() {
    assert!(files!("rsa").is_ok());
    assert!(files!("rsa-4096").is_ok());
    assert!(matches!(files!("rsa-2047"), Err(IdentityError::WeakKey { bits: 2047 })));
    assert!(matches!(files!("rsa-1024"), Err(IdentityError::WeakKey { bits: 1024 })));
}

#[test]
fn a_curve_that_ring_does_not_have_is_refused() {
    assert!(matches!(files!("ec-521"), Err(IdentityError::UnusableKey(_))));
}

#[test]
fn dates_beyond_2049_have_another_form_and_count_the_same() {
    let late = pair(&PKCS_ED25519, |params| {
        params.not_before = date_time_ymd(2051, 1, 1);
        params.not_after = date_time_ymd(9999, 12, 31);
    });
    let error = read(&late, YEAR_2050).unwrap_err();
    let IdentityError::NotYetValid { not_before } = error else { panic!("{error:?}") };
    assert_eq!(not_before, at(YEAR_2050 + 365 * 86_400));
    let identity = read(&late, YEAR_2050 + 365 * 86_400).unwrap();
    assert_eq!(identity.not_after(), at(253_402_214_400)); // 9999-12-31T00:00:00Z
    assert_eq!(identity.renewal_due(at(YEAR_2050)), None);
    assert!(matches!(read(&late, 253_402_214_401), Err(IdentityError::Expired { .. })));
}

#[test]
fn a_chain_is_shown_from_its_leaf_upwards() {
    let mut above = CertificateParams::default();
    above.distinguished_name.push(DnType::CommonName, "issuer");
    let issuer = CertifiedIssuer::self_signed(above, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::default().signed_by(&key, &issuer).unwrap();
    let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
    for (pem, chain) in [
        (leaf.pem() + &issuer.pem(), vec![leaf.der().clone(), issuer.der().clone()]),
        // A server may refuse a certificate that does not vouch for the one before it.
        (leaf.pem() + &leaf.pem(), vec![leaf.der().clone()]),
    ] {
        let identity = read(&[pem, key.serialize_pem()], YEAR_2050).unwrap();
        assert_eq!(shown(identity, &[scheme]), Some(chain));
    }
}

/// Whether it may be a client is for the server to say, which is the one that checks.
#[test]
fn a_purpose_is_not_judged() {
    let server_only = pair(&PKCS_ED25519, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert!(read(&server_only, YEAR_2050).is_ok());
    let unknown = pair(&PKCS_ED25519, |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let error = read(&unknown, YEAR_2050).unwrap_err();
    assert!(matches!(error, IdentityError::Certificate(_)), "{error:?}");
}
