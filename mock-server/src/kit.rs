//! The kit: what a client needs to trust the server and to be a merchant, and the authorities behind it.
//!
//! Two authorities, as in the real service: one vouches for the server and is good for loopback and WeChat's host
//! names (and for those that were asked for) only, the other makes merchant certificates. In a folder that is given,
//! both are kept, so that a client which trusts `ca.pem`, and a merchant's certificate that was copied, go on working
//! after a restart; what they sign is made anew at every start, so that nothing in use is old.
//!
//! ```text
//! ca.pem  truststore.p12 (changeit)  env.sh  env.ps1  env.json  .env
//! ca-key.pem  merchant-ca.pem  merchant-ca-key.pem         in a given folder only
//! MCH_ID/apiclient_cert.pem  MCH_ID/apiclient_key.pem
//! MCH_ID/apiclient_cert.p12  MCH_ID/apiclient_cert-legacy.p12         password: the merchant number
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{RootCertStore, ServerConfig};

use crate::arrival::{Certificate, CertificateFacts};

mod authority;
mod env;
mod error;
mod files;
mod flaws;
mod hosts;
mod judge;
mod mint;
mod p12;
mod zip;

pub use env::{EnvFormat, Environment, Sdk};
pub use error::{AuthorityFault, KitError};
pub(crate) use flaws::ServerFlaw;
pub(crate) use hosts::WECHAT_HOSTS;
pub use mint::Validity;

use authority::{Authority, Purpose};
use files::{Access, write};
use flaws::Flaws;
use hosts::Host;
use judge::{AnyCertificate, Judge};
use mint::ServerIdentity;

/// The files of one merchant, under the names of the real download.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MerchantFiles {
    /// `apiclient_cert.pem`.
    pub certificate: PathBuf,
    /// `apiclient_key.pem`.
    pub key: PathBuf,
    /// `apiclient_cert.p12`: both, with AES-256 and SHA-256. The password is the merchant number.
    pub p12: PathBuf,
    /// `apiclient_cert-legacy.p12`: both, encrypted as in the real download, with RC2-40, 3DES and SHA-1. OpenSSL 3
    /// refuses it unless it is told `-legacy`. The password is the merchant number.
    pub p12_legacy: PathBuf,
}

impl MerchantFiles {
    fn within(kit: &Path, mch_id: &str) -> Result<Self, KitError> {
        if mch_id.is_empty() || !mch_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(KitError::MchId { mch_id: mch_id.to_owned() });
        }
        let dir = kit.join(mch_id);
        Ok(Self {
            certificate: dir.join("apiclient_cert.pem"),
            key: dir.join("apiclient_key.pem"),
            p12: dir.join("apiclient_cert.p12"),
            p12_legacy: dir.join("apiclient_cert-legacy.p12"),
        })
    }

    fn all(&self) -> [&Path; 4] {
        [&self.certificate, &self.key, &self.p12, &self.p12_legacy]
    }
}

/// A kit to be made.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct KitOptions {
    dir: Option<PathBuf>,
    aliases: Vec<String>,
}

impl KitOptions {
    /// In a temporary folder that is removed with the kit, for a server with its usual names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the kit goes; it stays there.
    pub fn dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { dir: Some(dir.into()), ..self }
    }

    /// One more name for the server: a DNS name or an IP address.
    pub fn host_alias(mut self, alias: impl Into<String>) -> Self {
        self.aliases.push(alias.into());
        self
    }

    /// Makes the kit.
    pub fn create(self) -> Result<Kit, KitError> {
        #[expect(clippy::disallowed_methods, reason = "the peer judges certificates by real time")]
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        self.create_on(today)
    }

    /// Certificates live in real time, whatever the mock's clock says: the peer judges them by its own.
    fn create_on(self, today: Date) -> Result<Kit, KitError> {
        let hosts = hosts::all(&self.aliases)?;
        let folder = Folder::make(self.dir.as_deref())?;
        let (server_ca, merchant_ca) = match &folder {
            Folder::Given(dir) => (
                Authority::kept(&dir.join("ca-key.pem"), Purpose::Server(&hosts), today)?,
                Authority::kept(&dir.join("merchant-ca-key.pem"), Purpose::Merchants, today)?,
            ),
            Folder::Temporary(_) => {
                (Authority::new(Purpose::Server(&hosts), today)?, Authority::new(Purpose::Merchants, today)?)
            }
        };
        let mut roots = RootCertStore::empty();
        roots.add(merchant_ca.certificate.clone())?;
        let kit = Kit {
            folder,
            today,
            server: ServerIdentity::mint(&server_ca, &hosts, Validity::Current, today)?,
            truststore: p12::truststore(&server_ca.certificate)?,
            hosts,
            server_ca,
            merchant_ca,
            merchant_key: KeyPair::from_pem(include_str!("kit/worthless-key.pem"))?,
            judge: Judge::new(roots)?,
            flaws: Flaws::default(),
        };
        write(&kit.dir().join("ca.pem"), kit.ca_pem().as_bytes(), Access::Public)?;
        write(&kit.truststore_path(), &kit.truststore, Access::Public)?;
        if let Folder::Given(dir) = &kit.folder {
            write(&dir.join("merchant-ca.pem"), kit.merchant_ca.pem.as_bytes(), Access::Public)?;
        }
        Ok(kit)
    }
}

/// A folder with `ca.pem` and a folder for each merchant, and the authorities behind them.
#[derive(Debug)]
pub struct Kit {
    folder: Folder,
    /// The day on which everything here is made.
    today: Date,
    hosts: BTreeSet<Host>,
    server_ca: Authority,
    server: ServerIdentity,
    truststore: Vec<u8>,
    merchant_ca: Authority,
    merchant_key: KeyPair,
    judge: Judge,
    flaws: Flaws,
}

/// A folder that stays, or one that goes with the kit.
#[derive(Debug)]
enum Folder {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn make(dir: Option<&Path>) -> Result<Self, KitError> {
        let Some(dir) = dir else {
            let made = files::private_folder();
            return Ok(Self::Temporary(
                made.map_err(|source| KitError::Io { path: std::env::temp_dir(), source })?,
            ));
        };
        let made = fs::create_dir_all(dir).and_then(|()| std::path::absolute(dir));
        Ok(Self::Given(made.map_err(|source| KitError::Io { path: dir.to_owned(), source })?))
    }
}

impl Kit {
    /// Makes a kit in `dir`, or in a temporary folder that is removed with the kit. An authority that is kept in `dir`
    /// is used again; it is replaced if it has fewer than 30 days left, or may not vouch for all names of the server.
    /// The other files there are replaced.
    pub fn create(dir: Option<&Path>) -> Result<Self, KitError> {
        KitOptions { dir: dir.map(Path::to_owned), ..KitOptions::default() }.create()
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        match &self.folder {
            Folder::Given(dir) => dir,
            Folder::Temporary(dir) => dir.path(),
        }
    }

    /// The authority that vouches for the server, in PEM: the content of `ca.pem`.
    pub fn ca_pem(&self) -> &str {
        &self.server_ca.pem
    }

    /// The same for Java: the content of `truststore.p12`. Its password is `changeit`.
    pub fn truststore(&self) -> &[u8] {
        &self.truststore
    }

    fn truststore_path(&self) -> PathBuf {
        self.dir().join("truststore.p12")
    }

    /// Writes a merchant's certificate and key into its folder, in PEM and twice in PKCS#12.
    pub fn write_merchant(&self, mch_id: &str) -> Result<MerchantFiles, KitError> {
        let files = MerchantFiles::within(self.dir(), mch_id)?;
        files::folder(&self.dir().join(mch_id))?;
        let certificate =
            mint::merchant(&self.merchant_ca, &self.merchant_key, mch_id, Validity::Current, self.today)?;
        let (der, key) = (certificate.der(), self.merchant_key.serialized_der());
        write(&files.key, self.merchant_key.serialize_pem().as_bytes(), Access::Private)?;
        write(&files.certificate, certificate.pem().as_bytes(), Access::Public)?;
        write(&files.p12, &p12::modern(der, key, mch_id)?, Access::Private)?;
        write(&files.p12_legacy, &p12::legacy(der, key, mch_id)?, Access::Private)?;
        Ok(files)
    }

    /// A merchant's files, which are written where they are missing.
    pub fn merchant(&self, mch_id: &str) -> Result<MerchantFiles, KitError> {
        let files = MerchantFiles::within(self.dir(), mch_id)?;
        if files.all().into_iter().all(Path::exists) { Ok(files) } else { self.write_merchant(mch_id) }
    }

    /// The serial number of the certificate in a merchant's files, in hex; none where somebody broke the file.
    pub(crate) fn serial(&self, mch_id: &str) -> Result<Option<String>, KitError> {
        let pem = files::read(&self.merchant(mch_id)?.certificate)?.unwrap_or_default();
        let certificate = CertificateDer::from_pem_slice(&pem).ok();
        Ok(judge::facts(certificate.as_ref().map(std::slice::from_ref)).and_then(|facts| facts.serial))
    }

    /// A merchant's files, with `ca.pem` and `truststore.p12`, as one ZIP archive. They are written first where they
    /// are missing.
    pub fn zip(&self, mch_id: &str) -> Result<Vec<u8>, KitError> {
        let files = self.merchant(mch_id)?;
        let found: Option<Vec<_>> = files.all().map(files::read).into_iter().collect::<Result<_, _>>()?;
        let names =
            files.all().map(|path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
        let mut entries: Vec<_> = names.into_iter().zip(found.unwrap_or_default()).collect();
        entries.push(("ca.pem", self.ca_pem().as_bytes().to_vec()));
        entries.push(("truststore.p12", self.truststore.clone()));
        Ok(zip::archive(&entries))
    }

    /// A merchant's certificate and key in PEM, written nowhere.
    pub fn merchant_pem(&self, mch_id: &str, validity: Validity) -> Result<(String, String), KitError> {
        self.pem(&self.merchant_ca, mch_id, validity)
    }

    /// As [`merchant_pem`](Self::merchant_pem), but made by an authority that the server does not know.
    pub fn foreign_pem(&self, mch_id: &str) -> Result<(String, String), KitError> {
        self.pem(&flaws::stranger(self.today)?, mch_id, Validity::Current)
    }

    fn pem(&self, by: &Authority, mch_id: &str, validity: Validity) -> Result<(String, String), KitError> {
        let certificate = mint::merchant(by, &self.merchant_key, mch_id, validity, self.today)?;
        Ok((certificate.pem(), self.merchant_key.serialize_pem()))
    }

    /// What a client of the server at `url` has to know to be this merchant. `url` has no slash at its end.
    pub fn environment(
        &self,
        url: &str,
        mch_id: &str,
        key: &str,
        appid: &str,
    ) -> Result<Environment, KitError> {
        let text = |path: &Path| match path.to_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(KitError::NotUnicode { path: path.to_owned() }),
        };
        let files = MerchantFiles::within(self.dir(), mch_id)?;
        Ok(Environment {
            url: url.to_owned(),
            ca: text(&self.dir().join("ca.pem"))?,
            truststore: text(&self.truststore_path())?,
            mch_id: mch_id.to_owned(),
            key: key.to_owned(),
            appid: appid.to_owned(),
            cert: text(&files.certificate)?,
            key_pem: text(&files.key)?,
            p12: text(&files.p12)?,
        })
    }

    /// Writes `env.sh`, `env.ps1`, `env.json` and `.env`.
    pub fn write_env(&self, environment: &Environment) -> Result<(), KitError> {
        EnvFormat::ALL.into_iter().try_for_each(|format| {
            let path = self.dir().join(format.file());
            write(&path, environment.render(format).as_bytes(), Access::Private)
        })
    }

    /// Asks every client for a certificate, and lets every handshake pass that proves it holds the key of the one it
    /// shows: whether it may do what it asks for is the engine's to judge.
    pub(crate) fn server_config(&self) -> Result<ServerConfig, KitError> {
        flaws::config(&self.server, AnyCertificate::taken)
    }

    /// What the certificates that a client showed are.
    pub(crate) fn judge(&self, chain: Option<&[CertificateDer<'_>]>) -> Certificate {
        #[expect(clippy::disallowed_methods, reason = "a certificate is judged by real time")]
        let now = UnixTime::now();
        self.judge.judge(chain, now)
    }

    /// What the first certificate that a client showed says of itself.
    pub(crate) fn facts(&self, chain: Option<&[CertificateDer<'_>]>) -> Option<CertificateFacts> {
        judge::facts(chain)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Span;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::ServerName;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 1, 1);

    #[expect(clippy::disallowed_methods, reason = "a certificate is judged by real time")]
    #[test]
    fn the_server_has_its_names_and_the_aliases_and_no_others() {
        let kit = KitOptions::new().host_alias("Pay.Test").host_alias("10.1.2.3").create().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(kit.server_ca.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let verify = |name: &str| {
            let name = ServerName::try_from(name.to_owned()).unwrap();
            verifier.verify_server_cert(&kit.server.certificate, &[], &name, &[], UnixTime::now())
        };
        let local = ["localhost", "127.0.0.1", "::1", "host.docker.internal", "pay.test", "10.1.2.3"];
        for name in local.into_iter().chain(hosts::WECHAT_HOSTS) {
            assert!(verify(name).is_ok(), "{name}: {:?}", verify(name));
        }
        for name in ["weixin.qq.com", "pay.weixin.qq.com", "example.invalid", "a.pay.test", "10.1.2.4"] {
            assert!(verify(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_authority_near_its_end_is_replaced_in_the_whole_folder() {
        let folder = files::private_folder().unwrap();
        let options = || KitOptions::new().dir(folder.path());
        let on = |days| options().create_on(TODAY.saturating_add(Span::new().days(days))).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let first = on(0);
        let early = first.merchant_pem("10000098", Validity::Current).unwrap().0;
        let (truststore, merchants) = (first.truststore.clone(), read("merchant-ca.pem"));
        assert_eq!(on(5 * 365 - 30).ca_pem(), first.ca_pem());

        let second = on(5 * 365 - 29);
        assert_ne!(second.ca_pem(), first.ca_pem());
        assert_eq!(read("ca.pem"), second.ca_pem());
        assert_ne!(second.truststore, truststore);
        // That of the merchants lives longer, and what it signed with it.
        assert_eq!(read("merchant-ca.pem"), merchants);
        let early = CertificateDer::from_pem_slice(early.as_bytes()).unwrap();
        assert!(matches!(second.judge(Some(&[early])), Certificate::Merchant { .. }));
        on(10 * 365 - 29);
        assert_ne!(read("merchant-ca.pem"), merchants);
    }
}
