//! The kit: certificates made anew at every start, so that nothing which can expire lies anywhere.
//!
//! Two authorities, as in the real service: one vouches for the server and is good for loopback and WeChat's host
//! names only, the other makes merchant certificates and is known to the server alone. Neither key touches the disk.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};

use crate::arrival::Certificate;

mod judge;

use judge::{AnyCertificate, Judge};

/// The names in the server's certificate.
const SERVER_NAMES: [&str; 4] =
    ["localhost", "api.mch.weixin.qq.com", "api2.mch.weixin.qq.com", "host.docker.internal"];

/// What a kit could not be made for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// A file or folder.
    #[error("cannot write {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused what was made.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// A merchant number that cannot name a folder.
    #[error("{mch_id:?} cannot name a folder")]
    MchId {
        /// The number.
        mch_id: String,
    },
}

/// Whether a merchant certificate is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Since yesterday, for five years, as real ones.
    Current,
    /// It ran out yesterday.
    Expired,
}

/// The files of one merchant, under the names of the real download.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MerchantFiles {
    /// `apiclient_cert.pem`.
    pub certificate: PathBuf,
    /// `apiclient_key.pem`.
    pub key: PathBuf,
}

/// A folder with `ca.pem` and a folder for each merchant, and the authorities behind them.
#[derive(Debug)]
pub struct Kit {
    folder: Folder,
    ca_pem: String,
    server: ServerIdentity,
    merchants: Issuer<'static, KeyPair>,
    merchant_key: KeyPair,
    judge: Judge,
}

/// A folder that stays, or one that goes with the kit.
#[derive(Debug)]
enum Folder {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

#[derive(Debug)]
struct ServerIdentity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Kit {
    /// Makes a kit in `dir`, or in a temporary folder that is removed with the kit. Files of an older kit there are
    /// replaced.
    pub fn create(dir: Option<&Path>) -> Result<Self, KitError> {
        let folder = match dir {
            Some(dir) => {
                fs::create_dir_all(dir).map_err(|source| KitError::Io { path: dir.to_owned(), source })?;
                Folder::Given(
                    std::path::absolute(dir)
                        .map_err(|source| KitError::Io { path: dir.to_owned(), source })?,
                )
            }
            None => Folder::Temporary(
                private_folder().map_err(|source| KitError::Io { path: std::env::temp_dir(), source })?,
            ),
        };
        let (ca_pem, server) = server_identity()?;
        let (merchants, authority) = merchant_authority()?;
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let kit = Self {
            folder,
            ca_pem,
            server,
            merchants,
            merchant_key: KeyPair::from_pem(include_str!("kit/worthless-key.pem"))?,
            judge: Judge::new(roots)?,
        };
        write(&kit.dir().join("ca.pem"), &kit.ca_pem, Access::Public)?;
        Ok(kit)
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
        &self.ca_pem
    }

    /// Writes a merchant's certificate and key into its folder.
    pub fn write_merchant(&self, mch_id: &str) -> Result<MerchantFiles, KitError> {
        if mch_id.is_empty() || !mch_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(KitError::MchId { mch_id: mch_id.to_owned() });
        }
        let dir = self.dir().join(mch_id);
        fs::create_dir_all(&dir).map_err(|source| KitError::Io { path: dir.clone(), source })?;
        let files =
            MerchantFiles { certificate: dir.join("apiclient_cert.pem"), key: dir.join("apiclient_key.pem") };
        let (certificate, key) = self.merchant_pem(mch_id, Validity::Current)?;
        write(&files.certificate, &certificate, Access::Public)?;
        write(&files.key, &key, Access::Private)?;
        Ok(files)
    }

    /// A merchant's certificate and key in PEM, written nowhere.
    pub fn merchant_pem(&self, mch_id: &str, validity: Validity) -> Result<(String, String), KitError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&[
            (DnType::CommonName, mch_id),
            (DnType::OrganizationName, "wechatpay-mock"),
            (DnType::CountryName, "CN"),
        ]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        match validity {
            Validity::Current => set_validity(&mut params, -1, 5 * 365),
            Validity::Expired => set_validity(&mut params, -5 * 365, -1),
        }
        let certificate = params.signed_by(&self.merchant_key, &self.merchants)?;
        Ok((certificate.pem(), self.merchant_key.serialize_pem()))
    }

    /// Asks every client for a certificate, and lets every handshake pass that proves it holds the key of the one it
    /// shows: whether it may do what it asks for is the engine's to judge.
    pub(crate) fn server_config(&self) -> Result<ServerConfig, KitError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.server.key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(AnyCertificate::new(&provider)))
            .with_single_cert(vec![self.server.certificate.clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// What the certificates that a client showed are.
    pub(crate) fn judge(&self, chain: Option<&[CertificateDer<'_>]>) -> Certificate {
        self.judge.judge(chain)
    }
}

/// For its owner only: there is a key in it, worthless as that may be.
fn private_folder() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("wechatpay-mock-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

fn server_identity() -> Result<(String, ServerIdentity), KitError> {
    let key = KeyPair::generate()?;
    let mut params = authority_params("wechatpay-mock server CA");
    let addresses = [
        CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8),
        CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128),
    ];
    let domains = ["localhost", "weixin.qq.com", "wechatpay.cn", "host.docker.internal"];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: domains
            .map(|domain| GeneralSubtree::DnsName(domain.to_owned()))
            .into_iter()
            .chain(addresses.map(GeneralSubtree::IpAddress))
            .collect(),
        excluded_subtrees: Vec::new(),
    });
    let pem = params.self_signed(&key)?.pem();
    let authority = Issuer::new(params, key);

    let mut leaf = CertificateParams::new(SERVER_NAMES.map(str::to_owned))?;
    leaf.subject_alt_names.push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
    leaf.subject_alt_names.push(SanType::IpAddress(Ipv6Addr::LOCALHOST.into()));
    leaf.distinguished_name = name(&[(DnType::CommonName, "wechatpay-mock")]);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    set_validity(&mut leaf, -1, 396);
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &authority)?.der().clone();
    Ok((pem, ServerIdentity { certificate, key }))
}

fn merchant_authority() -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>), KitError> {
    let key = KeyPair::generate()?;
    let mut params = authority_params("wechatpay-mock merchant CA");
    // A merchant certificate that ran out must have been made by an authority that was there before it.
    set_validity(&mut params, -10 * 365, 10 * 365);
    let certificate = params.self_signed(&key)?.der().clone();
    Ok((Issuer::new(params, key), certificate))
}

fn authority_params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&[(DnType::CommonName, common_name)]);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, -1, 5 * 365);
    params
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, text) in parts {
        name.push(kind.clone(), *text);
    }
    name
}

/// Days from today. Certificates live in real time, whatever the mock's clock says: the peer judges them by its own.
fn set_validity(params: &mut CertificateParams, from_days: i64, to_days: i64) {
    #[expect(clippy::disallowed_methods, reason = "the peer judges certificates by real time")]
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = |days: i64| {
        let date = today.saturating_add(Span::new().days(days));
        let month = u8::try_from(date.month()).unwrap_or(1);
        rcgen::date_time_ymd(date.year().into(), month, u8::try_from(date.day()).unwrap_or(1))
    };
    params.not_before = day(from_days);
    params.not_after = day(to_days);
}

/// Puts a whole file in its place at once, over whatever is there: a link is replaced, never followed.
fn write(path: &Path, text: &str, access: Access) -> Result<(), KitError> {
    let write = || {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(match access {
            Access::Public => 0o644,
            Access::Private => 0o600,
        }));
        #[cfg(not(unix))]
        let _ = access;
        let mut file = builder.tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).map_err(|source| KitError::Io { path: path.to_owned(), source })
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Access {
    Public,
    Private,
}
