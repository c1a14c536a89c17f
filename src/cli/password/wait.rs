//! Waiting for a password: it ends with the deadline or a signal.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::cli::error::{Awaited, Error};
use crate::stop::Stop;

/// How often a wait looks at the clock.
const SLICE: Duration = Duration::from_millis(20);

/// Asks again and again, for a slice of time each, until there is an answer,
/// the run has to end, or it is `end`, which is the one way to `Err(None)`. What is
/// waited for is `awaited`.
pub(crate) fn wait<T>(
    (stop, awaited): (&Stop, Awaited),
    end: Option<Instant>,
    mut ask: impl FnMut(Duration) -> Option<T>,
) -> Result<T, Option<Error>> {
    loop {
        if stop.is_signalled() {
            return Err(Some(Error::Secret(anyhow!("interrupted"))));
        }
        if stop.is_late() {
            return Err(Some(Error::TooLate(awaited)));
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(None);
        }
        if let Some(answer) = ask(SLICE) {
            return Ok(answer);
        }
    }
}

/// Does what may block on a thread of its own, which is left behind if it
/// does so for too long.
pub(crate) fn within<T: Send + 'static>(
    stop: &Stop,
    act: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let (to_us, done) = mpsc::channel();
    let thread = thread::Builder::new().name("password".into());
    let spawned = thread.spawn(move || _ = to_us.send(act()));
    spawned.context("cannot start a thread").map_err(Error::Secret)?;
    let answer = wait((stop, Awaited::Password), None, |slice| match done.recv_timeout(slice) {
        Ok(answer) => Some(answer),
        Err(mpsc::RecvTimeoutError::Timeout) => None,
        Err(mpsc::RecvTimeoutError::Disconnected) => Some(Err(anyhow!("no password was read"))),
    });
    answer
        .map_err(|failure| failure.unwrap_or(Error::TooLate(Awaited::Password)))?
        .map_err(Error::Secret)
}
