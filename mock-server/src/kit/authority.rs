//! The two authorities. In a folder that stays they are kept, each in one file with its key and its certificate: what
//! is in one file always fits together, however many processes write it. In a temporary folder no key of an authority
//! touches the disk.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix;

use super::files::{self, Access};
use super::hosts::{self, Host};
use super::mint::{name, set_validity};
use super::{AuthorityFault, KitError};

/// An authority with fewer days left is replaced.
const NEAR_END: i64 = 30;

/// What an authority signs.
#[derive(Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// The certificate of a server with these names.
    Server(&'a BTreeSet<Host>),
    /// The certificates of merchants.
    Merchants,
    /// Whatever a client or the server is not to trust.
    Nothing,
}

/// A certificate that signs others, and its key.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: CertificateDer<'static>,
    /// The certificate in PEM.
    pub(super) pem: String,
    pub(super) last_day: Date,
}

impl Authority {
    /// The one that is kept in `file`, or a new one where there is none or it can serve no longer.
    pub(super) fn kept(file: &Path, purpose: Purpose<'_>, today: Date) -> Result<Self, KitError> {
        if let Some(found) = Self::found(file, purpose, today)? {
            return Ok(found);
        }
        let authority = Self::new(purpose, today)?;
        let text = authority.issuer.key().serialize_pem() + &authority.pem;
        // Of several processes that begin in a new folder the first makes it, and the others take that.
        if !files::write_new(file, text.as_bytes(), Access::Private) {
            if let Some(found) = Self::found(file, purpose, today)? {
                return Ok(found);
            }
            files::write(file, text.as_bytes(), Access::Private)?;
        }
        Ok(authority)
    }

    /// The one in `file`, where there is one that can serve.
    fn found(file: &Path, purpose: Purpose<'_>, today: Date) -> Result<Option<Self>, KitError> {
        let Some(text) = files::read(file)? else { return Ok(None) };
        let fault = |fault| KitError::Authority { path: file.to_owned(), fault };
        let (authority, facts) = Self::load(&text).map_err(fault)?;
        Ok(serves(&facts, authority.last_day, purpose, today).then_some(authority))
    }

    /// A new one, written nowhere.
    pub(super) fn new(purpose: Purpose<'_>, today: Date) -> Result<Self, KitError> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let (common_name, days) = match purpose {
            Purpose::Server(hosts) => {
                params.name_constraints = Some(hosts::constraints(hosts));
                ("wechatpay-mock server CA", -1..5 * 365)
            }
            // A merchant certificate that ran out must have been made by an authority that was there before it.
            Purpose::Merchants => ("wechatpay-mock merchant CA", -10 * 365..10 * 365),
            Purpose::Nothing => ("a CA that nobody knows", -10 * 365..10 * 365),
        };
        params.distinguished_name = name(&[(DnType::CommonName, common_name)]);
        let day = |days| today.saturating_add(Span::new().days(days));
        let last_day = day(days.end);
        set_validity(&mut params, day(days.start), last_day);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let pem = pem(certificate.der())?;
        Ok(Self { issuer: Issuer::new(params, key), certificate: certificate.der().clone(), pem, last_day })
    }

    fn load(text: &[u8]) -> Result<(Self, Certificate), AuthorityFault> {
        let key = PrivateKeyDer::from_pem_slice(text).map_err(|_| AuthorityFault::Key)?;
        let key = KeyPair::try_from(&key).map_err(|_| AuthorityFault::Key)?;
        let der = CertificateDer::from_pem_slice(text).map_err(|_| AuthorityFault::Certificate)?;
        let facts = Certificate::from_der(&der).map_err(|_| AuthorityFault::Certificate)?;
        let owner = facts.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        if owner != key.public_key_raw() {
            return Err(AuthorityFault::Mismatch);
        }
        if !may_sign(&facts) {
            return Err(AuthorityFault::NotAnAuthority);
        }
        let last_day =
            date(facts.tbs_certificate().validity().not_after).ok_or(AuthorityFault::Certificate)?;
        let pem = pem(&der).map_err(|_| AuthorityFault::Certificate)?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| AuthorityFault::Certificate)?;
        Ok((Self { issuer, certificate: der, pem, last_day }, facts))
    }
}

/// The same text for a new certificate and for one that was kept.
fn pem(certificate: &CertificateDer<'_>) -> Result<String, rcgen::Error> {
    der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, certificate)
        .map_err(|error| rcgen::Error::PemError(error.to_string()))
}

fn may_sign(certificate: &Certificate) -> bool {
    let facts = certificate.tbs_certificate();
    let authority = facts.get_extension::<pkix::BasicConstraints>().ok().flatten();
    let usage = facts.get_extension::<pkix::KeyUsage>();
    authority.is_some_and(|(_, basic)| basic.ca)
        && usage.is_ok_and(|usage| usage.is_none_or(|(_, usage)| usage.key_cert_sign()))
}

/// Whether it can still be used for that purpose. One without limits to its names was put there by somebody who wants
/// it so.
fn serves(certificate: &Certificate, last_day: Date, purpose: Purpose<'_>, today: Date) -> bool {
    let facts = certificate.tbs_certificate();
    let begun = date(facts.validity().not_before).is_some_and(|first| first <= today);
    let limits = facts.get_extension::<pkix::NameConstraints>();
    let covers = match (purpose, limits) {
        (Purpose::Server(hosts), Ok(Some((_, limits)))) => hosts::covered(hosts, &limits),
        (_, Ok(_)) => true,
        (_, Err(_)) => false,
    };
    begun && covers && today.saturating_add(Span::new().days(NEAR_END)) <= last_day
}

fn date(time: x509_cert::time::Time) -> Option<Date> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Validity;
    use super::super::mint::ServerIdentity;
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 1, 1);

    fn hosts(aliases: &[&str]) -> BTreeSet<Host> {
        hosts::all(&aliases.iter().map(|alias| (*alias).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn later(date: Date, days: i64) -> Date {
        date.saturating_add(Span::new().days(days))
    }

    struct Kept {
        dir: tempfile::TempDir,
    }

    impl Kept {
        fn new() -> Self {
            Self { dir: files::private_folder().unwrap() }
        }

        fn file(&self) -> std::path::PathBuf {
            self.dir.path().join("ca-key.pem")
        }

        fn open(&self, aliases: &[&str], today: Date) -> Result<Authority, KitError> {
            Authority::kept(&self.file(), Purpose::Server(&hosts(aliases)), today)
        }

        /// What is wrong with this text in the place of an authority.
        fn fault(&self, text: &str) -> AuthorityFault {
            fs::write(self.file(), text).unwrap();
            let error = self.open(&[], TODAY).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains(self.file().to_str().unwrap()) && message.contains("remove it"),
                "{message}"
            );
            assert_eq!(fs::read_to_string(self.file()).unwrap(), text, "it is left as it is");
            match error {
                KitError::Authority { path, fault } if path == self.file() => fault,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn it_stays_byte_for_byte_until_it_is_near_its_end() {
        let kept = Kept::new();
        let first = kept.open(&[], TODAY).unwrap();
        let file = fs::read(kept.file()).unwrap();
        assert_eq!(first.last_day, later(TODAY, 5 * 365));
        for today in [TODAY, later(first.last_day, -30)] {
            let again = kept.open(&[], today).unwrap();
            assert_eq!((&again.pem, again.last_day), (&first.pem, first.last_day));
            assert_eq!(again.issuer.key().public_key_raw(), first.issuer.key().public_key_raw());
            assert_eq!(fs::read(kept.file()).unwrap(), file);
        }
        let near_end = later(first.last_day, -29);
        let second = kept.open(&[], near_end).unwrap();
        assert_ne!(second.pem, first.pem);
        assert_eq!(second.last_day, later(near_end, 5 * 365));
        assert_eq!(kept.open(&[], near_end).unwrap().pem, second.pem);
        // A clock that was wrong.
        assert_ne!(kept.open(&[], TODAY).unwrap().pem, second.pem);
    }

    #[test]
    fn of_many_that_begin_at_once_all_have_the_same() {
        let kept = Kept::new();
        let (file, hosts) = (kept.file(), hosts(&[]));
        let barrier = std::sync::Barrier::new(8);
        let begin = || {
            barrier.wait();
            Authority::kept(&file, Purpose::Server(&hosts), TODAY).unwrap().pem
        };
        let all: BTreeSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all, BTreeSet::from([kept.open(&[], TODAY).unwrap().pem]));
        assert_eq!(fs::read_dir(kept.dir.path()).unwrap().count(), 1, "nothing else is left beside it");
    }

    #[test]
    fn it_is_replaced_for_a_name_that_it_may_not_vouch_for() {
        let kept = Kept::new();
        let first = kept.open(&["pay.test"], TODAY).unwrap();
        for fewer in [&[][..], &["pay.test"], &["a.pay.test", "127.0.0.5", "pay.weixin.qq.com"]] {
            assert_eq!(kept.open(fewer, TODAY).unwrap().pem, first.pem, "{fewer:?}");
        }
        let mut before = first.pem;
        for more in ["other.test", "10.0.0.1", "fd00::1"] {
            let next = kept.open(&[more], TODAY).unwrap().pem;
            assert_ne!(next, before, "{more}");
            assert_eq!(kept.open(&[more], TODAY).unwrap().pem, next);
            before = next;
        }
    }

    #[test]
    fn what_is_no_authority_is_told_and_left_alone() {
        let kept = Kept::new();
        let authority = kept.open(&[], TODAY).unwrap();
        let (key, certificate) = (authority.issuer.key().serialize_pem(), authority.pem.clone());
        let broken = |text: &str| text.replacen("MI", "IM", 1);
        assert_eq!(kept.fault(""), AuthorityFault::Key);
        assert_eq!(kept.fault("no PEM"), AuthorityFault::Key);
        assert_eq!(kept.fault(&certificate), AuthorityFault::Key);
        assert_eq!(kept.fault(&(broken(&key) + &certificate)), AuthorityFault::Key);
        assert_eq!(kept.fault(&key), AuthorityFault::Certificate);
        assert_eq!(kept.fault(&(key.clone() + &broken(&certificate))), AuthorityFault::Certificate);
        let half = certificate.len() / 2;
        assert_eq!(kept.fault(&(key.clone() + &certificate[..half])), AuthorityFault::Certificate);
        let other = Authority::new(Purpose::Merchants, TODAY).unwrap();
        assert_eq!(kept.fault(&(key + &other.pem)), AuthorityFault::Mismatch);
        let leaf = ServerIdentity::mint(&authority, &hosts(&[]), Validity::Current, TODAY).unwrap();
        let text = leaf.key.serialize_pem() + &pem(&leaf.certificate).unwrap();
        assert_eq!(kept.fault(&text), AuthorityFault::NotAnAuthority);

        fs::remove_file(kept.file()).unwrap();
        assert_ne!(kept.open(&[], TODAY).unwrap().pem, certificate);
    }

    #[test]
    fn one_that_somebody_brought_along_is_used_as_it_is() {
        let kept = Kept::new();
        let own = Authority::new(Purpose::Nothing, TODAY).unwrap();
        fs::write(kept.file(), own.pem.clone() + &own.issuer.key().serialize_pem()).unwrap();
        let used = kept.open(&["10.0.0.1"], TODAY).unwrap();
        assert_eq!(used.pem, own.pem);
        let leaf = ServerIdentity::mint(&used, &hosts(&[]), Validity::Current, TODAY).unwrap();
        let leaf = Certificate::from_der(&leaf.certificate).unwrap();
        let own = Certificate::from_der(&own.certificate).unwrap();
        assert_eq!(leaf.tbs_certificate().issuer(), own.tbs_certificate().subject());
    }

    #[test]
    fn a_certificate_of_the_server_ends_with_its_authority_at_the_latest() {
        let authority = Authority::new(Purpose::Server(&hosts(&[])), TODAY).unwrap();
        for (left, end) in [(500, 396), (40, 40)] {
            let today = later(authority.last_day, -left);
            let leaf = ServerIdentity::mint(&authority, &hosts(&[]), Validity::Current, today).unwrap();
            let leaf = Certificate::from_der(&leaf.certificate).unwrap();
            let validity = leaf.tbs_certificate().validity();
            assert_eq!(date(validity.not_before), Some(later(today, -1)));
            assert_eq!(date(validity.not_after), Some(later(today, end)));
        }
    }
}
