//! The OpenAPI document, written from the table of calls: what stands in it is what is served.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Answer, Body, Call, Field, Kind, Reply, must};

pub(super) const CALLS: &[Call] = &[Call {
    method: Method::GET,
    path: "/openapi.json",
    summary: "This document.",
    query: &[],
    body: Body::None,
    status: StatusCode::OK,
    answer: Answer::Json(&[
        must("openapi", Kind::Text, "the version of OpenAPI"),
        must("info", Kind::Map(&Kind::Text), "what this API is"),
        must("servers", Kind::List(&Kind::Map(&Kind::Text)), "where it is"),
        must("security", Kind::List(&Kind::Map(&Kind::Any)), "what is to be shown"),
        must("paths", Kind::Map(&Kind::Map(&Kind::Any)), "the calls"),
        must("components", Kind::Map(&Kind::Map(&Kind::Any)), "what several calls have in common"),
    ]),
    run: |admin, _| Ok(Reply::Json(document(&admin.admin_url))),
}];

/// The parts of paths that vary: the name, what it is, and one such.
const PARTS: &[(&str, &str, &str)] = &[
    ("mch_id", "the number of a merchant", "10000098"),
    ("mch_billno", "the number of an order", "1"),
    ("openid", "a user", "oxTWIuGaIt6gTKsQRLau2M0yL16E"),
    ("request_id", "the id of a request", "req_000001"),
    ("fault_id", "the number of a fault", "1"),
    ("name", "the name of a snapshot", "before"),
];

/// The document, for a server at this URL.
fn document(url: &str) -> Value {
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
                            a server that was exposed needs Authorization: Bearer and its token. Names are only ever \
                            added to answers.",
        },
        "servers": [{"url": format!("{url}/__mock")}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": {"Error": error()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn operation(call: &Call) -> Value {
    let mut parameters: Vec<_> = call.path.split('/').filter_map(in_path).collect();
    parameters.extend(call.query.iter().map(|field| {
        let schema = schema(&field.kind, false);
        json!({"name": field.name, "in": "query", "required": field.required, "description": field.meaning, "schema": schema})
    }));
    if call.method != Method::GET {
        let schema = json!({"type": "string", "const": "1"});
        parameters
            .push(json!({"name": "X-Mock-Admin", "in": "header", "required": true, "schema": schema, "example": "1"}));
    }
    let mut operation = json!({
        "operationId": id(call),
        "tags": [call.path.split('/').nth(1)],
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
    let body = match call.body {
        Body::None => None,
        Body::Optional(fields, example) => Some((false, fields, example)),
        Body::Required(fields, example) => Some((true, fields, example)),
    };
    if let Some((required, fields, example)) = body {
        let example: Value = serde_json::from_str(example).unwrap_or_default();
        let content = json!({"schema": object(fields, true), "example": example});
        operation["requestBody"] = json!({"required": required, "content": {"application/json": content}});
    }
    operation
}

/// What a function of a client is called by: `post_clock_advance`.
fn id(call: &Call) -> String {
    let words =
        call.path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(call.method.as_str().to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

fn in_path(part: &str) -> Option<Value> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    let (_, meaning, example) = PARTS.iter().find(|(known, ..)| *known == name)?;
    Some(
        json!({"name": name, "in": "path", "required": true, "description": meaning, "schema": {"type": "string"}, "example": example}),
    )
}

fn success(call: &Call) -> Value {
    let content = match call.answer {
        Answer::Json(fields) => json!({"schema": object(fields, false)}),
        Answer::File(_) => json!({}),
    };
    json!({"description": "Done.", "content": {call.answer.content_type(): content}})
}

/// `closed` is what takes no other names than those that are told of: bodies are, answers are not.
fn object(fields: &[Field], closed: bool) -> Value {
    let property = |field: &Field| {
        let mut schema = schema(&field.kind, closed);
        schema["description"] = json!(field.meaning);
        if field.nullable
            && let Some(kind) = schema.get("type").cloned()
        {
            schema["type"] = json!([kind, "null"]);
            if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
        }
        (field.name.to_owned(), schema)
    };
    let properties: Map<_, _> = fields.iter().map(property).collect();
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut object = json!({"type": "object", "required": required, "properties": properties});
    if closed {
        object["additionalProperties"] = json!(false);
    }
    object
}

fn schema(kind: &Kind, closed: bool) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::OneOf(words) => json!({"type": "string", "enum": words}),
        Kind::Number => json!({"type": "integer", "minimum": 0}),
        Kind::Exactly(number) => json!({"type": "integer", "const": number}),
        Kind::Fraction => json!({"type": "number"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Object(fields) => object(fields, closed),
        Kind::Map(kind) => json!({"type": "object", "additionalProperties": schema(kind, closed)}),
        Kind::List(kind) => json!({"type": "array", "items": schema(kind, closed)}),
        Kind::Any => json!({}),
    }
}

/// Some errors have more in them.
fn error() -> Value {
    const ERROR: &[Field] = &[
        must("code", Kind::Text, "for programs"),
        must("message", Kind::Text, "what is wrong"),
        must("hint", Kind::Text, "how to mend it"),
    ];
    object(&[must("error", Kind::Object(ERROR), "why the call was refused")], false)
}
