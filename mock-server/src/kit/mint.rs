//! The certificates that the authorities sign: of the server, and of merchants.

use std::collections::BTreeSet;

use jiff::Span;
use jiff::civil::Date;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use rustls::pki_types::CertificateDer;

use super::KitError;
use super::authority::Authority;
use super::hosts::Host;

/// Whether a merchant certificate is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Validity {
    /// Since yesterday, for five years, as real ones.
    Current,
    /// It ran out yesterday.
    Expired,
    /// It begins in a year.
    NotYetValid,
}

impl Validity {
    /// The first day and the last, for a certificate that is in force for that many days.
    fn span(self, today: Date, days: i64) -> (Date, Date) {
        let day = |days| today.saturating_add(Span::new().days(days));
        match self {
            Self::Current => (day(-1), day(days)),
            Self::Expired => (day(-days), day(-1)),
            Self::NotYetValid => (day(365), day(365 + days)),
        }
    }
}

/// The server's certificate and its key.
#[derive(Debug)]
pub(super) struct ServerIdentity {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: KeyPair,
}

impl ServerIdentity {
    pub(super) fn mint(
        authority: &Authority,
        hosts: &BTreeSet<Host>,
        validity: Validity,
        today: Date,
    ) -> Result<Self, KitError> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = hosts.iter().map(Host::to_san).collect::<Result<_, _>>()?;
        params.distinguished_name = name(&[(DnType::CommonName, "wechatpay-mock")]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(serial()?);
        let (first, last) = validity.span(today, 396);
        set_validity(&mut params, first, last.min(authority.last_day));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority.issuer)?.der().clone();
        Ok(Self { certificate, key })
    }
}

/// A merchant's certificate, as the real ones look.
pub(super) fn merchant(
    authority: &Authority,
    key: &KeyPair,
    mch_id: &str,
    validity: Validity,
    today: Date,
) -> Result<rcgen::Certificate, KitError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(&[
        (DnType::CommonName, mch_id),
        (DnType::OrganizationName, "wechatpay-mock"),
        (DnType::CountryName, "CN"),
    ]);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.serial_number = Some(serial()?);
    let (first, last) = validity.span(today, 5 * 365);
    set_validity(&mut params, first, last.min(authority.last_day));
    Ok(params.signed_by(key, &authority.issuer)?)
}

/// Merchants share one key, so their serial numbers must tell them apart: 20 bytes in hex, as real ones.
fn serial() -> Result<SerialNumber, KitError> {
    let mut bytes = [0; 20];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(rustls::Error::from)?;
    // A positive number of full length.
    let [first, ..] = &mut bytes;
    *first = *first & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

pub(super) fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, text) in parts {
        name.push(kind.clone(), *text);
    }
    name
}

/// From the first second of one day to that of another, in UTC.
pub(super) fn set_validity(params: &mut CertificateParams, first: Date, last: Date) {
    let start = |date: Date| {
        let month = u8::try_from(date.month()).unwrap_or(1);
        rcgen::date_time_ymd(date.year().into(), month, u8::try_from(date.day()).unwrap_or(1))
    };
    params.not_before = start(first);
    params.not_after = start(last);
}
