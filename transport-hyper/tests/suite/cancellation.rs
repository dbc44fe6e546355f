//! A future may be dropped at any moment. The connection goes with it, and the next call is as good as ever.

use std::future::poll_fn;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use wechatpay_proto::transport::Transport;
use wechatpay_transport_hyper::{HyperTransport, Settings};

use crate::world::{World, number, post};

/// Polls `work` so many times, and drops it where it is not done by then.
async fn drop_after<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut polled) = (pin!(work), 0);
    poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            // The last poll: nothing else would wake it.
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_call_dropped_at_any_await_does_no_harm() {
    let world = World::new();
    let fresh = world.transport();
    for reused in [false, true] {
        let mut completed = false;
        for polls in 0..200 {
            let transport = if reused { fresh.clone() } else { world.transport() };
            let dropped = number();
            let outcome = drop_after(polls, world.send(&transport, world.base(), &dropped)).await;
            completed = outcome.is_some();
            if let Some(outcome) = outcome {
                outcome.unwrap();
                break;
            }
            // The next call gets its own answer: `send` compares the number.
            let next = number();
            world.send(&transport, world.base(), &next).await.unwrap();
            assert!(world.merchant.red_packet(&next).is_some());
        }
        assert!(completed, "200 polls are far more than a call needs");
    }
    let paid = world.sent().len() as u64;
    assert_eq!(world.merchant.balance_fen(), 10_000_000 - 100 * paid);
}

#[tokio::test]
async fn a_dropped_call_ends_its_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (arrived, arrival) = mpsc::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        arrived.send(stream.read(&mut [0; 10_000]).unwrap()).unwrap();
        stream.read_to_end(&mut Vec::new()) // returns when the client has gone
    });
    let transport = HyperTransport::new(Settings::new()).unwrap();
    tokio::select! {
        outcome = transport.send(post(&url)) => panic!("{outcome:?}"),
        first = tokio::task::spawn_blocking(move || arrival.recv()) => assert!(first.unwrap().unwrap() > 0),
    }
    server.join().unwrap().unwrap();
}

#[test]
fn a_runtime_that_ends_takes_its_calls_along_and_no_more() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap());
    let world = World::new();
    let transport = world.transport();
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let first = runtime();
    first.block_on(world.send(&transport, world.base(), &number())).unwrap(); // leaves a connection behind
    first.spawn({
        let transport = transport.clone();
        async move { transport.send(post(&silent)).await }
    });
    let (mut stream, _) = listener.accept().unwrap();
    assert!(stream.read(&mut [0; 10_000]).unwrap() > 0);
    drop(first);
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0, "the connection ended with its runtime");
    runtime().block_on(async {
        world.send(&transport, world.base(), &number()).await.unwrap();
        transport.shutdown().await; // does not wait for the call that is gone
    });
}
