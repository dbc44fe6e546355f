//! From the name of a host to its addresses.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use wechatpay_transport::{Lane, Prepared, bare};

use crate::progress;

/// The addresses that were set for `host`, or those of its name. At least one, and fit for the lane.
pub(crate) fn addresses(
    prepared: &Prepared,
    lane: Lane,
    host: &str,
    port: u16,
) -> io::Result<Vec<SocketAddr>> {
    let found = match (prepared.addresses(host), bare(host).parse::<IpAddr>()) {
        (Some(set), _) => set.to_vec(),
        (None, Ok(address)) => vec![SocketAddr::new(address, port)],
        (None, Err(_)) => look_up(bare(host), port)?,
    };
    prepared.usable(lane, host, found).map_err(io::Error::other)
}

fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.to_owned();
    in_time(move || Ok((host.as_str(), port).to_socket_addrs()?.collect()))
}

/// The operating system cannot be asked for a name with a time limit. So a thread asks, and is left behind where that
/// takes too long.
fn in_time<T: Send + 'static>(ask: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let (answer, answers) = mpsc::sync_channel(1);
    let name = "wechatpay-resolve".to_owned();
    thread::Builder::new().name(name).spawn(move || answer.send(ask()))?;
    match answers.recv_timeout(progress::left()?) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(progress::time_is_up()),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the resolver gave up")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wechatpay_transport::{Step, Timeouts, TransportError};

    use super::*;
    use crate::progress::Watch;

    #[test]
    fn a_resolver_that_never_answers_ends_with_its_time_or_with_the_total() {
        const LONG: Duration = Duration::from_secs(600);
        const SHORT: Duration = Duration::from_millis(50);
        for (connect, total) in [(SHORT, LONG), (LONG, SHORT)] {
            let _watch = Watch::begin(&Timeouts { connect, total, ..Timeouts::default() });
            progress::enter(Step::Resolve);
            let (keep, kept) = mpsc::channel::<()>();
            let error = in_time(move || Ok(kept.recv().is_ok())).unwrap_err();
            assert!(matches!(progress::failure(error.into()), TransportError::Timeout(Step::Resolve)));
            drop(keep);
        }
    }

    #[test]
    fn an_address_needs_no_asking() {
        let prepared = wechatpay_transport::Settings::new().prepare().unwrap();
        let address = addresses(&prepared, Lane::Loopback, "[::1]", 7).unwrap();
        assert_eq!(address, ["[::1]:7".parse::<SocketAddr>().unwrap()]);
    }
}
