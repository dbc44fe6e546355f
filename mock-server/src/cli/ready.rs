//! Saying that the server is there: the ready line, the file for shells, and the same for people.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use wechatpay_mock_server::{Kit, MockMerchant, Server};
use wechatpay_proto::Mode;

use super::failure::Failure;
use super::options::Serve;
use super::save::save;
use super::say;
use super::values::Print;
use super::world::World;

/// The ready line: the contract with tests in any language. Keys are only ever added; what is not served is null.
#[derive(Serialize)]
pub(crate) struct Ready<'a> {
    ready: bool,
    version: &'a str,
    pid: u32,
    url: Option<String>,
    http: Option<String>,
    admin: Option<String>,
    ui: Option<String>,
    #[serde(flatten)]
    kit: KitFiles<'a>,
}

/// The part of it that a kit alone has.
#[derive(Serialize)]
pub(crate) struct KitFiles<'a> {
    ca: PathBuf,
    kit: &'a Path,
    seed: u64,
    merchants: Vec<MerchantFiles<'a>>,
}

#[derive(Serialize)]
struct MerchantFiles<'a> {
    mch_id: &'a str,
    key: &'a str,
    agent_secret: &'a str,
    appid: &'a str,
    mode: &'a str,
    cert: PathBuf,
    key_pem: PathBuf,
    p12: PathBuf,
    p12_legacy: PathBuf,
}

impl<'a> KitFiles<'a> {
    pub(crate) fn new(kit: &'a Kit, seed: u64, merchants: &'a [MockMerchant]) -> Self {
        let kit = kit.dir();
        let merchants = merchants.iter().map(|merchant| MerchantFiles::new(kit, merchant)).collect();
        Self { ca: kit.join("ca.pem"), kit, seed, merchants }
    }
}

impl<'a> MerchantFiles<'a> {
    fn new(kit: &Path, merchant: &'a MockMerchant) -> Self {
        let folder = kit.join(merchant.mch_id());
        Self {
            mch_id: merchant.mch_id(),
            key: merchant.key(),
            agent_secret: merchant.agent_secret(),
            appid: merchant.appid(),
            mode: match merchant.mode() {
                Mode::Direct => "merchant",
                Mode::ServiceProvider => "partner",
            },
            cert: folder.join("apiclient_cert.pem"),
            key_pem: folder.join("apiclient_key.pem"),
            p12: folder.join("apiclient_cert.p12"),
            p12_legacy: folder.join("apiclient_cert-legacy.p12"),
        }
    }
}

impl<'a> Ready<'a> {
    pub(crate) fn new(options: &Serve, server: &'a Server, world: &'a World) -> Self {
        let url = (!options.door.http_only).then(|| server.https_url());
        let http = (!options.door.https_only).then(|| server.http_url());
        let root = http.as_ref().or(url.as_ref()).filter(|_| options.door.admin.is_on());
        Self {
            ready: true,
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            admin: root.map(|root| format!("{root}/__mock")),
            url,
            http,
            ui: None,
            kit: KitFiles::new(server.kit(), world.mock.seed(), &world.merchants),
        }
    }

    /// Says it: to files first, so that they are there when stdout speaks.
    pub(crate) fn announce(&self, options: &Serve) -> Result<(), Failure> {
        let line = serde_json::to_string(self).unwrap_or_default() + "\n";
        let write = |flag: &str, path: &Path, text: &str| {
            save(path, text.as_bytes()).map_err(|error| super::save::failed(flag, path, &error))
        };
        if let Some(path) = &options.life.env_file {
            write("--env-file", path, &self.variables())?;
        }
        if let Some(path) = &options.life.ready_file {
            write("--ready-file", path, &line)?;
        }
        match options.life.print {
            Print::Json => say(&line),
            Print::Human => say(&self.text()),
        }
    }

    /// The first merchant, for a shell to read.
    fn variables(&self) -> String {
        let path = |path: &Path| path.display().to_string();
        let mut pairs = vec![
            ("URL", self.url.clone().or(self.http.clone()).unwrap_or_default()),
            ("CA", path(&self.kit.ca)),
        ];
        if let Some(merchant) = self.kit.merchants.first() {
            pairs.push(("MCH_ID", merchant.mch_id.to_owned()));
            pairs.push(("KEY", merchant.key.to_owned()));
            pairs.push(("CERT", path(&merchant.cert)));
            pairs.push(("KEY_PEM", path(&merchant.key_pem)));
            pairs.push(("P12", path(&merchant.p12)));
        }
        pairs.into_iter().map(|(name, value)| format!("WECHATPAY_MOCK_{name}={}\n", quoted(&value))).collect()
    }

    fn text(&self) -> String {
        let url = |url: &Option<String>| url.clone().unwrap_or_else(|| "off".to_owned());
        let path = |path: &Path| path.display().to_string();
        let mut text = format!("wechatpay-mock {} is ready\n", self.version);
        let mut put = |name: &str, value: &str| {
            let _ = writeln!(text, "  {name:<16}{value}");
        };
        put("HTTPS", &url(&self.url));
        put("HTTP", &url(&self.http));
        put("admin", &url(&self.admin));
        put("CA", &path(&self.kit.ca));
        for merchant in &self.kit.merchants {
            put(merchant.mode, merchant.mch_id);
            put("  key", merchant.key);
            put("  agent secret", merchant.agent_secret);
            put("  appid", merchant.appid);
            put("  certificate", &path(&merchant.cert));
            put("  its key", &path(&merchant.key_pem));
        }
        text
    }
}

/// A value as shells and readers of .env files take it.
fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-@%+,".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted("https://127.0.0.1:1"), "https://127.0.0.1:1");
        assert_eq!(quoted("a b$c"), "'a b$c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
