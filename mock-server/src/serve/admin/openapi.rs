//! The OpenAPI document, written from the table of calls: what stands in it is what is served.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Body, Call, Reply};

pub(super) const CALLS: &[Call] = &[Call {
    method: Method::GET,
    path: "/openapi.json",
    summary: "This document.",
    query: &[],
    body: Body::None,
    status: StatusCode::OK,
    answers: &["openapi", "info", "servers", "paths", "components"],
    run: |admin, _| Ok(Reply::Json(document(&admin.http_url))),
}];

/// The document, for a server at this URL.
pub(super) fn document(url: &str) -> Value {
    let mut paths = Map::new();
    for call in super::calls() {
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method.as_str().to_ascii_lowercase()] = operation(call);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "wechatpay-mock admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Needs no client certificate. Calls that change something need the header X-Mock-Admin: 1; \
                            a server that was exposed needs Authorization: Bearer and its token.",
        },
        "servers": [{"url": format!("{url}/__mock")}],
        "paths": paths,
        "components": {"schemas": {"Error": error()}},
    })
}

fn operation(call: &Call) -> Value {
    let mut parameters: Vec<_> = call.path.split('/').filter_map(in_path).collect();
    parameters.extend(call.query.iter().map(|(name, meaning)| {
        json!({"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}})
    }));
    if call.method != Method::GET {
        let schema = json!({"type": "string", "const": "1"});
        parameters.push(json!({"name": "X-Mock-Admin", "in": "header", "required": true, "schema": schema}));
    }
    let mut operation = json!({
        "summary": call.summary,
        "parameters": parameters,
        "responses": {
            call.status.as_str(): success(call),
            "default": {
                "description": "Refused.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    });
    if let Some((required, example)) = example(&call.body) {
        let schema = schema_of(&example, false);
        operation["requestBody"] = json!({"required": required, "content": {"application/json": {"schema": schema, "example": example}}});
    }
    operation
}

fn in_path(part: &str) -> Option<Value> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    Some(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
}

fn success(call: &Call) -> Value {
    if call.answers.is_empty() {
        return json!({"description": "A file."});
    }
    let properties: Map<_, _> = call.answers.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    let schema = json!({"type": "object", "required": call.answers, "properties": properties});
    json!({"description": "Done.", "content": {"application/json": {"schema": schema}}})
}

/// Whether a body is required, and what one looks like.
pub(super) fn example(body: &Body) -> Option<(bool, Value)> {
    let (required, text) = match body {
        Body::None => return None,
        Body::Optional(text) => (false, text),
        Body::Required(text) => (true, text),
    };
    Some((required, serde_json::from_str(text).unwrap_or_default()))
}

/// What an example is one of. The names of the outermost object are those that it has and more that the summary
/// tells of; unknown ones are refused by the call itself.
fn schema_of(example: &Value, nested: bool) -> Value {
    match example {
        Value::Object(fields) if !nested => {
            let properties: Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), schema_of(value, true))).collect();
            json!({"type": "object", "properties": properties})
        }
        Value::Object(_) => json!({"type": "object"}),
        Value::Array(items) => {
            json!({"type": "array", "items": items.first().map_or(json!({}), |item| schema_of(item, true))})
        }
        Value::String(_) => json!({"type": "string"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Null => json!({}),
    }
}

fn error() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {"code": text, "message": text, "hint": text},
        }},
    })
}
