//! Waiting under the clock, in slices.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::error::{Error, Phase};
use super::options::Options;

/// One read takes at most this; four TLS records.
pub(super) const READ_SIZE: usize = 64 * 1024;

/// Waits are cut into slices of this, since a signal handler restarts a read
/// and only a look at the flag ends it.
pub(super) const SLICE: Duration = Duration::from_millis(100);

/// What is waited for, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhaseTimer {
    pub(super) phase: Phase,
    pub(super) since: Instant,
    pub(super) at_most: Duration,
    /// The time that a time-out tells: of the whole, where this is a part of it.
    pub(super) told: Duration,
}

impl PhaseTimer {
    pub(super) fn now(phase: Phase, at_most: Duration) -> Self {
        Self { phase, since: Instant::now(), at_most, told: at_most }
    }

    /// The rest of a time.
    pub(super) fn rest(phase: Phase, whole: Duration, left: Duration) -> Self {
        Self { told: whole, ..Self::now(phase, left) }
    }

    /// Whether to go on waiting; the run's own deadline comes first, because a
    /// person set it.
    pub(super) fn check(&self, options: &Options) -> Result<(), Error> {
        let Self { phase, since, at_most, told } = *self;
        if options.stop.is_signalled() {
            return Err(Error::Cancelled);
        }
        if options.stop.is_late() {
            return Err(Error::DeadlineOver { phase });
        }
        if since.elapsed() >= at_most {
            return Err(Error::TimedOut { phase, after: told });
        }
        Ok(())
    }

    /// The time left, never zero, which the socket's time-outs refuse.
    pub(super) fn left(&self, options: &Options) -> Duration {
        let own = self.at_most.saturating_sub(self.since.elapsed());
        options.stop.remaining().map_or(own, |run| run.min(own)).max(Duration::from_millis(1))
    }

    pub(super) fn with(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }
}

/// How many octets were read in a slice of waiting; `None` if there are none yet.
pub(super) fn in_slice(read: io::Result<usize>, phase: Phase) -> Result<Option<usize>, Error> {
    match read {
        Ok(octets) => Ok(Some(octets)),
        Err(error) if is_slice(&error) => Ok(None),
        Err(error) => Err(Error::broken(phase, error)),
    }
}

/// Whether an error only says that a slice of waiting is over.
pub(super) fn is_slice(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// Writes everything, in slices.
pub(super) fn write_all(
    to: &mut impl Write,
    mut octets: &[u8],
    options: &Options,
    waiting: PhaseTimer,
) -> Result<(), Error> {
    while !octets.is_empty() {
        match to.write(octets) {
            Ok(0) => return Err(Error::Closed { phase: waiting.phase }),
            Ok(written) => octets = octets.get(written..).unwrap_or_default(),
            Err(error) if is_slice(&error) => waiting.check(options)?,
            Err(error) => return Err(Error::broken(waiting.phase, error)),
        }
    }
    Ok(())
}
