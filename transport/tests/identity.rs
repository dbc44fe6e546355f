//! Certificates and keys, good and bad. The time is an argument, so nothing here expires.

use std::error::Error;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use wechatpay_transport::{Identity, IdentityError, Lane, PemError, Roots, RootsError, Settings};

const RSA_CERT: &[u8] = include_bytes!("identities/rsa.cert.pem");
const RSA_KEY: &[u8] = include_bytes!("identities/rsa.key.pem");
const RSA_PKCS1: &[u8] = include_bytes!("identities/rsa.pkcs1.pem");
const RSA_ENCRYPTED: &[u8] = include_bytes!("identities/rsa.encrypted.pem");
const RSA_ENCRYPTED_PKCS1: &[u8] = include_bytes!("identities/rsa.encrypted-pkcs1.pem");
const RSA_1024_CERT: &[u8] = include_bytes!("identities/rsa-1024.cert.pem");
const RSA_1024_KEY: &[u8] = include_bytes!("identities/rsa-1024.key.pem");
const EC_CERT: &[u8] = include_bytes!("identities/ec.cert.pem");
const EC_KEY: &[u8] = include_bytes!("identities/ec.key.pem");
const EC_SEC1: &[u8] = include_bytes!("identities/ec.sec1.pem");
const EC_VERSION_1_CERT: &[u8] = include_bytes!("identities/ec-version-1.cert.pem");

const NOT_BEFORE: u64 = 1_704_067_200; // 2024-01-01T00:00:00Z
const NOT_AFTER: u64 = 1_861_920_000; // 2029-01-01T00:00:00Z
const DAY: u64 = 86_400;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn read(certificate: &[u8], key: &[u8]) -> Result<Identity, IdentityError> {
    Identity::from_pem_at(certificate, key, at(NOT_BEFORE + DAY))
}

#[test]
fn every_form_of_key_is_read() {
    for (certificate, key) in [
        (RSA_CERT, RSA_KEY),
        (RSA_CERT, RSA_PKCS1),
        (EC_CERT, EC_KEY),
        (EC_CERT, EC_SEC1),
        (&[EC_CERT, RSA_CERT].concat(), EC_SEC1),
        (&[RSA_KEY, RSA_CERT].concat(), &[RSA_CERT, RSA_KEY].concat()),
    ] {
        let identity = read(certificate, key).unwrap();
        assert_eq!(identity.common_name(), Some("1900000109"));
        assert_eq!(identity.not_after(), at(NOT_AFTER));
        assert!(Settings::new().identity(identity).prepare().is_ok());
    }
}

#[test]
fn the_days_that_are_left() {
    let identity = read(RSA_CERT, RSA_KEY).unwrap();
    for (now, days) in [
        (NOT_AFTER - 30 * DAY, 30),
        (NOT_AFTER - 30 * DAY + 1, 29),
        (NOT_AFTER, 0),
        (NOT_AFTER + 1, -1),
        (NOT_AFTER + DAY, -2),
    ] {
        assert_eq!(identity.days_left(at(now)), days, "{now}");
        assert_eq!(identity.renewal_due(at(now)), Some(days).filter(|days| *days != 30), "{now}");
    }
    assert_eq!(identity.renewal_due(at(NOT_BEFORE)), None);
}

#[test]
fn the_validity_includes_both_ends() {
    for now in [NOT_BEFORE, NOT_AFTER] {
        assert!(Identity::from_pem_at(RSA_CERT, RSA_KEY, at(now)).is_ok());
    }
    let early = Identity::from_pem_at(RSA_CERT, RSA_KEY, at(NOT_BEFORE - 1)).unwrap_err();
    assert!(matches!(early, IdentityError::NotYetValid { not_before } if not_before == at(NOT_BEFORE)));
    assert!(early.to_string().contains("not valid before 2024-01-01T00:00:00Z"), "{early}");
    let late = Identity::from_pem_at(RSA_CERT, RSA_KEY, at(NOT_AFTER + 1)).unwrap_err();
    assert!(matches!(late, IdentityError::Expired { not_after } if not_after == at(NOT_AFTER)));
    assert!(late.to_string().contains("expired at 2029-01-01T00:00:00Z"), "{late}");
}

#[test]
fn the_clock_is_read_by_the_short_form_only() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap(); // 1975 to 4096
    let identity = Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    assert_eq!(identity.common_name(), Some("rcgen self signed cert"));
}

macro_rules! refused {
    ($($name:ident: $certificate:expr, $key:expr => $error:pat,)*) => { $(
        #[test]
        fn $name() {
            let error = read($certificate, $key).unwrap_err();
            assert!(matches!(error, $error), "{error:?}");
        }
    )* };
}

refused! {
    a_missing_certificate: b"", RSA_KEY => IdentityError::NoCertificate,
    a_certificate_that_is_not_pem: b"<xml></xml>", RSA_KEY => IdentityError::NoCertificate,
    a_certificate_as_der: include_bytes!("identities/ec.cert.der"), EC_KEY
        => IdentityError::CertificatePem(PemError::Der),
    a_key_as_der: EC_CERT, include_bytes!("identities/ec.key.der") => IdentityError::KeyPem(PemError::Der),
    a_certificate_as_pkcs12: include_bytes!("identities/ec.legacy.p12"), EC_KEY
        => IdentityError::CertificatePem(PemError::Pkcs12),
    a_key_as_pkcs12: RSA_CERT, include_bytes!("identities/rsa.p12") => IdentityError::KeyPem(PemError::Pkcs12),
    a_certificate_in_utf_16: &utf_16(RSA_CERT), RSA_KEY => IdentityError::CertificatePem(PemError::Utf16),
    a_key_in_utf_16: RSA_CERT, &utf_16(RSA_KEY) => IdentityError::KeyPem(PemError::Utf16),
    two_keys: RSA_KEY, RSA_KEY => IdentityError::NoCertificate,
    a_missing_key: RSA_CERT, b"" => IdentityError::NoPrivateKey,
    two_certificates: RSA_CERT, RSA_CERT => IdentityError::NoPrivateKey,
    swapped_files: RSA_KEY, RSA_CERT => IdentityError::Swapped,
    an_encrypted_key: RSA_CERT, RSA_ENCRYPTED => IdentityError::EncryptedKey,
    an_encrypted_key_of_the_old_form: RSA_CERT, RSA_ENCRYPTED_PKCS1 => IdentityError::EncryptedKey,
    a_certificate_file_cut_off: &RSA_CERT[..RSA_CERT.len() / 2], RSA_KEY => IdentityError::CertificatePem(PemError::CutOff),
    a_key_file_cut_off: RSA_CERT, &RSA_KEY[..RSA_KEY.len() / 2] => IdentityError::KeyPem(PemError::CutOff),
    a_certificate_with_a_line_missing: &without_second_line(RSA_CERT), RSA_KEY
        => IdentityError::CertificatePem(PemError::Incomplete),
    a_key_with_a_line_missing: RSA_CERT, &without_second_line(RSA_KEY)
        => IdentityError::KeyPem(PemError::Incomplete),
    a_version_1_certificate: EC_VERSION_1_CERT, EC_KEY => IdentityError::CertificateVersion,
    a_short_rsa_certificate: RSA_1024_CERT, RSA_1024_KEY => IdentityError::WeakKey { bits: 1024 },
    a_short_rsa_key: RSA_CERT, RSA_1024_KEY => IdentityError::UnusableKey(_),
    a_key_of_another_certificate: RSA_CERT, EC_KEY => IdentityError::KeyMismatch,
}

fn utf_16(pem: &[u8]) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(pem.iter().flat_map(|byte| [*byte, 0])).collect()
}

fn without_second_line(pem: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = pem.split_inclusive(|byte| *byte == b'\n').collect();
    lines.remove(1);
    lines.concat()
}

#[test]
fn no_damage_makes_it_panic() {
    for cut in (0..RSA_KEY.len()).step_by(7) {
        let mut key = RSA_KEY.to_vec();
        key[cut] ^= 1;
        let _ = read(RSA_CERT, &key);
        let _ = read(RSA_CERT, &RSA_KEY[..cut]);
    }
    for cut in (0..EC_CERT.len()).step_by(3) {
        let mut certificate = EC_CERT.to_vec();
        certificate[cut] ^= 1;
        let _ = read(&certificate, EC_KEY);
        let _ = Roots::from_pem(&certificate);
    }
}

/// Every line of the key in base64, as a stretch that would be seen if any of it were printed.
fn canaries() -> Vec<String> {
    let key = String::from_utf8(RSA_KEY.to_vec()).unwrap();
    key.lines()
        .filter(|line| !line.starts_with('-'))
        .map(|line| line[..16.min(line.len())].to_owned())
        .collect()
}

#[test]
fn nothing_shows_the_key() {
    let identity = read(RSA_CERT, RSA_KEY).unwrap();
    let settings = Settings::new().identity(identity.clone());
    let mut shown = vec![format!("{identity:#?}"), format!("{settings:#?}")];
    let prepared = settings.prepare().unwrap();
    shown.push(format!("{prepared:#?} {:#?}", prepared.tls(Lane::Merchant).unwrap()));

    // A key without its first line, a damaged one, one that is a certificate, one that does not fit.
    let one_line: Vec<u8> = RSA_KEY[5..].iter().copied().filter(|byte| *byte != b'\n').collect();
    let damaged = [&RSA_KEY[..200], b"!", &RSA_KEY[200..]].concat();
    for (certificate, key) in [
        (RSA_CERT, &one_line[..]),
        (RSA_CERT, &damaged),
        (RSA_CERT, &RSA_KEY[..900]),
        (RSA_CERT, &without_second_line(RSA_KEY)),
        (EC_CERT, RSA_KEY),
        (&one_line, RSA_KEY),
        (RSA_KEY, RSA_CERT),
    ] {
        let error = read(certificate, key).unwrap_err();
        shown.push(format!("{error} {error:#?} {:?}", error.source().map(ToString::to_string)));
    }
    for text in &shown {
        for canary in canaries() {
            let bytes = format!("{:?}", canary.as_bytes()); // as some would print it
            assert!(!text.contains(&canary) && !text.contains(bytes.trim_matches(['[', ']'])), "{text}");
        }
    }
    assert!(shown[0].contains("1900000109"));
}

#[test]
fn roots_are_checked_when_they_are_read() {
    assert!(matches!(Roots::from_pem(b""), Err(RootsError::NoCertificate)));
    assert!(matches!(Roots::from_pem(RSA_KEY), Err(RootsError::NoCertificate)));
    assert!(matches!(Roots::from_pem(&RSA_CERT[..500]), Err(RootsError::Pem(PemError::CutOff))));
    assert!(matches!(
        Roots::from_pem(&without_second_line(RSA_CERT)),
        Err(RootsError::Pem(PemError::Incomplete))
    ));
    let other_form = |file| match Roots::from_pem(file) {
        Err(RootsError::Pem(form)) => form,
        other => panic!("{other:?}"),
    };
    assert_eq!(other_form(include_bytes!("identities/ec.cert.der")), PemError::Der);
    assert_eq!(other_form(include_bytes!("identities/ec.p12")), PemError::Pkcs12);
    assert_eq!(other_form(&utf_16(RSA_CERT)), PemError::Utf16);
    let roots = Roots::from_pem(&[RSA_CERT, EC_CERT].concat()).unwrap();
    assert_eq!(format!("{roots:?}"), "Custom(CustomRoots(2 certificates))");
}
