//! The journal: what arrived, what became of it, and what was answered. The oldest entries go when it is full.

use std::collections::VecDeque;
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

/// What was found of a request, in a word.
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
    /// Whether it was carried out.
    pub commit: Commit,
    /// The fault that shaped the answer, by its number and its name.
    pub fault: Option<(u64, &'static str)>,
    /// How long the peer waited.
    pub delay: Duration,
    /// What the peer got.
    pub effect: Effect,
}

impl Record {
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
            commit: outcome.commit,
            fault: chosen.map(Chosen::mark),
            delay: outcome.delay,
            effect: outcome.effect.clone(),
        }
    }
}

/// The last requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    records: VecDeque<Record>,
}

impl Journal {
    /// Notes a request.
    pub(crate) fn push(&mut self, record: Record) {
        self.records.push_back(record);
    }

    /// Forgets the requests of a merchant, or all.
    pub(crate) fn forget(&mut self, mch_id: Option<&str>) {
        self.records.retain(|record| mch_id.is_some() && record.mch_id.as_deref() != mch_id);
    }

    /// Notes what became of a request that was still on its way.
    pub(crate) fn decided(&mut self, id: RequestId, commit: Commit) {
        let found = self.records.iter_mut().rev().find(|record| record.id == id);
        if let Some(record) = found {
            record.commit = commit;
        }
    }
}
