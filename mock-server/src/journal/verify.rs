//! Expectations: how many requests of what kind should have arrived, and, where that is not so, which came nearest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wechatpay_proto::wire;

use super::filter::Unmet;
use super::{Filter, Record};
use crate::outcome::RequestId;

mod count;

pub use count::Count;

/// The most requests that a mismatch names.
const NEAREST: usize = 3;

/// How many requests of what kind should have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Of what kind.
    #[serde(rename = "match", default)]
    pub matching: Matching,
    /// How many.
    pub count: Count,
}

/// What a request should be. Nothing at all matches every request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matching {
    /// Its path, or the last part of that, such as `sendredpack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The merchant that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mch_id: Option<String>,
    /// Fields of its document, as text.
    pub fields: BTreeMap<String, String>,
}

/// Not as many requests arrived as should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mismatch {
    /// How many did.
    pub matched: usize,
    /// How many should have.
    pub expected: Count,
    /// The newest of those that did, 3 at most.
    #[serde(serialize_with = "ids")]
    pub newest: Vec<RequestId>,
    /// The nearest of those that do not match, 3 at most.
    pub near: Vec<NearMiss>,
    /// How many older requests the journal does not have any more.
    pub dropped: u64,
}

/// A request that nearly matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NearMiss {
    /// Which.
    #[serde(rename = "request", serialize_with = "id")]
    pub id: RequestId,
    /// In what it differs.
    pub differences: Vec<Difference>,
}

/// One point in which a request is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// A field of the document, `path`, or another condition.
    pub field: String,
    /// What it should be.
    pub expected: String,
    /// What it is; none where it is not there.
    pub got: Option<String>,
}

/// What is looked at: records, the newest first, and how many of those that are meant were dropped.
pub(crate) struct Evidence {
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) dropped: u64,
}

impl Expectation {
    /// Whether as many requests match as should; how many do.
    pub(crate) fn check(&self, evidence: &Evidence) -> Result<usize, Mismatch> {
        let Matching { path, mch_id, fields } = &self.matching;
        let filter = Filter { path: path.clone(), mch_id: mch_id.clone(), ..Filter::default() };
        let differences = |record: &Record| {
            let mut found: Vec<_> = filter.unmet(record).map(Difference::from).collect();
            found.extend(differing(fields, record));
            found
        };
        let sorted = Sorted::new(evidence, differences);
        let matched = sorted.matched.len();
        if self.count.admits(matched) {
            Ok(matched)
        } else {
            Err(sorted.mismatch(self.count, evidence.dropped))
        }
    }
}

/// Requests sorted by an expectation, the newest first.
struct Sorted<'a> {
    matched: Vec<&'a Arc<Record>>,
    missed: Vec<NearMiss>,
}

impl<'a> Sorted<'a> {
    fn new(evidence: &'a Evidence, differences: impl Fn(&Record) -> Vec<Difference>) -> Self {
        let (mut matched, mut missed) = (Vec::new(), Vec::new());
        for record in &evidence.records {
            match differences(record) {
                none if none.is_empty() => matched.push(record),
                differences => missed.push(NearMiss { id: record.id, differences }),
            }
        }
        Self { matched, missed }
    }

    fn mismatch(self, expected: Count, dropped: u64) -> Mismatch {
        let Self { matched, missed: mut near } = self;
        // The sort keeps the newest first among equals.
        near.sort_by_key(|miss| miss.differences.len());
        near.truncate(NEAREST);
        let newest = matched.iter().take(NEAREST).map(|record| record.id).collect();
        Mismatch { matched: matched.len(), expected, newest, near, dropped }
    }
}

/// The only record that differs in nothing.
pub(super) fn judge_one(
    evidence: &Evidence,
    differences: impl Fn(&Record) -> Vec<Difference>,
) -> Result<Arc<Record>, Mismatch> {
    let sorted = Sorted::new(evidence, differences);
    match *sorted.matched {
        [one] => Ok(Arc::clone(one)),
        _ => Err(sorted.mismatch(Count::from(1), evidence.dropped)),
    }
}

/// The fields of a record that are not as they should be. What is no document has none.
fn differing(expected: &BTreeMap<String, String>, record: &Record) -> Vec<Difference> {
    if expected.is_empty() {
        return Vec::new();
    }
    let document = wire::parse(&record.body, &[]).ok();
    let got = |name: &str| {
        let mut fields = document.iter().flat_map(|document| document.untrusted().iter());
        fields.find(|(own, _)| *own == name).map(|(_, value)| value)
    };
    let differing = expected.iter().filter(|(name, expected)| got(name) != Some(expected));
    let difference = |(name, expected): (&String, &String)| Difference {
        field: name.clone(),
        expected: expected.clone(),
        got: got(name).map(str::to_owned),
    };
    differing.map(difference).collect()
}

impl From<Unmet<'_>> for Difference {
    fn from(unmet: Unmet<'_>) -> Self {
        Self {
            field: unmet.field.to_owned(),
            expected: unmet.expected.to_owned(),
            got: unmet.got.map(Cow::into_owned),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} should have matched, {} did", self.expected, self.matched)?;
        for id in &self.newest {
            write!(f, "\n  {id} matched")?;
        }
        for NearMiss { id, differences } in &self.near {
            write!(f, "\n  {id} did not:")?;
            for (place, difference) in differences.iter().enumerate() {
                write!(f, "{} {difference}", if place == 0 { "" } else { "," })?;
            }
        }
        match self.dropped {
            0 => Ok(()),
            dropped => write!(f, "\n  not in the journal any more: {dropped}"),
        }
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, expected, got } = self;
        match got {
            Some(got) => write!(f, "{field} is {:?}, not {:?}", short(got), short(expected)),
            None => write!(f, "{field} is missing, not {:?}", short(expected)),
        }
    }
}

/// The beginning of a text, as far as it fits on a line.
fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some(_) => text.chars().take(60).chain(['…']).collect(),
        None => Cow::Borrowed(text),
    }
}

fn id<S: serde::Serializer>(id: &RequestId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn ids<S: serde::Serializer>(ids: &[RequestId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(RequestId::to_string))
}

#[cfg(test)]
mod tests {
    use super::super::samples::record;
    use super::*;

    fn evidence(records: impl IntoIterator<Item = Record>) -> Evidence {
        Evidence { records: records.into_iter().map(Arc::new).collect(), dropped: 0 }
    }

    fn expectation(json: &str) -> Expectation {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_expectation_is_read_and_checked() {
        let one = record(1, &[("mch_id", "10000098"), ("total_amount", "1000"), ("scene_id", "")]);
        let evidence = evidence([record(2, &[("mch_id", "10000099")]), one]);
        let check = |json| expectation(json).check(&evidence);
        let full = r#"{"match":{"path":"sendredpack","mch_id":"10000098",
            "fields":{"total_amount":"1000","scene_id":""}},"count":{"exactly":1}}"#;
        assert_eq!(check(full), Ok(1));
        assert_eq!(check(r#"{"count":{"at_least":2}}"#), Ok(2));
        assert_eq!(check(r#"{"match":{"path":"gethbinfo"},"count":{"at_most":0}}"#), Ok(0));
        assert_eq!(expectation(&serde_json::to_string(&expectation(full)).unwrap()), expectation(full));
        for wrong in [r#"{"match":{}}"#, r#"{"match":{"paths":"a"},"count":{"exactly":1}}"#, r#"{"count":1}"#]
        {
            assert!(serde_json::from_str::<Expectation>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mismatch_names_the_nearest_and_says_in_what_they_differ() {
        let near = record(4, &[("mch_id", "1"), ("total_amount", "1000")]);
        let nearer = record(2, &[("mch_id", "1"), ("total_amount", "2000"), ("remark", "x")]);
        let as_near = record(3, &[("mch_id", "1"), ("total_amount", "1000"), ("remark", &"号".repeat(70))]);
        let mut no_document = record(5, &[]);
        no_document.body = "<xml>".into();
        let expected = expectation(
            r#"{"match":{"mch_id":"1","fields":{"total_amount":"1000","remark":"y"}},"count":{"exactly":1}}"#,
        );
        let evidence = Evidence { dropped: 7, ..evidence([no_document, near, as_near, nearer]) };
        let mismatch = expected.check(&evidence).unwrap_err();
        let text = format!(
            "exactly 1 request should have matched, 0 did\n  \
             req_000004 did not: remark is missing, not \"y\"\n  \
             req_000003 did not: remark is \"{}…\", not \"y\"\n  \
             req_000002 did not: remark is \"x\", not \"y\", total_amount is \"2000\", not \"1000\"\n  \
             not in the journal any more: 7",
            "号".repeat(60)
        );
        assert_eq!(mismatch.to_string(), text);
        let json = serde_json::to_value(&mismatch).unwrap();
        assert_eq!(json["expected"], serde_json::json!({"exactly": 1}));
        let first = serde_json::json!({"request": "req_000004",
            "differences": [{"field": "remark", "expected": "y", "got": null}]});
        assert_eq!(json["near"][0], first);
    }

    #[test]
    fn too_many_are_named_too() {
        let evidence = evidence([5, 4, 3, 2].map(|id| record(id, &[])));
        let mismatch = expectation(r#"{"count":{"at_most":1}}"#).check(&evidence).unwrap_err();
        assert_eq!(
            mismatch.to_string(),
            "at most 1 request should have matched, 4 did\n  \
             req_000005 matched\n  req_000004 matched\n  req_000003 matched"
        );
        let json = serde_json::to_value(&mismatch).unwrap();
        assert_eq!(json["newest"], serde_json::json!(["req_000005", "req_000004", "req_000003"]));
    }
}
