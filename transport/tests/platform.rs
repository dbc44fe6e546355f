//! What the operating system trusts, as Linux says it: in a file that a variable names. The variable is set in child
//! processes.
#![cfg(all(feature = "platform-verifier", target_os = "linux"))]

use std::process::{Command, Output};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConnection, ServerConfig, ServerConnection};
use wechatpay_transport::{BuildError, Lane, Roots, Settings};

const SERVER: &str = "WECHATPAY_TEST_SERVER";

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The certificate and the key of a server, as PEM.
fn server_of(authority: &CertifiedIssuer<'static, KeyPair>) -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["server.example".to_owned()]).unwrap();
    params.signed_by(&key, authority).unwrap().pem() + &key.serialize_pem()
}

/// Runs [`child`] with that server, in a world that trusts what the PEM says, or what this machine trusts.
fn handshake(server: &str, trusted: Option<&str>) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child", "--nocapture"]).env(SERVER, server);
    child.env_remove("SSL_CERT_DIR").env_remove("SSL_CERT_FILE");
    if let Some(pem) = trusted {
        std::fs::write(file.path(), pem).unwrap();
        child.env("SSL_CERT_FILE", file.path());
    }
    child.output().unwrap()
}

#[test]
fn the_authorities_of_the_system_are_believed_and_no_others() {
    let (ours, other) = (authority(), authority());
    let server = server_of(&ours);
    for (trusted, says) in [
        (Some(ours.pem()), "believed"),
        (Some(other.pem()), "refused: InvalidCertificate("),
        (Some(other.pem() + &ours.pem()), "believed"),
        (Some(String::new()), "no authorities"),
    ] {
        let output = handshake(&server, trusted.as_deref());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains(says), "{says}: {text}");
    }
    // Whatever this machine trusts, it is not what was made a moment ago.
    let output = handshake(&server, None);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !text.contains("believed"), "{text}");
}

/// Runs inside the processes that the test above starts, and does nothing elsewhere.
#[test]
#[expect(clippy::print_stdout, reason = "how the child answers")]
fn child() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let prepared = match Settings::new().roots(Roots::Platform).prepare() {
        Ok(prepared) => prepared,
        Err(BuildError::Tls(cause)) => return println!("no authorities: {cause}"),
        Err(error) => panic!("{error:?}"),
    };
    let name = ServerName::try_from("server.example").unwrap();
    let config = prepared.tls(Lane::Anonymous).unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).unwrap();
    match shake(&mut client, &mut serve(&server)) {
        Ok(()) => println!("believed"),
        Err(error) => println!("refused: {error:?}"),
    }
}

fn serve(pem: &str) -> ServerConnection {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    ServerConnection::new(Arc::new(config)).unwrap()
}

/// A handshake in memory.
fn shake(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}
