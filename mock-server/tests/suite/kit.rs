//! The kit: what lies in the folder, and who vouches for whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use wechatpay_mock_server::{Kit, KitError, Validity};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::db::rfc5280::ID_CE_NAME_CONSTRAINTS;

use crate::common::{MCH_ID, shop};

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn files(dir: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => names.extend(files(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}"))),
            false => assert!(names.insert(name)),
        }
    }
    names
}

#[test]
fn a_kit_holds_one_authority_and_the_merchants_and_no_key_of_an_authority() {
    let (mock, merchant) = shop();
    let other = mock.merchant().mch_id("10000099").create().unwrap();
    let server = mock.serve().unwrap();
    let dir = server.kit().dir();
    let expected = [
        "10000098/apiclient_cert.pem",
        "10000098/apiclient_key.pem",
        "10000099/apiclient_cert.pem",
        "10000099/apiclient_key.pem",
        "ca.pem",
    ];
    assert_eq!(files(dir), expected.map(str::to_owned).into());
    let ca = fs::read_to_string(dir.join("ca.pem")).unwrap();
    assert_eq!(ca, server.kit().ca_pem());
    assert_eq!((ca.matches("-----BEGIN CERTIFICATE-----").count(), ca.matches("-----BEGIN").count()), (1, 1));
    assert!(dir.is_absolute());
    for mch_id in [merchant.mch_id(), other.mch_id()] {
        let pem = fs::read_to_string(dir.join(mch_id).join("apiclient_cert.pem")).unwrap();
        let certificate = Certificate::from_der(&der(&pem)).unwrap();
        let facts = certificate.tbs_certificate();
        assert_eq!(facts.subject().common_name().unwrap().unwrap().value(), mch_id);
        assert_eq!(facts.version(), x509_cert::Version::V3);
        let key = fs::read(dir.join(mch_id).join("apiclient_key.pem")).unwrap();
        assert!(PrivateKeyDer::from_pem_slice(&key).is_ok());
    }
}

#[test]
fn the_authority_in_the_kit_vouches_for_names_of_the_server_and_not_for_merchants() {
    let kit = Kit::create(None).unwrap();
    let authority = der(kit.ca_pem());
    let parsed = Certificate::from_der(&authority).unwrap();
    let extensions = parsed.tbs_certificate().extensions().unwrap();
    let constraints =
        extensions.iter().find(|extension| extension.extn_id == ID_CE_NAME_CONSTRAINTS).unwrap();
    assert!(constraints.critical);

    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let (merchant, _) = kit.merchant_pem(MCH_ID, Validity::Current).unwrap();
    let verdict = verifier.verify_client_cert(&der(&merchant), &[], UnixTime::now());
    assert_eq!(verdict.unwrap_err(), rustls::CertificateError::UnknownIssuer.into());
}

#[test]
fn every_kit_has_authorities_of_its_own() {
    let (one, other) = (Kit::create(None).unwrap(), Kit::create(None).unwrap());
    assert_ne!(one.ca_pem(), other.ca_pem());
    assert_ne!(one.dir(), other.dir());
    let issuer = |kit: &Kit| {
        let (pem, _) = kit.merchant_pem(MCH_ID, Validity::Current).unwrap();
        Certificate::from_der(&der(&pem)).unwrap().signature().raw_bytes().to_vec()
    };
    assert_ne!(issuer(&one), issuer(&other));
}

#[test]
fn a_given_folder_stays_and_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("deep/kit");
    let (mock, _) = shop();
    let first = mock.server().kit_dir(&dir).start().unwrap();
    let ca = first.kit().ca_pem().to_owned();
    drop(first);
    assert_eq!(fs::read_to_string(dir.join("ca.pem")).unwrap(), ca);
    let second = mock.server().kit_dir(&dir).start().unwrap();
    assert_ne!(second.kit().ca_pem(), ca);
    assert_eq!(fs::read_to_string(dir.join("ca.pem")).unwrap(), second.kit().ca_pem());
    drop(second);
    assert!(dir.join(MCH_ID).join("apiclient_key.pem").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Kit::create(Some(file.path())).unwrap_err();
    assert!(matches!(&error, KitError::Io { path, .. } if path == file.path()));
    assert!(error.to_string().contains(file.path().to_str().unwrap()));
    let kit = Kit::create(None).unwrap();
    for mch_id in ["", "..", "a/b", "../a", "商户", "a b"] {
        assert!(matches!(kit.write_merchant(mch_id), Err(KitError::MchId { .. })), "{mch_id:?}");
    }
    assert_eq!(files(kit.dir()), ["ca.pem".to_owned()].into());
}
