//! How many connections there are, and who shares them.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wechatpay_proto::transport::{ClientCertificate, Delivery, Fault, Transport};
use wechatpay_transport_hyper::{HyperTransport, Settings, TransportError};

use crate::world::{World, number, post};

fn runtime(threads: usize) -> tokio::runtime::Runtime {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_all().build().unwrap()
}

/// `workers` tasks share one transport and send `each` packets.
fn load(
    runtime: &tokio::runtime::Runtime,
    world: &Arc<World>,
    workers: usize,
    each: usize,
) -> HashSet<String> {
    let transport = world.transport();
    let tasks: Vec<_> = (0..workers)
        .map(|_| {
            let (world, transport) = (Arc::clone(world), transport.clone());
            runtime.spawn(async move {
                let mut sent = Vec::new();
                for _ in 0..each {
                    let number = number();
                    world.send(&transport, world.base(), &number).await.unwrap();
                    sent.push(number);
                }
                sent
            })
        })
        .collect();
    let numbers = runtime.block_on(async {
        let mut numbers = HashSet::new();
        for task in tasks {
            numbers.extend(task.await.unwrap());
        }
        transport.shutdown().await;
        numbers
    });
    all_are_closed(world);
    assert_eq!(numbers.len(), workers * each);
    numbers
}

/// The server has to notice that the last one was closed; how soon is not promised.
fn all_are_closed(world: &World) {
    for _ in 0..100_000_000_u32 {
        if world.server.connections().open == 0 {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{:?}", world.server.connections());
}

#[test]
fn ten_thousand_packets_over_as_many_connections_as_workers() {
    let world = Arc::new(World::new());
    let (workers, each) = (50, 200);
    let numbers = load(&runtime(2), &world, workers, each);
    let connections = world.server.connections();
    assert!(connections.accepted <= workers, "{connections:?}");
    assert_eq!(world.merchant.balance_fen(), 10_000_000 - 100 * 10_000);
    assert_eq!(world.sent(), numbers);
}

#[test]
fn a_runtime_of_one_thread_will_do() {
    let world = Arc::new(World::new());
    load(&runtime(1), &world, 8, 25);
    assert!(world.server.connections().accepted <= 8);
}

#[tokio::test]
async fn calls_in_a_row_share_one_connection() {
    let world = World::new();
    let transport = world.transport();
    for clone in [transport.clone(), transport.clone(), transport] {
        world.send(&clone, world.base(), &number()).await.unwrap();
    }
    assert_eq!(world.server.connections().accepted, 1);
}

#[tokio::test]
async fn a_connection_that_showed_the_certificate_carries_no_other_call() {
    let world = World::new();
    let transport = world.transport();
    let url = format!("{}/nobody/serves/this", world.server.https_url());
    for (marked, connections) in [(false, 1), (true, 2), (false, 2), (true, 2)] {
        let mut request = post(&url);
        if marked {
            request.extensions_mut().insert(ClientCertificate);
        }
        assert_eq!(transport.send(request).await.unwrap().status(), 404);
        assert_eq!(world.server.connections().accepted, connections);
    }
}

#[tokio::test]
async fn every_call_can_have_a_fresh_connection() {
    let world = World::new();
    let transport = HyperTransport::new(world.settings().idle_connections(0)).unwrap();
    for sent in 1..4 {
        world.send(&transport, world.base(), &number()).await.unwrap();
        assert_eq!(world.server.connections().accepted, sent);
    }
}

#[test]
fn each_runtime_has_connections_of_its_own() {
    let world = World::new();
    let transport = world.transport();
    let mut still_there = Vec::new();
    for threads in [1, 2, 1] {
        let runtime = runtime(threads);
        runtime.block_on(world.send(&transport, world.base(), &number())).unwrap();
        runtime.block_on(world.send(&transport, world.base(), &number())).unwrap();
        still_there.push(runtime); // and nobody turns it
    }
    assert_eq!(world.server.connections().accepted, 3, "one for each runtime");
    drop(still_there);
    runtime(1).block_on(world.send(&transport, world.base(), &number())).unwrap();
    assert_eq!(world.server.connections().accepted, 4);
}

#[tokio::test]
async fn a_connection_is_kept_for_a_quarter_of_a_minute() {
    let world = World::new();
    let transport = world.transport();
    for (wait, connections) in [(0, 1), (14_900, 1), (15_000, 2), (0, 2)] {
        // The clock stands only while it is moved on: a call waits for a real server.
        tokio::time::pause();
        tokio::time::advance(Duration::from_millis(wait)).await;
        tokio::time::resume();
        world.send(&transport, world.base(), &number()).await.unwrap();
        assert_eq!(world.server.connections().accepted, connections, "after {wait} ms");
    }
}

#[tokio::test]
async fn plain_http_stays_on_this_machine_whatever_the_addresses_say() {
    let settings = Settings::new().address("localhost", [([192, 0, 2, 1], 80).into()]);
    let error = HyperTransport::new(settings).unwrap().send(post("http://localhost/")).await.unwrap_err();
    assert!(matches!(error, TransportError::Target(_)), "{error:?}");
    assert_eq!(error.delivery(), Delivery::NotSent);
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let transport = HyperTransport::new(Settings::new()).unwrap();
    let mut sending = Box::pin(transport.send(post("https://127.0.0.1:1/")));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(outcome) = sending.as_mut().poll(&mut context) else { panic!("it waits") };
    assert_eq!(outcome.unwrap_err().delivery(), Delivery::NotSent);
}

#[test]
fn the_types_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<HyperTransport>();
    check::<TransportError>();
    fn is_send(_: &impl Send) {}
    let transport = HyperTransport::new(Settings::new()).unwrap();
    is_send(&transport.send(post("https://127.0.0.1/")));
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let world = World::new();
    let there = world.server.address();
    let base = wechatpay_proto::transport::BaseUrl::default();
    let settings = world.settings().address("api.mch.weixin.qq.com", [nobody, there]);
    let transport = HyperTransport::new(settings).unwrap();
    world.send(&transport, base.clone(), &number()).await.unwrap();
    let settings = world.settings().address("api.mch.weixin.qq.com", [nobody, nobody]);
    let transport = HyperTransport::new(settings).unwrap();
    let request = http::Request::post(base.join("/").unwrap()).body(Bytes::new()).unwrap();
    let error = transport.send(request).await.unwrap_err();
    assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
}
