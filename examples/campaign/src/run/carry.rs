//! Who carries requests: threads that block, or tasks of a runtime.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use wechatpay_proto::payout::Flight;
use wechatpay_proto::transport::{BlockingTransport as _, Transport as _};
use wechatpay_transport_hyper::HyperTransport;
use wechatpay_transport_ureq::UreqTransport;

use super::outside::Event;
use super::world::Landed;

type Job = (http::Request<Bytes>, Flight);

/// Carries requests; what came of them goes to the channel that it was made with.
pub(crate) trait Carriage {
    /// Takes a request, and returns at once.
    fn carry(&self, request: http::Request<Bytes>, flight: Flight);
}

/// As many threads as requests may be in flight.
pub(crate) struct Threads {
    jobs: Sender<Job>,
}

impl Threads {
    /// Starts them. They end when this is dropped.
    pub(crate) fn start(transport: &UreqTransport, count: u32, events: &Sender<Event>) -> io::Result<Self> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for at in 0..count {
            let (transport, queue, events) = (transport.clone(), Arc::clone(&queue), events.clone());
            let work = move || serve(&transport, &queue, &events);
            thread::Builder::new().name(format!("carrier {at}")).spawn(work)?;
        }
        Ok(Self { jobs })
    }
}

/// Carries one request after the other, until there can be no more.
fn serve(transport: &UreqTransport, queue: &Mutex<Receiver<Job>>, events: &Sender<Event>) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok((request, flight)) = next() {
        let sent = transport.send_blocking(request);
        // Nobody waits for it any more when the program ends.
        drop(events.send(Event::Landed(Landed::new(flight, sent))));
    }
}

impl Carriage for Threads {
    fn carry(&self, request: http::Request<Bytes>, flight: Flight) {
        // The threads are there as long as this is.
        drop(self.jobs.send((request, flight)));
    }
}

/// A task for each request, on a runtime of its own.
pub(crate) struct Tasks {
    runtime: Runtime,
    transport: HyperTransport,
    events: Sender<Event>,
}

impl Tasks {
    /// Starts the runtime.
    pub(crate) fn start(transport: HyperTransport, events: &Sender<Event>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self { runtime, transport, events: events.clone() })
    }
}

impl Carriage for Tasks {
    fn carry(&self, request: http::Request<Bytes>, flight: Flight) {
        let (transport, events) = (self.transport.clone(), self.events.clone());
        self.runtime.spawn(async move {
            let sent = transport.send(request).await;
            drop(events.send(Event::Landed(Landed::new(flight, sent))));
        });
    }
}
