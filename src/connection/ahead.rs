//! A connection that is made beside other work.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::error::{Error, Phase};
use super::options::Options;

/// A server that has greeted waits for this long, whatever it is: the shortest limit in use
/// is 30 s (Exim's and Courier's for clients that say nothing).
const FRESH: Duration = Duration::from_secs(5);

/// At most one connection, which a thread of its own makes.
#[derive(Clone, Debug, Default)]
pub struct Ahead(Arc<Mutex<Option<Attempt>>>);

#[derive(Debug)]
struct Attempt {
    begun: Instant,
    connect_timeout: Duration,
    opening: Opening,
}

#[derive(Debug)]
enum Opening {
    Running(JoinHandle<(Result<Connection, Error>, Instant)>),
    /// The server was reached then.
    Reached(Box<Connection>, Instant),
}

impl Opening {
    /// Waits for what comes of it, and since when it is there.
    fn join(self) -> (Result<Connection, Error>, Instant) {
        match self {
            Self::Running(thread) => match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Self::Reached(connection, at) => (Ok(*connection), at),
        }
    }
}

impl Ahead {
    /// Begins to connect.
    pub fn start(&self, options: &Options) -> io::Result<()> {
        let (begun, connect_timeout) = (Instant::now(), options.connect_timeout);
        let options = options.clone();
        let open = move || (Connection::open(&options), Instant::now());
        let opening = thread::Builder::new().name("connect".into()).spawn(open)?;
        self.set(Attempt { begun, connect_timeout, opening: Opening::Running(opening) });
        Ok(())
    }

    fn set(&self, attempt: Attempt) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt);
    }

    fn attempt(&self) -> Option<Attempt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until the connection is made, and with implicit TLS the server's certificate
    /// is accepted, without TLS something was heard of the server; the connection is still
    /// there to be taken.
    ///
    /// # Errors
    ///
    /// If there is no connection, or nothing is heard of the server; then none is there to
    /// be taken.
    pub fn wait(&self) -> Result<(), Error> {
        let Some(Attempt { begun, connect_timeout, opening }) = self.attempt() else {
            return Ok(());
        };
        let (opened, mut at) = opening.join();
        let mut connection = opened?;
        if !connection.is_protected() && connection.buffered().is_empty() {
            let left = connect_timeout.saturating_sub(at.duration_since(begun));
            connection.begin_rest(Phase::Greeting, connect_timeout, left);
            connection.fill()?;
            at = Instant::now();
        }
        let opening = Opening::Reached(Box::new(connection), at);
        self.set(Attempt { begun, connect_timeout, opening });
        Ok(())
    }

    /// Waits for the connection. `None` where none was begun, or the server has waited for
    /// so long that it may have given up.
    pub fn take(&self) -> Option<Result<Connection, Error>> {
        let Attempt { begun, connect_timeout, opening } = self.attempt()?;
        let (opened, at) = opening.join();
        if opened.is_ok() && at.elapsed() > FRESH {
            return None;
        }
        Some(opened.map(|mut connection| {
            // The greeting has the rest of its time, whatever was done meanwhile.
            let left = connect_timeout.saturating_sub(at.duration_since(begun));
            connection.begin_rest(Phase::Greeting, connect_timeout, left);
            connection
        }))
    }
}
