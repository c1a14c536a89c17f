//! Waiting for the lock of a Maildir, which other runs hold for moments only.

use std::time::{Duration, Instant};

use crate::fetch::Error;
use crate::journal;

use super::link::Link;
use super::options::WorkerAccount;

/// A run holds the lock for as long as a few syncs take. One that is stopped while
/// it holds it must not stop others for ever.
const AT_MOST: Duration = Duration::from_secs(30);

/// Does something that needs the lock of a Maildir, again and again while it is
/// busy: not beyond the deadline of the run, and not after a signal or `stop`.
pub(super) fn patiently<T>(
    account: &WorkerAccount,
    link: &Link,
    mut act: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + AT_MOST;
    let deadline = account.session.connection.stop.deadline();
    let end = deadline.map_or(end, |deadline| deadline.min(end));
    loop {
        match act() {
            Err(Error::Journal(journal::Error::Busy { .. }))
                if Instant::now() < end && link.pause() => {}
            done => return done,
        }
    }
}
