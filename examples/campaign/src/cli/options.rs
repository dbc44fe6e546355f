//! The commands and their flags. Each flag is an environment variable too; the flag comes first.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use wechatpay_proto::payout;

const MORE: &str = "\
A store is sqlite:PATH (one worker, the file is made) or postgres://USER@HOST/DATABASE (many workers). A password belongs
into CAMPAIGN_STORE, not into a flag, which others on the machine can see. To another machine there is TLS, and the server is
verified (sslmode=verify-full): add ?sslrootcert=FILE for an authority that the system does not know.

Exit codes:
  0  fine
  1  something could not be done; `resume` goes on
  2  wrong usage, or rows that cannot be paid as they are
  3  all came to an end, and a person must look: failed, conflict, needs_human, or rows that were left out
  4  stopped by a signal; `resume` goes on

Try it, without any account:
  campaign run --csv sample.csv --mock";

/// Pays the red packets of a list: each once, each to its end, whatever happens on the way.
///
/// It can be killed at any moment. Whoever starts it again with the same store goes on where it was.
#[derive(Parser)]
#[command(name = "campaign", version, after_long_help = MORE)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Take the rows of a file into the store, and lead everything in the store to its end.
    #[command(after_long_help = MORE)]
    Run(Box<Run>),
    /// Go on with what is in the store.
    Resume(Box<Resume>),
    /// Say where everything stands; beside a campaign that runs, too.
    Report(Report),
    /// Give payouts that FAILED a new number each: a decision of the business. `resume` sends them then.
    Renumber(Renumber),
    /// Check a file, and say everything that is wrong with it. Nothing is written and nothing is sent.
    Check(Check),
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) rows: Rows,

    /// Leave rows out that are bad, and pay the others. The exit code is 3 then.
    #[arg(long, env = "CAMPAIGN_SKIP_BAD", value_parser = BoolishValueParser::new())]
    pub(crate) skip_bad: bool,

    /// Where the payouts are kept. With --mock a file that is removed at the end, unless one is named.
    #[arg(
        long,
        env = "CAMPAIGN_STORE",
        value_name = "STORE",
        hide_env_values = true,
        required_unless_present = "mock"
    )]
    pub(crate) store: Option<String>,

    #[command(flatten)]
    pub(crate) mock: MockFlags,
    #[command(flatten)]
    pub(crate) merchant: MerchantFlags,
    #[command(flatten)]
    pub(crate) pace: Pace,

    /// Write a report there when all is done.
    #[arg(long, env = "CAMPAIGN_REPORT", value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Resume {
    /// Where the payouts are kept.
    #[arg(long, env = "CAMPAIGN_STORE", value_name = "STORE", hide_env_values = true)]
    pub(crate) store: String,
    #[command(flatten)]
    pub(crate) merchant: MerchantFlags,
    #[command(flatten)]
    pub(crate) pace: Pace,
    /// Write a report there when all is done.
    #[arg(long, env = "CAMPAIGN_REPORT", value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Report {
    /// Where the payouts are kept.
    #[arg(long, env = "CAMPAIGN_STORE", value_name = "STORE", hide_env_values = true)]
    pub(crate) store: String,
    /// The merchant number.
    #[arg(long, env = "CAMPAIGN_MCH_ID", value_name = "NUMBER")]
    pub(crate) mch_id: String,
    /// Write a row for each payout there.
    #[arg(long, env = "CAMPAIGN_REPORT", value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Renumber {
    /// A file with the columns business_id and mch_billno, which is the new number.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: PathBuf,
    /// Where the payouts are kept.
    #[arg(long, env = "CAMPAIGN_STORE", value_name = "STORE", hide_env_values = true)]
    pub(crate) store: String,
    /// The merchant number.
    #[arg(long, env = "CAMPAIGN_MCH_ID", value_name = "NUMBER")]
    pub(crate) mch_id: String,
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) rows: Rows,
    /// Hold the rows against this store, too.
    #[arg(long, env = "CAMPAIGN_STORE", value_name = "STORE", hide_env_values = true, requires = "mch_id")]
    pub(crate) store: Option<String>,
    /// The merchant number; needed with --store.
    #[arg(long, env = "CAMPAIGN_MCH_ID", value_name = "NUMBER")]
    pub(crate) mch_id: Option<String>,
}

/// A file of payouts.
#[derive(Args)]
pub(crate) struct Rows {
    /// A file with a header: business_id, mch_billno, wxappid, re_openid, total_amount (in fen), send_name, wishing,
    /// act_name, remark, client_ip, and perhaps scene_id.
    #[arg(long, env = "CAMPAIGN_CSV", value_name = "FILE")]
    pub(crate) csv: PathBuf,
    /// The appid of rows that name none.
    #[arg(long, env = "CAMPAIGN_APPID", value_name = "APPID")]
    pub(crate) appid: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "Mock")]
pub(crate) struct MockFlags {
    /// Pay to a mock inside this program, with a clock of its own: a day of waiting is over at once.
    #[arg(long, env = "CAMPAIGN_MOCK", value_parser = BoolishValueParser::new(), conflicts_with_all = ["url", "key_file"])]
    pub(crate) mock: bool,
    /// How many of a hundred requests go wrong.
    #[arg(long, env = "CAMPAIGN_MOCK_FAULTS", value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=90))]
    pub(crate) mock_faults: u32,
    /// Where the chance of the mock comes from.
    #[arg(long, env = "CAMPAIGN_MOCK_SEED", value_name = "SEED", default_value_t = 1)]
    pub(crate) mock_seed: u64,
}

#[derive(Args)]
#[command(next_help_heading = "Merchant")]
pub(crate) struct MerchantFlags {
    /// The merchant number.
    #[arg(long, env = "CAMPAIGN_MCH_ID", value_name = "NUMBER")]
    pub(crate) mch_id: Option<String>,
    /// A file with the key of APIv2, and nothing else. There is no flag for the key itself: others on the machine can see
    /// flags.
    #[arg(long, env = "CAMPAIGN_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The merchant's certificate (apiclient_cert.pem).
    #[arg(long, env = "CAMPAIGN_CERT", value_name = "FILE", requires = "key_pem")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of the certificate (apiclient_key.pem).
    #[arg(long, env = "CAMPAIGN_KEY_PEM", value_name = "FILE", requires = "cert")]
    pub(crate) key_pem: Option<PathBuf>,
    /// Another host than the service's own, such as a mock server: https, or http on this machine.
    #[arg(long, env = "CAMPAIGN_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Believe these certificate authorities and no others.
    #[arg(long, env = "CAMPAIGN_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Who carries the requests: ureq with a thread for each that is in flight, or hyper with tasks.
    #[arg(long, env = "CAMPAIGN_TRANSPORT", value_enum, default_value_t = Carrier::Ureq)]
    pub(crate) transport: Carrier,
    /// How long a call may take.
    #[arg(long, env = "CAMPAIGN_TIMEOUT", value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
#[command(next_help_heading = "Pace")]
pub(crate) struct Pace {
    /// When a payout counts as done: when the service has taken it, or when the money is with the receiver or back.
    #[arg(long, env = "CAMPAIGN_GOAL", value_enum, default_value_t = Goal::Settled)]
    pub(crate) goal: Goal,
    /// The most sendings a second, and the most queries a second.
    #[arg(long, env = "CAMPAIGN_RATE", value_name = "N", default_value_t = 30)]
    pub(crate) rate: u32,
    /// The most requests in flight.
    #[arg(long, env = "CAMPAIGN_IN_FLIGHT", value_name = "N", default_value_t = 16)]
    pub(crate) in_flight: u32,
    /// How long payouts belong to a worker that is not heard of any more, before others may take them (PostgreSQL).
    #[arg(long, env = "CAMPAIGN_LEASE", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) lease: Duration,
    #[command(flatten)]
    pub(crate) waits: Waits,
}

/// For those who know the policy of the core, and for tests.
#[derive(Args)]
pub(crate) struct Waits {
    /// The most payouts that this worker holds at once.
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) capacity: Option<usize>,
    /// The waits after what settled nothing, such as 1s,5s,30s.
    #[arg(long, hide = true, value_delimiter = ',', value_parser = duration)]
    pub(crate) backoff: Option<Vec<Duration>>,
    /// How long an order that is on its way is left alone.
    #[arg(long, hide = true, value_parser = duration)]
    pub(crate) processing_wait: Option<Duration>,
    /// How long the permission to send is good.
    #[arg(long, hide = true, value_parser = duration)]
    pub(crate) attempt_life: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Carrier {
    Ureq,
    Hyper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Goal {
    Accepted,
    Settled,
}

impl From<Goal> for payout::Goal {
    fn from(goal: Goal) -> Self {
        match goal {
            Goal::Accepted => Self::Accepted,
            Goal::Settled => Self::Settled,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    wechatpay_mock_server::parse_duration(text)
}
