//! The standard streams: lines, data, failures.
//!
//! # Invariants
//!
//! * Off a terminal a run in which all went well says nothing.
//! * No line steers the terminal, whatever stands in it.
//! * A failure to write to standard error is passed over.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::atomic::Ordering;

use indicatif::HumanBytes;

use crate::channel::event::Summary;
use crate::cli::cancel::Cancel;
use crate::cli::error::Error;
use crate::protocol::Quoted;

use super::safe::safe;
use super::words::messages;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Errors.
    Quiet,
    /// On a terminal a summary, and bars.
    Normal,
    /// A line a message.
    Messages,
    /// The conversation.
    Conversation,
}

/// Writes to the standard streams.
pub(crate) struct Output<'s> {
    out: RefCell<&'s mut dyn Write>,
    err: RefCell<&'s mut dyn Write>,
    /// Standard error is a terminal.
    terminal: bool,
    pub(crate) level: Level,
    cancel: Cancel,
}

impl<'s> Output<'s> {
    pub(crate) fn new(
        out: &'s mut dyn Write,
        err: &'s mut dyn Write,
        terminal: bool,
        level: Level,
        cancel: &Cancel,
    ) -> Self {
        let cancel = Cancel::clone(cancel);
        Self { out: RefCell::new(out), err: RefCell::new(err), terminal, level, cancel }
    }

    /// One line on standard error.
    pub(super) fn line(&self, line: &str) {
        let mut err = self.err.borrow_mut();
        // One write: lines of several processes are not mixed.
        let line = safe(line) + "\n";
        let _ = err.write_all(line.as_bytes()).and_then(|()| err.flush());
    }

    /// Standard output; a reader who has gone away is no failure.
    pub(crate) fn print(&self, text: &[u8]) -> Result<(), Error> {
        let mut out = self.out.borrow_mut();
        match out.write_all(text).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(Error::Output),
        }
    }

    /// Whether somebody looks on.
    pub(crate) fn is_watched(&self) -> bool {
        self.terminal
    }

    /// Whether bars are drawn: for eyes, and where no lines would break them.
    pub(crate) fn draws(&self) -> bool {
        self.terminal && self.level == Level::Normal
    }

    /// An error, its status aside: one sentence, perhaps a hint.
    pub(crate) fn fail(&self, account: Option<&str>, error: &Error, delivered: usize) {
        let unheard = !self.terminal && self.level < Level::Messages;
        // Whoever sent a signal knows why it ends.
        let interrupted = self.cancel.load(Ordering::Relaxed) != 0;
        if interrupted || error.is_quiet() && unheard {
            return;
        }
        let who = account.map(|name| format!("{}: ", Quoted::bare(name.as_bytes())));
        let so_far = match delivered {
            0 => String::new(),
            1 => "; 1 message was delivered".into(),
            many => format!("; {many} messages were delivered"),
        };
        self.line(&format!("pop3get: {}{error}{so_far}", who.unwrap_or_default()));
        if let Some(hint) = error.hint() {
            self.hint(&hint);
        }
    }

    pub(super) fn hint(&self, hint: &str) {
        self.line(&format!("hint: {hint}"));
    }

    /// A line that only `-v` shows.
    pub(crate) fn verbose(&self, account: &str, line: &str) {
        if self.level >= Level::Messages {
            self.line(&format!("{account}: {line}"));
        }
    }

    /// A line that `-q` alone keeps back.
    pub(crate) fn warn(&self, account: &str, line: &str) {
        if self.level > Level::Quiet {
            self.line(&format!("pop3get: {account}: {line}"));
        }
    }

    /// The line at a run's end that a person on a terminal sees.
    pub(super) fn summary(&self, account: &str, summary: &Summary) {
        if !self.terminal || self.level == Level::Quiet {
            return;
        }
        let mut words = vec![match summary.delivered {
            0 => "nothing new".into(),
            many => format!("{} delivered, {}", messages(many), HumanBytes(summary.octets)),
        }];
        if summary.deleted > 0 {
            words.push(format!("{} deleted from the server", messages(summary.deleted)));
        }
        self.line(&format!("{account}: {}", words.join("; ")));
    }
}
