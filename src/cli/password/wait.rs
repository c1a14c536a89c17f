//! Waiting for a password: it ends with the deadline or a signal.

use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::cli::cancel::Cancel;
use crate::cli::error::Error;

/// How often a wait looks at the clock.
const SLICE: Duration = Duration::from_millis(20);

/// How long a password may be waited for.
pub(crate) struct WaitLimits<'l> {
    pub(crate) deadline: Option<Instant>,
    pub(crate) cancel: &'l Cancel,
}

impl WaitLimits<'_> {
    /// Asks again and again, for a slice of time each, until there is an answer,
    /// the run has to end, or it is `end`, which is the one way to `Err(None)`.
    pub(crate) fn wait<T>(
        &self,
        end: Option<Instant>,
        mut ask: impl FnMut(Duration) -> Option<T>,
    ) -> Result<T, Option<Error>> {
        let is_over = |end: Option<Instant>| end.is_some_and(|end| Instant::now() >= end);
        loop {
            if self.cancel.load(Ordering::Relaxed) != 0 {
                return Err(Some(Error::Secret(anyhow!("interrupted"))));
            }
            if is_over(self.deadline) {
                return Err(Some(Error::TooLate));
            }
            if is_over(end) {
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
        &self,
        act: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (to_us, done) = mpsc::channel();
        let thread = thread::Builder::new().name("password".into());
        let spawned = thread.spawn(move || _ = to_us.send(act()));
        spawned.context("cannot start a thread").map_err(Error::Secret)?;
        let answer = self.wait(None, |slice| match done.recv_timeout(slice) {
            Ok(answer) => Some(answer),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
            Err(mpsc::RecvTimeoutError::Disconnected) => Some(Err(anyhow!("no password was read"))),
        });
        answer.map_err(|failure| failure.unwrap_or(Error::TooLate))?.map_err(Error::Secret)
    }
}
