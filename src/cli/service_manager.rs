//! What a service manager is told, where `$NOTIFY_SOCKET` names its socket
//! (sd_notify(3)). Elsewhere nothing is sent.

use std::cell::Cell;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// The service manager of a run that is repeated.
#[derive(Debug, Default)]
pub(crate) struct ServiceManager {
    /// How often it wants to hear that we are alive.
    watchdog: Option<Duration>,
    /// When it heard so last.
    heard: Cell<Option<Instant>>,
}

impl ServiceManager {
    /// The one that has started this process, if there is one.
    pub(crate) fn of_process() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled(), heard: Cell::default() }
    }

    /// Says that the first run begins. A manager that is gone is told nothing.
    pub(crate) fn ready(&self) {
        let _ = sd_notify::notify(&[NotifyState::Ready]);
    }

    /// Says that the process ends.
    pub(crate) fn stopping(&self) {
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
    }

    /// Says in words what is done now.
    pub(crate) fn status(&self, words: &str) {
        let _ = sd_notify::notify(&[NotifyState::Status(words)]);
    }

    /// Says, if it is time to, that we are alive: from the loops that must not stand
    /// still, and from no thread of its own.
    pub(crate) fn alive(&self) {
        let Some(watchdog) = self.watchdog else { return };
        if self.heard.get().is_none_or(|heard| heard.elapsed() >= watchdog / 3) {
            self.heard.set(Some(Instant::now()));
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        }
    }
}
