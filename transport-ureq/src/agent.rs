//! What ureq is asked for, and what it is told to leave alone.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use ureq::Agent;
use ureq::config::{AutoHeaderValue, Config};
use wechatpay_transport::{HEAD_LIMIT, Lane, Prepared, Step, has_one_end};

use crate::connect::{Connect, Later};
use crate::progress;

const USER_AGENT: &str = concat!("wechatpay-transport-ureq/", env!("CARGO_PKG_VERSION"));
/// The service has half as many hosts. ureq wants a limit for all of them together too.
const HOSTS: usize = 8;
/// Room for more than the longest head, so that a longer one is noticed.
const INPUT_BUFFER: usize = HEAD_LIMIT + 16 * 1024;
/// One record of TLS. A header of a request that is longer is refused before anything is sent.
const OUTPUT_BUFFER: usize = 16 * 1024;

/// One agent, and so one pool of connections, for each lane.
pub(crate) struct Agents {
    loopback: Agent,
    anonymous: Agent,
    merchant: Agent,
}

impl Agents {
    pub(crate) fn new(prepared: &Arc<Prepared>) -> Self {
        let agent = |lane| {
            let connect = Connect { prepared: Arc::clone(prepared), lane };
            Agent::with_parts(config(prepared, lane), connect, Later)
        };
        Self {
            loopback: agent(Lane::Loopback),
            anonymous: agent(Lane::Anonymous),
            merchant: agent(Lane::Merchant),
        }
    }

    pub(crate) fn of(&self, lane: Lane) -> &Agent {
        match lane {
            Lane::Loopback => &self.loopback,
            Lane::Anonymous => &self.anonymous,
            Lane::Merchant => &self.merchant,
        }
    }

    /// Closes what is idle. What is in use does not exist when this is called.
    pub(crate) fn close(&self) {
        for agent in [&self.loopback, &self.anonymous, &self.merchant] {
            agent.clone().shutdown();
        }
    }
}

fn config(prepared: &Prepared, lane: Lane) -> Config {
    Agent::config_builder()
        .https_only(lane != Lane::Loopback)
        .proxy(None) // otherwise ureq asks the environment; ours is the connector's business
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(USER_AGENT)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .max_response_header_size(HEAD_LIMIT)
        .input_buffer_size(INPUT_BUFFER)
        .output_buffer_size(OUTPUT_BUFFER)
        .max_idle_connections(prepared.idle_connections().saturating_mul(HOSTS))
        .max_idle_connections_per_host(prepared.idle_connections())
        .max_idle_age(prepared.idle_time())
        .build()
}

/// Sends the request and reads the response, up to one byte more than `limit`.
pub(crate) fn exchange(
    agent: &Agent,
    request: http::Request<Bytes>,
    limit: usize,
) -> Result<http::Response<Bytes>, ureq::Error> {
    let (parts, body) = request.into_parts();
    let response = match body.is_empty() && !has_body(&parts.method) {
        true => agent.run(http::Request::from_parts(parts, ()))?,
        false => agent.run(http::Request::from_parts(parts, body.as_ref()))?,
    };
    progress::enter(Step::Body);
    let (parts, body) = response.into_parts();
    if !has_one_end(&parts.headers) {
        progress::unclear();
    }
    let mut bytes = Vec::new();
    // The limit counts what arrives in memory, not what a header promises.
    body.into_reader().take(limit.saturating_add(1) as u64).read_to_end(&mut bytes)?;
    Ok(http::Response::from_parts(parts, bytes.into()))
}

/// Whether a request without a body says so.
fn has_body(method: &http::Method) -> bool {
    matches!(*method, http::Method::POST | http::Method::PUT | http::Method::PATCH)
}
