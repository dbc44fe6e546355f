//! `apiclient_cert.p12` in all its forms, good and bad. The time is an argument, so nothing here expires.
#![cfg(feature = "p12")]

use std::error::Error;
use std::io::Write;
use std::time::{Duration, SystemTime};

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wechatpay_transport::{Identity, IdentityError, Lane, P12Error, PemError, Settings};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("identities/", $name)).as_slice()
    };
}

const PASSWORD: &str = "1900000109";
const DAY: u64 = 86_400;
const NOT_BEFORE: u64 = 1_704_067_200; // 2024-01-01T00:00:00Z
const NOT_AFTER: u64 = 1_861_920_000; // 2029-01-01T00:00:00Z

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn read(p12: &[u8], password: &str) -> Result<Identity, IdentityError> {
    Identity::from_p12_at(p12, password, at(NOT_BEFORE + DAY))
}

#[test]
fn every_form_is_read() {
    for (name, p12, password) in [
        ("RSA, RC2 and 3DES", file!("rsa.legacy.p12"), PASSWORD),
        ("EC, RC2 and 3DES", file!("ec.legacy.p12"), PASSWORD),
        ("RSA, AES", file!("rsa.p12"), PASSWORD),
        ("EC, AES", file!("ec.p12"), PASSWORD),
        ("without a password", file!("ec.no-password.p12"), ""),
        ("without a checksum", file!("ec.no-checksum.p12"), PASSWORD),
        ("without either", file!("ec.plain.p12"), "anything"),
        ("Java, RSA", file!("java-rsa.p12"), PASSWORD),
        ("Java, RSA, RC2 and 3DES", file!("java-rsa.legacy.p12"), PASSWORD),
    ] {
        let identity = read(p12, password).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(identity.common_name(), Some("1900000109"), "{name}");
        assert_eq!(identity.not_after(), at(NOT_AFTER), "{name}");
        assert!(Settings::new().identity(identity).prepare().is_ok(), "{name}");
    }
}

macro_rules! refused {
    ($($name:ident: $p12:expr, $password:expr => $error:pat,)*) => { $(
        #[test]
        fn $name() {
            let error = read($p12, $password).unwrap_err();
            assert!(matches!(error, $error), "{error:?}");
        }
    )* };
}

use IdentityError::P12;

refused! {
    a_wrong_password: file!("rsa.legacy.p12"), "1900000108" => P12(P12Error::Password),
    a_wrong_password_of_the_new_form: file!("rsa.p12"), "1900000108" => P12(P12Error::Password),
    a_missing_password: file!("rsa.legacy.p12"), "" => P12(P12Error::Password),
    a_password_too_many: file!("ec.no-password.p12"), PASSWORD => P12(P12Error::Password),
    a_password_with_its_line_end: file!("rsa.p12"), "1900000109\n" => P12(P12Error::Password),
    a_password_that_is_not_supported: file!("rsa.p12"), "\u{1f600}" => P12(P12Error::Unsupported(_)),
    a_wrong_password_without_a_checksum: file!("ec.no-checksum.p12"), "1900000108" => P12(P12Error::Password),
    a_damaged_checksum: &checksum_damaged(), PASSWORD => P12(P12Error::Password),
    a_missing_key: file!("ec.no-key.p12"), PASSWORD => IdentityError::NoPrivateKey,
    a_missing_certificate: file!("ec.no-certificate.p12"), PASSWORD => IdentityError::NoCertificate,
    an_empty_file: b"", PASSWORD => P12(P12Error::Empty),
    a_file_of_something_else: b"<xml></xml>", PASSWORD => P12(P12Error::Text),
    a_file_cut_off: &file!("rsa.legacy.p12")[..1000], PASSWORD => P12(P12Error::Length { expected: 2349, len: 1000 }),
    a_file_with_more_behind_it: &[file!("rsa.p12"), b"\n"].concat(), PASSWORD
        => P12(P12Error::Length { expected: 2499, len: 2500 }),
    // The other encoding that the standard allows, of lengths that are not known beforehand. `openssl` reads it.
    a_file_of_indefinite_length: &indefinite(file!("ec.p12")), PASSWORD => P12(P12Error::Format(_)),
    a_certificate_alone: file!("ec.cert.der"), PASSWORD => P12(P12Error::Format(_)),
    a_certificate_as_pem: file!("rsa.cert.pem"), PASSWORD => P12(P12Error::Pem),
    a_key_as_pem: file!("rsa.key.pem"), PASSWORD => P12(P12Error::Pem),
    all_as_pem: file!("rsa.bag-attributes.pem"), PASSWORD => P12(P12Error::Pem),
    a_file_that_is_too_long: &[0x30; 65_537], PASSWORD => P12(P12Error::TooLong { limit: 65_536 }),
    a_file_that_is_nearly_too_long: &[0x30; 65_536], PASSWORD => P12(P12Error::Format(_)),
    a_cipher_that_is_not_supported: file!("ec.camellia.p12"), PASSWORD => P12(P12Error::Unsupported(_)),
    a_version_1_certificate: file!("ec-version-1.p12"), PASSWORD => IdentityError::CertificateVersion,
    a_short_rsa_key: file!("rsa-1024.p12"), PASSWORD => IdentityError::WeakKey { bits: 1024 },
    a_curve_that_is_not_supported: file!("ec-521.p12"), PASSWORD => IdentityError::UnusableKey(_),
    // Java leaves it out, and ring wants it.
    a_key_without_its_public_half: file!("java-ec.p12"), PASSWORD => IdentityError::UnusableKey(_),
    millions_of_rounds: file!("ec.slow.p12"), PASSWORD => P12(P12Error::TooSlow { limit: 3_000_000 }),
    millions_of_old_rounds: file!("ec.slow-legacy.p12"), PASSWORD => P12(P12Error::TooSlow { .. }),
    millions_of_rounds_for_the_checksum: file!("ec.slow-checksum.p12"), PASSWORD => P12(P12Error::TooSlow { .. }),
}

fn indefinite(p12: &[u8]) -> Vec<u8> {
    assert_eq!(p12[..2], [0x30, 0x82]);
    [&[0x30, 0x80], &p12[4..], &[0, 0]].concat()
}

/// In a file of the old form: MacData is the last part, and the digest lies before a salt of 8 and a number of 2 bytes.
fn checksum_damaged() -> Vec<u8> {
    let mut p12 = file!("rsa.legacy.p12").to_vec();
    let end = p12.len();
    assert_eq!(p12[end - 4..], [2, 2, 8, 0], "2048 rounds");
    assert_eq!(p12[end - 36..end - 34], [4, 20], "20 bytes of SHA-1");
    p12[end - 20] ^= 1;
    p12
}

#[test]
fn the_validity_is_judged_as_for_pem() {
    let p12 = file!("rsa.legacy.p12");
    for now in [NOT_BEFORE, NOT_AFTER] {
        assert!(Identity::from_p12_at(p12, PASSWORD, at(now)).is_ok());
    }
    let early = Identity::from_p12_at(p12, PASSWORD, at(NOT_BEFORE - 1)).unwrap_err();
    assert!(matches!(early, IdentityError::NotYetValid { .. }));
    let late = Identity::from_p12_at(p12, PASSWORD, at(NOT_AFTER + 1)).unwrap_err();
    assert!(matches!(late, IdentityError::Expired { .. }));
}

#[test]
fn it_is_not_taken_for_pem() {
    let (key, p12) = (file!("rsa.key.pem"), file!("rsa.legacy.p12"));
    let error = Identity::from_pem_at(p12, key, at(NOT_BEFORE)).unwrap_err();
    assert!(matches!(error, IdentityError::CertificatePem(PemError::Pkcs12)), "{error:?}");
    assert!(error.to_string().contains("from_p12"), "{error}");
    let error = Identity::from_pem_at(file!("rsa.cert.pem"), p12, at(NOT_BEFORE)).unwrap_err();
    assert!(matches!(error, IdentityError::KeyPem(PemError::Pkcs12)), "{error:?}");
}

/// An issuer, a certificate of it, one of somebody else, and how to put them into one file.
struct Bundle {
    key: KeyPair,
    leaf: CertificateDer<'static>,
    issuer: CertificateDer<'static>,
    stranger: CertificateDer<'static>,
}

impl Bundle {
    fn new() -> Self {
        let named = |name: &str| {
            let mut params = CertificateParams::default(); // 1975 to 4096
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let issuer = CertifiedIssuer::self_signed(named("issuer"), KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = named("1900000109").signed_by(&key, &issuer).unwrap();
        let stranger = named("stranger").self_signed(&KeyPair::generate().unwrap()).unwrap();
        Self { key, leaf: leaf.der().clone(), issuer: issuer.der().clone(), stranger: stranger.der().clone() }
    }

    /// The certificates in this order, the first labelled as that of the key; and the keys.
    fn write(&self, certificates: &[&CertificateDer<'_>], keys: &[&KeyPair]) -> Vec<u8> {
        let mut store = KeyStore::new();
        for (place, key) in keys.iter().enumerate() {
            let key = PrivateKey::from_der(&key.serialize_der()).unwrap();
            let certificates = certificates.iter().map(|der| Certificate::from_der(der).unwrap());
            let chain = PrivateKeyChain::new("label", key, certificates);
            store.add_entry(&place.to_string(), KeyStoreEntry::PrivateKeyChain(chain));
        }
        store.writer(PASSWORD).encryption_iterations(1).mac_iterations(1).write().unwrap()
    }
}

/// What the server is shown.
fn shown(identity: Identity) -> Vec<CertificateDer<'static>> {
    let prepared = Settings::new().identity(identity).prepare().unwrap();
    let config = prepared.tls(Lane::Merchant).unwrap();
    let schemes = [rustls::SignatureScheme::ECDSA_NISTP256_SHA256];
    config.client_auth_cert_resolver.resolve(&[], &schemes).unwrap().cert.clone()
}

#[test]
fn the_certificate_of_the_key_comes_first_and_its_issuers_after_it() {
    let bundle = Bundle::new();
    let Bundle { key, leaf, issuer, stranger } = &bundle;
    let chain = [leaf.clone(), issuer.clone()];
    for order in [
        vec![leaf, issuer],
        vec![issuer, leaf],
        vec![stranger, issuer, leaf],
        vec![issuer, stranger, leaf, leaf, issuer],
    ] {
        let identity = Identity::from_p12(&bundle.write(&order, &[key]), PASSWORD).unwrap();
        assert_eq!(identity.common_name(), Some("1900000109"));
        assert_eq!(shown(identity), chain);
    }
    let alone = Identity::from_p12(&bundle.write(&[stranger, leaf], &[key]), PASSWORD).unwrap();
    assert_eq!(shown(alone), chain[..1]);
}

#[test]
fn the_key_is_the_one_with_a_certificate() {
    let bundle = Bundle::new();
    let other = KeyPair::generate().unwrap();
    let p12 = bundle.write(&[&bundle.issuer, &bundle.leaf], &[&other, &bundle.key]);
    let identity = Identity::from_p12(&p12, PASSWORD).unwrap();
    assert_eq!(identity.common_name(), Some("1900000109"));
    let p12 = bundle.write(&[&bundle.issuer, &bundle.leaf], &[&other]);
    let error = Identity::from_p12(&p12, PASSWORD).unwrap_err();
    assert!(matches!(error, IdentityError::KeyMismatch), "{error:?}");
}

/// The label tells which certificate to judge where the key itself cannot be loaded.
#[test]
fn a_weak_key_is_told_from_one_of_another_certificate() {
    let key = PrivateKeyDer::from_pem_slice(file!("rsa-1024.key.pem")).unwrap();
    let key = PrivateKey::from_der(key.secret_der()).unwrap();
    let leaf = CertificateDer::from_pem_slice(file!("rsa-1024.cert.pem")).unwrap();
    let certificate = |der| Certificate::from_der(der).unwrap();
    let chain = PrivateKeyChain::new("label", key, [certificate(&leaf)]);
    let mut store = KeyStore::new();
    // Those without a key are written first.
    store.add_entry("1", KeyStoreEntry::Certificate(certificate(&Bundle::new().stranger)));
    store.add_entry("2", KeyStoreEntry::PrivateKeyChain(chain));
    let p12 = store.writer(PASSWORD).encryption_iterations(1).mac_iterations(1).write().unwrap();
    let error = read(&p12, PASSWORD).unwrap_err();
    assert!(matches!(error, IdentityError::WeakKey { bits: 1024 }), "{error:?}");
}

#[test]
fn a_file_is_read_from_disk() {
    let bundle = Bundle::new();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bundle.write(&[&bundle.leaf], &[&bundle.key])).unwrap();
    let identity = Identity::from_p12_file(file.path(), PASSWORD).unwrap();
    assert_eq!(identity.common_name(), Some("1900000109"));
    file.write_all(&[0; 70_000]).unwrap();
    let error = Identity::from_p12_file(file.path(), PASSWORD).unwrap_err();
    assert!(matches!(error, P12(P12Error::TooLong { .. })), "{error:?}");
    let missing = file.path().with_extension("missing");
    let error = Identity::from_p12_file(&missing, PASSWORD).unwrap_err();
    assert!(matches!(&error, IdentityError::Io { path, .. } if *path == missing), "{error:?}");
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
}

/// The checksum stops nearly all damage, so the files without one go deeper.
#[test]
fn no_damage_makes_it_panic() {
    for (p12, stride, bits) in [
        (file!("ec.plain.p12"), 1, &[0x01, 0x02, 0x10, 0x80][..]),
        (file!("ec.no-checksum.p12"), 5, &[0x01]),
        (file!("ec.legacy.p12"), 7, &[0x80]),
    ] {
        for place in (0..p12.len()).step_by(stride) {
            for bit in bits {
                let mut damaged = p12.to_vec();
                damaged[place] ^= bit;
                let _ = read(&damaged, PASSWORD);
            }
            assert!(read(&p12[..place], PASSWORD).is_err());
        }
    }
}

/// Each stretch of 12 bytes of a key, as base64 and as numbers.
fn canaries(der: &[u8]) -> Vec<String> {
    let numbers = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    der.chunks_exact(12).flat_map(|bytes| [numbers(bytes), hex(bytes)]).collect()
}

#[test]
fn nothing_shows_the_key_or_the_password() {
    let key = file!("ec.key.der");
    let plain = file!("ec.plain.p12");
    let inside = plain.windows(16).position(|window| key.windows(16).any(|part| part == window)).unwrap();
    let mut shown = vec![format!("{:#?}", read(file!("ec.p12"), PASSWORD).unwrap())];
    for place in inside - 40..inside + 140 {
        for damaged in [[&plain[..place], b"!", &plain[place + 1..]].concat(), plain[..place].to_vec()] {
            if let Err(error) = read(&damaged, "canary-password") {
                shown.push(format!("{error} {error:#?} {:?}", error.source().map(ToString::to_string)));
            }
        }
    }
    let error = read(file!("rsa.p12"), "canary-password").unwrap_err();
    shown.push(format!("{error} {error:#?} {:?}", error.source().map(ToString::to_string)));
    assert!(shown.len() > 100);
    for text in &shown {
        assert!(!text.contains("canary"), "{text}");
        for canary in canaries(key) {
            assert!(!text.contains(&canary), "{text}");
        }
    }
}
