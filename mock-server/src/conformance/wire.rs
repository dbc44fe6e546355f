//! The cases for transports that open sockets, put together and run.

use rustls::pki_types::CertificateDer;
use wechatpay_proto::transport::BlockingTransport;
use wechatpay_proto::wire::MAX_BODY;

use super::authority::{Authority, Failure};
use super::case::Case;
use super::report::{Findings, Report};
use super::run;
use super::script::{Door, ok};
use super::server::Server;
use super::setup::{ClientIdentity, Limits, Setup};
use super::{answers, ends, framing, handshake, identity, requests};

/// Longer than the suite waits: a limit that no case is to reach.
const LONG: std::time::Duration = std::time::Duration::from_secs(600);

/// The cases of [`wire`](super::wire), for a transport that does not do all there is.
///
/// ```no_run
/// # use wechatpay_mock_server::conformance::Setup;
/// # fn my_transport(_: &Setup) -> wechatpay_mock_server::InProcess {
/// #     wechatpay_mock_server::Mock::builder().build().merchant().create().unwrap().transport()
/// # }
/// use wechatpay_mock_server::conformance::Wire;
///
/// let report = Wire::new().without_addresses().skip("length-repeated").run(my_transport);
/// println!("{report}");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Wire {
    addresses: bool,
    keeps: bool,
    body_limit: usize,
    skipped: Vec<String>,
    only: Option<String>,
}

impl Default for Wire {
    fn default() -> Self {
        Self { addresses: true, keeps: true, body_limit: MAX_BODY, skipped: Vec::new(), only: None }
    }
}

impl Wire {
    /// All cases, with a body limit of 65,536 bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The transport cannot be told where a host is: [`Setup::addresses`] stays empty, and the cases that are about
    /// it are skipped.
    pub fn without_addresses(self) -> Self {
        Self { addresses: false, ..self }
    }

    /// The transport opens a connection for each call: two calls must then have two.
    pub fn without_reuse(self) -> Self {
        Self { keeps: false, ..self }
    }

    /// The most bytes of a body, for a transport whose limit cannot be chosen. At most 5,000,000.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes.min(5_000_000), ..self }
    }

    /// Leaves a case out: a deviation that is known and accepted. May be said more than once.
    pub fn skip(mut self, id: impl Into<String>) -> Self {
        self.skipped.push(id.into());
        self
    }

    /// Runs only the cases whose id starts with this, to look at them more closely.
    pub fn only(self, prefix: impl Into<String>) -> Self {
        Self { only: Some(prefix.into()), ..self }
    }

    /// Runs the cases, each with a transport of its own, and panics with everything that failed.
    ///
    /// # Panics
    ///
    /// Where a case fails, where [`skip`](Self::skip) or [`only`](Self::only) names no case, and where this machine
    /// does not let the suite listen on a loopback port.
    #[track_caller]
    pub fn run<T: BlockingTransport>(self, build: impl Fn(&Setup) -> T) -> Report {
        let world = match World::new(self.body_limit) {
            Ok(world) => world,
            Err(error) => panic!("the suite could not be prepared: {error}"),
        };
        let cases = match world.cases() {
            Ok(cases) => cases,
            Err(error) => panic!("the suite could not be prepared: {error}"),
        };
        self.check_names(&cases);
        let mut findings = Findings::default();
        for case in cases {
            match self.why_not(&case) {
                Some(why) => findings.skip(case.id, why),
                None => {
                    let problems = self.run_case(&case, &world, findings.so_far(), &build);
                    findings.ran(case.id, case.shows, problems);
                }
            }
        }
        findings.report()
    }

    /// So that no name outlives its case.
    #[track_caller]
    fn check_names(&self, cases: &[Case]) {
        for skipped in &self.skipped {
            assert!(cases.iter().any(|case| case.id == *skipped), "there is no case {skipped:?}");
        }
        if let Some(only) = &self.only {
            assert!(cases.iter().any(|case| case.id.starts_with(only)), "no case starts with {only:?}");
        }
    }

    fn why_not(&self, case: &Case) -> Option<&'static str> {
        if self.only.as_ref().is_some_and(|only| !case.id.starts_with(only)) {
            Some("it was not asked for")
        } else if self.skipped.iter().any(|skipped| case.id == *skipped) {
            Some("as it was asked for")
        } else if case.needs_addresses && !self.addresses {
            Some("the transport cannot be told where a host is")
        } else {
            None
        }
    }

    fn run_case<T: BlockingTransport>(
        &self,
        case: &Case,
        world: &World,
        so_far: String,
        build: &impl Fn(&Setup) -> T,
    ) -> Vec<String> {
        let mut setup = world.setup();
        (case.limits)(&mut setup.limits);
        if case.anonymous {
            setup.identity = None;
        }
        let mut case = case.clone();
        if !self.addresses {
            case.hosts.clear();
        }
        let mut problems = run::run(&case, setup, self.keeps, so_far, build);
        if world.elsewhere.take_connections() > 0 {
            problems.push("somebody went where a redirect pointed".to_owned());
        }
        problems
    }
}

/// What all cases of a run share.
struct World {
    authority: Authority,
    merchants: Authority,
    identity: ClientIdentity,
    certificate: CertificateDer<'static>,
    /// Where redirects point.
    elsewhere: Server,
    body_limit: usize,
}

impl World {
    fn new(body_limit: usize) -> Result<Self, Failure> {
        let merchants = Authority::new("an authority of merchants")?;
        let (identity, certificate) = merchants.client("1900000109")?;
        Ok(Self {
            authority: Authority::new("an authority of servers")?,
            merchants,
            identity,
            certificate,
            elsewhere: Server::start(Door::Plain, vec![vec![ok("from elsewhere")]])?,
            body_limit,
        })
    }

    fn setup(&self) -> Setup {
        Setup {
            ca_pem: self.authority.pem(),
            identity: Some(self.identity.clone()),
            limits: Limits { connect: LONG, tls: LONG, write: LONG, response: LONG, body: LONG, total: LONG },
            body_limit: self.body_limit,
            addresses: Vec::new(),
        }
    }

    fn cases(&self) -> Result<Vec<Case>, Failure> {
        let elsewhere = self.elsewhere.address().to_string();
        let cases = [
            requests::cases(),
            ends::cases(),
            framing::cases(),
            answers::cases(&elsewhere, self.body_limit),
            handshake::cases(&self.authority)?,
            identity::cases(&self.authority, &self.merchants, &self.certificate)?,
        ];
        Ok(cases.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_an_id_of_its_own_and_a_sentence() {
        let mut cases = World::new(MAX_BODY).unwrap().cases().unwrap();
        for case in &cases {
            let is_plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
            assert!(case.id.bytes().all(is_plain), "{}", case.id);
            assert!(case.shows.ends_with('.') && !case.calls.is_empty(), "{}", case.id);
        }
        let count = cases.len();
        cases.sort_by(|one, other| one.id.cmp(&other.id));
        cases.dedup_by(|one, other| one.id == other.id);
        assert_eq!(cases.len(), count);
    }
}
