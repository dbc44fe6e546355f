//! Who may call the admin API: programs, not pages in a browser.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};

use super::refused::Refused;
use crate::serve::gate;

/// The checks before any call.
#[derive(Clone, Debug, Default)]
pub(super) struct Doors {
    /// Names beside those of loopback that the server goes by.
    pub(super) names: Vec<String>,
    /// Whether every call has shown a token by now, which no page in a browser knows.
    pub(super) guarded: bool,
}

impl Doors {
    pub(super) fn check(&self, request: &Request<Bytes>) -> Result<(), Refused> {
        self.check_host(request)?;
        if [Method::GET, Method::HEAD].contains(request.method()) { Ok(()) } else { check_header(request) }
    }

    /// A page in a browser can be made to call a name that leads to this machine; it cannot choose the `Host` it
    /// sends.
    fn check_host(&self, request: &Request<Bytes>) -> Result<(), Refused> {
        let sent =
            request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = sent.parse::<http::uri::Authority>();
        let name = name.as_ref().map_or("", |authority| authority.host());
        if self.guarded || gate::is_this_server(name, &self.names) {
            return Ok(());
        }
        let message = "the Host header names no loopback address".to_owned();
        let hint = "call 127.0.0.1 or localhost, or start the server with --host-alias and this name";
        Err(Refused::new(StatusCode::FORBIDDEN, "host_not_allowed", message, hint))
    }
}

/// A form in a browser cannot set this header.
fn check_header(request: &Request<Bytes>) -> Result<(), Refused> {
    if request.headers().get("x-mock-admin").is_some_and(|value| value == "1") {
        return Ok(());
    }
    let message = "a call that changes something needs the header X-Mock-Admin: 1".to_owned();
    Err(Refused::new(StatusCode::FORBIDDEN, "admin_header_missing", message, "add the header"))
}
