//! A leaf: when a run has to end, by its deadline or by a signal. Every sleep and every wait
//! looks here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A signal's handler restarts a sleep; only a look at the flag ends it.
const SLICE: Duration = Duration::from_millis(100);

/// When a run has to end. Copies share the signal, and until when output is written.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    deadline: Option<Instant>,
    /// The signal's number, 0 without one.
    signal: Arc<AtomicUsize>,
    /// The standard streams are older than the command line, and outlast a run.
    output: Arc<Mutex<Option<Instant>>>,
}

impl Stop {
    /// The same signal, with this deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// The same deadline, with a signal of its own.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { signal: Arc::default(), ..self.clone() }
    }

    /// What a signal's handler sets to the signal's number.
    pub fn flag(&self) -> &Arc<AtomicUsize> {
        &self.signal
    }

    /// When the run has to be over.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Gives the deadline to the standard streams: behind it they wait for no reader.
    pub fn limit_output(&self) {
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = self.deadline;
    }

    /// Whether output has to end: behind a signal, or the deadline of the run.
    pub fn is_output_due(&self) -> bool {
        let deadline = *self.output.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_signalled() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The time until the deadline.
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.deadline?.saturating_duration_since(Instant::now()))
    }

    /// The number of the signal that came, 0 without one.
    pub fn signal(&self) -> usize {
        self.signal.load(Ordering::Relaxed)
    }

    /// Ends the run as this signal does.
    pub fn set(&self, signal: usize) {
        self.signal.store(signal, Ordering::Relaxed);
    }

    /// Takes this signal back, if it came.
    pub fn take(&self, signal: usize) -> bool {
        let order = Ordering::Relaxed;
        self.signal.compare_exchange(signal, 0, order, order).is_ok()
    }

    /// Whether a signal came.
    pub fn is_signalled(&self) -> bool {
        self.signal() != 0
    }

    /// Whether the deadline has passed.
    pub fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether the run has to end.
    pub fn is_due(&self) -> bool {
        self.is_signalled() || self.is_late()
    }

    /// Sleeps, whatever the deadline, until a signal comes; whether it was to the end.
    pub fn sleep(&self, pause: Duration) -> bool {
        let begun = Instant::now();
        while !self.is_signalled() {
            match pause.saturating_sub(begun.elapsed()) {
                Duration::ZERO => return true,
                left => thread::sleep(left.min(SLICE)),
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_the_signal_and_not_the_deadline() {
        let stop = Stop::default();
        let late = stop.with_deadline(Some(Instant::now()));
        let apart = late.apart();
        assert_eq!([&stop, &late, &apart].map(Stop::is_due), [false, true, true]);
        assert_eq!((stop.remaining(), late.remaining()), (None, Some(Duration::ZERO)));
        late.set(15);
        assert_eq!([&stop, &late, &apart].map(Stop::signal), [15, 15, 0]);
        assert!(!stop.take(2) && stop.take(15) && !late.is_signalled());
    }

    #[test]
    fn a_signal_ends_a_sleep() {
        let stop = Stop::default();
        assert!(stop.sleep(Duration::from_millis(1)));
        stop.flag().store(2, Ordering::Relaxed);
        assert!(!stop.sleep(Duration::from_secs(3600)));
    }
}
