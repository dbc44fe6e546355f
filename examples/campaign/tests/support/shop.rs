//! A mock server to pay to, a file of rows, and the program itself as a child process.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part of it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use wechatpay_mock_server::{
    Clock, Fault, FaultRule, Filter, JournalLimits, Mock, MockMerchant, Rules, Server, Status,
    rules::PlainCert,
};

pub const MCH_ID: &str = "9900000001";
pub const APPID: &str = "wx8888888888888888";
/// Nothing that is waited for takes nearly as long, unless it never comes.
const NEVER: Duration = Duration::from_secs(120);

/// A server, a merchant with just enough money, and a folder with its key and a file of rows.
pub struct Shop {
    pub mock: Mock,
    pub merchant: MockMerchant,
    pub server: Server,
    pub rows: u32,
    pub total: u64,
    dir: TempDir,
}

/// The amount of row `at`.
fn fen(at: u32) -> u32 {
    100 + at * 37 % 900
}

pub fn number(at: u32) -> String {
    format!("{MCH_ID}A{at:06}")
}

impl Shop {
    /// One with so many rows in its file.
    pub fn open(rows: u32) -> Self {
        let total = (0..rows).map(|at| u64::from(fen(at))).sum();
        let rules = Rules {
            user_packets_a_day: None,
            user_fen_a_day: None,
            merchant_fen_a_day: None,
            sends_per_second: None,
            plain_cert: PlainCert::Trust,
            ..Rules::default()
        };
        let journal = JournalLimits::new(100_000, 1 << 30).unwrap();
        let mock = Mock::builder().clock(Clock::real()).rules(rules).journal(journal).build();
        let merchant = mock.merchant().mch_id(MCH_ID).appid(APPID).balance_fen(total);
        let merchant = merchant.create().unwrap();
        let server = mock.serve().unwrap();
        let dir = TempDir::new().unwrap();
        // Editors end files with a line's end.
        fs::write(dir.path().join("key"), format!("{}\n", merchant.key())).unwrap();
        let shop = Self { mock, merchant, server, rows, total, dir };
        shop.write("rows.csv", csv(0..rows));
        shop
    }

    /// Has about a quarter of all requests go wrong, in every way that leaves a sender in the dark.
    pub fn arm(&self) {
        let faults: [FaultRule; 7] = [
            Fault::request_lost().on("sendredpack"),
            Fault::reply_lost().on("sendredpack"),
            Fault::applied_then_error().on("sendredpack"),
            Fault::late_commit(Duration::from_secs(1)).on("sendredpack"),
            Fault::duplicate_delivery().on("sendredpack"),
            Fault::reply_lost().on("gethbinfo"),
            Fault::applied_then_error().on("gethbinfo"),
        ];
        for rule in faults {
            self.mock.arm(rule.probability(0.056)).unwrap();
        }
    }

    /// How many faults struck.
    pub fn struck(&self) -> u64 {
        self.mock.faults().iter().map(|fault| fault.hits).sum()
    }

    /// Waits until the mock has had so many requests in all.
    pub fn wait_for(&self, requests: u64) {
        self.mock.wait_for(usize::try_from(requests).unwrap(), &Filter::default(), NEVER).unwrap();
    }

    /// How many requests were to pay.
    pub fn sends(&self) -> usize {
        let sends = Filter::default().path("/mmpaymkttransfers/sendredpack");
        self.mock.wait_for(0, &sends, Duration::ZERO).unwrap().len()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// `sqlite:…` in the folder.
    pub fn store(&self) -> String {
        format!("sqlite:{}", self.path("campaign.db").display())
    }

    /// The program with these words, and with everything that a worker of this shop needs.
    pub fn worker(&self, words: &[&str]) -> Command {
        let mut command = campaign(words);
        command.args(["--mch-id", MCH_ID, "--url", &self.server.http_url(), "--goal", "accepted"]);
        command.arg("--key-file").arg(self.path("key"));
        command.args(["--rate", "1000", "--backoff", "1s,1s,2s", "--processing-wait", "1s"]);
        command.args(["--attempt-life", "5s", "--timeout", "3s"]);
        command
    }

    /// `run` with the file of rows, or `resume`, on a store.
    pub fn lead(&self, command: &str, store: &str) -> Command {
        let mut worker = self.worker(&[command, "--store", store]);
        if command == "run" {
            worker.arg("--csv").arg(self.path("rows.csv"));
        }
        worker
    }

    /// Every packet was paid once, nothing else was paid, and the report says the same.
    pub fn audit(&self, report: &Path) {
        let ledger = self.mock.ledger();
        let packets: BTreeMap<_, _> =
            ledger.packets().map(|packet| (packet.key.mch_billno.clone(), packet)).collect();
        assert_eq!(packets.len(), self.rows as usize, "one packet for each row");
        for (number, packet) in &packets {
            let paid = packet.history.iter().filter(|(_, status)| *status == Status::Sent).count();
            assert_eq!((paid, packet.status), (1, Status::Sent), "{number}");
        }
        let sum: u64 = packets.values().map(|packet| u64::from(packet.amount.0)).sum();
        assert_eq!((sum, self.merchant.balance_fen()), (self.total, 0));
        let rows = read_report(report);
        assert_eq!(rows.len(), packets.len(), "one row for each packet");
        let mut reported = 0;
        for row in &rows {
            let packet = packets[&row["mch_billno"]];
            assert_eq!(row["state"], "accepted", "{row:?}");
            assert_eq!(row["total_amount"], packet.amount.0.to_string());
            reported += row["total_amount"].parse::<u64>().unwrap();
        }
        assert_eq!(reported, sum);
    }
}

/// The program with these words, and without the variables of whoever runs the tests.
pub fn campaign(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campaign"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CAMPAIGN_")) {
        command.env_remove(name);
    }
    command.args(words).stdin(Stdio::null());
    command
}

/// Rows that are fine.
pub fn csv(rows: std::ops::Range<u32>) -> String {
    let mut text =
        "business_id,mch_billno,wxappid,re_openid,total_amount,send_name,wishing,act_name,remark,client_ip\n"
            .to_owned();
    for at in rows {
        let (number, fen) = (number(at), fen(at));
        writeln!(text, "row {at},{number},{APPID},openid{at:022},{fen},天虹百货,祝,活动,备注,192.168.0.1")
            .unwrap();
    }
    text
}

/// The rows of a report, by the names of its columns.
pub fn read_report(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

/// What a program that ended said, and how it ended.
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs it to its end.
pub fn finish(command: &mut Command) -> Said {
    command.output().unwrap().into()
}

/// A child that is killed when the test fails.
pub struct Worker(pub Child);

impl Worker {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// `kill -9`; whether it was still alive.
    pub fn kill(&mut self) -> bool {
        let alive = self.0.try_wait().unwrap().is_none();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        alive
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Chance from a seed.
pub struct Dice(pub u64);

impl Dice {
    /// 0 to `below - 1`.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }
}
