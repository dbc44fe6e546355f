//! Whole calls over mutual TLS to the mock: typed request, signature, the wire, the verified typed answer. Beside them a
//! bare hyper client, which posts the same signed bytes again and again over as many connections of the same TLS
//! settings and only collects the answers. They take turns in many short rounds, so that all meet the same machine, and
//! keep their connections from round to round: no handshake is in the figures. Tasks share one thread, which leaves the
//! mock the other core.
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
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
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
    let (rounds, calls) = if short { (1, 256) } else { (101, 5_120) };
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut lines = [
        Line::new("bare hyper, 64 connections", TASKS, bare(&world, &runtime, TASKS)),
        Line::new("wechatpay-transport-hyper, 64 tasks", TASKS, full_hyper(&world, &runtime, TASKS)),
        Line::new("bare hyper, 8 connections", THREADS, bare(&world, &runtime, THREADS)),
        Line::new("wechatpay-transport-ureq, 8 threads", THREADS, full_ureq(&world, THREADS)),
        Line::new("bare blocking TLS stream, 8 threads", THREADS, bare_blocking(&world, THREADS)),
    ];
    // The first round warms up and does not count. Every other one goes backwards, so that nobody is always the first.
    for round in 0..=rounds {
        for turn in 0..lines.len() {
            let at = if round % 2 == 0 { turn } else { lines.len() - 1 - turn };
            lines[at].run(&world, calls, round > 0);
        }
    }
    assert_eq!(world.mock.ledger().packets().count(), 1, "however often it is sent");
    println!("{rounds} rounds of {calls} calls each");
    for line in &mut lines {
        line.print();
    }
    let [bare_64, hyper_64, bare_8, ureq_8, blocking_8] = &lines;
    println!("wechatpay-transport-hyper to bare hyper: {:.2}", hyper_64.ratio(bare_64));
    println!("wechatpay-transport-ureq to bare hyper: {:.2}", ureq_8.ratio(bare_8));
    println!("wechatpay-transport-ureq to the bare blocking stream: {:.2}", ureq_8.ratio(blocking_8));
}

/// Makes so many calls with each worker, and tells how long each took.
type Work<'w> = Box<dyn FnMut(usize) -> Vec<Duration> + 'w>;

/// One kind of client, and what it did.
struct Line<'w> {
    name: &'static str,
    workers: usize,
    work: Work<'w>,
    time: Duration,
    latencies: Vec<Duration>,
    connections: usize,
}

impl<'w> Line<'w> {
    fn new(name: &'static str, workers: usize, work: Work<'w>) -> Self {
        Self { name, workers, work, time: Duration::ZERO, latencies: Vec::new(), connections: 0 }
    }

    fn run(&mut self, world: &World, calls: usize, counts: bool) {
        let before = world.server.connections().accepted;
        let start = Instant::now();
        let latencies = (self.work)(calls / self.workers);
        let took = start.elapsed();
        assert_eq!(latencies.len(), calls);
        self.connections += world.server.connections().accepted - before;
        assert!(self.connections <= self.workers, "{}: {} connections", self.name, self.connections);
        if counts {
            self.time += took;
            self.latencies.extend(latencies);
        }
    }

    fn print(&mut self) {
        self.latencies.sort_unstable();
        let at = |percent: usize| self.latencies[(self.latencies.len() - 1) * percent / 100].as_micros();
        println!(
            "{:38} {:>8.0} calls/s   p50 {:>6} µs   p99 {:>6} µs   {:>3} connections",
            self.name,
            self.calls_per_second(),
            at(50),
            at(99),
            self.connections,
        );
    }

    fn calls_per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    fn ratio(&self, rival: &Self) -> f64 {
        self.calls_per_second() / rival.calls_per_second()
    }
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
fn full_hyper<'w>(world: &World, runtime: &'w Runtime, tasks: usize) -> Work<'w> {
    let transport = HyperTransport::new(world.settings()).unwrap();
    let client = Client::new(world.merchant.credentials(), transport, os_random).with_base(world.base());
    Box::new(move |each| {
        let tasks = (0..tasks).map(|_| {
            let client = client.clone();
            runtime.spawn(async move {
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
        gather(runtime, tasks.collect()).concat()
    })
}

fn full_ureq<'w>(world: &World, threads: usize) -> Work<'w> {
    let transport = UreqTransport::new(world.settings()).unwrap();
    let client = Client::new(world.merchant.credentials(), transport, os_random).with_base(world.base());
    let mut clients = vec![client; threads];
    Box::new(move |each| {
        on_threads(&mut clients, |client| {
            latencies(each, || {
                assert!(client.send_blocking(&packet()).unwrap().outcome().is_accepted());
            })
        })
    })
}

/// As fast as hyper goes: constant bytes, a connection for each task, answers collected and looked at no further.
fn bare<'w>(world: &World, runtime: &'w Runtime, tasks: usize) -> Work<'w> {
    let prepared = world.settings().prepare().unwrap();
    let connector = TlsConnector::from(Arc::clone(prepared.tls(Lane::Merchant).unwrap()));
    let (body, address) = (signed_body(world), world.server.address());
    let mut senders = Vec::new();
    Box::new(move |each| {
        while senders.len() < tasks {
            senders.push(runtime.block_on(connect(&connector, address)));
        }
        let tasks = senders.drain(..).map(|mut sender: SendRequest<Full<Bytes>>| {
            let body = body.clone();
            runtime.spawn(async move {
                let mut latencies = Vec::with_capacity(each);
                for _ in 0..each {
                    let start = Instant::now();
                    let answer = post(&mut sender, body.clone()).await;
                    latencies.push(start.elapsed());
                    assert!(answer.ends_with(b"</xml>"));
                }
                (sender, latencies)
            })
        });
        let (back, latencies): (Vec<_>, Vec<_>) = gather(runtime, tasks.collect()).into_iter().unzip();
        senders = back;
        latencies.concat()
    })
}

async fn connect(connector: &TlsConnector, address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TokioIo::new(connector.connect(name, stream).await.unwrap());
    let (sender, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// As fast as blocking goes: constant bytes into a TLS stream, and bytes out until the answer ends as all of them do.
fn bare_blocking<'w>(world: &World, threads: usize) -> Work<'w> {
    let prepared = world.settings().prepare().unwrap();
    let config = Arc::clone(prepared.tls(Lane::Merchant).unwrap());
    let body = signed_body(world);
    let head = "POST /mmpaymkttransfers/sendredpack HTTP/1.1\r\nhost: 127.0.0.1\r\n\
                content-type: text/xml; charset=utf-8\r\ncontent-length: ";
    let request = [format!("{head}{}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let address = world.server.address();
    let connect = move || {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        StreamOwned::new(connection, stream)
    };
    let mut streams = Vec::new();
    Box::new(move |each| {
        while streams.len() < threads {
            streams.push(connect());
        }
        on_threads(&mut streams, |stream| {
            let mut buffer = [0; 16 * 1024];
            latencies(each, || {
                stream.write_all(&request).unwrap();
                let mut read = 0;
                while !buffer[..read].ends_with(b"</xml>") {
                    read += stream.read(&mut buffer[read..]).unwrap();
                }
            })
        })
    })
}

/// What every thread did, one after the other. Each has one of the clients.
fn on_threads<C: Send>(clients: &mut [C], work: impl Fn(&mut C) -> Vec<Duration> + Sync) -> Vec<Duration> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || work(client))).collect();
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

fn gather<T>(runtime: &Runtime, tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    runtime.block_on(async {
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.unwrap());
        }
        all
    })
}
