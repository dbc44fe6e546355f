//! How long what was taken belongs to a worker that is not heard of any more.

use std::time::Duration;

use wechatpay_proto::payout::Policy;

use super::error::StoreError;

/// The length of a lease for those who have no reason for another.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(300);

/// How long payouts belong to a worker that is not heard of any more, before others may take them. It is long enough for
/// every attempt of the policy that it was made for: while a request is under way, no other worker can have its payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease(Duration);

impl Lease {
    /// A lease of `length`, 1 s to 1 day, such as [`DEFAULT_LEASE`]. It must be longer than an attempt of `policy` is good
    /// for ([`attempt_life`](wechatpay_proto::payout::Settings::attempt_life)) and an answer is waited for (`timeout`, the
    /// longest time that a call of the transport may take), together.
    pub fn new(length: Duration, policy: &Policy, timeout: Duration) -> Result<Self, StoreError> {
        if !(Duration::from_secs(1)..=Duration::from_secs(24 * 3600)).contains(&length) {
            return Err(StoreError::Lease);
        }
        let least = policy.settings().attempt_life.saturating_add(timeout);
        if length <= least { Err(StoreError::ShortLease { least }) } else { Ok(Self(length)) }
    }

    /// Its length.
    pub fn length(self) -> Duration {
        self.0
    }
}
