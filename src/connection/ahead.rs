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
    /// What came of it, and when.
    opening: JoinHandle<(Result<Connection, Error>, Instant)>,
}

impl Ahead {
    /// Begins to connect.
    pub fn start(&self, options: &Options) -> io::Result<()> {
        let (begun, connect_timeout) = (Instant::now(), options.connect_timeout);
        let options = options.clone();
        let open = move || (Connection::open(&options), Instant::now());
        let opening = thread::Builder::new().name("connect".into()).spawn(open)?;
        let attempt = Attempt { begun, connect_timeout, opening };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt);
        Ok(())
    }

    /// Waits for the connection. `None` where none was begun, or the server has waited for
    /// so long that it may have given up.
    pub fn take(&self) -> Option<Result<Connection, Error>> {
        let attempt = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Attempt { begun, connect_timeout, opening } = attempt?;
        let (opened, at) = match opening.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        if opened.is_ok() && at.elapsed() > FRESH {
            return None;
        }
        Some(opened.map(|mut connection| {
            // The greeting has the rest of its time, whatever was done meanwhile.
            let left = connect_timeout.saturating_sub(at.duration_since(begun));
            connection.begin_for(Phase::Greeting, left);
            connection
        }))
    }
}
