//! What the server shows where a handshake is to fail: made when first asked for, in memory only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::authority::{Authority, Purpose};
use super::hosts::{self, Host};
use super::judge::AnyCertificate;
use super::mint::ServerIdentity;
use super::{Kit, KitError, Validity};

/// What is wrong with the server in a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ServerFlaw {
    /// Its certificate ran out yesterday.
    Expired,
    /// Its certificate begins in a year.
    NotYetValid,
    /// Its certificate is for `example.invalid` only.
    WrongHost,
    /// Its certificate was made by an authority that no client knows.
    UnknownCa,
    /// It accepts no client certificate. It says so when it has seen one: in TLS 1.3 the client has then finished its
    /// part of the handshake, and may have written its request.
    RefusesClients,
}

/// The flawed configurations that were asked for so far.
#[derive(Debug, Default)]
pub(super) struct Flaws(Mutex<BTreeMap<ServerFlaw, Arc<ServerConfig>>>);

impl Kit {
    /// As [`server_config`](Self::server_config), with this flaw.
    pub(crate) fn server_config_with(&self, flaw: ServerFlaw) -> Result<Arc<ServerConfig>, KitError> {
        let mut made = self.flaws.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(&flaw) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.flawed(flaw)?);
        made.insert(flaw, Arc::clone(&config));
        Ok(config)
    }

    fn flawed(&self, flaw: ServerFlaw) -> Result<ServerConfig, KitError> {
        let mint = |authority: &Authority, hosts: &BTreeSet<Host>, validity| {
            config(&ServerIdentity::mint(authority, hosts, validity, self.today)?, AnyCertificate::taken)
        };
        match flaw {
            ServerFlaw::Expired => mint(&self.server_ca, &self.hosts, Validity::Expired),
            ServerFlaw::NotYetValid => mint(&self.server_ca, &self.hosts, Validity::NotYetValid),
            ServerFlaw::WrongHost => {
                mint(&self.server_ca, &[Host::Name(hosts::WRONG_HOST.to_owned())].into(), Validity::Current)
            }
            ServerFlaw::UnknownCa => mint(&stranger(self.today)?, &self.hosts, Validity::Current),
            ServerFlaw::RefusesClients => config(&self.server, AnyCertificate::refused),
        }
    }
}

/// An authority that nobody trusts.
pub(super) fn stranger(today: Date) -> Result<Authority, KitError> {
    Authority::new(Purpose::Nothing, today)
}

/// Asks every client for a certificate, which is then treated by `policy`.
pub(super) fn config(
    server: &ServerIdentity,
    policy: fn(&rustls::crypto::CryptoProvider) -> AnyCertificate,
) -> Result<ServerConfig, KitError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(policy(&provider)))
        .with_single_cert(vec![server.certificate.clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::{
        AlertDescription, CertificateError, ClientConfig, ClientConnection, Connection, Error, RootCertStore,
        ServerConnection,
    };

    use super::*;

    fn client(kit: &Kit, identity: Option<(String, String)>) -> Connection {
        let mut roots = RootCertStore::empty();
        roots.add(kit.server_ca.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => config
                .with_client_auth_cert(
                    vec![rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                )
                .unwrap(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from("api.mch.weixin.qq.com").unwrap();
        ClientConnection::new(Arc::new(config), name).unwrap().into()
    }

    /// Moves what one side has to say to the other; its error is the other's.
    fn tell(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
        let mut bytes = Vec::new();
        while from.wants_write() {
            from.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            to.read_tls(&mut rest).unwrap();
            to.process_new_packets()?;
        }
        Ok(())
    }

    /// What the client makes of the handshake, and whether it was done with it before that.
    fn shake_hands(server: Arc<ServerConfig>, mut client: Connection) -> (Result<(), Error>, bool) {
        let mut server = Connection::from(ServerConnection::new(server).unwrap());
        let mut done = false;
        for _ in 0..4 {
            // The server's error reaches the client as an alert.
            let _ = tell(&mut client, &mut server);
            if let Err(error) = tell(&mut server, &mut client) {
                return (Err(error), done);
            }
            done = !client.is_handshaking();
        }
        assert!(done);
        (Ok(()), done)
    }

    #[test]
    fn a_flawed_server_fails_for_its_flaw_alone() {
        let kit = Kit::create(None).unwrap();
        let outcome = |flaw| match shake_hands(kit.server_config_with(flaw).unwrap(), client(&kit, None)) {
            (Err(Error::InvalidCertificate(error)), false) => error,
            other => panic!("{flaw:?}: {other:?}"),
        };
        assert!(matches!(outcome(ServerFlaw::Expired), CertificateError::ExpiredContext { .. }));
        assert!(matches!(outcome(ServerFlaw::NotYetValid), CertificateError::NotValidYetContext { .. }));
        let wrong = outcome(ServerFlaw::WrongHost);
        let CertificateError::NotValidForNameContext { presented, .. } = wrong else { panic!("{wrong:?}") };
        assert_eq!(presented, ["DnsName(\"example.invalid\")"]);
        assert_eq!(outcome(ServerFlaw::UnknownCa), CertificateError::UnknownIssuer);
        assert!(shake_hands(Arc::new(kit.server_config().unwrap()), client(&kit, None)).0.is_ok());
    }

    #[test]
    fn a_refusal_of_the_client_comes_when_its_handshake_is_done() {
        let kit = Kit::create(None).unwrap();
        let refusing = || kit.server_config_with(ServerFlaw::RefusesClients).unwrap();
        let identity = kit.merchant_pem("10000098", Validity::Current).unwrap();
        let (outcome, done) = shake_hands(refusing(), client(&kit, Some(identity)));
        assert_eq!(outcome, Err(Error::AlertReceived(AlertDescription::CertificateUnknown)));
        assert!(done);
        assert!(shake_hands(refusing(), client(&kit, None)).0.is_ok(), "nothing shown, nothing refused");
    }

    #[test]
    fn a_flaw_is_made_once_and_speaks_http_1_1() {
        let kit = Kit::create(None).unwrap();
        let one = kit.server_config_with(ServerFlaw::UnknownCa).unwrap();
        assert!(Arc::ptr_eq(&one, &kit.server_config_with(ServerFlaw::UnknownCa).unwrap()));
        assert!(!Arc::ptr_eq(&one, &kit.server_config_with(ServerFlaw::Expired).unwrap()));
        assert_eq!(one.alpn_protocols, [b"http/1.1"]);
    }
}
