//! What ends a server: a signal, the end of stdin, or that nobody comes.

use std::io;
use std::time::Duration;

use tokio::sync::oneshot;

/// Everything that ends the process in good order. The signals are caught from the moment on at which this is made.
pub(crate) struct Ends {
    signals: Signals,
    parent: Option<oneshot::Receiver<()>>,
    idle: Option<Duration>,
}

impl Ends {
    /// Must be called within a runtime.
    pub(crate) fn new(die_with_parent: bool, idle: Option<Duration>) -> io::Result<Self> {
        let parent = die_with_parent.then(stdin_ends).transpose()?;
        Ok(Self { signals: Signals::new()?, parent, idle })
    }

    /// Waits for the first of them, and says which. `activity` is something that changes whenever somebody comes.
    pub(crate) async fn come<A: PartialEq>(self, activity: impl Fn() -> A) -> &'static str {
        let Self { mut signals, parent, idle } = self;
        tokio::select! {
            signal = signals.come() => signal,
            () = ended(parent) => "stdin has ended, and with it the parent (--die-with-parent)",
            () = quiet(idle, activity) => "nobody came for as long as --idle-exit says",
        }
    }
}

/// Waits for the end of stdin, on a thread that nobody waits for.
fn stdin_ends() -> io::Result<oneshot::Receiver<()>> {
    let (tell, told) = oneshot::channel();
    let wait = move || {
        super::parent::wait();
        // Nobody waits any more where the process is ending by itself.
        let _ = tell.send(());
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(wait)?;
    Ok(told)
}

async fn ended(parent: Option<oneshot::Receiver<()>>) {
    match parent {
        Some(told) => drop(told.await),
        None => std::future::pending().await,
    }
}

/// Waits until nothing has happened for so long.
async fn quiet<A: PartialEq>(idle: Option<Duration>, activity: impl Fn() -> A) {
    let Some(idle) = idle else { return std::future::pending().await };
    let tick = (idle / 20).clamp(Duration::from_millis(1), Duration::from_secs(1));
    let (mut last, mut quiet) = (activity(), Duration::ZERO);
    while quiet < idle {
        tokio::time::sleep(tick).await;
        let now = activity();
        quiet = if now == last { quiet.saturating_add(tick) } else { Duration::ZERO };
        last = now;
    }
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

    async fn come(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT came",
            _ = self.terminate.recv() => "SIGTERM came",
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

    async fn come(&mut self) -> &'static str {
        // Where signals cannot be had, nothing comes.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
        "Ctrl-C came"
    }
}
