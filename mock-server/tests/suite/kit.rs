//! The kit: what lies in the folder, and who vouches for whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use wechatpay_mock_server::{
    AuthorityFault, EnvFormat, Environment, Kit, KitError, KitOptions, Mock, Sdk, Server, Validity,
};
use wechatpay_proto::transport::BlockingTransport as _;
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::db::rfc5280::ID_CE_NAME_CONSTRAINTS;

use crate::common::{APPID, Answer, Form, KEY, MCH_ID, SEND, shop};
use crate::p12::{skip, text, tool};

/// A merchant's files, under their names in the real download, and the modern PKCS#12 beside the old one.
const DOWNLOAD: [&str; 4] =
    ["apiclient_cert-legacy.p12", "apiclient_cert.p12", "apiclient_cert.pem", "apiclient_key.pem"];

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
    let names = ["ca.pem", "truststore.p12", "env.sh", "env.ps1", "env.json", ".env"];
    let mut expected: BTreeSet<String> = names.map(str::to_owned).into();
    for mch_id in [merchant.mch_id(), other.mch_id()] {
        expected.extend(DOWNLOAD.map(|name| format!("{mch_id}/{name}")));
    }
    assert_eq!(files(dir), expected);
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

#[expect(clippy::disallowed_methods, reason = "a certificate is judged by real time")]
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

/// Sends a packet as this client, which was set up by the files of a kit.
fn send(mock: &Mock, server: &Server, (roots, certificate, key): (&str, &str, &str), billno: &str) -> Answer {
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let settings = Settings::new().identity(identity).roots(Roots::from_pem(roots.as_bytes()).unwrap());
    let mut request = Form::send(&mock.merchants()[0], billno).request();
    *request.uri_mut() = format!("{}{SEND}", server.https_url()).parse().unwrap();
    Answer::new(UreqTransport::new(settings).unwrap().send_blocking(request).unwrap())
}

#[test]
fn a_client_of_a_given_folder_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("deep/kit");
    let (mock, _) = shop();
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let authorities = ["ca.pem", "ca-key.pem", "merchant-ca.pem", "merchant-ca-key.pem"];
    let certificate = format!("{MCH_ID}/apiclient_cert.pem");

    let first = mock.server().kit_dir(&dir).start().unwrap();
    let kept = authorities.map(read);
    let copied = (read("ca.pem"), read(&certificate), read(&format!("{MCH_ID}/apiclient_key.pem")));
    let client = (&*copied.0, &*copied.1, &*copied.2);
    assert_eq!(first.kit().ca_pem(), copied.0);
    send(&mock, &first, client, "1").assert_success();
    drop(first);
    assert!(dir.join(&certificate).exists());
    fs::remove_file(dir.join("ca.pem")).unwrap();

    let second = mock.server().kit_dir(&dir).start().unwrap();
    assert_eq!(authorities.map(read), kept);
    assert_ne!(read(&certificate), copied.1, "what they sign is new");
    send(&mock, &second, client, "2").assert_success();
}

/// The last one wins, and no file is half of one and half of another.
#[test]
fn many_at_once_in_one_folder_leave_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let kit = Kit::create(Some(folder.path())).unwrap();
                kit.write_merchant(MCH_ID).unwrap();
                kit.zip(MCH_ID).unwrap();
            });
        }
    });
    let before = fs::read(folder.path().join("ca-key.pem")).unwrap();
    let kit = Kit::create(Some(folder.path())).unwrap();
    assert_eq!(fs::read(folder.path().join("ca-key.pem")).unwrap(), before);
    assert_eq!(fs::read_to_string(folder.path().join("ca.pem")).unwrap(), kit.ca_pem());
    let of_merchant = DOWNLOAD.map(|name| format!("{MCH_ID}/{name}"));
    let authorities = ["ca.pem", "ca-key.pem", "merchant-ca.pem", "merchant-ca-key.pem", "truststore.p12"];
    assert_eq!(files(folder.path()), authorities.map(str::to_owned).into_iter().chain(of_merchant).collect());
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let kit = Kit::create(Some(folder.path())).unwrap();
    kit.write_merchant(MCH_ID).unwrap();
    kit.write_env(&kit.environment("https://127.0.0.1:1", MCH_ID, KEY, APPID).unwrap()).unwrap();
    let public = ["ca.pem", "merchant-ca.pem", "truststore.p12", "10000098/apiclient_cert.pem"];
    let all = files(folder.path());
    assert_eq!(all.len(), 4 + 2 + 3 + 4);
    for name in all {
        let mode = fs::metadata(folder.path().join(&name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if public.contains(&&*name) { 0o644 } else { 0o600 }, "{name}");
    }
}

#[test]
fn a_broken_authority_is_told_and_mended_by_removing_it() {
    for name in ["ca-key.pem", "merchant-ca-key.pem"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, "-----BEGIN NOTHING-----").unwrap();
        let error = Kit::create(Some(folder.path())).unwrap_err();
        let KitError::Authority { path, fault: AuthorityFault::Key } = &error else { panic!("{error:?}") };
        assert_eq!(path, &file);
        assert!(error.to_string().contains("remove it"), "{error}");
        fs::remove_file(&file).unwrap();
        Kit::create(Some(folder.path())).unwrap();
    }
}

#[test]
fn an_alias_is_one_more_name_of_the_server_and_a_wrong_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let options = || KitOptions::new().dir(folder.path());
    let plain = options().create().unwrap();
    let named = options().host_alias("pay.test").host_alias("10.1.2.3").create().unwrap();
    assert_ne!(named.ca_pem(), plain.ca_pem(), "the old one may not vouch for it");
    assert_eq!(options().host_alias("pay.test").create().unwrap().ca_pem(), named.ca_pem());
    assert_eq!(options().create().unwrap().ca_pem(), named.ca_pem());
    let error = options().host_alias("https://pay.test").create().unwrap_err();
    assert!(matches!(&error, KitError::HostAlias { alias } if alias == "https://pay.test"));
    assert!(error.to_string().contains("leave out scheme"), "{error}");
}

#[test]
fn python_unpacks_the_archive_of_a_merchant() {
    let kit = Kit::create(None).unwrap();
    let unwritten = kit.zip(MCH_ID).unwrap();
    let dir = kit.dir().join(MCH_ID);
    let zip = tempfile::NamedTempFile::new().unwrap();
    fs::write(zip.path(), kit.zip(MCH_ID).unwrap()).unwrap();
    assert_eq!(fs::read(zip.path()).unwrap(), unwritten, "what was written once is not made again");
    let out = tempfile::tempdir().unwrap();
    let script = "import sys, zipfile\n\
                  archive = zipfile.ZipFile(sys.argv[1])\n\
                  assert archive.testzip() is None\n\
                  archive.extractall(sys.argv[2])";
    let Some(done) = tool("python3", &["-c", script, &text(zip.path()), &text(out.path())]) else { return };
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        files(out.path()),
        DOWNLOAD.into_iter().chain(["ca.pem", "truststore.p12"]).map(str::to_owned).collect()
    );
    for name in DOWNLOAD {
        assert_eq!(fs::read(out.path().join(name)).unwrap(), fs::read(dir.join(name)).unwrap(), "{name}");
    }
    assert_eq!(fs::read_to_string(out.path().join("ca.pem")).unwrap(), kit.ca_pem());
    assert_eq!(fs::read(out.path().join("truststore.p12")).unwrap(), kit.truststore());
    assert!(matches!(kit.zip("../a"), Err(KitError::MchId { .. })));
}

/// A kit in a folder whose name tries to be more than a name, and its environment.
fn awkward(name: &str) -> (tempfile::TempDir, Kit, Environment) {
    let folder = tempfile::tempdir().unwrap();
    let kit = Kit::create(Some(&folder.path().join(name))).unwrap();
    let key = "exposed\"your'key`id`here$HOME\\ris";
    let environment = kit.environment("https://127.0.0.1:43121", MCH_ID, key, APPID).unwrap();
    kit.write_env(&environment).unwrap();
    (folder, kit, environment)
}

#[cfg(unix)]
#[test]
fn a_shell_reads_every_value_as_it_is() {
    let (_folder, kit, environment) = awkward("a b'c\"d$HOME`id`\\e\n;商$(id)#");
    let variables = environment.variables();
    let print = variables.map(|(name, _)| format!("\"${name}\"")).join(" ");
    let script = format!(". \"$0\"; printf '%s\\0' {print}");
    let done = tool("sh", &["-euc", &script, &text(&kit.dir().join("env.sh"))]).unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    let values = variables.map(|(_, value)| format!("{value}\0")).concat();
    assert_eq!(String::from_utf8(done.stdout).unwrap(), values);
}

#[test]
fn json_and_dotenv_and_powershell_hold_the_same_values() {
    let (_folder, kit, environment) = awkward("a $HOME #商");
    let read = |name: &str| fs::read_to_string(kit.dir().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("env.json")).unwrap();
    let variables = environment.variables();
    assert_eq!(json.as_object().unwrap().len(), variables.len());
    for (name, value) in variables {
        assert_eq!(json[name], *value, "{name}");
    }
    for format in EnvFormat::ALL {
        let file =
            if format == EnvFormat::Dotenv { ".env".to_owned() } else { format!("env.{}", format.name()) };
        assert_eq!(read(&file), environment.render(format), "{file}");
    }
    let powershell = read("env.ps1");
    assert!(powershell.is_ascii());
    assert!(powershell.contains("$env:WECHATPAY_MOCK_KEY = 'exposed\"your''key`id`here$HOME\\ris'\n"));
    assert!(!format!("{environment:?}").contains("exposed"), "no key in what is logged");
}

#[test]
fn node_reads_the_dotenv_file() {
    // Of the key's quotes and backslashes Node makes something else than other readers do.
    let (_folder, kit, environment) = awkward("a $HOME #商");
    let script = "const { parseEnv } = require('node:util');\n\
                  if (!parseEnv) process.exit(99);\n\
                  const text = require('node:fs').readFileSync(process.argv[1], 'utf8');\n\
                  console.log(JSON.stringify(parseEnv(text)));";
    let Some(done) = tool("node", &["-e", script, &text(&kit.dir().join(".env"))]) else { return };
    if done.status.code() == Some(99) {
        return skip("this version of node has no util.parseEnv");
    }
    let parsed: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    for (name, value) in environment.variables() {
        if name != "WECHATPAY_MOCK_KEY" {
            assert_eq!(parsed[name], *value, "{name}");
        }
    }
}

#[test]
fn a_snippet_reads_variables_that_there_are() {
    let (_folder, _kit, environment) = awkward("kit");
    let names = environment.variables().map(|(name, _)| name);
    for sdk in Sdk::ALL {
        let snippet = sdk.snippet();
        let used: BTreeSet<&str> = snippet
            .split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')
            .filter(|word| word.starts_with("WECHATPAY_MOCK_"))
            .collect();
        assert!(used.contains("WECHATPAY_MOCK_URL"), "{}", sdk.name());
        assert!(used.iter().all(|name| names.contains(name)), "{}: {used:?}", sdk.name());
        assert!(!snippet.contains("verify' => false") && !snippet.contains("--insecure"));
    }
}

/// It compiles, and has no variables here.
#[test]
fn the_snippet_for_rust_is_a_client() {
    mod snippet {
        include!("../../src/kit/env/snippets/rust.rs");
        pub(super) fn made() -> bool {
            client().is_ok()
        }
    }
    assert!(!snippet::made());
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
    assert_eq!(files(kit.dir()), ["ca.pem", "truststore.p12"].map(str::to_owned).into());
    fs::remove_dir_all(kit.dir()).unwrap();
    let error = kit.write_merchant(MCH_ID).unwrap_err();
    let KitError::Io { path, .. } = &error else { panic!("{error:?}") };
    assert_eq!(path, &kit.dir().join(MCH_ID));
}
