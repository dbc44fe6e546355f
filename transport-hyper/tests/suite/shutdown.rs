//! A shutdown lets the calls under way end, takes no more, and says goodbye on the connections that wait.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

use wechatpay_proto::Error;
use wechatpay_proto::transport::{Delivery, Fault, Transport};
use wechatpay_transport_hyper::{HyperTransport, Settings, Timeouts, TransportError};

use crate::world::{World, number, post};

#[tokio::test]
async fn nothing_is_sent_after_a_shutdown() {
    let world = World::new();
    let transport = world.transport();
    world.send(&transport, world.base(), &number()).await.unwrap();
    transport.shutdown().await;
    transport.shutdown().await; // a second one finds nothing to do
    let error = world.send(&transport.clone(), world.base(), &number()).await.unwrap_err();
    assert!(matches!(&error, Error::Transport(TransportError::ShutDown)), "{error:?}");
    let Error::Transport(error) = error else { unreachable!() };
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn a_shutdown_waits_for_the_calls_under_way() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (arrived, arrival) = mpsc::channel();
    let (go_on, wait) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"</xml>") {
            let mut bytes = [0; 1024];
            let read = stream.read(&mut bytes).unwrap();
            request.extend_from_slice(&bytes[..read]);
        }
        arrived.send(()).unwrap();
        wait.recv().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npaid").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap() // the client closes
    });
    let transport = HyperTransport::new(Settings::new()).unwrap();
    let call = tokio::spawn({
        let transport = transport.clone();
        async move { transport.send(post(&url)).await }
    });
    tokio::task::spawn_blocking(move || arrival.recv().unwrap()).await.unwrap();
    let mut shutdown = Box::pin(transport.shutdown());
    let early = std::future::poll_fn(|context| std::task::Poll::Ready(shutdown.as_mut().poll(context))).await;
    assert!(early.is_pending(), "the call is under way");
    let refused = transport.send(post("http://127.0.0.1:1/")).await.unwrap_err();
    assert!(matches!(refused, TransportError::ShutDown), "{refused:?}");
    go_on.send(()).unwrap();
    shutdown.await;
    assert_eq!(call.await.unwrap().unwrap().body().as_ref(), b"paid");
    assert_eq!(server.join().unwrap(), 0);
}

/// A server that accepts one connection and reads from it until its end.
fn silent_server() -> (String, std::thread::JoinHandle<usize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap_or(0)
    });
    (url, server)
}

#[tokio::test]
async fn a_call_that_nobody_polls_holds_up_a_shutdown_no_longer_than_it_might_take() {
    let (url, server) = silent_server();
    let timeouts = Timeouts { total: Duration::from_millis(200), ..Timeouts::default() };
    let transport = HyperTransport::new(Settings::new().timeouts(timeouts)).unwrap();
    let mut call = Box::pin(transport.send(post(&url)));
    let begun = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context))).await;
    assert!(begun.is_pending());
    transport.shutdown().await; // comes back
    assert!(matches!(call.await, Err(TransportError::Timeout(_))));
    assert!(server.join().is_ok());
}

#[test]
fn a_shutdown_needs_no_runtime() {
    let world = World::new();
    let transport = world.transport();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(world.send(&transport, world.base(), &number())).unwrap();
    let mut shutdown = Box::pin(transport.shutdown());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(shutdown.as_mut().poll(&mut context).is_ready());
}

/// The time is up while the task does something else. What was not begun then is not begun any more.
#[tokio::test]
async fn nothing_is_written_once_the_time_is_up() {
    let world = World::new();
    let timeouts = Timeouts { total: Duration::from_millis(100), ..Timeouts::default() };
    let transport = HyperTransport::new(world.settings().timeouts(timeouts)).unwrap();
    let base = world.base();
    let late = number();
    let mut call = Box::pin(world.send(&transport, base, &late));
    let begun = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context))).await;
    assert!(begun.is_pending(), "it connects");
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(100)).await;
    tokio::time::resume();
    let Err(Error::Transport(error)) = call.await else { panic!("it was in time") };
    assert_eq!(error.delivery(), Delivery::NotSent, "{error:?}");
    assert!(world.sent().is_empty());
}
