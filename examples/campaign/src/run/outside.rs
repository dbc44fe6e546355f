//! The world outside: the clocks of this machine, requests that travel, and signals.

use std::io;
use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use wechatpay_proto::payout::{Flight, Now};

use super::carry::Carriage;
use super::world::{Happened, Landed, World};
use crate::clock::Clock;
use crate::failure::STOPPED;

/// What comes to the loop from its helpers.
#[expect(clippy::large_enum_variant, reason = "it is moved once")]
pub(crate) enum Event {
    Landed(Landed),
    Stop,
}

/// The world outside.
pub(crate) struct Outside {
    pub(crate) clock: Clock,
    pub(crate) carriage: Box<dyn Carriage>,
    pub(crate) events: Receiver<Event>,
}

impl World for Outside {
    fn now(&self) -> Now {
        self.clock.now()
    }

    fn send(&mut self, request: http::Request<Bytes>, flight: Flight) {
        self.carriage.carry(request, flight);
    }

    fn wait(&mut self, until: Option<Duration>) -> Happened {
        let left = until.map(|until| until.saturating_sub(self.now().steady));
        // Without a time there is an answer to wait for, or a signal.
        let event = match left {
            Some(left) => self.events.recv_timeout(left),
            None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Landed(landed)) => Happened::Landed(landed),
            Ok(Event::Stop) => Happened::Stop,
            Err(_) => Happened::Nothing,
        }
    }
}

/// Passes the first signal to end on to the loop; the second one ends the program at once.
pub(crate) fn listen_for_signals(events: Sender<Event>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let listen = move || {
        runtime.block_on(async {
            signals.come().await;
            // Nobody listens any more where the program is ending by itself.
            drop(events.send(Event::Stop));
            signals.come().await;
        });
        process::exit(i32::from(STOPPED));
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    Ok(())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn come(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn come(&mut self) {
        // Where signals cannot be had, nothing comes.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
