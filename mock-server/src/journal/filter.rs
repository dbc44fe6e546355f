//! Which requests of the journal are meant: conditions that must all hold.

use std::borrow::Cow;

use super::{Record, Verdict};
use crate::outcome::Commit;

/// Which requests are meant: all conditions must hold, and there need be none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// The merchant that it names.
    pub mch_id: Option<String>,
    /// The order that it names.
    pub mch_billno: Option<String>,
    /// The path, without a query; or its last part, such as `sendredpack`.
    pub path: Option<String>,
    /// What was found of it.
    pub verdict: Option<Verdict>,
    /// Whether it was carried out.
    pub commit: Option<CommitKind>,
    /// Whether it met a fault.
    pub faulty: bool,
    /// The number, or the name, of the fault that it met.
    pub fault: Option<String>,
    /// Only what has a higher number.
    pub since_seq: Option<u64>,
    /// No more than so many, the newest.
    pub limit: Option<usize>,
}

/// Whether a request was carried out, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitKind {
    /// It was.
    Applied,
    /// It was not.
    NotApplied,
    /// It is still to be decided.
    Later,
}

/// What is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// There is no such condition.
    #[error("{name:?} is no condition: there are {}", NAMES.join(", "))]
    Unknown {
        /// What was given.
        name: String,
    },
    /// A condition was given twice.
    #[error("{name} was given twice: give it once")]
    Twice {
        /// Which.
        name: &'static str,
    },
    /// A condition cannot be that.
    #[error("{name} cannot be {given:?}: give {wanted}")]
    Value {
        /// Which.
        name: &'static str,
        /// What was given.
        given: String,
        /// What would be right.
        wanted: &'static str,
    },
}

const NAMES: [&str; 8] = ["mch_id", "mch_billno", "path", "verdict", "commit", "fault", "since_seq", "limit"];

impl CommitKind {
    /// `applied`, `not_applied` or `later`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied => "not_applied",
            Self::Later => "later",
        }
    }
}

impl From<Commit> for CommitKind {
    fn from(commit: Commit) -> Self {
        match commit {
            Commit::Applied => Self::Applied,
            Commit::NotApplied => Self::NotApplied,
            Commit::Later(_) => Self::Later,
        }
    }
}

/// A condition that a record does not meet.
pub(super) struct Unmet<'a> {
    pub(super) field: &'static str,
    pub(super) expected: &'a str,
    pub(super) got: Option<Cow<'a, str>>,
}

impl Filter {
    /// Those that name this merchant.
    #[must_use]
    pub fn merchant(self, mch_id: impl Into<String>) -> Self {
        Self { mch_id: Some(mch_id.into()), ..self }
    }

    /// Those that name this order.
    #[must_use]
    pub fn order(self, mch_billno: impl Into<String>) -> Self {
        Self { mch_billno: Some(mch_billno.into()), ..self }
    }

    /// Those to this path, or to one with this last part, such as `sendredpack`.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Those of which this was found.
    #[must_use]
    pub fn verdict(self, verdict: Verdict) -> Self {
        Self { verdict: Some(verdict), ..self }
    }

    /// Those that were carried out, were not, or are to be.
    #[must_use]
    pub fn commit(self, commit: CommitKind) -> Self {
        Self { commit: Some(commit), ..self }
    }

    /// Those that met a fault.
    #[must_use]
    pub fn faulty(self) -> Self {
        Self { faulty: true, ..self }
    }

    /// Those that met the fault with this number or name.
    #[must_use]
    pub fn fault(self, fault: impl Into<String>) -> Self {
        Self { fault: Some(fault.into()), ..self }
    }

    /// Those with a higher number than this.
    #[must_use]
    pub fn since_seq(self, seq: u64) -> Self {
        Self { since_seq: Some(seq), ..self }
    }

    /// The newest, no more than so many.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Reads the pairs of a query string, decoded: `mch_id`, `mch_billno`, `path`, `verdict` (`ok`, `size`, `path`,
    /// `xml`, `cert`, `sign`, `business`, or `fault` for those that met one), `commit` (`applied`, `not_applied`,
    /// `later`), `fault` (a number or a name), `since_seq` and `limit`. Each once.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        let mut given = Vec::new();
        for (name, value) in pairs {
            let name = name.as_ref();
            let known = NAMES.into_iter().find(|known| *known == name);
            let name = known.ok_or_else(|| FilterError::Unknown { name: name.to_owned() })?;
            if given.contains(&name) {
                return Err(FilterError::Twice { name });
            }
            given.push(name);
            filter.set(name, value.as_ref())?;
        }
        Ok(filter)
    }

    /// Sets one of the known conditions.
    fn set(&mut self, name: &'static str, value: &str) -> Result<(), FilterError> {
        let wrong = |wanted| FilterError::Value { name, given: value.to_owned(), wanted };
        let text =
            || Some(value.to_owned()).filter(|text| !text.is_empty()).ok_or_else(|| wrong("some text"));
        match name {
            "mch_id" => self.mch_id = Some(text()?),
            "mch_billno" => self.mch_billno = Some(text()?),
            "path" => self.path = Some(text()?),
            "fault" => self.fault = Some(text()?),
            "verdict" if value == "fault" => self.faulty = true,
            "verdict" => {
                let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.name() == value);
                let wanted = "ok, size, path, xml, cert, sign, business or fault";
                self.verdict = Some(verdict.ok_or_else(|| wrong(wanted))?);
            }
            "commit" => {
                let kinds = [CommitKind::Applied, CommitKind::NotApplied, CommitKind::Later];
                let kind = kinds.into_iter().find(|kind| kind.name() == value);
                self.commit = Some(kind.ok_or_else(|| wrong("applied, not_applied or later"))?);
            }
            "since_seq" => {
                let seq = number(value).ok_or_else(|| wrong("the number of a request, such as 12"))?;
                self.since_seq = Some(seq);
            }
            _ => {
                let limit = number(value).and_then(|limit| usize::try_from(limit).ok());
                let limit = limit.filter(|limit| *limit > 0);
                self.limit = Some(limit.ok_or_else(|| wrong("a number, 1 or more"))?);
            }
        }
        Ok(())
    }

    /// Whether a record meets every condition. The limit is none.
    pub fn matches(&self, record: &Record) -> bool {
        self.reaches(record) && self.unmet(record).next().is_none()
    }

    /// Whether a record is new enough to be looked at.
    pub(super) fn reaches(&self, record: &Record) -> bool {
        self.since_seq.is_none_or(|seq| record.id.0 > seq)
    }

    /// The conditions that a record does not meet, its number aside.
    pub(super) fn unmet<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = Unmet<'a>> {
        let text = |field, wanted: &'a Option<String>, got: Option<&'a str>| {
            let expected = wanted.as_deref().filter(|wanted| Some(*wanted) != got)?;
            Some(Unmet { field, expected, got: got.map(Cow::Borrowed) })
        };
        let word = |field, wanted: Option<&'static str>, got: &'static str| {
            let expected = wanted.filter(|wanted| *wanted != got)?;
            Some(Unmet { field, expected, got: Some(Cow::Borrowed(got)) })
        };
        let path = self.path.as_deref().filter(|wanted| !is_path(wanted, record.path()));
        let path = path.map(|expected| Unmet { field: "path", expected, got: Some(record.path().into()) });
        let faulty = self.faulty && record.fault.is_none();
        let conditions = [
            path,
            text("mch_id", &self.mch_id, record.mch_id.as_deref()),
            text("mch_billno", &self.mch_billno, record.mch_billno.as_deref()),
            word("verdict", self.verdict.map(Verdict::name), record.verdict.name()),
            word("commit", self.commit.map(CommitKind::name), CommitKind::from(record.commit).name()),
            faulty.then_some(Unmet { field: "fault", expected: "any", got: None }),
            self.fault.as_deref().and_then(|wanted| fault(wanted, record)),
        ];
        conditions.into_iter().flatten()
    }
}

/// Whether a path is the one that is wanted, or has it as its last part.
fn is_path(wanted: &str, path: &str) -> bool {
    if wanted.contains('/') {
        return wanted.trim_start_matches('/') == path.trim_start_matches('/');
    }
    path.rsplit('/').next() == Some(wanted)
}

fn fault<'a>(wanted: &'a str, record: &'a Record) -> Option<Unmet<'a>> {
    let met = record.fault.is_some_and(|(id, name)| name == wanted || number(wanted) == Some(id));
    let got = record.fault.map(|(id, name)| Cow::Owned(format!("{id} {name}")));
    (!met).then_some(Unmet { field: "fault", expected: wanted, got })
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{SEND, record};
    use super::*;
    use crate::outcome::RequestId;

    #[test]
    fn every_condition_tells_its_records_from_others() {
        let at = record(1, &[]).at;
        let mut one = record(7, &[("mch_id", "10000098"), ("mch_billno", "1")]);
        one.target = format!("{SEND}?a=b");
        one.fault = Some((3, "reply_lost"));
        let mut other = record(6, &[("mch_id", "10000099"), ("mch_billno", "2")]);
        other.target = "/mmpaymkttransfers/gethbinfo".to_owned();
        other.verdict = Verdict::Sign;
        other.commit = Commit::Later(at);
        for filter in [
            Filter::default().merchant("10000098"),
            Filter::default().order("1"),
            Filter::default().path("sendredpack"),
            Filter::default().path(SEND),
            Filter::default().path("mmpaymkttransfers/sendredpack"),
            Filter::default().verdict(Verdict::Ok),
            Filter::default().commit(CommitKind::Applied),
            Filter::default().faulty(),
            Filter::default().fault("3"),
            Filter::default().fault("reply_lost"),
            Filter::default().since_seq(6),
        ] {
            assert!(filter.matches(&one), "{filter:?}");
            assert!(!filter.matches(&other), "{filter:?}");
            assert!(!filter.clone().order("3").matches(&one), "{filter:?}");
        }
        assert!(Filter::default().commit(CommitKind::Later).verdict(Verdict::Sign).matches(&other));
        for path in ["redpack", "/sendredpack", "sendredpack?a=b", ""] {
            assert!(!Filter::default().path(path).matches(&one), "{path}");
        }
        assert!(!Filter::default().fault("request_lost").matches(&one));
        assert_eq!(one.id, RequestId(7));
    }

    #[test]
    fn a_query_string_is_read() {
        let filter = Filter::from_pairs([
            ("mch_id", "1"),
            ("mch_billno", "2"),
            ("path", "gethbinfo"),
            ("verdict", "cert"),
            ("commit", "not_applied"),
            ("fault", "reply_lost"),
            ("since_seq", "12"),
            ("limit", "50"),
        ]);
        let expected = Filter::default()
            .merchant("1")
            .order("2")
            .path("gethbinfo")
            .verdict(Verdict::Certificate)
            .commit(CommitKind::NotApplied)
            .fault("reply_lost")
            .since_seq(12)
            .limit(50);
        assert_eq!(filter.unwrap(), expected);
        assert_eq!(Filter::from_pairs([("verdict", "fault")]).unwrap(), Filter::default().faulty());
        assert_eq!(Filter::from_pairs([("", ""); 0]).unwrap(), Filter::default());
        for verdict in Verdict::ALL {
            let filter = Filter::from_pairs([("verdict", verdict.name())]).unwrap();
            assert_eq!(filter, Filter::default().verdict(verdict));
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_what_would_be_right() {
        let refused =
            |pairs: &[(&str, &str)]| Filter::from_pairs(pairs.iter().copied()).unwrap_err().to_string();
        let unknown = refused(&[("merchant", "1")]);
        assert!(
            unknown.starts_with("\"merchant\" is no condition: there are mch_id, mch_billno,"),
            "{unknown}"
        );
        assert_eq!(refused(&[("path", "a"), ("path", "b")]), "path was given twice: give it once");
        assert_eq!(refused(&[("mch_id", "")]), "mch_id cannot be \"\": give some text");
        assert_eq!(
            refused(&[("verdict", "OK")]),
            "verdict cannot be \"OK\": give ok, size, path, xml, cert, sign, business or fault"
        );
        assert!(refused(&[("commit", "yes")]).ends_with("give applied, not_applied or later"));
        for wrong in ["", "-1", "+1", "x", "99999999999999999999"] {
            assert!(refused(&[("since_seq", wrong)]).contains("such as 12"), "{wrong}");
            assert!(refused(&[("limit", wrong)]).ends_with("1 or more"), "{wrong}");
        }
        assert!(refused(&[("limit", "0")]).ends_with("1 or more"));
    }
}
