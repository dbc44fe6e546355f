//! The flags of a server. Each is an environment variable too; flag beats variable beats config file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use wechatpay_mock_server::Clock;

use super::values::{self, Level, OnOff, Print};

/// What a server is started with.
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) door: Door,
    #[command(flatten)]
    pub(crate) world: WorldOptions,
    #[command(flatten)]
    pub(crate) kit: KitFlags,
    #[command(flatten)]
    pub(crate) life: Life,
}

/// Where it listens and to whom.
#[derive(Args)]
#[command(next_help_heading = "Port")]
pub(crate) struct Door {
    /// Where to listen: a loopback address, unless --expose is given; port 0 for a free one. One port takes HTTP, HTTPS
    /// and the admin API.
    #[arg(long, env = "WECHATPAY_MOCK_LISTEN", default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT", value_parser = values::address)]
    pub(crate) listen: SocketAddr,

    /// Take HTTPS only. The admin API is there too then, and wants no client certificate; sub-commands speak plain HTTP
    /// and cannot reach it.
    #[arg(long, env = "WECHATPAY_MOCK_HTTPS_ONLY", action = ArgAction::SetTrue, value_parser = values::flag, conflicts_with = "http_only")]
    pub(crate) https_only: bool,

    /// Take plain HTTP only.
    #[arg(long, env = "WECHATPAY_MOCK_HTTP_ONLY", action = ArgAction::SetTrue, value_parser = values::flag)]
    pub(crate) http_only: bool,

    /// The longest that a fault may hold an answer back.
    #[arg(long, env = "WECHATPAY_MOCK_MAX_DELAY", default_value = "60s", value_name = "DURATION", value_parser = values::duration)]
    pub(crate) max_delay: Duration,

    /// Whether there is the admin API below /__mock.
    #[arg(
        long,
        env = "WECHATPAY_MOCK_ADMIN",
        default_value = "on",
        value_name = "on|off",
        hide_possible_values = true
    )]
    pub(crate) admin: OnOff,

    /// What admin calls must show, as Authorization: Bearer TOKEN. 16 visible ASCII characters or more; better in the
    /// variable than in a flag, which others on the machine can see.
    #[arg(long, env = "WECHATPAY_MOCK_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) admin_token: Option<String>,

    /// Listen beyond loopback, for containers. Needs --admin-token.
    #[arg(long, env = "WECHATPAY_MOCK_EXPOSE", action = ArgAction::SetTrue, value_parser = values::flag)]
    pub(crate) expose: bool,
}

/// What the world begins with.
#[derive(Args)]
#[command(next_help_heading = "World")]
pub(crate) struct WorldOptions {
    #[command(flatten)]
    pub(crate) merchants: Merchants,

    /// A world in JSON, as GET /__mock/state answers it, or - for stdin. Every part may be left out; a merchant may have
    /// key_file in place of key. Merchants of --merchant come in addition.
    #[arg(long, env = "WECHATPAY_MOCK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where the world is kept: read at the start if it is there, written at the end. What it holds goes on: of flags and
    /// --config only merchants that are missing are added.
    #[arg(long, env = "WECHATPAY_MOCK_STATE_FILE", value_name = "FILE")]
    pub(crate) state_file: Option<PathBuf>,

    /// The clock: real, frozen:2026-01-01T09:00:00+08:00, or scaled:60 (a minute goes by in a second) [default: real].
    #[arg(long, env = "WECHATPAY_MOCK_CLOCK", value_name = "CLOCK", value_parser = values::clock)]
    pub(crate) clock: Option<Clock>,

    /// Switches of the service's behaviour, as name=value,…: group=legacy, for example. --help lists them all.
    #[arg(long, env = "WECHATPAY_MOCK_RULES", value_name = "SWITCHES", long_help = values::list_rules())]
    pub(crate) rules: Option<String>,

    /// Whether a request can ask for a fault itself, by the header Wechatpay-Negative-Test or by its remark.
    #[arg(
        long,
        env = "WECHATPAY_MOCK_IN_BAND",
        default_value = "on",
        value_name = "on|off",
        hide_possible_values = true
    )]
    pub(crate) in_band: OnOff,

    /// How many requests the journal keeps.
    #[arg(long, env = "WECHATPAY_MOCK_JOURNAL_MAX", default_value_t = 1000, value_name = "NUMBER")]
    pub(crate) journal_max: usize,

    /// How many bytes the journal keeps.
    #[arg(long, env = "WECHATPAY_MOCK_JOURNAL_BYTES", default_value = "64MiB", value_name = "SIZE", value_parser = values::bytes)]
    pub(crate) journal_bytes: usize,

    /// Where every request is written as a line of JSON, behind what is there.
    #[arg(long, env = "WECHATPAY_MOCK_JOURNAL_FILE", value_name = "FILE")]
    pub(crate) journal_file: Option<PathBuf>,
}

/// Who the merchants are.
#[derive(Args)]
#[command(next_help_heading = "World")]
pub(crate) struct Merchants {
    /// A merchant, as mch_id=…,key=…,… (see "Merchants" below); may be repeated. Without any there is one that is made
    /// up. [env: WECHATPAY_MOCK_MERCHANT, several separated by ;]
    // The variable is read elsewhere: clap would show it in errors.
    #[arg(long = "merchant", value_name = "PARTS")]
    pub(crate) merchants: Vec<String>,

    /// Where ids and made-up keys come from [default: 0].
    #[arg(long, env = "WECHATPAY_MOCK_SEED", value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}

/// Where the certificates go.
#[derive(Args)]
#[command(next_help_heading = "Kit")]
pub(crate) struct KitFlags {
    /// Where the kit goes: ca.pem, and a folder of certificates for each merchant. Without it, a private temporary folder
    /// that is removed at the end.
    #[arg(long, env = "WECHATPAY_MOCK_KIT_DIR", value_name = "DIR")]
    pub(crate) kit_dir: Option<PathBuf>,

    /// One more name in the server's certificate; may be repeated, or have several separated by commas.
    #[arg(long, env = "WECHATPAY_MOCK_HOST_ALIAS", value_name = "NAME", value_delimiter = ',')]
    pub(crate) host_alias: Vec<String>,
}

/// How it says that it is there, and when it goes.
#[derive(Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct Life {
    /// Write the ready line to a file too. One of before is removed at the start, so that waiting for the file works.
    #[arg(long, env = "WECHATPAY_MOCK_READY_FILE", value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,

    /// Write the first merchant to a file for shells: WECHATPAY_MOCK_URL, _CA, _MCH_ID, _KEY, _CERT, _KEY_PEM, _P12.
    #[arg(long, env = "WECHATPAY_MOCK_ENV_FILE", value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,

    /// What comes on stdout when the server is ready: the ready line, or text for people.
    #[arg(
        long,
        env = "WECHATPAY_MOCK_PRINT",
        default_value = "json",
        value_name = "json|human",
        hide_possible_values = true
    )]
    pub(crate) print: Print,

    /// End when stdin ends, as it does when the process that started this one is gone: stdin is a pipe that the parent
    /// keeps open, or a terminal, which ends when it hangs up. Refused where stdin is at its end already, or /dev/null.
    #[arg(long, env = "WECHATPAY_MOCK_DIE_WITH_PARENT", action = ArgAction::SetTrue, value_parser = values::flag)]
    pub(crate) die_with_parent: bool,

    /// End when nobody connected or asked for so long: 10m.
    #[arg(long, env = "WECHATPAY_MOCK_IDLE_EXIT", value_name = "DURATION", value_parser = values::duration)]
    pub(crate) idle_exit: Option<Duration>,

    /// What is said on stderr while it serves: nothing but what cannot be done, and each path once that is not played; a
    /// line for each request too; or that and the bodies. Never a key.
    #[arg(
        long,
        env = "WECHATPAY_MOCK_LOG",
        default_value = "off",
        value_name = "off|info|wire",
        hide_possible_values = true
    )]
    pub(crate) log: Level,
}
