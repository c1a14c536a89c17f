//! What a run waits for before anything is fetched.

use std::time::{Duration, Instant};

use crate::channel::event::Event;

/// A wait of this length is said on a terminal.
const LONG: Duration = Duration::from_secs(1);

/// What is waited for, and since when.
#[derive(Debug)]
pub(super) struct WaitNotice {
    stage: Stage,
    since: Instant,
    is_said: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    LoggingIn,
    Over,
}

impl WaitNotice {
    /// The run begins now.
    pub(super) fn new() -> Self {
        Self { stage: Stage::Connecting, since: Instant::now(), is_said: false }
    }

    /// Something happened. Returns whether a wait is over that was said.
    pub(super) fn heard(&mut self, event: &Event) -> bool {
        let stage = match event {
            Event::Connected { .. } => Stage::LoggingIn,
            Event::Capabilities { .. }
            | Event::Lenient { .. }
            | Event::Protected { .. }
            | Event::Received { .. }
            | Event::ReceivedMore { .. }
            | Event::Recovered { .. }
            | Event::Sandbox(_)
            | Event::Sent { .. }
            | Event::WaitsAgain { .. } => return false,
            _ => Stage::Over,
        };
        let was_said = self.is_said;
        if stage != self.stage {
            *self = Self { stage, since: Instant::now(), is_said: false };
        }
        was_said
    }

    /// What has been waited for so long that it is to be said.
    pub(super) fn due(&mut self, server: &str) -> Option<String> {
        if self.is_said || self.since.elapsed() < LONG {
            return None;
        }
        let words = match self.stage {
            Stage::Connecting => format!("connecting to {server}\u{2026}"),
            Stage::LoggingIn => format!("logging in to {server}\u{2026}"),
            Stage::Over => return None,
        };
        self.is_said = true;
        Some(words)
    }
}
