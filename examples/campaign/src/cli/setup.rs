//! What flags and files say of the merchant, the way to the service, and the pace.

use std::fs;
use std::path::Path;
use std::time::Duration;

use wechatpay_proto::failover::Failover;
use wechatpay_proto::payout::{Policy, Settings};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::{ApiKey, Merchant};
use wechatpay_transport_ureq::{Identity, Roots, Timeouts};

use super::options::{MerchantFlags, Pace};
use crate::failure::Failure;
use crate::run::Plan;
use crate::store::{DEFAULT_LEASE, Lease, StoreError};

/// A merchant that can check rows, and sign nothing: for that no key is needed.
pub(super) fn unable_to_sign(mch_id: &str) -> Result<Merchant, Failure> {
    let made = ApiKey::new([b'0'; 32]).and_then(|key| Merchant::direct(mch_id, key));
    made.map_err(|error| Failure::usage(format!("--mch-id: {error}")))
}

/// The merchant number, where there must be one.
pub(super) fn mch_id(flags: &MerchantFlags) -> Result<&str, Failure> {
    let missing = || Failure::usage("--mch-id is needed, or --mock with `run`");
    flags.mch_id.as_deref().ok_or_else(missing)
}

/// The merchant, and the way to the service.
pub(super) struct Way {
    pub(super) merchant: Merchant,
    /// Where it is not the service's own host.
    pub(super) base: Option<BaseUrl>,
    pub(super) transport: wechatpay_transport_ureq::Settings,
}

impl Way {
    pub(super) fn of(flags: &MerchantFlags) -> Result<Self, Failure> {
        let key_file = flags.key_file.as_deref().ok_or_else(|| Failure::usage("--key-file is needed"))?;
        let merchant = Merchant::direct(mch_id(flags)?, read_key(key_file)?)
            .map_err(|error| Failure::usage(format!("--mch-id: {error}")))?;
        let base = flags.url.as_deref().map(BaseUrl::parse).transpose();
        let base = base.map_err(|error| Failure::usage(format!("--url: {error}")))?;
        let timeouts = Timeouts { total: flags.timeout, ..Timeouts::default() };
        let mut transport = wechatpay_transport_ureq::Settings::new().timeouts(timeouts);
        match (&flags.cert, &flags.key_pem) {
            (Some(cert), Some(key)) => {
                let identity = Identity::from_pem_files(cert, key);
                let identity = identity.map_err(|error| Failure::of("--cert, --key-pem", &error))?;
                transport = transport.identity(identity);
            }
            _ if flags.url.as_deref().is_none_or(|url| !url.starts_with("http://")) => {
                return Err(Failure::usage(
                    "--cert and --key-pem are needed: red packets want the merchant's certificate",
                ));
            }
            _ => {}
        }
        if let Some(ca) = &flags.ca {
            let roots = Roots::from_pem_file(ca).map_err(|error| Failure::of("--ca", &error))?;
            transport = transport.roots(roots);
        }
        if base.is_none() {
            transport = transport.failover(Failover::default());
        }
        Ok(Self { merchant, base, transport })
    }
}

/// The key of a file, without the line's end that editors add. Errors do not show it.
fn read_key(path: &Path) -> Result<ApiKey, Failure> {
    let text = fs::read(path).map_err(|error| Failure::of(path.display(), &error))?;
    ApiKey::new(text.trim_ascii_end())
        .map_err(|error| Failure::usage(format!("--key-file {}: {error}", path.display())))
}

/// A rate and a burst by which no second has more than `rate`. Each turn of the loop writes to disk, which takes
/// milliseconds; without a burst a high rate would be one for each turn.
fn bucket(rate: u32) -> (u32, u32) {
    let more = rate / 50;
    (rate - more, 1 + more)
}

/// The policy that the flags ask for.
pub(super) fn policy(pace: &Pace) -> Result<Policy, Failure> {
    let usual = Settings::default();
    let waits = &pace.waits;
    let (per_second, burst) = bucket(pace.rate);
    let settings = Settings {
        goal: pace.goal.into(),
        sends_per_second: per_second,
        queries_per_second: per_second,
        burst,
        in_flight: pace.in_flight,
        park: Some((pace.lease / 2).clamp(Duration::from_secs(1), Duration::from_secs(60))),
        backoff: waits.backoff.clone().unwrap_or(usual.backoff),
        processing_wait: waits.processing_wait.unwrap_or(usual.processing_wait),
        attempt_life: waits.attempt_life.unwrap_or(usual.attempt_life),
        ..usual
    };
    Policy::new(settings).map_err(|error| Failure::usage(error.to_string()))
}

/// The lease that the flags ask for.
pub(super) fn lease(pace: &Pace, policy: &Policy, timeout: Duration) -> Result<Lease, Failure> {
    Lease::new(pace.lease, policy, timeout).map_err(|error| match error {
        StoreError::ShortLease { least } => Failure::usage(format!(
            "--lease must be longer than {least:?}: an attempt may be that old when its answer comes"
        )),
        other => Failure::usage(format!("--lease: {other}")),
    })
}

/// The lease of those who take nothing.
pub(super) fn usual_lease() -> Result<Lease, Failure> {
    let lease = Lease::new(DEFAULT_LEASE, &Policy::default(), Timeouts::default().total);
    lease.map_err(|error| Failure::error(error.to_string()))
}

/// How the loop goes, for a worker among others.
pub(super) fn plan(pace: &Pace, policy: &Policy, timeout: Duration) -> Plan {
    let settings = policy.settings();
    let in_flight = usize::try_from(pace.in_flight).unwrap_or(usize::MAX);
    Plan {
        capacity: pace.waits.capacity.unwrap_or(in_flight.saturating_mul(4).saturating_add(1_000)).max(1),
        ahead: settings.park.unwrap_or_default() / 2,
        look_again: Some((pace.lease / 4).clamp(Duration::from_secs(1), Duration::from_secs(5))),
        renew: pace.lease / 3,
        grace: timeout + Duration::from_secs(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_than_the_rate() {
        for rate in [1, 30, 49, 50, 1_000] {
            let (per_second, burst) = bucket(rate);
            // A whole burst, and what follows it within the second.
            assert_eq!(burst - 1 + per_second, rate);
        }
        assert_eq!(bucket(30), (30, 1), "evenly spaced");
    }
}
