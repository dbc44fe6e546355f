//! The sub-commands, and what `--help` says of all of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::options::{KitFlags, Merchants, Serve};
use super::values::Print;

const MERCHANTS: &str = "\
Merchants:
  --merchant mch_id=10000098,key=exposed_your_key_here_have_risks,appid=wx8888888888888888,balance=1000000

  mch_id=NUMBER        1 to 32 of [0-9A-Za-z]; made-up ones begin with 99
  key=KEY              32 visible ASCII characters; made-up ones begin with mock. Never give a real one
  key_file=FILE        a file with the key, in place of key: for one with a comma, or out of sight of others
  appid=APPID          bound to it; may be repeated
  balance=FEN          an integer; 1000000 by itself, which is 10000 yuan
  agent_secret=SECRET  of its work-weixin application
  mode=merchant        or partner, for a service provider
  under=MCH_ID         the service provider that it is a sub-merchant of
  sub_mch_id=MCH_ID    with mode=partner: this sub-merchant is made as well; may be repeated

The ready line:
  The first line on stdout, one JSON object, when the server listens, the kit is written and the world is there. It holds
  the API keys and agent secrets in clear: they are test keys. Never pass a real one.

Exit codes:
  0  fine: also after SIGTERM, SIGINT, --die-with-parent and --idle-exit; stderr says which
  1  a sub-command's server did not answer, or refused; also health of one that is not well
  2  wrong usage
  3  cannot listen
  4  configuration: a file, a folder, or what is in it
  5  verification failed

Examples:
  wechatpay-mock
  wechatpay-mock --listen 127.0.0.1:8443 --kit-dir kit --env-file mock.env --ready-file ready.json
  wechatpay-mock --clock frozen:2026-01-01T09:00:00+08:00 --seed 42 --merchant mch_id=10000098,balance=5000
  wechatpay-mock --merchant mode=partner,mch_id=1900000001,sub_mch_id=1900000002
  wechatpay-mock --config world.json --state-file state.json --log info
  WECHATPAY_MOCK_ADMIN_TOKEN=… wechatpay-mock --listen 0.0.0.0:8443 --expose
  wechatpay-mock clock advance 24h --ready-file ready.json
  wechatpay-mock health --server http://127.0.0.1:8443";

/// A stand-in for WeChat Pay APIv2: the red packets (sendredpack, sendminiprogramhb, sendgroupredpack, gethbinfo,
/// sendworkwxredpack, queryworkwxredpack). One port serves HTTPS, which asks for the merchant's client certificate,
/// plain HTTP, and the admin API below /__mock/.
///
/// Without a sub-command it serves. Every flag is an environment variable too; flag beats variable beats config file.
#[derive(Parser)]
#[command(name = "wechatpay-mock", version, after_long_help = MERCHANTS, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve: what happens without a sub-command too.
    #[command(after_long_help = MERCHANTS)]
    Serve(Box<Serve>),
    /// Write a kit without serving: for a later start with the same --kit-dir.
    Kit(KitCommand),
    /// Sign fields that come on stdin, as a document or as name=value lines. Offline.
    Sign(SignCommand),
    /// Say the version.
    Version,
    #[command(flatten)]
    Remote(RemoteCommand),
}

/// Commands to a server that runs.
#[derive(Subcommand)]
pub(crate) enum RemoteCommand {
    /// Whether the server is well: exit code 0, or 1. For health checks of containers; needs no token.
    Health(Target),
    /// Forget what happened, of one merchant or of all; merchants stay, with their opening balances. The answer says which
    /// faults stay armed and which switches stay changed.
    Reset {
        /// This merchant alone. Faults that name no merchant, and the clock, which is everybody's, stay then.
        #[arg(long)]
        mch_id: Option<String>,
        /// What to forget: state (packets, balances, users, requests on their way), requests (the journal), faults, rules
        /// (switches, back to what they were at the start) and clock, separated by commas. Without it all but rules, and
        /// of one merchant all but rules and clock.
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', hide_possible_values = true)]
        scope: Vec<Scope>,
        #[command(flatten)]
        target: Target,
    },
    /// Look at the clock, or move it.
    Clock {
        #[command(subcommand)]
        action: Option<ClockAction>,
        #[command(flatten)]
        target: Target,
    },
    /// Faults on purpose.
    Faults {
        #[command(subcommand)]
        action: FaultsAction,
        #[command(flatten)]
        target: Target,
    },
    /// What arrived, and what became of it.
    Requests {
        #[command(subcommand)]
        action: RequestsAction,
        #[command(flatten)]
        target: Target,
    },
    /// Look at a packet, or do to it what a user or time would do.
    Redpacket {
        #[command(subcommand)]
        action: PacketAction,
        #[command(flatten)]
        target: Target,
    },
    /// Check that requests arrived as they should have: exit code 5 where not.
    Verify {
        /// Such as {"match":{"path":"sendredpack"},"count":{"exactly":1}}; - for stdin.
        expectation: String,
        #[command(flatten)]
        target: Target,
    },
}

/// What a reset takes back.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Scope {
    State,
    Requests,
    Faults,
    Rules,
    Clock,
}

impl Scope {
    /// The word of the admin API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Requests => "requests",
            Self::Faults => "faults",
            Self::Rules => "rules",
            Self::Clock => "clock",
        }
    }
}

/// Which server, and how its answer is printed.
#[derive(Args)]
pub(crate) struct Target {
    /// Where the server is: http://127.0.0.1:8443. Plain HTTP is spoken, to an address of https:// too.
    /// [env: WECHATPAY_MOCK_URL]
    // The variables of these two are read elsewhere: either flag goes before both.
    #[arg(long, global = true, value_name = "URL", conflicts_with = "ready_file")]
    pub(crate) server: Option<String>,
    /// The ready file of the server, which says where it is. [env: WECHATPAY_MOCK_READY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// What an exposed server wants to see.
    #[arg(
        long,
        global = true,
        env = "WECHATPAY_MOCK_ADMIN_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub(crate) admin_token: Option<String>,
    /// Print JSON as it comes, or for people: over several lines, and lists of requests as a table.
    #[arg(
        long,
        global = true,
        env = "WECHATPAY_MOCK_PRINT",
        default_value = "json",
        value_name = "json|human",
        hide_possible_values = true
    )]
    pub(crate) print: Print,
}

#[derive(Subcommand)]
pub(crate) enum ClockAction {
    /// What it shows, how it goes, and what is going to happen.
    Show,
    /// Move it on: 90s, 15m, 24h, 30d.
    Advance { by: String },
    /// Move it to the next thing that happens by itself.
    Next,
    /// Set it: real, frozen:2026-01-01T09:00:00+08:00, scaled:60.
    Set { clock: String },
}

#[derive(Subcommand)]
pub(crate) enum FaultsAction {
    /// Those that are armed.
    Ls,
    /// Arm one.
    Add {
        /// Such as {"when":{"path":"sendredpack","times":1},"then":{"fault":"reply_lost"}}; - for stdin.
        rule: String,
    },
    /// Disarm one.
    Rm { id: String },
    /// All that there are.
    Catalogue,
}

#[derive(Subcommand)]
pub(crate) enum RequestsAction {
    /// The newest first.
    Ls {
        /// Of this merchant alone.
        #[arg(long)]
        mch_id: Option<String>,
        /// To this path alone, such as sendredpack.
        #[arg(long)]
        path: Option<String>,
        /// With this verdict alone: ok, sign, cert, business, fault.
        #[arg(long)]
        verdict: Option<String>,
        /// At most so many.
        #[arg(long)]
        limit: Option<u32>,
    },
    /// One, such as req_000012, with all that is known of it.
    Show { id: String },
    /// The command line that sends it again.
    Curl { id: String },
}

#[derive(Subcommand)]
pub(crate) enum PacketAction {
    /// Look at it.
    Show(Packet),
    /// Pay it: from SENDING to SENT.
    Settle(Packet),
    /// Have a user claim it, or a share of it: to RECEIVED.
    Claim {
        /// Who; the one it was sent to by itself.
        #[arg(long)]
        openid: Option<String>,
        #[command(flatten)]
        packet: Packet,
    },
    /// Let its time run out: to RFUND_ING.
    Expire(Packet),
    /// Give the money back: to REFUND.
    Refund(Packet),
    /// Have it fail: from SENDING to FAILED.
    Fail {
        /// The reason that queries show.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        packet: Packet,
    },
}

#[derive(Args)]
pub(crate) struct Packet {
    pub(crate) mch_id: String,
    pub(crate) mch_billno: String,
}

/// What a kit is written for.
#[derive(Args)]
pub(crate) struct KitCommand {
    #[command(flatten)]
    pub(crate) merchants: Merchants,
    #[command(flatten)]
    pub(crate) kit: KitFlags,
}

/// What is signed, and with what.
#[derive(Args)]
#[command(after_long_help = "\
Give the key by --key-file or by the variable: others on the machine can see flags. What is printed is JSON with the string
that was signed (the key hidden), the sign, and the document. mch_id and nonce_str are among the fields; a sign among them is
left out.

Examples:
  wechatpay-mock sign --key-file key.txt --path /mmpaymkttransfers/sendredpack < request.xml
  printf 'mch_id=10000098\\nnonce_str=abc\\nmch_billno=1\\n' | wechatpay-mock sign --path sendredpack --print human")]
pub(crate) struct SignCommand {
    /// The API key.
    #[arg(long, env = "WECHATPAY_MOCK_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// A file with the API key, which goes before --key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The secret of the work-weixin application, for workwx_sign.
    #[arg(long, env = "WECHATPAY_MOCK_AGENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub(crate) agent_secret: Option<String>,
    /// The path that the request goes to, or its last part.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: String,
    /// Print JSON, or text for people.
    #[arg(
        long,
        env = "WECHATPAY_MOCK_PRINT",
        default_value = "json",
        value_name = "json|human",
        hide_possible_values = true
    )]
    pub(crate) print: Print,
}
