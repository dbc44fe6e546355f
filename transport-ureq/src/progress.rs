//! What the call of this thread is doing, how long it still may, and what its failure proves.
//!
//! ureq runs a call on the thread that makes it, from the look for a connection to the last byte of the body, and has
//! no place where a call could leave a note for its connection. So the note is kept for the thread. ureq's own time
//! limits are off: every wait is one of ours, and asks here how long it may be.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use wechatpay_transport::{Cause, Step, Timeouts, TransportError};

#[derive(Clone, Copy)]
struct Progress {
    timeouts: Timeouts,
    /// The end of the whole call.
    end: Instant,
    /// `None` before there is a connection to be made, and between the connection and the request.
    doing: Option<Step>,
    /// The end of the step, which is never after that of the call.
    until: Instant,
    /// Whether the operating system has taken a byte of the request.
    wrote: bool,
    /// Whether it is clear where the answer ends.
    clear: bool,
}

thread_local! {
    static CURRENT: Cell<Option<Progress>> = const { Cell::new(None) };
}

/// A call of this thread, as long as it lives.
pub(crate) struct Watch {
    /// A call that this one is made inside of: by a logger, for example.
    outer: Option<Progress>,
}

impl Watch {
    pub(crate) fn begin(timeouts: &Timeouts) -> Self {
        let end = now() + timeouts.total;
        let progress =
            Progress { timeouts: *timeouts, end, doing: None, until: end, wrote: false, clear: true };
        Self { outer: CURRENT.replace(Some(progress)) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// What it means that ureq gave up with `error` now. "Nothing was sent" follows from how far the call had come, never
/// from the kind of the error.
pub(crate) fn failure(error: ureq::Error) -> TransportError {
    let wrote = CURRENT.get().is_none_or(|progress| progress.wrote);
    let cause = match error {
        ureq::Error::Timeout(_) => return TransportError::Timeout(doing().unwrap_or(Step::Connect)),
        ureq::Error::Io(error) => Cause::new(error),
        ureq::Error::Other(error) => Cause::new(error),
        error => Cause::new(error),
    };
    match doing() {
        None => TransportError::NotWritten(cause),
        Some(Step::Resolve) => TransportError::Resolve(cause),
        Some(Step::Connect) => TransportError::Connect(cause),
        Some(Step::Handshake) => TransportError::Handshake(cause),
        Some(Step::Write) if !wrote => TransportError::NotWritten(cause),
        Some(Step::Write | Step::Response | Step::Body) => TransportError::Exchange(cause),
    }
}

/// A step begins.
pub(crate) fn enter(step: Step) {
    update(|progress| {
        progress.doing = Some(step);
        progress.until = progress.end.min(now() + progress.timeouts.of(step));
    });
}

/// There is a connection, and nothing was written yet.
pub(crate) fn connected() {
    update(|progress| {
        progress.doing = None;
        progress.until = progress.end;
    });
}

/// The operating system took some bytes.
pub(crate) fn wrote() {
    update(|progress| progress.wrote |= progress.doing >= Some(Step::Write));
}

/// The answer says in two ways where it ends. Somebody on the way may have read it differently, and what follows on the
/// connection is not to be trusted.
pub(crate) fn unclear() {
    update(|progress| progress.clear = false);
}

pub(crate) fn is_clear() -> bool {
    CURRENT.get().is_none_or(|progress| progress.clear)
}

pub(crate) fn doing() -> Option<Step> {
    CURRENT.get()?.doing
}

/// How long the step may still take; never nothing.
pub(crate) fn left() -> io::Result<Duration> {
    let progress = CURRENT.get().ok_or_else(|| io::Error::other("there is no call"))?;
    match progress.until.saturating_duration_since(now()) {
        Duration::ZERO => Err(time_is_up()),
        left => Ok(left),
    }
}

/// Goes through rustls and ureq as it is. Which time it was is known here.
pub(crate) fn time_is_up() -> io::Error {
    io::Error::other(ureq::Error::Timeout(ureq::Timeout::Global))
}

fn update(change: impl FnOnce(&mut Progress)) {
    let mut progress = CURRENT.get();
    progress.as_mut().map(change);
    CURRENT.set(progress);
}

/// A clock that does not jump.
#[expect(clippy::disallowed_methods, reason = "time limits need a clock, and the core has none")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use wechatpay_proto::transport::{Delivery, Fault};

    use super::*;

    fn broken() -> ureq::Error {
        io::Error::from(io::ErrorKind::BrokenPipe).into()
    }

    #[test]
    fn a_failure_proves_what_the_step_proves() {
        let _watch = Watch::begin(&Timeouts::default());
        assert!(matches!(failure(broken()), TransportError::NotWritten(_)));
        let timeout = || ureq::Error::from(time_is_up());
        assert!(matches!(failure(timeout()), TransportError::Timeout(Step::Connect)));
        for (step, delivery) in [
            (Step::Resolve, Delivery::NotSent),
            (Step::Connect, Delivery::NotSent),
            (Step::Handshake, Delivery::NotSent),
            (Step::Write, Delivery::NotSent), // not a byte was taken
            (Step::Response, Delivery::MaybeSent),
            (Step::Body, Delivery::MaybeSent),
        ] {
            enter(step);
            assert_eq!(failure(broken()).delivery(), delivery, "{step:?}");
            assert!(matches!(failure(timeout()), TransportError::Timeout(at) if at == step));
        }
    }

    #[test]
    fn bytes_of_a_handshake_are_not_the_request() {
        let _watch = Watch::begin(&Timeouts::default());
        enter(Step::Handshake);
        wrote();
        connected();
        assert_eq!(failure(broken()).delivery(), Delivery::NotSent);
        enter(Step::Write);
        assert_eq!(failure(broken()).delivery(), Delivery::NotSent);
        wrote();
        assert_eq!(failure(broken()).delivery(), Delivery::MaybeSent);
        enter(Step::Response);
        enter(Step::Write);
        assert_eq!(failure(broken()).delivery(), Delivery::MaybeSent, "what left does not come back");
    }

    #[test]
    fn no_step_has_more_time_than_the_call() {
        let minute = Duration::from_secs(60);
        let watch = Watch::begin(&Timeouts { total: minute, tls: minute * 9, ..Timeouts::default() });
        enter(Step::Handshake);
        assert!(left().unwrap() <= minute);
        enter(Step::Connect);
        assert!(left().unwrap() <= Timeouts::default().connect);
        connected();
        assert!(left().unwrap() > Timeouts::default().connect);
        drop(watch);
        assert!(left().is_err());
    }

    #[test]
    fn a_call_inside_a_call_changes_nothing() {
        let _outer = Watch::begin(&Timeouts::default());
        enter(Step::Response);
        drop(Watch::begin(&Timeouts::default()));
        assert_eq!(doing(), Some(Step::Response));
    }
}
