//! What goes up to the supervisor, in batches.
//!
//! # Invariants
//!
//! * No event is dropped. Of progress only the sum is sent, ten times a second.
//! * Before [`Upward::start`] nothing is sent unless it must be: no thread is there
//!   yet. From then on a thread of its own sends, so that a slow supervisor delays
//!   no thread that has an event, until [`MAX_PENDING`] is reached.
//! * A supervisor that reads nothing for a minute ends the run, as `stop` does: the
//!   server's lock is not held for a pager.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::channel::event::Event;
use crate::channel::frame::{self, Up};
use crate::stop::Stop;

/// The channel's upper end.
#[derive(Debug)]
pub(super) struct Upward {
    pending: Mutex<Pending>,
    changed: Condvar,
    /// Locked for as long as something is sent, so that order is kept.
    to: Mutex<UnixStream>,
    stop: Stop,
    /// The supervisor may read nothing for so long.
    patience: Duration,
}

#[derive(Debug, Default)]
struct Pending {
    lines: Vec<u8>,
    progress: u64,
    /// Nothing can be sent any more.
    is_broken: bool,
    /// A thread sends.
    is_started: bool,
}

impl Pending {
    /// Puts the sum of the progress behind what is pending.
    fn take_progress(&mut self) {
        let octets = std::mem::take(&mut self.progress);
        if octets > 0 {
            self.lines.extend(frame::line(&Up::Event(Event::Progress { octets })));
        }
    }
}

/// So much is sent at once.
const BATCH: usize = 32 * 1024;

/// So long an event may wait for others.
const TICK: Duration = Duration::from_millis(100);

/// More than this is not kept for a supervisor that does not read.
const MAX_PENDING: usize = 1024 * 1024;

/// The supervisor may read nothing for so long, as a rule.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What [`Stop`] is set to without a signal: SIGTERM.
pub(super) const STOP: usize = 15;

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Upward {
    pub(super) fn new(to: UnixStream, stop: &Stop, patience: Duration) -> io::Result<Self> {
        to.set_write_timeout(Some(patience))?;
        Ok(Self {
            pending: Mutex::default(),
            changed: Condvar::new(),
            to: Mutex::new(to),
            stop: stop.clone(),
            patience,
        })
    }

    /// Starts the thread that sends.
    pub(super) fn start(self: &Arc<Self>) -> io::Result<()> {
        locked(&self.pending).is_started = true;
        let this = Arc::clone(self);
        let thread = thread::Builder::new().name("channel".into());
        thread.spawn(move || this.send_all()).map(|_| ())
    }

    /// An event. Progress is summed up.
    pub(super) fn event(&self, event: Event) {
        if let Event::Progress { octets } = event {
            let mut pending = locked(&self.pending);
            let was_idle = pending.progress == 0 && pending.lines.is_empty();
            pending.progress += octets;
            if was_idle {
                self.changed.notify_all();
            }
            return;
        }
        self.push(&frame::line(&Up::Event(event)));
    }

    /// Any frame but an event; it is sent at once.
    pub(super) fn frame(&self, frame: &Up) {
        // What came before it goes before it.
        locked(&self.pending).take_progress();
        self.push(&frame::line(frame));
        self.flush();
    }

    fn push(&self, line: &[u8]) {
        let mut pending = locked(&self.pending);
        let since = Instant::now();
        while pending.lines.len() + line.len() > MAX_PENDING && !pending.is_broken {
            if since.elapsed() >= self.patience {
                self.give_up(&mut pending);
                return;
            }
            let waited = self.changed.wait_timeout(pending, TICK);
            pending = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if pending.is_broken {
            return;
        }
        let was_idle = pending.lines.is_empty();
        pending.lines.extend_from_slice(line);
        let is_full = pending.lines.len() >= BATCH;
        if was_idle || is_full {
            self.changed.notify_all();
        }
        if is_full && !pending.is_started {
            drop(pending);
            self.flush();
        }
    }

    fn give_up(&self, pending: &mut Pending) {
        pending.is_broken = true;
        pending.lines = Vec::new();
        self.stop.set(STOP);
        self.changed.notify_all();
    }

    /// Sends what is pending.
    fn flush(&self) {
        let mut to = locked(&self.to);
        let lines = {
            let mut pending = locked(&self.pending);
            pending.take_progress();
            std::mem::take(&mut pending.lines)
        };
        self.changed.notify_all();
        if !lines.is_empty() && to.write_all(&lines).is_err() {
            self.give_up(&mut locked(&self.pending));
        }
    }

    /// Ends the stream, everything sent.
    pub(super) fn close(&self) {
        let _ = locked(&self.to).shutdown(Shutdown::Write);
    }

    fn send_all(&self) {
        loop {
            let mut pending = locked(&self.pending);
            while pending.lines.is_empty() && pending.progress == 0 {
                if pending.is_broken {
                    return;
                }
                pending = self.changed.wait(pending).unwrap_or_else(PoisonError::into_inner);
            }
            let since = Instant::now();
            while pending.lines.len() < BATCH {
                let Some(left) = TICK.checked_sub(since.elapsed()) else { break };
                let waited = self.changed.wait_timeout(pending, left);
                pending = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            drop(pending);
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// An event of some length.
    fn event() -> Event {
        let message = "x".repeat(32 * 1024);
        Event::UnsyncedDirectory { path: message.as_bytes().into() }
    }

    /// So long a supervisor reads nothing, once for all that a worker sends: a minute, made
    /// short.
    fn upward(patience: Duration) -> (Arc<Upward>, Stop, UnixStream) {
        let (to, from) = UnixStream::pair().unwrap();
        let stop = Stop::default();
        let upward = Arc::new(Upward::new(to, &stop, patience).unwrap());
        (upward, stop, from)
    }

    #[test]
    fn a_supervisor_that_reads_nothing_ends_the_run_as_stop_does() {
        for starts in [true, false] {
            let (upward, stop, from) = upward(Duration::from_millis(50));
            if starts {
                upward.start().unwrap();
            }
            let begun = Instant::now();
            // More than the socket and the worker keep.
            for _ in 0..100 {
                upward.event(event());
            }
            upward.frame(&Up::End { failure: None });
            assert_eq!(stop.signal(), STOP, "{starts}");
            assert!(begun.elapsed() < PATIENCE / 2);
            drop(from);
        }
    }

    #[test]
    fn a_supervisor_that_reads_slowly_gets_everything_and_ends_no_run() {
        let (upward, stop, mut from) = upward(Duration::from_secs(600));
        upward.start().unwrap();
        let reader = thread::spawn(move || {
            let (mut octets, mut piece) = (0, vec![0; 4096]);
            loop {
                let read = from.read(&mut piece).unwrap();
                if read == 0 {
                    return octets;
                }
                octets += read;
                thread::yield_now();
            }
        });
        let line = frame::line(&Up::Event(event())).len();
        // Three times what is kept, so that the events have to wait.
        let events = 3 * MAX_PENDING / line;
        for _ in 0..events {
            upward.event(event());
        }
        let end = Up::End { failure: None };
        upward.frame(&end);
        upward.close();
        assert_eq!(reader.join().unwrap(), events * line + frame::line(&end).len());
        assert!(!stop.is_signalled());
    }
}
