//! Runs a case: its server, the transport, and a watchdog beside them.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wechatpay_proto::transport::{BlockingTransport, Fault as _};

use super::case::{Case, Fault, Outcome};
use super::server::Server;
use super::setup::Setup;

/// How long the calls of a case may take before its server is ended. Nothing is proved by less.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a case and returns what is wrong, or nothing. What was wrong `so_far` is said if the process must be aborted.
pub(super) fn run<T: BlockingTransport>(
    case: &Case,
    mut setup: Setup,
    keeps: bool,
    so_far: String,
    build: &impl Fn(&Setup) -> T,
) -> Vec<String> {
    let server = match Server::start(case.door.clone(), case.replies.clone()) {
        Ok(server) => server,
        Err(error) => return vec![format!("the server of the case did not start: {error}")],
    };
    setup.addresses.extend(case.hosts.iter().map(|host| ((*host).to_owned(), server.address())));
    let watchdog = match Watchdog::start(case.id.to_string(), so_far, server.ender()) {
        Ok(watchdog) => watchdog,
        Err(error) => return vec![format!("the watchdog of the case did not start: {error}")],
    };
    let (mut outcomes, mut problems) = (Vec::new(), Vec::new());
    let calls = || {
        let transport = build(&setup);
        converse(case, &transport, &server, &mut outcomes, &mut problems);
    };
    // The transport may be in any state behind a panic, and is gone by then.
    let panic = catch_unwind(AssertUnwindSafe(calls)).err();
    let overdue = watchdog.stop();
    let seen = server.finish();
    if let Some(panic) = panic {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("of a kind of its own");
        problems.push(format!("a panic: {text}"));
    } else {
        case.judge(&seen, &outcomes, keeps, &mut problems);
    }
    if overdue {
        problems.push(format!("it did not return within {} s", PATIENCE.as_secs()));
    }
    problems
}

/// Makes the calls one after the other, up to the first that does not come to what it must.
fn converse<T: BlockingTransport>(
    case: &Case,
    transport: &T,
    server: &Server,
    outcomes: &mut Vec<Outcome>,
    problems: &mut Vec<String>,
) {
    for (index, call) in case.calls.iter().enumerate() {
        let number = index + 1;
        let outcome = match exchange(transport, call, server.address()) {
            Ok(outcome) => outcome,
            Err(error) => return problems.push(format!("call {number}: no request: {error}")),
        };
        server.returned(number);
        let verdict = call.expect.judge(&outcome);
        outcomes.push(outcome);
        if let ControlFlow::Break(instead) = verdict {
            return problems.push(format!("call {number}: expected {}, got {instead}", call.expect));
        }
        // What the server still does about this call is done before the next one begins.
        if number < case.calls.len() && !server.until(|seen| seen.played >= number) {
            return problems.push(format!("call {number}: the server did not come to the end of its reply"));
        }
    }
    if case.leaves && !server.until(|seen| seen.over >= seen.connections) {
        problems.push("the connection is still open, although the call is over".to_owned());
    }
}

fn exchange<T: BlockingTransport>(
    transport: &T,
    call: &super::case::Call,
    address: SocketAddr,
) -> http::Result<Outcome> {
    let request = call.request(address)?;
    Ok(transport.send_blocking(request).map_err(|error| {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Fault { delivery: error.delivery(), text: text.escape_debug().to_string() }
    }))
}

/// Ends a server whose case does not come to an end, so that the call that waits for it does.
struct Watchdog {
    done: Sender<()>,
    thread: JoinHandle<bool>,
}

impl Watchdog {
    fn start(
        id: String,
        so_far: String,
        end_server: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (done, waiting) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || {
            if waiting.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return false;
            }
            end_server();
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // It waits for something else than its server, for ever, and cannot be ended from outside.
                let text = format!(
                    "conformance: the case {id} does not return, even without its server\n{so_far}\n"
                );
                drop(std::io::stderr().write_all(text.as_bytes()));
                std::process::abort();
            }
            true
        })?;
        Ok(Self { done, thread })
    }

    /// Whether it had to do something.
    fn stop(self) -> bool {
        drop(self.done);
        self.thread.join().unwrap_or(false)
    }
}
