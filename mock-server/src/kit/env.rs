//! What a client has to know, as text: variables for shells and tools, and a snippet for each SDK. Pure functions of
//! the facts, so that files and the admin API say the same.

use std::fmt;

use serde_json::{Map, Value};

mod quote;

/// A form of the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvFormat {
    /// One JSON object.
    Json,
    /// For `.` or `source` in a POSIX shell.
    Sh,
    /// For PowerShell.
    Ps1,
    /// For `.env` readers.
    Dotenv,
}

impl EnvFormat {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Json, Self::Sh, Self::Ps1, Self::Dotenv];

    /// `json`, `sh`, `ps1` or `dotenv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Sh => "sh",
            Self::Ps1 => "ps1",
            Self::Dotenv => "dotenv",
        }
    }

    /// The file in the kit.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Json => "env.json",
            Self::Sh => "env.sh",
            Self::Ps1 => "env.ps1",
            Self::Dotenv => ".env",
        }
    }
}

/// A client that there is a snippet for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sdk {
    /// wechatpay-php, and EasyWeChat 5.
    Php,
    /// wechatpay-axios-plugin.
    Node,
    /// wechatpy.
    Python,
    /// gopay.
    Go,
    /// WxJava.
    Java,
    /// wechatpay-transport-ureq.
    Rust,
    /// The command.
    Curl,
}

impl Sdk {
    /// Each of them.
    pub const ALL: [Self; 7] =
        [Self::Php, Self::Node, Self::Python, Self::Go, Self::Java, Self::Rust, Self::Curl];

    /// `php`, `node`, `python`, `go`, `java`, `rust` or `curl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Php => "php",
            Self::Node => "node",
            Self::Python => "python",
            Self::Go => "go",
            Self::Java => "java",
            Self::Rust => "rust",
            Self::Curl => "curl",
        }
    }

    /// How it is pointed at the mock. The snippets read the variables of [`Environment`] and hold no value themselves.
    pub fn snippet(self) -> &'static str {
        match self {
            Self::Php => include_str!("env/snippets/php.php"),
            Self::Node => include_str!("env/snippets/node.mjs"),
            Self::Python => include_str!("env/snippets/python.py"),
            Self::Go => include_str!("env/snippets/go.go"),
            Self::Java => include_str!("env/snippets/java.java"),
            Self::Rust => include_str!("env/snippets/rust.rs"),
            Self::Curl => include_str!("env/snippets/curl.sh"),
        }
    }
}

/// What a client has to know of the server and of one merchant. [`Kit::environment`](super::Kit::environment) makes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    pub(super) url: String,
    pub(super) ca: String,
    pub(super) truststore: String,
    pub(super) mch_id: String,
    pub(super) key: String,
    pub(super) appid: String,
    pub(super) cert: String,
    pub(super) key_pem: String,
    pub(super) p12: String,
}

impl Environment {
    /// Names and values, in the order of the texts: first what the mock is, then what makes tools trust it.
    pub fn variables(&self) -> [(&'static str, &str); 13] {
        [
            ("WECHATPAY_MOCK_URL", &*self.url),
            ("WECHATPAY_MOCK_CA", &*self.ca),
            ("WECHATPAY_MOCK_MCH_ID", &*self.mch_id),
            ("WECHATPAY_MOCK_KEY", &*self.key),
            ("WECHATPAY_MOCK_APPID", &*self.appid),
            ("WECHATPAY_MOCK_CERT", &*self.cert),
            ("WECHATPAY_MOCK_KEY_PEM", &*self.key_pem),
            ("WECHATPAY_MOCK_P12", &*self.p12),
            ("WECHATPAY_MOCK_TRUSTSTORE", &*self.truststore),
            // OpenSSL, Go and rustls; Node; Python's requests; curl.
            ("SSL_CERT_FILE", &*self.ca),
            ("NODE_EXTRA_CA_CERTS", &*self.ca),
            ("REQUESTS_CA_BUNDLE", &*self.ca),
            ("CURL_CA_BUNDLE", &*self.ca),
        ]
    }

    /// The variables in one form. Any value is safe there, whatever characters are in it.
    pub fn render(&self, format: EnvFormat) -> String {
        const NOTE: &str = "# The last four make most tools trust the mock, and some of them nothing else.\n";
        let lines = |line: fn(&str, &str) -> String| {
            NOTE.to_owned() + &self.variables().map(|(name, value)| line(name, value)).concat()
        };
        match format {
            EnvFormat::Json => {
                let values = self.variables().map(|(name, value)| (name.to_owned(), Value::from(value)));
                format!("{:#}\n", Value::Object(Map::from_iter(values)))
            }
            EnvFormat::Sh => lines(|name, value| format!("export {name}={}\n", quote::sh(value))),
            EnvFormat::Ps1 => lines(|name, value| format!("$env:{name} = {}\n", quote::ps1(value))),
            EnvFormat::Dotenv => lines(|name, value| format!("{name}={}\n", quote::dotenv(value))),
        }
    }
}

/// Without the key.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("url", &self.url)
            .field("ca", &self.ca)
            .field("mch_id", &self.mch_id)
            .finish_non_exhaustive()
    }
}
