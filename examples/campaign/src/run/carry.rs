//! Who carries requests: threads that block, or tasks of a runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use wechatpay_proto::payout::Flight;
use wechatpay_proto::transport::{BlockingTransport, Transport};

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
    pub(crate) fn start<T>(transport: &T, count: u32, events: &Sender<Event>) -> io::Result<Self>
    where
        T: BlockingTransport + Clone + Send + 'static,
    {
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
fn serve<T: BlockingTransport>(transport: &T, queue: &Mutex<Receiver<Job>>, events: &Sender<Event>) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok((request, flight)) = next() {
        // A thread that died would leave its payout waiting for ever.
        let sent = catch_unwind(AssertUnwindSafe(|| transport.send_blocking(request)));
        // Nobody waits for it any more when the program ends.
        drop(events.send(Event::Landed(Landed::caught(flight, sent))));
    }
}

impl Carriage for Threads {
    fn carry(&self, request: http::Request<Bytes>, flight: Flight) {
        // The threads are there as long as this is.
        drop(self.jobs.send((request, flight)));
    }
}

/// A task for each request, on a runtime of its own.
pub(crate) struct Tasks<T> {
    runtime: Runtime,
    transport: T,
    events: Sender<Event>,
}

impl<T> Tasks<T> {
    /// Starts the runtime.
    pub(crate) fn start(transport: T, events: &Sender<Event>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self { runtime, transport, events: events.clone() })
    }
}

impl<T> Carriage for Tasks<T>
where
    T: Transport + Clone + Send + Sync + 'static,
{
    fn carry(&self, request: http::Request<Bytes>, flight: Flight) {
        let (transport, events) = (self.transport.clone(), self.events.clone());
        self.runtime.spawn(async move {
            // A task of its own, so that a panic ends there.
            let sent = tokio::spawn(async move { transport.send(request).await }).await;
            drop(events.send(Event::Landed(Landed::caught(flight, sent))));
        });
    }
}
