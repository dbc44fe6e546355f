//! What an admin call says instead of an answer: a code for programs, a message and a hint for people.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::call::{self, Field};

/// A call that is not served.
#[derive(Debug)]
pub(in crate::serve) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: String,
    /// The methods that there are, where that is the point.
    allow: Option<String>,
    /// What else there is to say, by name.
    more: Vec<(&'static str, Value)>,
}

impl Refused {
    pub(in crate::serve) fn new(
        status: StatusCode,
        code: &'static str,
        message: String,
        hint: impl Into<String>,
    ) -> Self {
        Self { status, code, message, hint: hint.into(), allow: None, more: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.push((name, value));
        self
    }

    /// A body or a query that cannot be read.
    pub(super) fn bad(message: String) -> Self {
        let hint = "GET /__mock/openapi.json shows what each call takes, with an example";
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message, hint)
    }

    /// A name that has no place where it stands.
    pub(super) fn unknown_name(name: &str, place: &str, known: &[Field]) -> Self {
        Self::bad(format!("{name:?} is not known in {place}; this call takes {} there", call::names(known)))
    }

    pub(super) fn no_such_path(path: &str) -> Self {
        let message = format!("nothing at /__mock{path}");
        Self::new(StatusCode::NOT_FOUND, "not_found", message, "GET /__mock/openapi.json lists every call")
    }

    pub(super) fn method(methods: &[&str]) -> Self {
        let known = methods.join(", ");
        let hint = format!("this path knows {known}");
        let message = "the method does not fit the path".to_owned();
        let refused = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message, hint);
        Self { allow: Some(known), ..refused }
    }

    /// Something that is not there.
    pub(super) fn unknown(what: &str, which: &str) -> Self {
        let hint = format!("GET the list to see which {what}s there are");
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("no {what} {which}"), hint)
    }

    pub(super) fn conflict(code: &'static str, message: String, hint: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message, hint)
    }

    pub(super) fn timeout(arrived: Value) -> Self {
        let message = "not enough requests arrived in time".to_owned();
        let hint = "arrived holds those that did; timeout_ms may be up to 60000";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message, hint).with("arrived", arrived)
    }

    pub(in crate::serve) fn respond(self) -> Response<Bytes> {
        let mut error = json!({"code": self.code, "message": self.message, "hint": self.hint});
        for (name, value) in self.more {
            error[name] = value;
        }
        let body = json!({"error": error}).to_string();
        let mut response = super::respond(self.status, "application/json", body.into());
        if let Some(known) = self.allow.and_then(|known| HeaderValue::try_from(known).ok()) {
            response.headers_mut().insert(header::ALLOW, known);
        }
        response
    }
}
