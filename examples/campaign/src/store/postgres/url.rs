//! What a URL, or a list of settings as libpq has them, says of the way to PostgreSQL. `sslmode` and `sslrootcert` are read
//! here, all others by the client.

use std::net::IpAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use ::postgres::config::{Host, SslMode, SslNegotiation};
use ::postgres::{Client, Config, NoTls};
use percent_encoding::percent_decode_str;
use wechatpay_proto::transport::is_loopback;

use super::tls::Tls;

/// Why a URL of PostgreSQL cannot be used. Nothing was connected to. No value of the URL is repeated: one of them is a
/// password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no URL, or no list of settings.
    #[error(
        "the address must be postgresql://USER@HOST/DATABASE or settings such as `host=HOST user=USER`; within a URL, special characters are percent-encoded{}",
        .option.map(|option| format!("; `{option}` has a value that it cannot have")).unwrap_or_default()
    )]
    Unreadable {
        /// The setting that is wrong, where it is one.
        option: Option<&'static str>,
    },
    /// A setting is not known.
    #[error(
        "{} is not known, and what is not known is not passed over: take it out",
        .option.map_or_else(|| "a setting".to_owned(), |option| format!("`{option}`"))
    )]
    Unknown {
        /// Its name, if it is one of libpq's.
        option: Option<&'static str>,
    },
    /// A setting stands there twice.
    #[error("`{option}` stands there twice")]
    Repeated {
        /// Which.
        option: &'static str,
    },
    /// There is no such mode.
    #[error("`sslmode` must be verify-full or disable; require and verify-ca are taken as verify-full")]
    Mode,
    /// Whoever is on the way could switch TLS off, or answer in the server's place.
    #[error(
        "sslmode=prefer and sslmode=allow go on without TLS if somebody on the way wants it so: say verify-full; or disable, where nobody on the way can read or change what is sent"
    )]
    Weak,
    /// It asks for TLS and for none.
    #[error(
        "`{option}` asks for TLS, and there is none with sslmode=disable or on this machine: say sslmode=verify-full, or take `{option}` out"
    )]
    NoTls {
        /// Which setting asks for it.
        option: &'static str,
    },
    /// PostgreSQL has no TLS there.
    #[error(
        "a Unix socket has no TLS, and needs none: take `sslmode` and `sslrootcert` out, or name a host alone"
    )]
    UnixSocket,
    /// Nothing is known that the certificate could be held against.
    #[error("TLS needs `host`, the name in the server's certificate, beside `hostaddr`")]
    NoHost,
    /// The file of authorities cannot be read.
    #[error("sslrootcert: {path:?} cannot be read as PEM: {source}")]
    RootsFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file has no certificate.
    #[error("sslrootcert: {path:?} has no certificate in PEM")]
    NoRoots {
        /// The file.
        path: PathBuf,
    },
    /// A certificate cannot be an authority, or the system has none.
    #[error("the authorities for sslmode=verify-full cannot be used: {0}")]
    Roots(rustls::Error),
}

/// A server, and how it is spoken to.
#[derive(Clone, Debug)]
pub(super) struct Server {
    config: Config,
    tls: Option<Tls>,
}

impl Server {
    pub(super) fn parse(url: &str) -> Result<Self, UrlError> {
        let settings = settings(url);
        known(&settings)?;
        let (mode, roots) = (one(&settings, "sslmode")?, one(&settings, "sslrootcert")?);
        let mut config: Config = without_ours(url, &settings).parse().map_err(|error| unreadable(&error))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        let verified = is_verified(mode, roots, &config)?;
        if verified && config.get_hosts().iter().any(is_unix) {
            return Err(UrlError::UnixSocket);
        }
        if verified && config.get_hosts().is_empty() {
            return Err(UrlError::NoHost);
        }
        if !verified && config.get_ssl_negotiation() == SslNegotiation::Direct {
            return Err(UrlError::NoTls { option: "sslnegotiation" });
        }
        config.ssl_mode(if verified { SslMode::Require } else { SslMode::Disable });
        let tls = verified.then(|| Tls::believing(roots)).transpose()?;
        Ok(Self { config, tls })
    }

    pub(super) fn connect(&self) -> Result<Client, ::postgres::Error> {
        match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        }
    }
}

/// Whether TLS is asked for, which is verified then. Where nothing is said it is, unless the server is on this machine.
fn is_verified(mode: Option<&str>, roots: Option<&str>, config: &Config) -> Result<bool, UrlError> {
    match (mode, roots) {
        (Some("disable"), Some(_)) => Err(UrlError::NoTls { option: "sslrootcert" }),
        (Some("disable"), None) => Ok(false),
        (Some("require" | "verify-ca" | "verify-full"), _) | (None, Some(_)) => Ok(true),
        (Some("allow" | "prefer"), _) => Err(UrlError::Weak),
        (Some(_), _) => Err(UrlError::Mode),
        (None, None) => Ok(!is_on_this_machine(config)),
    }
}

/// By the addresses that are connected to, if they are given.
fn is_on_this_machine(config: &Config) -> bool {
    let by_address = config.get_hostaddrs();
    if !by_address.is_empty() {
        return by_address.iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(host) => is_loopback(host) || is_loopback(&format!("[{host}]")),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn is_unix(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

/// The settings that the client knows.
const OF_CLIENT: [&str; 19] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "sslmode",
];

/// Others of libpq's. What is neither here nor there may be a piece of a password, and is not named.
const OF_LIBPQ: [&str; 24] = [
    "passfile",
    "service",
    "servicefile",
    "require_auth",
    "client_encoding",
    "fallback_application_name",
    "keepalives_count",
    "replication",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "requiressl",
    "requirepeer",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "sslcompression",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
];

/// One setting, and where it stands, with what ends it.
#[derive(Debug)]
struct Setting {
    place: Range<usize>,
    name: String,
    value: String,
}

fn known(settings: &[Setting]) -> Result<(), UrlError> {
    let is_known = |name: &str| name == "sslrootcert" || OF_CLIENT.contains(&name);
    match settings.iter().find(|setting| !is_known(&setting.name)) {
        Some(other) => {
            let option = OF_LIBPQ.into_iter().find(|known| *known == other.name);
            Err(UrlError::Unknown { option })
        }
        None => Ok(()),
    }
}

fn one<'s>(settings: &'s [Setting], option: &'static str) -> Result<Option<&'s str>, UrlError> {
    let mut found = settings.iter().filter(|setting| setting.name == option);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(UrlError::Repeated { option }),
        (first, None) => Ok(first.map(|setting| setting.value.as_str())),
    }
}

/// The same without what only we can read.
fn without_ours(url: &str, settings: &[Setting]) -> String {
    let mut rest = url.to_owned();
    for setting in settings
        .iter()
        .rev()
        .filter(|setting| setting.name.starts_with("sslmode") || setting.name == "sslrootcert")
    {
        rest.replace_range(setting.place.clone(), "");
    }
    rest
}

/// The client names the setting, whose value it does not repeat. All else that it says may repeat a piece of the text.
fn unreadable(error: &::postgres::Error) -> UrlError {
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let named = |option: &&&str| said == format!("invalid value for option `{option}`");
    UrlError::Unreadable { option: OF_CLIENT.iter().find(named).copied() }
}

fn settings(url: &str) -> Vec<Setting> {
    let scheme = ["postgres://", "postgresql://"].into_iter().find(|scheme| url.starts_with(scheme));
    match scheme {
        Some(scheme) => of_query(url, scheme.len()),
        None => of_list(url),
    }
}

/// Those behind the `?`, which is looked for as the client does: behind the credentials.
fn of_query(url: &str, start: usize) -> Vec<Setting> {
    let from = |start: usize, char: char| {
        url.get(start..).and_then(|rest| rest.find(char)).map(|at| start + at + char.len_utf8())
    };
    let behind_credentials = from(start, '@').unwrap_or(start);
    let Some(mut at) = from(behind_credentials, '?') else { return Vec::new() };
    let mut found = Vec::new();
    while let Some(rest) = url.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.find('&').map_or(rest.len(), |end| end + 1);
        let piece = rest.get(..length).unwrap_or(rest).trim_end_matches('&');
        if let Some((name, value)) = piece.split_once('=') {
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            found.push(Setting { place: at..at + length, name: decoded(name), value: decoded(value) });
        }
        at += length;
    }
    found
}

/// `name = value`, with white space between them; a value may be quoted, and `\` takes the next character as it is.
fn of_list(text: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut chars = text.char_indices().peekable();
    loop {
        while chars.next_if(|(_, char)| char.is_whitespace()).is_some() {}
        let Some(&(start, _)) = chars.peek() else { return found };
        let mut name = String::new();
        while let Some((_, char)) = chars.next_if(|(_, char)| !char.is_whitespace() && *char != '=') {
            name.push(char);
        }
        while chars.next_if(|(_, char)| char.is_whitespace()).is_some() {}
        if chars.next_if(|(_, char)| *char == '=').is_none() {
            // The client refuses it.
            return found;
        }
        while chars.next_if(|(_, char)| char.is_whitespace()).is_some() {}
        let quoted = chars.next_if(|(_, char)| *char == '\'').is_some();
        let mut value = String::new();
        while let Some((_, char)) = chars.next_if(|(_, char)| quoted || !char.is_whitespace()) {
            match char {
                '\'' if quoted => break,
                '\\' => value.extend(chars.next().map(|(_, char)| char)),
                _ => value.push(char),
            }
        }
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        found.push(Setting { place: start..end, name, value });
    }
}
