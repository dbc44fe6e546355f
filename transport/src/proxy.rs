//! The proxy that the caller names. There is no other: the environment is not asked.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;

use crate::error::BuildError;

/// A proxy that is reached by plain `http` and asked for a tunnel with CONNECT. It sees the name of the host, and
/// nothing of the request.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`, the port 80 where it is missing. Other kinds of proxies would see
    /// more, or need more, and are refused.
    pub(crate) fn parse(url: &str) -> Result<Self, BuildError> {
        let uri: http::Uri = url.parse().map_err(|_| BuildError::Proxy)?;
        let authority = uri.authority().ok_or(BuildError::Proxy)?;
        let (user, host_and_port) = match authority.as_str().rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, authority.as_str()),
        };
        let host = authority.host();
        let port = match host_and_port.strip_prefix(host) {
            Some("") => 80,
            Some(_) => authority.port_u16().ok_or(BuildError::Proxy)?,
            None => return Err(BuildError::Proxy),
        };
        let nothing_behind = uri.path_and_query().is_none_or(|path| path == "/") && !url.contains('#');
        if uri.scheme_str() != Some("http") || host.is_empty() || port == 0 || !nothing_behind {
            return Err(BuildError::Proxy);
        }
        let authorization = user.map(basic).transpose()?;
        Ok(Self { host: host.to_owned(), port, authorization })
    }

    /// The host, as it stands in a URL.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of `Proxy-Authorization`, marked as sensitive.
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// `user:password`, percent-encoded as in a URL.
fn basic(user: &str) -> Result<HeaderValue, BuildError> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let plain =
        [percent_decode_str(name).collect(), vec![b':'], percent_decode_str(password).collect()].concat();
    let mut value =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(plain))).map_err(|_| BuildError::Proxy)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = if self.authorization.is_some() { "…@" } else { "" };
        write!(f, "Proxy(http://{login}{}:{})", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_plain_http_and_nothing_else() {
        let proxy = Proxy::parse("http://127.0.0.1").unwrap();
        assert_eq!((proxy.host(), proxy.port(), proxy.authorization()), ("127.0.0.1", 80, None));
        let proxy = Proxy::parse("http://us%40er:p%3Aw@[::1]:3128/").unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("[::1]", 3128));
        assert_eq!(proxy.authorization().unwrap(), "Basic dXNAZXI6cDp3"); // us@er:p:w
        for bad in [
            "",
            "127.0.0.1:1",
            "http://",
            "http://:80",
            "http://127.0.0.1:",
            "http://127.0.0.1:0",
            "http://127.0.0.1:65536",
            "http://127.0.0.1/path",
            "http://127.0.0.1?q",
            "http://127.0.0.1#f",
            "https://127.0.0.1:1",
            "socks5://127.0.0.1:1",
            "ftp://127.0.0.1",
        ] {
            assert!(matches!(Proxy::parse(bad), Err(BuildError::Proxy)), "{bad}");
        }
    }

    #[test]
    fn a_password_stays_inside() {
        let proxy = Proxy::parse("http://user:canary@127.0.0.1:1").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(http://…@127.0.0.1:1)");
        assert!(!format!("{:?}", proxy.authorization()).contains("Basic"));
    }
}
