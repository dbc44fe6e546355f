//! The PKCS#12 files, read by tools that nobody here wrote. A tool that this machine lacks is skipped, and said so.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use wechatpay_mock_server::{Kit, MerchantFiles};
use wechatpay_transport_ureq::{Identity, IdentityError, Settings};

use crate::common::MCH_ID;

/// Past the test harness, which hides what passing tests print.
pub(crate) fn skip(why: &str) {
    std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}

/// Runs a tool, or says that it is missing.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(name).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip(&format!("{name} is not there"));
            None
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn merchant() -> (Kit, MerchantFiles) {
    let kit = Kit::create(None).unwrap();
    let files = kit.write_merchant(MCH_ID).unwrap();
    (kit, files)
}

/// What OpenSSL says of a file, and whether it can read it.
fn openssl(file: &Path, password: &str, flags: &[&str]) -> Option<(bool, String)> {
    let (file, password) = (text(file), format!("pass:{password}"));
    let arguments = [&["pkcs12", "-in", &file, "-passin", &password], flags].concat();
    let done = tool("openssl", &arguments)?;
    Some((done.status.success(), String::from_utf8(done.stderr).unwrap()))
}

#[test]
fn openssl_reads_the_modern_file() {
    let (_kit, files) = merchant();
    let Some((read, told)) = openssl(&files.p12, MCH_ID, &["-info", "-noout"]) else { return };
    assert!(read, "{told}");
    let cipher = "PBES2, PBKDF2, AES-256-CBC, Iteration 1000, PRF hmacWithSHA256";
    assert_eq!(told.matches(cipher).count(), 2, "certificate and key: {told}");
    assert!(told.contains("MAC: sha256, Iteration 1000"), "{told}");
    assert!(!openssl(&files.p12, "10000099", &["-info", "-noout"]).unwrap().0);
}

#[test]
fn openssl_3_reads_the_legacy_file_only_when_told_to() {
    let (_kit, files) = merchant();
    let Some(version) = tool("openssl", &["version"]) else { return };
    if !version.stdout.starts_with(b"OpenSSL 3") {
        return skip("openssl is not OpenSSL 3");
    }
    let (read, told) = openssl(&files.p12_legacy, MCH_ID, &["-info", "-noout"]).unwrap();
    assert!(!read && told.contains("unsupported") && told.contains("RC2-40-CBC"), "{told}");
    let (read, told) = openssl(&files.p12_legacy, MCH_ID, &["-legacy", "-info", "-noout"]).unwrap();
    if !read && told.contains("unable to load provider") {
        return skip("this openssl has no legacy provider");
    }
    assert!(read, "{told}");
    for part in [
        "MAC: sha1, Iteration 1000",
        "Encrypted data: pbeWithSHA1And40BitRC2-CBC, Iteration 1000",
        "Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 1000",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let (read, told) = openssl(&files.p12_legacy, "10000099", &["-legacy", "-info", "-noout"]).unwrap();
    assert!(!read && told.contains("Mac verify error"), "{told}");
}

#[test]
fn our_own_transport_reads_both_as_the_pem_files() {
    let (_kit, files) = merchant();
    let pem = Identity::from_pem_files(&files.certificate, &files.key).unwrap();
    for file in [&files.p12, &files.p12_legacy] {
        let identity = Identity::from_p12_file(file, MCH_ID).unwrap();
        assert_eq!(identity.common_name(), Some(MCH_ID));
        assert_eq!(identity.not_after(), pem.not_after());
        assert!(Settings::new().identity(identity).prepare().is_ok());
        assert!(matches!(Identity::from_p12_file(file, "10000099"), Err(IdentityError::P12(_))));
    }
}

#[test]
fn node_reads_the_modern_file() {
    let (_kit, files) = merchant();
    let script = "const pfx = require('node:fs').readFileSync(process.argv[1]);\n\
                  require('node:tls').createSecureContext({ pfx, passphrase: process.argv[2] });";
    let node = |password: &str| tool("node", &["-e", script, &text(&files.p12), password]);
    let Some(done) = node(MCH_ID) else { return };
    assert!(done.status.success(), "{done:?}");
    assert!(!node("10000099").unwrap().status.success());
}

/// The entries that Java finds.
fn keytool(file: &Path, password: &str) -> Option<String> {
    let file = text(file);
    let arguments = ["-list", "-storetype", "PKCS12", "-keystore", &file, "-storepass", password];
    let done = tool("keytool", &arguments)?;
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{told}");
    Some(told)
}

#[test]
fn java_finds_the_key_in_both_files_and_what_to_trust_in_the_truststore() {
    let (kit, files) = merchant();
    for file in [&files.p12, &files.p12_legacy] {
        let Some(told) = keytool(file, MCH_ID) else { return };
        assert!(told.contains("1 entry") && told.contains("PrivateKeyEntry"), "{told}");
    }
    let truststore = kit.dir().join("truststore.p12");
    assert_eq!(fs::read(&truststore).unwrap(), kit.truststore());
    let told = keytool(&truststore, "changeit").unwrap();
    assert!(told.contains("1 entry") && told.contains("trustedCertEntry"), "{told}");
}
