//! The journal: what arrived, what became of it, and what was answered. This room has the record of one request; the
//! rooms below keep records, find them, check them against expectations, and write them down.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use serde::{Deserialize, Serialize};
use wechatpay_proto::wire::Fields;

use crate::arrival::{Certificate, CertificateFacts, Via};
use crate::clock::Time;
use crate::engine::Visit;
use crate::fault::Chosen;
use crate::outcome::{Commit, Effect, Outcome, RequestId};

mod curl;
mod dump;
mod expect;
mod filter;
mod follow;
mod json;
mod ring;
mod verify;
mod view;
mod weight;

pub use curl::CurlFiles;
pub use expect::Expected;
pub use filter::{CommitKind, Filter, FilterError};
pub use follow::{Follower, Heard};
pub(crate) use ring::Journal;
pub use ring::{JournalCounts, JournalLimits, JournalLimitsError};
pub use verify::{Count, Difference, Expectation, Matching, Mismatch, NearMiss};
pub use view::JournalView;

/// What was found of a request, in a word, whatever a fault made of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It was served.
    Ok,
    /// It is too large.
    Size,
    /// Nothing is served at its path.
    Path,
    /// It is no document.
    Xml,
    /// Its client certificate is not the right one.
    #[serde(rename = "cert")]
    Certificate,
    /// Its sign does not fit.
    Sign,
    /// It was refused for what it says or asks.
    Business,
}

impl Verdict {
    pub(crate) const ALL: [Self; 7] =
        [Self::Ok, Self::Size, Self::Path, Self::Xml, Self::Certificate, Self::Sign, Self::Business];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Size => "size",
            Self::Path => "path",
            Self::Xml => "xml",
            Self::Certificate => "cert",
            Self::Sign => "sign",
            Self::Business => "business",
        }
    }
}

/// One request, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// Its number.
    pub id: RequestId,
    /// When it arrived, by the mock's clock.
    pub at: Time,
    /// By which way.
    pub via: Via,
    /// From which address.
    pub peer: Option<IpAddr>,
    /// Its method.
    pub method: Method,
    /// What it asked for: path and query.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The merchant that it names.
    pub mch_id: Option<String>,
    /// The order that it names.
    pub mch_billno: Option<String>,
    /// The client certificate that came with it, as it was judged.
    pub certificate: Certificate,
    /// What that certificate says of itself.
    pub shown: Option<CertificateFacts>,
    /// What was found of it.
    pub verdict: Verdict,
    /// What more there is to say of that: of XML_ERROR which rule the body breaks and at which byte, of a path at which
    /// nothing is found what is played.
    pub diagnosis: Option<String>,
    /// Whether it was carried out.
    pub commit: Commit,
    /// The fault that shaped the answer, by its number and its name.
    pub fault: Option<(u64, &'static str)>,
    /// How long the peer waited.
    pub delay: Duration,
    /// What the peer got.
    pub effect: Effect,
    /// Whether its bodies were left out, both ways, since with them it would be larger than the whole journal may be.
    pub trimmed: bool,
}

impl Record {
    /// The path that it asked for, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    pub(crate) fn new(
        request: &Request<Bytes>,
        fields: &Fields<'_>,
        visit: &Visit<'_>,
        verdict: Verdict,
        outcome: &Outcome,
        chosen: Option<&Chosen>,
    ) -> Self {
        let text = |name| fields.get(name).map(str::to_owned);
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        Self {
            id: outcome.id,
            at: visit.now,
            via: visit.arrival.via,
            peer: visit.arrival.peer,
            method: request.method().clone(),
            target: target.to_owned(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            mch_id: text("mch_id"),
            mch_billno: text("mch_billno"),
            certificate: visit.arrival.certificate.clone(),
            shown: visit.arrival.shown.clone(),
            verdict,
            diagnosis: None,
            commit: outcome.commit,
            fault: chosen.map(Chosen::mark),
            delay: outcome.delay,
            effect: outcome.effect.clone(),
            trimmed: false,
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Records for the tests of the rooms below.

    use http::{HeaderValue, Response};

    use super::*;

    pub(crate) const SEND: &str = "/mmpaymkttransfers/sendredpack";

    /// A request that was served, with this number and these fields.
    pub(crate) fn record(id: u64, fields: &[(&str, &str)]) -> Record {
        let elements: String =
            fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
        let body = Bytes::from(format!("<xml>{elements}</xml>"));
        let field = |name| fields.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("text/xml"));
        let mch_id = field("mch_id");
        Record {
            id: RequestId(id),
            at: Time::parse("2026-01-01T09:00:00+08:00").unwrap(),
            via: Via::Tls,
            peer: None,
            method: Method::POST,
            target: SEND.to_owned(),
            headers,
            body,
            certificate: mch_id.clone().map_or(Certificate::None, Certificate::of),
            mch_id,
            mch_billno: field("mch_billno"),
            shown: None,
            verdict: Verdict::Ok,
            diagnosis: None,
            commit: Commit::Applied,
            fault: None,
            delay: Duration::ZERO,
            effect: Effect::Reply(Response::new(Bytes::from_static(
                b"<xml><return_code>SUCCESS</return_code><err_code>SUCCESS</err_code></xml>",
            ))),
            trimmed: false,
        }
    }
}
