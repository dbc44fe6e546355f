//! The proxy that the server plays for SDKs with a fixed host: it answers for WeChat's names itself, and never dials
//! out.

use http::{Method, Request, Response, StatusCode, Uri};

use super::gate;
use super::respond::{Answer, text};
use crate::kit::WECHAT_HOSTS;

/// The answer to CONNECT, on any port of a host. Behind a 200 this server itself is at the other end.
pub(super) fn connect(uri: &Uri, allowed: bool) -> Answer {
    if !allowed {
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            "CONNECT is for plain HTTP only: not inside TLS, and not inside another tunnel.",
        );
    }
    match uri.host() {
        Some(host) if is_wechat(host) => {
            let mut response = Response::default();
            response
                .extensions_mut()
                .insert(hyper::ext::ReasonPhrase::from_static(b"Connection established"));
            response
        }
        host => elsewhere(host.unwrap_or_default()),
    }
}

/// What a request in absolute form gets that is for another host than this server plays, or is; none where it is not.
pub(super) fn refuse<T>(request: &Request<T>, aliases: &[String]) -> Option<Answer> {
    let host = request.uri().host()?;
    let is_ours = is_wechat(host) || gate::is_this_server(host, aliases);
    (!is_ours && request.method() != Method::CONNECT).then(|| elsewhere(host))
}

fn is_wechat(host: &str) -> bool {
    WECHAT_HOSTS.iter().any(|name| name.eq_ignore_ascii_case(host))
}

fn elsewhere(host: &str) -> Answer {
    let names = WECHAT_HOSTS.join(", ");
    text(
        StatusCode::FORBIDDEN,
        &format!(
            "This is a stand-in for WeChat Pay, and its proxy never dials out: {host:?} cannot be reached through it. \
             It answers for these hosts itself: {names}."
        ),
    )
}
