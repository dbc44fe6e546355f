//! The OpenAPI document as a test reads it: its calls, its schemas, what fits them and what does not.

use serde_json::{Map, Value, json};

/// A call of the document.
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) what: Value,
}

impl Operation {
    /// The call as its examples say, with a packet that allows the action.
    pub(super) fn line(&self) -> String {
        let mut path = self.path.clone();
        for parameter in self.parameters("path") {
            let example = match (parameter["name"].as_str().unwrap(), path.rsplit('/').next()) {
                ("mch_billno", Some("settle" | "fail")) => "2",
                ("mch_billno", Some("refund")) => "3",
                _ => parameter["example"].as_str().unwrap(),
            };
            path = path.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), example);
        }
        assert!(!path.contains('{'), "{path}");
        format!("{} {path}", self.method)
    }

    pub(super) fn parameters<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a Value> {
        self.what["parameters"].as_array().unwrap().iter().filter(move |parameter| parameter["in"] == place)
    }

    /// The body's schema and example.
    pub(super) fn body(&self) -> Option<(&Value, &Value)> {
        let content = self.what.pointer("/requestBody/content")?;
        Some((&content["application/json"]["schema"], &content["application/json"]["example"]))
    }

    pub(super) fn text(&self) -> String {
        self.body().map(|(_, example)| example.to_string()).unwrap_or_default()
    }
}

pub(super) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, what)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            what: what.clone(),
        })
    });
    each.collect()
}

/// In what a value is not what a schema says. A name that the schema does not tell of is wrong too.
pub(super) fn misfit(schema: &Value, value: &Value, place: &str) -> Option<String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds: Vec<_> = match &schema["type"] {
        Value::Null => return None,
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    };
    let fits = kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number"));
    if !fits {
        return Some(format!("{place} is {kind} and not {kinds:?}"));
    }
    let listed = schema["enum"].as_array();
    if listed.is_some_and(|words| !words.contains(value))
        || schema.get("const").is_some_and(|one| one != value)
    {
        return Some(format!("{place} is {value}"));
    }
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| misfit(&schema["items"], item, &format!("{place}[{index}]"))),
        Value::Object(fields) => {
            let none = Map::new();
            let known = schema["properties"].as_object().unwrap_or(&none);
            let required = schema["required"].as_array().into_iter().flatten();
            let missing =
                required.map(|name| name.as_str().unwrap()).find(|name| !fields.contains_key(*name));
            missing.map(|name| format!("{place} has no {name}")).or_else(|| {
                fields.iter().find_map(|(name, value)| {
                    let place = format!("{place}.{name}");
                    match known
                        .get(name)
                        .or(schema.get("additionalProperties").filter(|more| more.is_object()))
                    {
                        Some(schema) => misfit(schema, value, &place),
                        None => Some(format!("{place} is not told of")),
                    }
                })
            })
        }
        _ => None,
    }
}

/// A value that a schema does not take, for each field of an object and those within.
pub(super) fn wrongs(schema: &Value, example: &Value) -> Vec<Value> {
    let mut all = vec![json!("text"), json!([]), json!([example]), json!(1), json!(true), Value::Null];
    for (name, field) in schema["properties"].as_object().unwrap() {
        let mut with = |value: Value| {
            let mut changed = example.clone();
            changed[name] = value;
            all.push(changed);
        };
        let kinds: Vec<_> = match &field["type"] {
            Value::Null => continue,
            Value::Array(kinds) => kinds.clone(),
            one => vec![one.clone()],
        };
        for (kind, value) in [
            ("string", json!("zzz")),
            ("integer", json!(7)),
            ("number", json!(-0.5)),
            ("boolean", json!(true)),
            ("array", json!(["zzz", {"zzz": 1}])),
            ("object", json!({"zzz": []})),
        ] {
            let unlisted = field["enum"].is_array() && kind == "string";
            if unlisted
                || !(kinds.contains(&json!(kind)) || (kind == "integer" && kinds.contains(&json!("number"))))
            {
                with(value);
            }
        }
        if field["properties"].is_object() {
            let inner = example.get(name).cloned().unwrap_or_else(|| json!({}));
            wrongs(field, &inner).into_iter().filter(|wrong| !wrong.is_null()).for_each(&mut with);
            with(json!({"zzz": 1}));
        }
    }
    all
}
