//! What all sessions of a server share.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::builder::Security;
use crate::capability::Offer;
use crate::fault::Fault;
use crate::maildrop::{Maildrop, hold};
use crate::sasl::Choice;
use crate::tls::Identity;

/// A user with a maildrop.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) token: Option<String>,
    pub(crate) maildrop: Maildrop,
}

/// The server's configuration, and what it keeps while it runs.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) accounts: Vec<Account>,
    pub(crate) autologout: Duration,
    pub(crate) faults: Vec<Fault>,
    pub(crate) identity: Identity,
    /// Whether a command may be longer than RFC 2449 section 4 has it.
    pub(crate) long_commands: bool,
    pub(crate) offer: Offer,
    pub(crate) record: Record,
    pub(crate) scram: Choice,
    pub(crate) security: Security,
    pub(crate) sockets: Arc<Sockets>,
    /// The timestamp of every greeting, if the test fixed it.
    pub(crate) timestamp: Option<String>,
}

impl Service {
    pub(crate) fn account(&self, user: &[u8]) -> Option<&Account> {
        self.accounts.iter().find(|account| account.user.as_bytes() == user)
    }
}

/// The command lines received, each with the number of its connection; and what
/// became of every attempt to log in.
#[derive(Debug, Default)]
pub(crate) struct Record {
    lines: Mutex<Vec<(usize, String)>>,
    grown: Condvar,
    logins: Mutex<Vec<String>>,
    /// How many of them proved who they are.
    proven: AtomicUsize,
}

impl Record {
    pub(crate) fn add(&self, connection: usize, line: &[u8]) {
        hold(&self.lines).push((connection, String::from_utf8_lossy(line).into_owned()));
        self.grown.notify_all();
    }

    /// The lines of one connection, or of all.
    pub(crate) fn lines(&self, connection: Option<usize>) -> Vec<String> {
        hold(&self.lines)
            .iter()
            .filter(|(number, _)| connection.is_none_or(|only| only == *number))
            .map(|(_, line)| line.clone())
            .collect()
    }

    /// Notes how a mechanism ended.
    pub(crate) fn add_login(&self, mechanism: &str, outcome: &str) {
        hold(&self.logins).push(format!("{mechanism} {outcome}"));
    }

    pub(crate) fn logins(&self) -> Vec<String> {
        hold(&self.logins).clone()
    }

    /// Counts a client that proved who it is; how many did before it.
    pub(crate) fn count_proven(&self) -> usize {
        self.proven.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until `count` lines have come in all; false if they do not.
    pub(crate) fn wait(&self, count: usize, patience: Duration) -> bool {
        let lines = hold(&self.lines);
        let (lines, _) = self
            .grown
            .wait_timeout_while(lines, patience, |lines| lines.len() < count)
            .unwrap_or_else(PoisonError::into_inner);
        lines.len() >= count
    }
}

/// So long a connection whose client is gone may last.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a client will say no more.
fn is_left(socket: &TcpStream) -> bool {
    #[cfg(target_os = "linux")]
    const LEFT: PollFlags = PollFlags::RDHUP;
    #[cfg(not(target_os = "linux"))]
    const LEFT: PollFlags = PollFlags::HUP;
    let mut polled = [PollFd::new(socket, LEFT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)).is_ok()
        && polled.iter().any(|it| it.revents().intersects(LEFT | PollFlags::HUP))
}

/// The open sockets, so that stopping the server wakes every thread that reads.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    accepted: usize,
    open: HashMap<usize, TcpStream>,
}

impl Sockets {
    /// Counts a connection and keeps a handle on it; `None` once stopped.
    pub(crate) fn open(&self, socket: &TcpStream) -> io::Result<Option<usize>> {
        let handle = socket.try_clone()?;
        let mut state = hold(&self.state);
        if state.stopped {
            return Ok(None);
        }
        state.accepted += 1;
        let number = state.accepted;
        state.open.insert(number, handle);
        Ok(Some(number))
    }

    pub(crate) fn close(&self, number: usize) {
        hold(&self.state).open.remove(&number);
    }

    /// Waits until the connections are over whose clients are gone: what they said last
    /// may not be read yet.
    pub(crate) fn settle(&self) {
        let end = Instant::now() + PATIENCE;
        while hold(&self.state).open.values().any(is_left) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn accepted(&self) -> usize {
        hold(&self.state).accepted
    }

    pub(crate) fn is_stopped(&self) -> bool {
        hold(&self.state).stopped
    }

    /// Ends every connection and every sleep.
    pub(crate) fn stop(&self) {
        let mut state = hold(&self.state);
        state.stopped = true;
        for socket in state.open.values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.stopped.notify_all();
    }

    /// Sleeps; true if the server was stopped meanwhile.
    pub(crate) fn sleep(&self, duration: Duration) -> bool {
        let state = hold(&self.state);
        let (state, _) = self
            .stopped
            .wait_timeout_while(state, duration, |state| !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        state.stopped
    }
}
