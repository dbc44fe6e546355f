//! The process that started this one, as far as stdin tells of it: a pipe that ends with it, or a terminal.

use std::io::{self, IsTerminal as _};

use super::failure::Failure;

/// Refuses a stdin that could not tell when the parent is gone: one that is at its end already, or never had a parent at
/// its other side. The server would end as soon as it began.
pub(crate) fn check() -> Result<(), Failure> {
    let Some(problem) = problem() else { return Ok(()) };
    Err(Failure::usage(format!(
        "--die-with-parent ends the server when stdin ends, and stdin {problem}: leave the flag out, or start the server \
         with a pipe as its stdin that its parent keeps open (docker run -i, stdin=subprocess.PIPE, stdio: 'pipe')"
    )))
}

#[cfg(unix)]
fn problem() -> Option<&'static str> {
    use rustix::event::PollFlags;
    use rustix::io::ioctl_fionread;
    use std::os::unix::fs::FileTypeExt as _;

    let stdin = io::stdin();
    let unreadable = "cannot be read";
    let Ok(events) = poll(PollFlags::IN, true) else { return Some(unreadable) };
    if !stdin.is_terminal() {
        let Ok(kind) = file_type() else { return Some(unreadable) };
        if !(kind.is_fifo() || kind.is_socket()) {
            return Some("is a file or /dev/null, which tells nothing of a parent");
        }
    }
    // Readable without a byte to read: what there is to read is the end.
    let empty = || !stdin.is_terminal() && ioctl_fionread(&stdin).is_ok_and(|bytes| bytes == 0);
    let ended = events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
        || events.contains(PollFlags::IN) && empty();
    ended.then_some("is at its end already")
}

/// What stdin is.
#[cfg(unix)]
fn file_type() -> io::Result<std::fs::FileType> {
    use std::os::fd::AsFd as _;
    let own = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(std::fs::File::from(own).metadata()?.file_type())
}

/// What is up with stdin: at once, or when something is.
#[cfg(unix)]
fn poll(wanted: rustix::event::PollFlags, at_once: bool) -> io::Result<rustix::event::PollFlags> {
    use rustix::event::{PollFd, Timespec, poll};
    let stdin = io::stdin();
    let mut watched = [PollFd::new(&stdin, wanted)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        match poll(&mut watched, at_once.then_some(&now)) {
            Err(rustix::io::Errno::INTR) => {}
            done => return Ok(done.map(|_| watched[0].revents())?),
        }
    }
}

#[cfg(not(unix))]
fn problem() -> Option<&'static str> {
    None
}

/// Waits for the end of stdin, however it comes. A terminal is not read: what is typed there may be for others, and a
/// process in the background that reads it is stopped.
pub(crate) fn wait() {
    #[cfg(unix)]
    if io::stdin().is_terminal() {
        use rustix::event::PollFlags;
        while poll(PollFlags::empty(), false).is_ok_and(|events| events.is_empty()) {}
        return;
    }
    // An error is an end too.
    drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
}
