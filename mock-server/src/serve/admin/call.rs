//! A row of the table of calls. What it says is what the OpenAPI document tells of the call, and what a request is
//! held against before the call is made.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Admin, Refused};

/// One call of the API.
pub(super) struct Call {
    pub(super) method: Method,
    /// Below the prefix, with `{…}` for the parts that vary.
    pub(super) path: &'static str,
    /// What it does, in a sentence.
    pub(super) summary: &'static str,
    /// What may stand in the query.
    pub(super) query: &'static [Field],
    pub(super) body: Body,
    /// The status of a success.
    pub(super) status: StatusCode,
    pub(super) answer: Answer,
    pub(super) run: fn(&Admin, &Asked<'_>) -> Result<Reply, Refused>,
}

/// What a call takes.
pub(super) enum Body {
    /// Nothing.
    None,
    /// An object with these fields, such as this one, or nothing.
    Optional(&'static [Field], &'static str),
    /// An object with these fields, such as this one.
    Required(&'static [Field], &'static str),
}

/// What a success holds.
pub(super) enum Answer {
    /// An object with these fields.
    Json(&'static [Field]),
    /// Something else, of this type.
    File(&'static str),
}

impl Answer {
    pub(super) fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::File(content_type) => content_type,
        }
    }
}

/// A name with what it stands for.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether it must be given, or is there always.
    pub(super) required: bool,
    pub(super) nullable: bool,
    pub(super) meaning: &'static str,
}

/// What a value is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An integer, 0 or more.
    Number,
    /// This integer.
    Exactly(u64),
    Fraction,
    Flag,
    /// An object with these fields.
    Object(&'static [Field]),
    /// An object with any names.
    Map(&'static Kind),
    List(&'static Kind),
    /// What the meaning says.
    Any,
}

pub(super) const fn must(name: &'static str, kind: Kind, meaning: &'static str) -> Field {
    Field { name, kind, required: true, nullable: false, meaning }
}

pub(super) const fn may(name: &'static str, kind: Kind, meaning: &'static str) -> Field {
    Field { required: false, ..must(name, kind, meaning) }
}

impl Field {
    pub(super) const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// What was asked.
pub(super) struct Asked<'a> {
    /// The parts of the path that vary, in order.
    pub(super) parts: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: &'a [u8],
}

/// What a call answers.
pub(super) enum Reply {
    Json(Value),
    File(Vec<u8>),
    /// What is asked for is not there yet: wait for more requests, then ask again.
    Later {
        seen: u64,
        left: Duration,
    },
}

impl Call {
    /// Whether the request is what the row says.
    pub(super) fn check(&self, asked: &Asked<'_>) -> Result<(), Refused> {
        for (index, (name, _)) in asked.query.iter().enumerate() {
            if !self.query.iter().any(|known| known.name == name) {
                return Err(Refused::unknown_name(name, "the query", self.query));
            }
            if asked.query.iter().take(index).any(|(before, _)| before == name) {
                return Err(Refused::bad(format!("{name} is given twice")));
            }
        }
        let given = !asked.body.trim_ascii().is_empty();
        match self.body {
            Body::None if given && asked.json()? != serde_json::json!({}) => {
                Err(Refused::bad("this call takes no body".to_owned()))
            }
            Body::Required(fields, example) if !given => {
                let names = names(fields);
                Err(Refused::bad(format!("the body is missing; it holds {names}, such as {example}")))
            }
            Body::Optional(fields, _) | Body::Required(fields, _) if given => {
                check_fields("the body", "", fields, &asked.json()?)
            }
            _ => Ok(()),
        }
    }
}

impl Asked<'_> {
    pub(super) fn part(&self, index: usize) -> &str {
        self.parts.get(index).map_or("", String::as_str)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Result<Value, Refused> {
        serde_json::from_slice(self.body)
            .map_err(|error| Refused::bad(format!("the body is no JSON: {error}")))
    }

    /// The body, which was held against its row; nothing at all is `{}`.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let body = if self.body.trim_ascii().is_empty() { b"{}" } else { self.body };
        serde_json::from_slice(body).map_err(|error| Refused::bad(located::<T>(body, &error)))
    }
}

/// The error, behind the name of the field without which it is another, unless it names one itself.
fn located<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return error.to_string() };
    let trouble =
        |fields| serde_json::from_value::<T>(Value::Object(fields)).err().map(|error| error.to_string());
    let Some(whole) = trouble(fields.clone()) else { return error.to_string() };
    if whole.starts_with("missing field") || whole.starts_with("unknown field") {
        return whole;
    }
    let is_guilty = |name: &&String| {
        let mut rest = fields.clone();
        rest.remove(*name);
        trouble(rest).as_ref() != Some(&whole)
    };
    match fields.keys().find(is_guilty) {
        Some(name) => format!("{name}: {whole}"),
        None => whole,
    }
}

/// `what` is the object for people, `within` what its names are preceded by. Names that are not known come last, so
/// that a version that is not known is told of before all that is new in it.
fn check_fields(what: &str, within: &str, fields: &[Field], given: &Value) -> Result<(), Refused> {
    let Value::Object(given) = given else {
        return Err(Refused::bad(format!("{what} is an object; given was {}", kind_of(given))));
    };
    for field in fields {
        let place = format!("{within}{}", field.name);
        match given.get(field.name) {
            None if field.required => {
                return Err(Refused::bad(format!("{place} is missing: {}", field.meaning)));
            }
            None => {}
            Some(Value::Null) if field.nullable => {}
            Some(value) => field.kind.check(&place, value)?,
        }
    }
    match given.keys().find(|name| !fields.iter().any(|field| field.name == **name)) {
        Some(unknown) => Err(Refused::unknown_name(unknown, what, fields)),
        None => Ok(()),
    }
}

impl Kind {
    fn check(&self, place: &str, value: &Value) -> Result<(), Refused> {
        let fits = match (self, value) {
            (Self::Object(fields), _) => return check_fields(place, &format!("{place}."), fields, value),
            (Self::Map(kind), Value::Object(values)) => {
                return values
                    .iter()
                    .try_for_each(|(name, value)| kind.check(&format!("{place}.{name}"), value));
            }
            (Self::List(kind), Value::Array(items)) => {
                let mut items = items.iter().enumerate();
                return items.try_for_each(|(index, item)| kind.check(&format!("{place}[{index}]"), item));
            }
            (Self::OneOf(words), Value::String(word)) => words.contains(&word.as_str()),
            (Self::Exactly(number), _) => value.as_u64() == Some(*number),
            (Self::Number, _) => value.is_u64(),
            (Self::Text, Value::String(_))
            | (Self::Fraction, Value::Number(_))
            | (Self::Flag, Value::Bool(_))
            | (Self::Any, _) => true,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(Refused::bad(format!("{place} is {}; given was {}", self.describe(), kind_of(value))))
    }

    fn describe(&self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Number => "an integer, 0 or more".to_owned(),
            Self::Exactly(number) => number.to_string(),
            Self::Fraction => "a number".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Object(_) | Self::Map(_) => "an object".to_owned(),
            Self::List(_) => "an array".to_owned(),
            Self::Any => "anything".to_owned(),
        }
    }
}

/// What a value is, without what is in it: that may be a key.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "another number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

pub(super) fn names(fields: &[Field]) -> String {
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::mock::Mock;

    /// What the call itself, without its row, says of a body with an unknown name.
    fn known_to(call: &Call, body: &Value) -> BTreeSet<String> {
        let admin = Admin::without_kit(Mock::builder().build());
        let asked = Asked {
            parts: vec!["1".to_owned(), "1".to_owned()],
            query: Vec::new(),
            body: body.to_string().leak().as_bytes(),
        };
        let refused =
            (call.run)(&admin, &asked).err().map(|refused| format!("{refused:?}")).unwrap_or_default();
        let (_, known) = refused.split_once("unknown field `zzz`, expected ").unwrap_or_else(|| {
            panic!("{} {} of {body}: {refused}", call.method, call.path);
        });
        let (known, _) = known.split_once(" at line").unwrap_or((known, ""));
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// Holds the names of a row against those that the call reads, `within` being what stands around them.
    fn compare(call: &Call, fields: &[Field], within: &dyn Fn(Value) -> Value) {
        let named: BTreeSet<_> = fields.iter().map(|field| field.name.to_owned()).collect();
        assert_eq!(known_to(call, &within(json!({"zzz": 1}))), named, "{} {}", call.method, call.path);
        for field in fields {
            let (fields, listed) = match field.kind {
                Kind::Object(fields) => (fields, false),
                Kind::List(Kind::Object(fields)) => (*fields, true),
                _ => continue,
            };
            let inner = |value| if listed { json!([value]) } else { value };
            compare(call, fields, &|value| within(json!({field.name: inner(value)})));
        }
    }

    #[test]
    fn a_row_names_the_fields_that_its_call_reads_and_no_others() {
        let mut compared = 0;
        for call in super::super::calls() {
            let (Body::Optional(fields, _) | Body::Required(fields, _)) = call.body else { continue };
            compare(call, fields, &|mut value| {
                // Which schema a state has is looked at before everything else.
                if call.path == "/state" {
                    value["version"] = json!(1);
                }
                value
            });
            compared += 1;
        }
        assert!(compared > 15, "{compared}");
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named_with_its_field() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Read {
            a: u8,
            b: std::net::IpAddr,
        }
        let said = |body: &str| {
            let error = serde_json::from_str::<Read>(body).unwrap_err();
            located::<Read>(body.as_bytes(), &error)
        };
        assert_eq!(said(r#"{"a":1,"b":"here"}"#), "b: invalid IP address syntax");
        assert_eq!(said(r#"{"a":1}"#), "missing field `b`");
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place_and_without_its_content() {
        const INNER: &[Field] =
            &[must("at", Kind::Text, "when"), may("kind", Kind::OneOf(&["a", "b"]), "what").or_null()];
        const FIELDS: &[Field] = &[
            must("version", Kind::Exactly(1), "of the schema"),
            may("count", Kind::Number, "how many"),
            may("list", Kind::List(&Kind::Object(INNER)), "some"),
            may("map", Kind::Map(&Kind::Text), "names"),
            may("chance", Kind::Fraction, "how likely"),
            may("on", Kind::Flag, "whether"),
        ];
        let check = |value: Value| match check_fields("the body", "", FIELDS, &value) {
            Ok(()) => String::new(),
            Err(refused) => format!("{refused:?}"),
        };
        let fine = json!({"version": 1, "count": 0, "list": [{"at": "x", "kind": null}, {"at": "y", "kind": "b"}],
            "map": {"a": "b"}, "chance": 0.5, "on": true});
        assert_eq!(check(fine), "");
        for (wrong, said) in [
            (json!([1]), "the body is an object; given was an array"),
            (json!({}), "version is missing: of the schema"),
            (json!({"version": 2, "new": 1}), "version is 1; given was another number"),
            (json!({"version": 1, "new": 1}), "is not known in the body; this call takes version, count,"),
            (json!({"version": 1, "count": -1}), "count is an integer, 0 or more; given was another number"),
            (json!({"version": 1, "count": "secret"}), "count is an integer, 0 or more; given was a string"),
            (json!({"version": 1, "count": null}), "count is an integer, 0 or more; given was null"),
            (json!({"version": 1, "list": [{"at": "x"}, {}]}), "list[1].at is missing: when"),
            (
                json!({"version": 1, "list": [{"at": "x", "kind": "c"}]}),
                "list[0].kind is one of a, b; given was a string",
            ),
            (json!({"version": 1, "list": [[]]}), "list[0] is an object; given was an array"),
            (json!({"version": 1, "map": {"a": 1}}), "map.a is a string; given was another number"),
            (json!({"version": 1, "chance": "1"}), "chance is a number; given was a string"),
            (json!({"version": 1, "on": 1}), "on is true or false; given was another number"),
        ] {
            let error = check(wrong.clone());
            assert!(error.contains(said), "{wrong}: {error}");
            assert!(!error.contains("secret"));
        }
    }
}
