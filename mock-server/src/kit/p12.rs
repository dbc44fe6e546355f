//! PKCS#12: a merchant's certificate and key in one file, in the modern form and in that of the real download, and the
//! server's authority as a truststore for Java.
//!
//! The passwords are no secrets (the merchant number, `changeit`), so the rounds of key derivation protect nothing, and
//! they cost time at every start: they are the 1,000 that RFC 8018 wants at least.

use std::error::Error;

use der::asn1::{Any, OctetString};
use der::{Decode as _, Encode as _, Sequence};
use hmac::{Hmac, KeyInit as _, Mac as _};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use sha1::{Digest as _, Sha1};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::KitError;

const ROUNDS: u32 = 1_000;
/// The name of the entry in the real download.
const ALIAS: &str = "Tenpay Certificate";
/// What Java's tools take when nobody chooses.
const TRUSTSTORE_PASSWORD: &str = "changeit";

/// AES-256-CBC with PBKDF2 (HMAC-SHA256), authenticated with HMAC-SHA256.
pub(super) fn modern(certificate: &[u8], key: &[u8], password: &str) -> Result<Vec<u8>, KitError> {
    let write = || {
        let store = merchant(certificate, key)?;
        let writer = store.writer(password).encryption_iterations(ROUNDS).mac_iterations(ROUNDS);
        Ok(writer.write()?)
    };
    write().map_err(KitError::P12)
}

/// As the merchant platform hands it out: RC2 with 40 bits for the certificate, 3DES for the key, authenticated with
/// HMAC-SHA1. OpenSSL 3 reads it with `-legacy` only.
pub(super) fn legacy(certificate: &[u8], key: &[u8], password: &str) -> Result<Vec<u8>, KitError> {
    let write = || {
        let store = merchant(certificate, key)?;
        let with = |algorithm| -> Result<Pfx, Box<dyn Error + Send + Sync>> {
            let writer = store
                .writer(password)
                .encryption_algorithm(algorithm)
                .encryption_iterations(ROUNDS)
                .mac_algorithm(MacAlgorithm::HmacSha1)
                .mac_iterations(1);
            Ok(Pfx::from_der(&writer.write()?)?)
        };
        // The crate's name for it says RC4; what it writes is RC2.
        let rc2 = with(EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc)?;
        let triple_des = with(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)?;
        splice(rc2, &triple_des, password)
    };
    write().map_err(KitError::P12)
}

/// The authority that vouches for the server, marked as Java wants it: an entry to trust.
pub(super) fn truststore(certificate: &[u8]) -> Result<Vec<u8>, KitError> {
    let write = || -> Result<_, Box<dyn Error + Send + Sync>> {
        let mut store = KeyStore::new();
        store.add_entry("wechatpay-mock", KeyStoreEntry::Certificate(Certificate::from_der(certificate)?));
        let writer = store.writer(TRUSTSTORE_PASSWORD).encryption_iterations(ROUNDS).mac_iterations(ROUNDS);
        Ok(writer.write()?)
    };
    write().map_err(KitError::P12)
}

fn merchant(certificate: &[u8], key: &[u8]) -> Result<KeyStore, Box<dyn Error + Send + Sync>> {
    let chain = [Certificate::from_der(certificate)?];
    let chain = PrivateKeyChain::new("1", PrivateKey::from_der(key)?, chain);
    let mut store = KeyStore::new();
    store.add_entry(ALIAS, KeyStoreEntry::PrivateKeyChain(chain));
    Ok(store)
}

/// RFC 7292, section 4, as far as it is needed.
#[derive(Sequence)]
struct Pfx {
    version: u8,
    auth_safe: ContentInfo,
    mac_data: MacData,
}

#[derive(Sequence)]
struct ContentInfo {
    content_type: der::asn1::ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: OctetString,
}

#[derive(Sequence)]
struct MacData {
    mac: DigestInfo,
    salt: OctetString,
    #[asn1(default = "one")]
    rounds: u32,
}

#[derive(Sequence)]
struct DigestInfo {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

fn one() -> u32 {
    1
}

/// The certificate of one file and the key of the other, under a new checksum: the crate encrypts all of a file alike.
fn splice(certificate: Pfx, key: &Pfx, password: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let safes = |pfx: &Pfx| Vec::<Any>::from_der(pfx.auth_safe.content.as_bytes());
    let safes = safes(&certificate)?.into_iter().take(1).chain(safes(key)?.into_iter().skip(1));
    let content = safes.collect::<Vec<_>>().to_der()?;
    let salt = certificate.mac_data.salt;
    let mut mac = Hmac::<Sha1>::new_from_slice(&mac_key(password, salt.as_bytes()))?;
    mac.update(&content);
    let algorithm =
        AlgorithmIdentifierOwned { parameters: Some(Any::null()), ..certificate.mac_data.mac.algorithm };
    let digest = OctetString::new(mac.finalize().into_bytes().to_vec())?;
    let mac_data = MacData { mac: DigestInfo { algorithm, digest }, salt, rounds: ROUNDS };
    let auth_safe = ContentInfo { content: OctetString::new(content)?, ..certificate.auth_safe };
    Ok(Pfx { version: certificate.version, auth_safe, mac_data }.to_der()?)
}

/// The key of the checksum: RFC 7292, appendix B, for as many bytes as SHA-1 has.
fn mac_key(password: &str, salt: &[u8]) -> [u8; 20] {
    const BLOCK: usize = 64;
    const FOR_MAC: u8 = 3;
    let password: Vec<u8> = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let blocks = |text: &[u8]| {
        let length = text.len().next_multiple_of(BLOCK);
        text.iter().copied().cycle().take(length).collect::<Vec<_>>()
    };
    let first = [vec![FOR_MAC; BLOCK], blocks(salt), blocks(&password)].concat();
    let first: [u8; 20] = Sha1::digest(first).into();
    (1..ROUNDS).fold(first, |key, _| Sha1::digest(key).into())
}
