//! The binary `wechatpay-mock`.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;
use wechatpay_mock_server::{Clock, Mock, MockMerchant, Rules, ServeError, Server, Switch};
use wechatpay_proto::Mode;

/// A stand-in for WeChat Pay APIv2: the red packets (sendredpack, sendminiprogramhb, sendgroupredpack, gethbinfo,
/// sendworkwxredpack, queryworkwxredpack). One port serves HTTPS, which asks for the merchant's client certificate,
/// plain HTTP, and the admin API below /__mock/.
///
/// The first line on stdout is one JSON object, written when the server listens and the kit is complete. It holds
/// the API keys and the agent secrets in clear: they are test keys. Never pass a real one.
#[derive(Parser)]
#[command(name = "wechatpay-mock", version)]
struct Options {
    /// Where to listen: a loopback address; port 0 for a free one.
    #[arg(long, env = "WECHATPAY_MOCK_LISTEN", default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,

    /// Where the kit goes (ca.pem, and a folder of certificates for each merchant). Without it, a private temporary
    /// folder that is removed at exit.
    #[arg(long, env = "WECHATPAY_MOCK_KIT_DIR", value_name = "DIR")]
    kit_dir: Option<PathBuf>,

    /// A merchant, as mch_id=…,key=…,appid=…,balance=…,agent_secret=…,mode=…,under=… (balance in fen; appid may be
    /// repeated; mode is merchant, or partner for a service provider; under names a partner given before, whose
    /// sub-merchant this is; parts left out are made up). May be repeated; without any there is one made-up merchant.
    #[arg(long = "merchant", env = "WECHATPAY_MOCK_MERCHANT", value_name = "PARTS", hide_env_values = true)]
    merchants: Vec<String>,

    /// Where ids come from.
    #[arg(long, env = "WECHATPAY_MOCK_SEED", default_value_t = 0)]
    seed: u64,

    /// `real`, or `frozen:<RFC 3339>`.
    #[arg(long, env = "WECHATPAY_MOCK_CLOCK", default_value = "real", value_parser = parse_clock)]
    clock: Clock,

    /// Switches, as name=value,…; --help lists them.
    #[arg(
        long,
        env = "WECHATPAY_MOCK_RULES",
        value_name = "SWITCHES",
        value_parser = parse_rules,
        long_help = list_rules()
    )]
    rules: Option<Rules>,
}

fn parse_clock(text: &str) -> Result<Clock, String> {
    Clock::parse(text).map_err(|error| error.to_string())
}

/// What `--help` says of the switches.
fn list_rules() -> String {
    let show = |switch: Switch| {
        format!(
            "{}=<{}> [default: {}]\n    {}\n",
            switch.name, switch.accepted, switch.default, switch.meaning
        )
    };
    let switches: String = Rules::default().describe().into_iter().map(show).collect();
    format!("Switches, as name=value,…:\n{switches}")
}

fn parse_rules(text: &str) -> Result<Rules, String> {
    let mut rules = Rules::default();
    for (name, value) in parts(text, None)? {
        rules.set(name, value).map_err(|error| error.to_string())?;
    }
    Ok(rules)
}

/// Takes `name=value,…` apart; only one name may come more than once.
fn parts<'t>(text: &'t str, repeatable: Option<&str>) -> Result<Vec<(&'t str, &'t str)>, String> {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or("every part is name=value")?;
        if Some(name) != repeatable && parts.iter().any(|(seen, _)| *seen == name) {
            return Err(format!("{name} is given twice"));
        }
        parts.push((name, value));
    }
    Ok(parts)
}

/// Adds the merchant that one `--merchant` describes.
fn create(mock: &Mock, text: &str) -> Result<MockMerchant, String> {
    let mut builder = mock.merchant();
    for (name, value) in parts(text, Some("appid"))? {
        builder = match name {
            "mch_id" => builder.mch_id(value),
            "key" => builder.key(value),
            "appid" => builder.appid(value),
            "balance" => builder.balance_fen(value.parse().map_err(|_| "balance is an integer in fen")?),
            "agent_secret" => builder.agent_secret(value),
            "mode" => match value {
                "merchant" => builder,
                "partner" => builder.service_provider(),
                other => return Err(format!("mode={other}: there are merchant, partner")),
            },
            "under" => match mock.merchants().iter().find(|partner| partner.mch_id() == value) {
                Some(partner) => builder.under(partner),
                None => return Err(format!("under={value}: no merchant given before has this number")),
            },
            other => {
                return Err(format!(
                    "unknown part {other}: there are mch_id, key, appid, balance, agent_secret, mode, under"
                ));
            }
        };
    }
    builder.create().map_err(|error| error.to_string())
}

/// The ready line: the contract with tests in any language. Keys are only ever added; what is not served is null.
#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    version: &'a str,
    pid: u32,
    url: String,
    http: String,
    admin: String,
    ui: Option<String>,
    ca: PathBuf,
    kit: &'a Path,
    seed: u64,
    merchants: Vec<ReadyMerchant<'a>>,
}

#[derive(Serialize)]
struct ReadyMerchant<'a> {
    mch_id: &'a str,
    key: &'a str,
    agent_secret: &'a str,
    appid: &'a str,
    mode: &'a str,
    cert: PathBuf,
    key_pem: PathBuf,
    p12: Option<PathBuf>,
    p12_legacy: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, message }) => {
            // Nobody is left to tell if stderr is gone.
            let _ = writeln!(io::stderr(), "wechatpay-mock: {message}");
            ExitCode::from(code)
        }
    }
}

/// Exit codes: 2 usage, 3 cannot bind, 4 configuration.
struct Failure {
    code: u8,
    message: String,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { code: 4, message: error.to_string() }
    }
}

fn run(options: Options) -> Result<(), Failure> {
    let mock = Mock::builder()
        .seed(options.seed)
        .clock(options.clock)
        .rules(options.rules.unwrap_or_default())
        .build();
    // Not by clap, whose errors would show the key.
    let texts = if options.merchants.is_empty() { vec![String::new()] } else { options.merchants };
    let merchants = texts
        .iter()
        .map(|text| create(&mock, text))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|message| Failure { code: 2, message })?;

    let mut builder = mock.server().listen(options.listen);
    if let Some(dir) = options.kit_dir {
        builder = builder.kit_dir(dir);
    }
    serve_until_signal(|| {
        let server =
            builder.start().map_err(|error| Failure { code: exit_code(&error), message: chain(&error) })?;
        announce(&server, mock.seed(), &merchants)?;
        Ok(server)
    })
}

fn exit_code(error: &ServeError) -> u8 {
    match error {
        ServeError::Bind { .. } => 3,
        ServeError::NotLoopback { .. } => 2,
        _ => 4,
    }
}

fn announce(server: &Server, seed: u64, merchants: &[MockMerchant]) -> io::Result<()> {
    let kit = server.kit().dir();
    let ready = Ready {
        ready: true,
        version: env!("CARGO_PKG_VERSION"),
        pid: std::process::id(),
        url: server.https_url(),
        http: server.http_url(),
        admin: format!("{}/__mock", server.http_url()),
        ui: None,
        ca: kit.join("ca.pem"),
        kit,
        seed,
        merchants: merchants
            .iter()
            .map(|merchant| ReadyMerchant {
                mch_id: merchant.mch_id(),
                key: merchant.key(),
                agent_secret: merchant.agent_secret(),
                appid: merchant.appid(),
                mode: match merchant.mode() {
                    Mode::Direct => "merchant",
                    Mode::ServiceProvider => "partner",
                },
                cert: kit.join(merchant.mch_id()).join("apiclient_cert.pem"),
                key_pem: kit.join(merchant.mch_id()).join("apiclient_key.pem"),
                p12: None,
                p12_legacy: None,
            })
            .collect(),
    };
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &ready)?;
    writeln!(stdout)?;
    stdout.flush()
}

/// SIGINT or SIGTERM ends the server in good order, so that a temporary kit goes with it. The handlers stand before
/// anything is made: a signal may come at any time, and whoever reads the ready line may be done at once.
fn serve_until_signal(start: impl FnOnce() -> Result<Server, Failure>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let (mut interrupt, mut terminate) =
                (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            let _server = start()?;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        {
            let _server = start()?;
            tokio::signal::ctrl_c().await?;
        }
        Ok(())
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
