//! The mock as a product: how soon the binary is ready and what it takes while idle, how many signed packets it takes
//! over mutual TLS, and how long a day takes over ten thousand packets.

#![expect(clippy::print_stdout, reason = "figures for whoever runs the benches")]

use std::hint::black_box;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use wechatpay_mock_server::{Mock, Rules, State};
use wechatpay_proto::transport::{BaseUrl, BlockingTransport};
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};
use wechatpay_proto::{ApiKey, Client, Fen, Merchant};
use wechatpay_transport_ureq::{Identity, Roots, Settings, UreqTransport, os_random};

const KEY: &str = "exposed_your_key_here_have_risks";
const APPID: &str = "wx8888888888888888";
const DAY: Duration = Duration::from_secs(24 * 3600);
const PACKETS: u64 = 10_000;
/// Packets of one measured round over TLS, by so many threads.
const ROUND: u64 = 2_000;
const THREADS: u64 = 4;

/// The binary, from its start to its ready line.
struct Running {
    child: Child,
    ready: Value,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wechatpay-mock"));
        let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    /// What it holds in memory, in kB.
    fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    fn file(&self, merchant: &str) -> &str {
        self.ready["merchants"][0][merchant].as_str().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // By its own id, and waited for: its kit goes with it.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        drop(self.child.wait());
    }
}

fn packet(mch_billno: &str) -> SendRedPack<'_> {
    SendRedPack {
        mch_billno,
        wxappid: APPID,
        send_name: "天虹百货",
        re_openid: "oxTWIuGaIt6gTKsQRLau2M0yL16E",
        total_amount: Fen(100),
        wishing: "感谢您参加猜灯谜活动，祝您元宵节快乐！",
        client_ip: [192, 168, 0, 1].into(),
        act_name: "猜灯谜抢红包活动",
        remark: "猜越多得越多，快来抢！",
        options: SendRedPackOptions::default(),
    }
}

/// Sends packets of these numbers, each of which must be accepted.
fn send<T: BlockingTransport>(
    merchant: Merchant,
    transport: T,
    base: BaseUrl,
    numbers: std::ops::Range<u64>,
) {
    let client = Client::new(merchant, transport, os_random).with_base(base);
    for number in numbers {
        let reply = client.send_blocking(&packet(&format!("B{number}"))).unwrap();
        assert!(reply.outcome().is_accepted());
    }
}

fn ready(criterion: &mut Criterion) {
    let idle = Running::start(&[]);
    println!("idle after the ready line: {} kB resident", idle.resident().unwrap_or_default());
    drop(idle);
    criterion.bench_function("start/to the ready line, and its end", |bench| {
        bench.iter(|| {
            let running = Running::start(&[]);
            assert_eq!(running.ready["ready"], true);
        });
    });
}

fn sends(criterion: &mut Criterion) {
    let merchant = format!("mch_id=10000098,key={KEY},appid={APPID},balance=1000000000000");
    let rules = "resend-gap=0s,sends-per-second=none,user-packets-a-day=none,user-fen-a-day=none,\
                 merchant-fen-a-day=none";
    let running = Running::start(&["--merchant", &merchant, "--rules", rules]);
    let base = BaseUrl::parse(running.ready["url"].as_str().unwrap()).unwrap();
    let roots = Roots::from_pem(&std::fs::read(running.ready["ca"].as_str().unwrap()).unwrap()).unwrap();
    let identity = Identity::from_pem_files(running.file("cert"), running.file("key_pem")).unwrap();
    let transport = UreqTransport::new(Settings::new().identity(identity).roots(roots)).unwrap();
    let credentials = Merchant::direct("10000098", ApiKey::new(KEY).unwrap()).unwrap();
    let next = AtomicU64::new(0);

    let mut group = criterion.benchmark_group("sends");
    group.throughput(Throughput::Elements(ROUND)).sample_size(10);
    group.bench_function("signed packets over kept mutual TLS, 4 threads", |bench| {
        bench.iter(|| {
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    let (transport, credentials, base) =
                        (transport.clone(), credentials.clone(), base.clone());
                    let first = next.fetch_add(ROUND / THREADS, Ordering::SeqCst);
                    scope.spawn(move || send(credentials, transport, base, first..first + ROUND / THREADS));
                }
            });
        });
    });
    group.finish();
    println!(
        "after {} packets: {} kB resident",
        next.load(Ordering::SeqCst),
        running.resident().unwrap_or_default()
    );
}

/// A world with ten thousand packets that nobody has claimed.
fn world() -> State {
    let mock = Mock::builder().rules(Rules::unlimited()).build();
    let merchant = mock.merchant().key(KEY).appid(APPID).balance_fen(100 * PACKETS).create().unwrap();
    send(merchant.credentials(), merchant.transport(), BaseUrl::default(), 0..PACKETS);
    mock.state()
}

fn advance(criterion: &mut Criterion) {
    let world = world();
    let mut group = criterion.benchmark_group("advance");
    group.throughput(Throughput::Elements(PACKETS)).sample_size(20);
    group.bench_function("24 h over 10,000 packets, each of which expires", |bench| {
        let built = || {
            let mock = Mock::builder().rules(Rules::unlimited()).build();
            mock.restore(world.clone()).unwrap();
            mock
        };
        bench.iter_batched_ref(
            built,
            |mock| {
                let fired = mock.advance(DAY);
                assert_eq!(fired.len() as u64, PACKETS);
                black_box(fired)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, ready, sends, advance);
criterion_main!(benches);
