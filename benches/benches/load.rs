//! Whole calls over mutual TLS to the mock: typed request, signature, the wire, the verified typed answer. Beside them a
//! bare hyper client, which posts the same signed bytes again and again over as many connections of the same TLS
//! settings and only collects the answers. They take turns, so that all meet the same machine.
//!
//! All send the same packet, which the mock pays once and then confirms: so its work is the same for all, and its
//! ledger does not grow while the time runs.
//!
//! `cargo bench -p wechatpay-benches --bench load`; with `-- --test` each runs shortly, to see that it works.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench"
)]

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};
use wechatpay_benches::packet;
use wechatpay_mock_server::{Mock, MockMerchant, Rules, Server, Validity};
use wechatpay_proto::transport::BaseUrl;
use wechatpay_proto::{Client, Nonce};
use wechatpay_transport::{Lane, Settings};
use wechatpay_transport_hyper::{HyperTransport, Identity, Roots, os_random};
use wechatpay_transport_ureq::UreqTransport;

const TASKS: usize = 64;
const THREADS: usize = 8;

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let (rounds, calls) = if short { (1, 256) } else { (7, 40_960) };
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut lines = [
        Line::new("bare hyper, 64 connections", TASKS),
        Line::new("wechatpay-transport-hyper, 64 tasks", TASKS),
        Line::new("bare hyper, 8 connections", THREADS),
        Line::new("bare blocking TLS stream, 8 threads", THREADS),
        Line::new("wechatpay-transport-ureq, 8 threads", THREADS),
    ];
    let work: [&dyn Fn(usize) -> Vec<Duration>; 5] = [
        &|each| runtime.block_on(bare(&world, TASKS, each)),
        &|each| runtime.block_on(full_hyper(&world, TASKS, each)),
        &|each| runtime.block_on(bare(&world, THREADS, each)),
        &|each| bare_blocking(&world, THREADS, each),
        &|each| full_ureq(&world, THREADS, each),
    ];
    // The first round warms up and does not count; each of the others begins with another one.
    for round in 0..=rounds {
        for turn in 0..work.len() {
            let at = (round + turn) % work.len();
            lines[at].run(&world, calls, work[at], round > 0);
        }
    }
    assert_eq!(world.mock.ledger().packets().count(), 1, "however often it is sent");
    println!(
        "calls/s: median of {rounds} rounds of {calls} calls; latency over all rounds; most connections in a round"
    );
    for line in &mut lines {
        line.print();
    }
    let [bare_64, hyper_64, bare_8, blocking_8, ureq_8] = &lines;
    println!("wechatpay-transport-hyper to bare hyper: {:.2}", hyper_64.ratio(bare_64));
    println!("wechatpay-transport-ureq to bare hyper: {:.2}", ureq_8.ratio(bare_8));
    println!("wechatpay-transport-ureq to the bare blocking stream: {:.2}", ureq_8.ratio(blocking_8));
}

/// What one kind of client did.
struct Line {
    name: &'static str,
    workers: usize,
    calls_per_second: Vec<f64>,
    latencies: Vec<Duration>,
    connections: usize,
}

impl Line {
    fn new(name: &'static str, workers: usize) -> Self {
        Self { name, workers, calls_per_second: Vec::new(), latencies: Vec::new(), connections: 0 }
    }

    fn run(&mut self, world: &World, calls: usize, work: &dyn Fn(usize) -> Vec<Duration>, counts: bool) {
        let before = world.server.connections().accepted;
        let start = Instant::now();
        let latencies = work(calls / self.workers);
        let took = start.elapsed();
        assert_eq!(latencies.len(), calls);
        let connections = world.server.connections().accepted - before;
        assert!(connections <= self.workers, "{}: {connections} connections", self.name);
        self.connections = self.connections.max(connections);
        if !counts {
            return;
        }
        self.calls_per_second.push(calls as f64 / took.as_secs_f64());
        self.latencies.extend(latencies);
    }

    fn print(&mut self) {
        self.latencies.sort_unstable();
        let at = |percent: usize| self.latencies[(self.latencies.len() - 1) * percent / 100].as_micros();
        println!(
            "{:38} {:>8.0} calls/s   p50 {:>6} µs   p99 {:>6} µs   {:>3} connections",
            self.name,
            median(self.calls_per_second.clone()),
            at(50),
            at(99),
            self.connections,
        );
    }

    /// The median of the rounds' ratios: neighbours in time are compared with each other.
    fn ratio(&self, rival: &Self) -> f64 {
        median(
            self.calls_per_second
                .iter()
                .zip(&rival.calls_per_second)
                .map(|(own, other)| own / other)
                .collect(),
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

struct World {
    mock: Mock,
    merchant: MockMerchant,
    server: Server,
}

impl World {
    fn new() -> Self {
        let mock = Mock::builder().rules(Rules::unlimited()).build();
        let key = wechatpay_benches::KEY;
        let merchant = mock.merchant().mch_id("10000098").key(key).appid("wx8888888888888888");
        let merchant = merchant.balance_fen(u64::MAX / 2).create().unwrap();
        let server = mock.serve().unwrap();
        Self { mock, merchant, server }
    }

    fn settings(&self) -> Settings {
        let (certificate, key) = self.server.kit().merchant_pem("10000098", Validity::Current).unwrap();
        let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let roots = Roots::from_pem(self.server.kit().ca_pem().as_bytes()).unwrap();
        Settings::new().identity(identity).roots(roots)
    }

    fn base(&self) -> BaseUrl {
        BaseUrl::parse(&self.server.https_url()).unwrap()
    }
}

/// `tasks` tasks share one transport, and each waits for its answer before the next call.
async fn full_hyper(world: &World, tasks: usize, each: usize) -> Vec<Duration> {
    let transport = HyperTransport::new(world.settings()).unwrap();
    let client = Client::new(world.merchant.credentials(), transport, os_random).with_base(world.base());
    let tasks = (0..tasks).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut latencies = Vec::with_capacity(each);
            for _ in 0..each {
                let start = Instant::now();
                let reply = client.send(&packet()).await.unwrap();
                latencies.push(start.elapsed());
                assert!(reply.outcome().is_accepted());
            }
            latencies
        })
    });
    gather(tasks.collect()).await
}

fn full_ureq(world: &World, threads: usize, each: usize) -> Vec<Duration> {
    let transport = UreqTransport::new(world.settings()).unwrap();
    let client = Client::new(world.merchant.credentials(), transport, os_random).with_base(world.base());
    on_threads(threads, || {
        latencies(each, || {
            assert!(client.send_blocking(&packet()).unwrap().outcome().is_accepted());
        })
    })
}

/// As fast as hyper goes: constant bytes, a connection for each task, answers collected and looked at no further.
async fn bare(world: &World, tasks: usize, each: usize) -> Vec<Duration> {
    let prepared = world.settings().prepare().unwrap();
    let connector = TlsConnector::from(Arc::clone(prepared.tls(Lane::Merchant).unwrap()));
    let body = signed_body(world);
    let tasks = (0..tasks).map(|_| {
        let (connector, body, address) = (connector.clone(), body.clone(), world.server.address());
        tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let stream = TokioIo::new(connector.connect(name, stream).await.unwrap());
            let (mut sender, connection) = http1::handshake(stream).await.unwrap();
            let working = tokio::spawn(connection);
            let mut latencies = Vec::with_capacity(each);
            for _ in 0..each {
                let start = Instant::now();
                let answer = post(&mut sender, body.clone()).await;
                latencies.push(start.elapsed());
                assert!(answer.ends_with(b"</xml>"));
            }
            drop(sender);
            working.await.unwrap().unwrap();
            latencies
        })
    });
    gather(tasks.collect()).await
}

/// As fast as blocking goes: constant bytes into a TLS stream, and bytes out until the answer ends as all of them do.
fn bare_blocking(world: &World, threads: usize, each: usize) -> Vec<Duration> {
    let prepared = world.settings().prepare().unwrap();
    let config = prepared.tls(Lane::Merchant).unwrap();
    let body = signed_body(world);
    let head = "POST /mmpaymkttransfers/sendredpack HTTP/1.1\r\nhost: 127.0.0.1\r\n\
                content-type: text/xml; charset=utf-8\r\ncontent-length: ";
    let request = [format!("{head}{}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    on_threads(threads, || {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        let stream = std::net::TcpStream::connect(world.server.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut buffer = [0; 16 * 1024];
        latencies(each, || {
            stream.write_all(&request).unwrap();
            let mut read = 0;
            while !buffer[..read].ends_with(b"</xml>") {
                read += stream.read(&mut buffer[read..]).unwrap();
            }
        })
    })
}

/// What every thread did, one after the other.
fn on_threads(threads: usize, work: impl Fn() -> Vec<Duration> + Sync) -> Vec<Duration> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// How long each call took.
fn latencies(calls: usize, mut call: impl FnMut()) -> Vec<Duration> {
    (0..calls)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed()
        })
        .collect()
}

/// The constant bytes.
fn signed_body(world: &World) -> Bytes {
    let nonce = Nonce::from_bytes(*b"16 random bytes!");
    world.merchant.credentials().sign(&packet(), nonce).unwrap().xml().to_owned().into()
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, body: Bytes) -> Bytes {
    sender.ready().await.unwrap();
    let request = http::Request::post("/mmpaymkttransfers/sendredpack")
        .header("host", "127.0.0.1")
        .header("content-type", "text/xml; charset=utf-8")
        .body(Full::new(body))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn gather(tasks: Vec<tokio::task::JoinHandle<Vec<Duration>>>) -> Vec<Duration> {
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}
