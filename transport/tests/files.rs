//! What people do to certificate files, tried with files. The constructors that read them also read the clock, so the
//! certificates here are valid from 1975 to 4096, or never.

use std::error::Error;
use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;
use wechatpay_transport::{Identity, IdentityError, PemError, Roots, RootsError};

/// A directory with a pair of files in it.
struct Files {
    directory: TempDir,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn new() -> Self {
        Self::valid(1975, 4096)
    }

    fn valid(from: i32, to: i32) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        Self {
            directory: tempfile::tempdir().unwrap(),
            certificate: params.self_signed(&key).unwrap().pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The pair, each file after a change.
    fn read_as(
        &self,
        change: impl Fn(&[u8]) -> Vec<u8>,
        change_key: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<Identity, IdentityError> {
        let certificate = self.write("apiclient_cert.pem", &change(&self.certificate));
        let key = self.write("apiclient_key.pem", &change_key(&self.key));
        Identity::from_pem_files(certificate, key)
    }

    fn refused(
        &self,
        change: impl Fn(&[u8]) -> Vec<u8>,
        change_key: impl Fn(&[u8]) -> Vec<u8>,
    ) -> IdentityError {
        self.read_as(change, change_key).unwrap_err()
    }
}

fn half(file: &[u8]) -> Vec<u8> {
    file[..file.len() / 2].to_vec()
}

fn crlf(file: &[u8]) -> Vec<u8> {
    String::from_utf8(file.to_vec())
        .unwrap()
        .lines()
        .map(|line| format!("{line}\r\n"))
        .collect::<String>()
        .into()
}

fn marked(file: &[u8]) -> Vec<u8> {
    [b"\xef\xbb\xbf", file].concat()
}

fn headed(file: &[u8]) -> Vec<u8> {
    let head = "Bag Attributes\n    localKeyID: 84 52 97\nsubject=CN = 1900000109, O = \u{5546}\u{6237}\n\n";
    [head.as_bytes(), file, b"\nKey Attributes: <No Attributes>\n"].concat()
}

#[test]
fn what_editors_and_openssl_add_does_no_harm() {
    let files = Files::new();
    for change in [<[u8]>::to_vec, crlf, marked, headed] {
        assert!(files.read_as(change, change).is_ok());
        let roots = files.write("roots.pem", &change(&files.certificate));
        assert!(Roots::from_pem_file(roots).is_ok());
    }
    let everything = |file: &[u8]| marked(&crlf(&headed(file)));
    assert!(files.read_as(everything, everything).is_ok());
    let all = [headed(&files.certificate), headed(&files.key)].concat();
    let all = files.write("all.pem", &all);
    assert!(Identity::from_pem_files(&all, &all).is_ok());
    let trimmed = |file: &[u8]| file.trim_ascii_end().to_vec();
    assert!(files.read_as(trimmed, trimmed).is_ok());
}

#[test]
fn openssl_takes_pkcs12_apart_into_one_file_that_is_both() {
    let all = include_bytes!("identities/rsa.bag-attributes.pem");
    let now = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000);
    assert_eq!(Identity::from_pem_at(all, all, now).unwrap().common_name(), Some("1900000109"));
}

#[test]
fn a_missing_file_is_named() {
    let files = Files::new();
    let (there, missing) = (files.write("there", &files.certificate), files.directory.path().join("missing"));
    let directory = files.directory.path();
    for (certificate, key, named) in [
        (missing.as_path(), there.as_path(), missing.as_path()),
        (&there, &missing, &missing),
        (directory, &there, directory),
    ] {
        let error = Identity::from_pem_files(certificate, key).unwrap_err();
        assert!(matches!(&error, IdentityError::Io { path, .. } if path == named), "{error:?}");
        assert!(error.to_string().ends_with(named.to_str().unwrap()), "{error}");
        assert!(error.source().is_some());
    }
    let error = Roots::from_pem_file(&missing).unwrap_err();
    assert!(matches!(&error, RootsError::Io { path, .. } if *path == missing), "{error:?}");
    assert!(error.to_string().ends_with(missing.to_str().unwrap()), "{error}");
}

macro_rules! refused {
    ($($name:ident: $files:expr, $certificate:expr, $key:expr => $error:pat, $says:literal;)*) => { $(
        #[test]
        fn $name() {
            let error = $files.refused($certificate, $key);
            assert!(matches!(error, $error), "{error:?}");
            assert!(error.to_string().contains($says), "{error}");
        }
    )* };
}

const SAME: fn(&[u8]) -> Vec<u8> = <[u8]>::to_vec;

fn is(content: &'static [u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    |_| content.to_vec()
}

refused! {
    an_empty_certificate: Files::new(), is(b""), SAME => IdentityError::NoCertificate, "file of the certificate";
    an_empty_key: Files::new(), SAME, is(b"") => IdentityError::NoPrivateKey, "file of the private key";
    both_empty: Files::new(), is(b""), is(b"") => IdentityError::NoCertificate, "file of the certificate";
    swapped: Files::new(), is(include_bytes!("identities/rsa.key.pem")), is(include_bytes!("identities/rsa.cert.pem"))
        => IdentityError::Swapped, "swapped";
    a_certificate_cut_off: Files::new(), half, SAME => IdentityError::CertificatePem(PemError::CutOff), "cut off";
    a_key_cut_off: Files::new(), SAME, half => IdentityError::KeyPem(PemError::CutOff), "cut off";
    an_encrypted_key: Files::new(), SAME, is(include_bytes!("identities/rsa.encrypted.pem"))
        => IdentityError::EncryptedKey, "openssl pkey";
    an_encrypted_key_of_the_old_form: Files::new(), SAME, is(include_bytes!("identities/rsa.encrypted-pkcs1.pem"))
        => IdentityError::EncryptedKey, "openssl pkey";
    a_key_of_another_certificate: Files::new(), SAME, is(include_bytes!("identities/rsa.key.pem"))
        => IdentityError::KeyMismatch, "does not belong";
    expired: Files::valid(1990, 1999), SAME, SAME => IdentityError::Expired { .. }, "1999-01-01T00:00:00Z";
    not_yet_valid: Files::valid(4000, 4096), SAME, SAME
        => IdentityError::NotYetValid { .. }, "4000-01-01T00:00:00Z";
    version_1: Files::new(), is(include_bytes!("identities/ec-version-1.cert.pem")),
        is(include_bytes!("identities/ec.key.pem")) => IdentityError::CertificateVersion, "version 3";
    a_certificate_as_der: Files::new(), is(include_bytes!("identities/ec.cert.der")), SAME
        => IdentityError::CertificatePem(PemError::Der), "openssl x509";
    a_key_as_der: Files::new(), SAME, is(include_bytes!("identities/ec.key.der"))
        => IdentityError::KeyPem(PemError::Der), "openssl pkey";
    pkcs12_as_certificate: Files::new(), is(include_bytes!("identities/rsa.legacy.p12")), SAME
        => IdentityError::CertificatePem(PemError::Pkcs12), "from_p12";
    pkcs12_as_both: Files::new(), is(include_bytes!("identities/rsa.p12")), is(include_bytes!("identities/rsa.p12"))
        => IdentityError::CertificatePem(PemError::Pkcs12), "apiclient_key.pem";
}

#[test]
fn files_of_authorities_are_judged_like_the_others() {
    let files = Files::new();
    let read = |content: &[u8]| Roots::from_pem_file(files.write("roots.pem", content)).unwrap_err();
    assert!(matches!(read(b""), RootsError::NoCertificate));
    assert!(matches!(read(&files.key), RootsError::NoCertificate));
    assert!(matches!(read(&half(&files.certificate)), RootsError::Pem(PemError::CutOff)));
    let whole_and_half = [&files.certificate[..], &half(&files.certificate)].concat();
    assert!(matches!(read(&whole_and_half), RootsError::Pem(PemError::CutOff)));
    assert!(matches!(read(include_bytes!("identities/ec.cert.der")), RootsError::Pem(PemError::Der)));
    assert!(matches!(read(include_bytes!("identities/ec.p12")), RootsError::Pem(PemError::Pkcs12)));
}
