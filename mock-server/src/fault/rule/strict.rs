//! Reading rules strictly: what is not understood is refused, never left out.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::fault::Fault;

/// Reads a fault. Of an enum with a tag, a variant without parameters would take any; so what was read is written
/// again, and has to have everything that was given.
pub(super) fn fault<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fault, D::Error> {
    let mut given = Map::<String, Value>::deserialize(deserializer)?;
    given.retain(|_, value| !value.is_null());
    let fault: Fault = serde_json::from_value(Value::Object(given.clone())).map_err(D::Error::custom)?;
    let written = serde_json::to_value(&fault).map_err(D::Error::custom)?;
    match given.keys().find(|name| written.get(name.as_str()).is_none()) {
        Some(unknown) => {
            let kind = given.get("how").and_then(Value::as_str).map(|how| format!(" ({how})"));
            let kind = kind.unwrap_or_default();
            Err(D::Error::custom(format!("{}{kind} has no parameter `{unknown}`", fault.name())))
        }
        None => Ok(fault),
    }
}

/// A number, or a list of them.
pub(super) mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "nth must be a number, or a list of numbers")]
    enum OneOrMany {
        One(u64),
        Many(Vec<u64>),
    }

    pub(in super::super) fn serialize<S: Serializer>(nth: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        match nth {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u64>, D::Error> {
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::FaultRule;

    fn read(json: &str) -> Result<FaultRule, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (json, part) in [
            (r#"{"then":{"fault":"refuse","now":1}}"#, "refuse has no parameter `now`"),
            (r#"{"then":{"fault":"content","how":"bom","at":1}}"#, "content (bom) has no parameter `at`"),
            (r#"{"then":{"fault":"reply_lost","endings":"close"}}"#, "unknown field `endings`"),
            (r#"{"then":{"fault":"reply_losst"}}"#, "unknown variant `reply_losst`"),
            (r#"{"then":{"fault":"refuse"},"whn":{}}"#, "unknown field `whn`"),
            (r#"{"then":{"fault":"refuse"},"when":{"pth":"x"}}"#, "unknown field `pth`"),
            (r#"{"then":{"fault":"refuse"},"when":{"nth":"x"}}"#, "nth must be a number, or a list"),
            (r#"{"then":{"fault":"refuse"},"commit":"maybe"}"#, "unknown variant `maybe`"),
            (r#"{"then":{"fault":"refuse"},"ttl":"soon"}"#, "\"soon\" is not a duration"),
            (r#"{"when":{}}"#, "missing field `then`"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn rules_come_back_as_they_went() {
        for json in [
            r#"{"then":{"fault":"refuse"}}"#,
            r#"{"when":{"path":"sendredpack","fields":{"re_openid":"^oBad"},"nth":2},"then":{"fault":"reply_lost","ending":"close"},"ttl":"10m"}"#,
            r#"{"when":{"mch_id":"1","nth":[1,2],"times":3},"then":{"fault":"content","how":"truncated","at":9},"commit":{"later":"20m"}}"#,
            r#"{"when":{"probability":0.5,"between":["2026-01-01T09:00:00+08:00","2026-01-02T09:00:00+08:00"]},"then":{"fault":"cut","at":{"byte":3},"ending":"hang"},"commit":"applied"}"#,
        ] {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        }
        assert!(read(r#"{"then":{"fault":"content","how":"truncated","at":null}}"#).is_ok());
    }
}
