//! Which of the two hosts the next call goes to, as a pure policy: what happened goes in, with the time; a host comes
//! out. It sends nothing, so it cannot send anything twice.
//!
//! The service has a primary host and a backup with the same orders, and asks merchants to move on where the primary
//! cannot be reached. The thresholds are those of the service's own Java SDK (its sample of `IWXPayDomain`): three
//! connections that timed out or three names that did not resolve move to the backup; after three minutes there the
//! primary gets another chance with a clean slate.
//!
//! **Between calls only.** A call that failed has failed; whether the order is sent again, with the same
//! `mch_billno`, is the caller's decision, and that next call goes where the policy says then.
//!
//! ```
//! use std::time::Duration;
//! use wechatpay_proto::failover::{Event, Failover, Route};
//!
//! let mut failover = Failover::default();
//! let mut now = Duration::ZERO; // since any moment, by a clock that does not jump
//! for _ in 0..3 {
//!     assert_eq!(failover.route(now), Route::Primary);
//!     failover.report(Route::Primary, Event::ConnectTimeout);
//!     now += Duration::from_secs(6);
//! }
//! assert_eq!(failover.route(now), Route::Backup);
//! assert_eq!(failover.base(Route::Backup).to_string(), "https://api2.mch.weixin.qq.com");
//! now += Duration::from_secs(180);
//! assert_eq!(failover.route(now), Route::Primary);
//! ```

use std::time::Duration;

use crate::transport::BaseUrl;

/// One of the two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `api.mch.weixin.qq.com`, where nothing else was set.
    Primary,
    /// `api2.mch.weixin.qq.com`, where nothing else was set.
    Backup,
}

/// How a call ended, as far as the host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A response came, whatever it says.
    Success,
    /// No connection within its time.
    ConnectTimeout,
    /// The name did not resolve.
    DnsFailure,
    /// Anything else went wrong. It weighs little: it may lie in this one call.
    Other,
}

/// When to leave a host, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// As many connections that timed out make a host bad. 3.
    pub connect_timeouts: u32,
    /// As many names that did not resolve make a host bad. 3.
    pub dns_failures: u32,
    /// As many successes in a row wipe out the errors before them. 3.
    pub successes: u32,
    /// How long the backup is used before the primary gets its next chance. 3 minutes.
    pub stay: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { connect_timeouts: 3, dns_failures: 3, successes: 3, stay: Duration::from_secs(180) }
    }
}

/// The two hosts and what is known of them. The default is production with the default [`Thresholds`].
#[derive(Clone, Debug)]
pub struct Failover {
    primary: Host,
    backup: Host,
    thresholds: Thresholds,
    /// When the primary was left.
    left_at: Option<Duration>,
}

impl Failover {
    /// Two hosts that serve the same orders.
    pub fn new(primary: BaseUrl, backup: BaseUrl, thresholds: Thresholds) -> Self {
        Self { primary: Host::new(primary), backup: Host::new(backup), thresholds, left_at: None }
    }

    /// Where the next call goes. `now` is the time since any fixed moment, by a clock that does not jump; a time
    /// before the last one counts as the same moment.
    pub fn route(&mut self, now: Duration) -> Route {
        if !self.primary.is_bad(&self.thresholds) {
            self.left_at = None;
            return Route::Primary;
        }
        let left_at = *self.left_at.get_or_insert(now);
        if now.saturating_sub(left_at) >= self.thresholds.stay {
            self.left_at = None;
            self.primary.forget();
            self.backup.forget();
            return Route::Primary;
        }
        match self.backup.is_bad(&self.thresholds) && self.backup.weight() >= self.primary.weight() {
            true => Route::Primary, // both are bad, and this one no worse
            false => Route::Backup,
        }
    }

    /// Tells how a call ended that went over `route`.
    pub fn report(&mut self, route: Route, event: Event) {
        let successes = self.thresholds.successes;
        match route {
            Route::Primary => self.primary.report(event, successes),
            Route::Backup => self.backup.report(event, successes),
        }
    }

    /// The host of a route.
    pub fn base(&self, route: Route) -> &BaseUrl {
        match route {
            Route::Primary => &self.primary.base,
            Route::Backup => &self.backup.base,
        }
    }
}

impl Default for Failover {
    fn default() -> Self {
        Self::new(BaseUrl::default(), BaseUrl::backup(), Thresholds::default())
    }
}

/// What is known of one host since its slate was last wiped.
#[derive(Clone, Debug)]
struct Host {
    base: BaseUrl,
    successes: u32,
    connect_timeouts: u32,
    dns_failures: u32,
    others: u32,
}

impl Host {
    fn new(base: BaseUrl) -> Self {
        Self { base, successes: 0, connect_timeouts: 0, dns_failures: 0, others: 0 }
    }

    fn report(&mut self, event: Event, enough_successes: u32) {
        let count = match event {
            Event::Success => {
                self.successes = self.successes.saturating_add(1);
                if self.successes >= enough_successes {
                    (self.connect_timeouts, self.dns_failures, self.others) = (0, 0, 0);
                }
                return;
            }
            Event::ConnectTimeout => {
                self.dns_failures = 0; // the name did resolve
                &mut self.connect_timeouts
            }
            Event::DnsFailure => &mut self.dns_failures,
            Event::Other => &mut self.others,
        };
        *count = count.saturating_add(1);
        self.successes = 0;
    }

    fn is_bad(&self, thresholds: &Thresholds) -> bool {
        self.connect_timeouts >= thresholds.connect_timeouts || self.dns_failures >= thresholds.dns_failures
    }

    /// To compare two bad hosts.
    fn weight(&self) -> u32 {
        self.connect_timeouts
            .saturating_add(self.dns_failures.saturating_mul(5))
            .saturating_add(self.others / 4)
    }

    fn forget(&mut self) {
        (self.successes, self.connect_timeouts, self.dns_failures, self.others) = (0, 0, 0, 0);
    }
}
