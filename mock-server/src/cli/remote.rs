//! Talking to a server that runs: its admin API over plain HTTP, straight, without proxies and redirects.

use std::path::Path;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use serde_json::Value;

use super::commands::Target;
use super::failure::Failure;
use super::say;
use super::values::Print;

/// The longest that an answer may take: a call that waits for requests to come may wait for a minute.
const TIMEOUT: Duration = Duration::from_secs(70);
/// The most bytes of an answer.
const MOST: u64 = 256 * 1024 * 1024;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    body: Vec<u8>,
}

impl Target {
    /// Makes one call; `path` begins behind `/__mock`.
    pub(crate) fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        let root = self.root()?;
        let unreachable = |error: ureq::Error| {
            Failure::refused(format!(
                "{root} does not answer: {error}; is the server running, and does it take plain HTTP?"
            ))
        };
        let mut request =
            Request::builder().method(method).uri(format!("{root}{path}")).header("x-mock-admin", "1");
        if let Some(token) = &self.admin_token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let content = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(content).map_err(|_| {
            Failure::usage("the URL of the server, the path or the token cannot stand in a request")
        })?;
        let response = agent().run(request).map_err(unreachable)?;
        let (head, body) = response.into_parts();
        let body = body.into_with_config().limit(MOST).read_to_vec().map_err(unreachable)?;
        Ok(Answer { status: head.status, body })
    }

    /// Prints what was answered; a refusal is a failure.
    pub(crate) fn print(&self, answer: &Answer) -> Result<(), Failure> {
        self.print_as(answer, |value| format!("{value:#}"))
    }

    /// The same, for people in this form.
    pub(crate) fn print_as(&self, answer: &Answer, form: fn(&Value) -> String) -> Result<(), Failure> {
        if answer.status.is_success() {
            return self.show_as(answer, form);
        }
        Err(Failure::refused(answer.refusal()))
    }

    /// Prints the body, whatever the status.
    pub(crate) fn show(&self, answer: &Answer) -> Result<(), Failure> {
        self.show_as(answer, |value| format!("{value:#}"))
    }

    fn show_as(&self, answer: &Answer, form: fn(&Value) -> String) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(&answer.body);
        let value = (self.print == Print::Human)
            .then(|| serde_json::from_slice::<Value>(&answer.body).ok())
            .flatten();
        let text = value.map_or(text.clone().into_owned(), |value| form(&value));
        say(&if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" })
    }

    /// The URL of the admin API.
    fn root(&self) -> Result<String, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(path) = &self.ready_file {
            return from_ready_file(path);
        }
        if let Some(server) = &self.server {
            return plain(server);
        }
        if let Some(server) = variable("WECHATPAY_MOCK_URL") {
            return plain(&server.to_string_lossy());
        }
        match variable("WECHATPAY_MOCK_READY_FILE") {
            Some(path) => from_ready_file(Path::new(&path)),
            None => Err(Failure::usage(
                "which server? Give --server http://127.0.0.1:PORT, WECHATPAY_MOCK_URL, or --ready-file FILE",
            )),
        }
    }
}

impl Answer {
    /// What a refusal says.
    fn refusal(&self) -> String {
        let status = self.status.as_u16();
        let Ok(value) = serde_json::from_slice::<Value>(&self.body) else {
            return format!(
                "the server refuses ({status}), and not as an admin API does; was it started with --admin off, or with \
                 --https-only? Sub-commands speak plain HTTP"
            );
        };
        let part = |name: &str| value.pointer(&format!("/error/{name}")).and_then(Value::as_str);
        let mut text = format!("the server refuses ({status})");
        for (before, part) in [(": ", part("message")), ("; ", part("hint"))] {
            if let Some(part) = part {
                text = format!("{text}{before}{part}");
            }
        }
        match value.pointer("/error/allowed") {
            Some(allowed) => format!("{text}; allowed now: {allowed}"),
            None => text,
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .build()
        .into()
}

/// The same port speaks HTTPS and HTTP: the URL of either leads to the admin API.
fn plain(server: &str) -> Result<String, Failure> {
    let rest = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://"));
    let rest = rest.map(|rest| rest.trim_end_matches('/')).unwrap_or_default();
    let address = rest.strip_suffix("/__mock").unwrap_or(rest);
    if address.is_empty() || address.contains(['/', '?', '#', '@']) {
        let message = "the URL of the server: http://ADDRESS:PORT is needed, such as http://127.0.0.1:8443";
        return Err(Failure::usage(message));
    }
    Ok(format!("http://{address}/__mock"))
}

fn from_ready_file(path: &Path) -> Result<String, Failure> {
    let wrong = |problem: String| Failure::configuration(format!("ready file {}: {problem}", path.display()));
    let content = std::fs::read(path).map_err(|error| wrong(format!("cannot read it: {error}")))?;
    let ready: Value =
        serde_json::from_slice(&content).map_err(|error| wrong(format!("no ready line: {error}")))?;
    let admin = ready.get("admin").and_then(Value::as_str);
    plain(
        admin.ok_or_else(|| {
            wrong("it names no admin API: was the server started with --admin off?".to_owned())
        })?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_server_leads_to_its_admin_api() {
        for url in [
            "http://127.0.0.1:1",
            "https://127.0.0.1:1/",
            "http://127.0.0.1:1/__mock",
            "http://127.0.0.1:1/__mock/",
        ] {
            assert_eq!(plain(url).unwrap(), "http://127.0.0.1:1/__mock");
        }
        for wrong in ["", "127.0.0.1:1", "http://", "ftp://a", "http://a/b", "http://user@a"] {
            assert_eq!(plain(wrong).unwrap_err().code, super::super::failure::USAGE, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let body =
            br#"{"error":{"code":"x","message":"no packet","hint":"look","allowed":["claim"]}}"#.to_vec();
        let answer = Answer { status: StatusCode::CONFLICT, body };
        assert_eq!(answer.refusal(), "the server refuses (409): no packet; look; allowed now: [\"claim\"]");
        let answer = Answer { status: StatusCode::NOT_FOUND, body: b"<html>".to_vec() };
        let text = answer.refusal();
        assert!(text.starts_with("the server refuses (404)") && text.contains("--https-only"), "{text}");
    }
}
