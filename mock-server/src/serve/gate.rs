//! Who may call the admin API.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use subtle::ConstantTimeEq as _;
use wechatpay_proto::transport::is_loopback;

use super::admin::Refused;
use super::{Options, ServeError};

/// What an admin call must show where the server can be reached from elsewhere.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// The least number of characters.
    const LEAST: usize = 16;

    /// At least 16 visible ASCII characters.
    pub(super) fn new(token: String) -> Result<Self, ServeError> {
        let problem = if let Some(place) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            format!("has something else at byte {place}")
        } else if token.len() < Self::LEAST {
            format!("has {}", token.len())
        } else {
            return Ok(Self(token));
        };
        Err(ServeError::AdminToken { problem })
    }

    fn is_shown_by<T>(&self, request: &Request<T>) -> bool {
        let shown = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let (scheme, token) = shown.unwrap_or_default().split_at_checked(7).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer ") && token.ct_eq(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What an admin call gets that may not be made; none where it may. `path` is what comes behind the prefix.
pub(super) fn refuse<T>(options: &Options, path: &str, request: &Request<T>) -> Option<Response<Bytes>> {
    if !options.admin {
        let hint = "start the server without --admin off";
        let message = "the admin API is switched off".to_owned();
        return Some(Refused::new(StatusCode::NOT_FOUND, "admin_off", message, hint).respond());
    }
    let token = options.token.as_ref()?;
    // Whoever waits for the server to be ready knows no token, and learns nothing of the merchants.
    if (request.method() == Method::GET && path == "/health") || token.is_shown_by(request) {
        return None;
    }
    let message = "this server can be reached from elsewhere: admin calls must show its token".to_owned();
    let hint = "add the header Authorization: Bearer TOKEN";
    let mut response = Refused::new(StatusCode::UNAUTHORIZED, "token_missing", message, hint).respond();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Some(response)
}

/// Whether a name is this server's own: of this machine, or one that it was given.
pub(super) fn is_this_server(name: &str, aliases: &[String]) -> bool {
    is_loopback(name)
        || name.eq_ignore_ascii_case("host.docker.internal")
        || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_16_visible_characters_or_more_and_is_never_shown() {
        let token = Token::new("0123456789-abcde".to_owned()).unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
        for (wrong, problem) in [
            ("0123456789-abcd", "has 15"),
            ("", "has 0"),
            ("0123456789 abcdef", "has something else at byte 10"),
            ("0123456789-abcdé", "has something else at byte 15"),
        ] {
            let error = Token::new(wrong.to_owned()).unwrap_err().to_string();
            assert!(error.ends_with(problem) && (wrong.is_empty() || !error.contains(wrong)), "{error}");
        }
    }

    #[test]
    fn the_token_is_shown_whole_and_as_a_bearer() {
        let token = Token::new("0123456789-abcde".to_owned()).unwrap();
        let shows = |value: &str| {
            token.is_shown_by(&Request::builder().header(header::AUTHORIZATION, value).body(()).unwrap())
        };
        assert!(shows("Bearer 0123456789-abcde") && shows("bearer 0123456789-abcde"));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "0123456789-abcde",
            "Bearer 0123456789-abcd",
            "Bearer 0123456789-abcdef",
        ] {
            assert!(!shows(wrong), "{wrong}");
        }
        assert!(!token.is_shown_by(&Request::new(())));
    }
}
