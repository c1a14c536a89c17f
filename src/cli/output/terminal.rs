//! The standard streams: lines, data, failures.
//!
//! # Invariants
//!
//! * Off a terminal a run in which all went well says nothing.
//! * No line steers the terminal, whatever stands in it.
//! * A failure to write to standard error is passed over.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::time::Duration;

use indicatif::HumanBytes;

use crate::channel::event::{Event, Summary};
use crate::channel::job::ShownEvents;
use crate::cli::args::options::When;
use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::stop::Stop;
use crate::text::Quoted;

use super::exit::Exit;
use super::json::{self, JsonLine, OfAccount, OfProgram, Totals};
use super::level::Level;
use super::listing::TableStyle;
use super::order::{OutputOrder, Part};
use super::progress::Screen;
use super::run_notes::RunNotes;
use super::safe::safe;
use super::streams::{Manner, Streams};
use super::words::messages;

/// So many octets of events, or of a table, are written at once.
pub(super) const BATCH: usize = 32 * 1024;

/// Writes to the standard streams.
pub(crate) struct Output<'s> {
    out: RefCell<&'s mut dyn Write>,
    err: RefCell<&'s mut dyn Write>,
    /// Standard error is a terminal.
    terminal: bool,
    /// How many columns the terminal has that standard output is.
    columns: Option<usize>,
    pub(crate) level: Level,
    stop: Stop,
    /// Standard output has events and no text.
    json: bool,
    colours: bool,
    progress: When,
    /// Events that are not written yet.
    lines: RefCell<Vec<u8>>,
    totals: Cell<Totals>,
    order: RefCell<OutputOrder>,
    pub(super) screen: Screen,
}

impl<'s> Output<'s> {
    pub(crate) fn new(streams: Streams<'s>, manner: Manner, stop: &Stop) -> Self {
        let Streams { out, err, terminal, columns } = streams;
        let Manner { level, json, colours, progress } = manner;
        Self {
            out: RefCell::new(out),
            err: RefCell::new(err),
            terminal,
            columns,
            level,
            stop: stop.clone(),
            json,
            colours,
            progress,
            lines: RefCell::default(),
            totals: Cell::default(),
            order: RefCell::default(),
            screen: Screen::new(stop),
        }
    }

    /// So many accounts are served. Off a terminal their reports come in this order,
    /// unless lines are wanted as things happen.
    pub(crate) fn expect(&self, accounts: usize) {
        self.screen.expect(accounts);
        if !self.terminal && self.level < Level::Accounts {
            self.order.borrow_mut().keep();
        }
    }

    /// What is said from now on belongs to this account.
    pub(crate) fn speak(&self, account: usize) {
        self.order.borrow_mut().speak(account);
    }

    /// An account has nothing more to say.
    pub(crate) fn account_over(&self, account: usize) {
        self.screen.count();
        let due = self.order.borrow_mut().end(account);
        self.write_all(due);
    }

    /// A person is asked: nothing else is written until [`Self::release`].
    pub(crate) fn hold(&self) {
        if self.order.borrow_mut().hold() {
            self.screen.hide();
        }
    }

    /// No question is open any more.
    pub(crate) fn release(&self) {
        if self.order.borrow().is_held() {
            let due = self.order.borrow_mut().release();
            self.screen.show();
            self.write_all(due);
        }
    }

    fn write_all(&self, parts: Vec<Part>) {
        for part in parts {
            match part {
                Part::Err(octets) => self.write_err(&octets),
                // That it cannot be written is found at the end.
                Part::Out(octets) => _ = self.write(&octets),
            }
        }
    }

    /// One line on standard error.
    pub(super) fn line(&self, line: &str) {
        let part = Part::Err((safe(line) + "\n").into_bytes());
        if let Some(Part::Err(octets)) = self.order.borrow_mut().pass(part) {
            self.write_err(&octets);
        }
    }

    /// One write: lines of several processes are not mixed.
    fn write_err(&self, octets: &[u8]) {
        let mut err = self.err.borrow_mut();
        let _ = self.screen.suspended(|| err.write_all(octets).and_then(|()| err.flush()));
    }

    /// Text on standard output, unless events stand there.
    pub(crate) fn print(&self, text: &[u8]) -> Result<(), Error> {
        self.text().write_all(text).map_err(Error::Output)
    }

    /// Whether standard output has text, not events.
    pub(super) fn has_text(&self) -> bool {
        !self.json
    }

    /// Standard output for text that is written in pieces.
    pub(super) fn text(&self) -> TextOut<'_, 's> {
        TextOut { output: self }
    }

    /// An event of a worker, if it is wanted.
    pub(super) fn event(&self, account: &str, event: &Event) -> Result<(), Error> {
        if self.json && json::is_shown(event) {
            self.push(&JsonLine::Account(OfAccount { event, account }))
        } else {
            Ok(())
        }
    }

    /// An event of the program itself, if it is wanted.
    pub(super) fn own_event(&self, event: OfProgram<'_>) -> Result<(), Error> {
        if self.json { self.push(&JsonLine::Program(event)) } else { Ok(()) }
    }

    fn push(&self, line: &JsonLine<'_>) -> Result<(), Error> {
        let mut lines = self.lines.borrow_mut();
        json::push(&mut lines, line);
        let is_full = lines.len() >= BATCH;
        drop(lines);
        if is_full { self.flush() } else { Ok(()) }
    }

    /// Writes the events that wait.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        let lines = self.lines.take();
        if lines.is_empty() { Ok(()) } else { self.write(&lines).map_err(Error::Output) }
    }

    /// An account is done.
    pub(crate) fn done(&self, account: &str, exit: Exit, summary: &Summary) -> Result<(), Error> {
        let mut totals = self.totals.get();
        totals.add(exit, summary);
        self.totals.set(totals);
        let (status, summary) = (exit.status(), *summary);
        self.own_event(OfProgram::Done { account, status, summary })?;
        self.flush()
    }

    /// Something was told of an account that was not served.
    pub(super) fn count_account(&self) {
        let mut totals = self.totals.get();
        totals.accounts += 1;
        self.totals.set(totals);
    }

    /// The last line of the events.
    pub(crate) fn end(&self, exit: Exit) -> Result<(), Error> {
        let due = self.order.borrow_mut().end_all();
        self.write_all(due);
        let signal = self.stop.signal();
        let by_signal = || u8::try_from(128 + signal).unwrap_or(u8::MAX);
        let status = if signal == 0 { exit.status() } else { by_signal() };
        let (signal, totals) = (Some(signal).filter(|signal| *signal > 0), self.totals.get());
        self.own_event(OfProgram::Summary { status, signal, totals })?;
        self.flush()
    }

    /// A reader who has gone away is no failure.
    fn write(&self, text: &[u8]) -> io::Result<()> {
        let mut out = self.out.borrow_mut();
        match self.screen.suspended(|| out.write_all(text).and_then(|()| out.flush())) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Whether a person sees the output.
    pub(crate) fn is_watched(&self) -> bool {
        self.terminal
    }

    /// Whether bars are drawn: for eyes, and where no lines would break them.
    pub(crate) fn draws(&self) -> bool {
        match self.progress {
            When::Always => true,
            When::Auto => self.terminal && self.level == Level::Normal,
            When::Never => false,
        }
    }

    /// The events of workers that are shown.
    pub(crate) fn shown(&self) -> ShownEvents {
        let progress = self.draws();
        ShownEvents {
            conversation: self.level == Level::Conversation,
            details: self.json || self.level >= Level::Accounts,
            messages: self.json || progress || self.level >= Level::Messages,
            progress,
        }
    }

    /// Whether standard output is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.columns.is_some()
    }

    /// How tables are printed.
    pub(super) fn table_style(&self) -> TableStyle {
        TableStyle { limit: self.columns, colours: self.colours }
    }

    /// An error, its status aside: one sentence, perhaps a hint. `delivered` counts the
    /// messages that a fetch has delivered; other acts deliver none.
    pub(crate) fn fail(&self, account: Option<&str>, error: &Error, delivered: Option<usize>) {
        self.record(account, error);
        let unheard = !self.terminal && self.level < Level::Accounts;
        // The sender of a signal knows why the run ends.
        let is_interrupted = self.stop.is_signalled();
        if error.is_quiet() && unheard || is_interrupted && !self.terminal {
            return;
        }
        let who = account.map(|name| format!("{}: ", Quoted::bare(name.as_bytes())));
        let so_far = match delivered {
            None | Some(0) => String::new(),
            Some(1) => "; 1 message was delivered".into(),
            Some(many) => format!("; {many} messages were delivered"),
        };
        let who = who.unwrap_or_default();
        if is_interrupted {
            let outcome = match delivered {
                None => String::new(),
                Some(0) => "; nothing was delivered; the next run goes on from here".into(),
                Some(_) => format!("{so_far}; the next run goes on from here"),
            };
            return self.line(&format!("pop3get: {who}interrupted{outcome}"));
        }
        self.line(&format!("pop3get: {who}{error}{so_far}"));
        if let Some(hint) = error.hint() {
            self.hint(&hint);
        }
    }

    /// An account that has failed before anything was done for it; its status.
    pub(crate) fn failed(&self, account: &str, error: &Error) -> Exit {
        self.fail(Some(account), error, None);
        // A failure to say so is found when the last line is written.
        let _ = self.done(account, error.exit(), &Summary::default());
        error.exit()
    }

    /// Accounts that were not tried, since their server could not be reached.
    pub(crate) fn not_reached(&self, server: &str, accounts: &[String]) {
        let is_interrupted = self.stop.is_signalled();
        let (others, were) = match accounts {
            [] => return,
            [_] => ("1 other account".to_owned(), "was"),
            others => (format!("{} other accounts", others.len()), "were"),
        };
        if !is_interrupted {
            let names = accounts.join(", ");
            self.line(&format!(
                "pop3get: {server} could not be reached; {others} {were} not fetched: {names}"
            ));
        }
    }

    /// Tells an error to programs alone.
    pub(super) fn record(&self, account: Option<&str>, error: &Error) {
        // Standard output may be what failed.
        let _ = self.own_event(json::error(account, error));
    }

    pub(super) fn hint(&self, hint: &str) {
        self.line(&format!("hint: {hint}"));
    }

    /// A line that only `-vv` shows.
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

    /// A line that `-v` shows.
    pub(super) fn of_account(&self, account: &str, line: &str) {
        if self.level >= Level::Accounts {
            self.line(&format!("{account}: {line}"));
        }
    }

    /// What an account's run has done: a person on a terminal sees it, and with `-v` it is
    /// printed in every case.
    pub(super) fn done_all(&self, account: &str, line: &str) {
        if self.level >= Level::Accounts || self.terminal && self.level > Level::Quiet {
            self.line(&format!("{account}: {line}"));
        }
    }

    /// The line at an account's end: a person on a terminal sees it after a run that did
    /// all it had to do, and with `-v` it is printed after every run.
    pub(super) fn summary(
        &self,
        account: &Account,
        summary: &Summary,
        found: &RunNotes,
        (is_done, took): (bool, Duration),
    ) {
        let Summary { delivered, octets, deleted, failed, short, .. } = *summary;
        if self.level >= Level::Accounts {
            let line = format!(
                "{delivered} delivered ({}), {deleted} deleted, {} failed, {:.1} s",
                HumanBytes(octets),
                failed + short,
                took.as_secs_f64()
            );
            return self.line(&format!("{}: {line}", account.name));
        }
        if !self.terminal || self.level == Level::Quiet || !is_done {
            return;
        }
        let mut words = vec![match delivered {
            0 => "nothing new".into(),
            many => {
                // A first run says where the mail is.
                let maildir = account.settings.maildir.as_deref().filter(|_| found.is_first);
                let place = maildir.map(|it| format!(" into {}", it.display())).unwrap_or_default();
                format!("{} delivered{place}, {}", messages(many), HumanBytes(octets))
            }
        }];
        if deleted > 0 {
            words.push(format!("{} deleted from the server", messages(deleted)));
        }
        words.extend(found.clause_of_waiting());
        self.line(&format!("{}: {}", account.name, words.join("; ")));
    }
}

/// Text on standard output, unless events stand there.
pub(super) struct TextOut<'o, 's> {
    output: &'o Output<'s>,
}

impl Write for TextOut<'_, '_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let Output { json, order, .. } = self.output;
        if *json {
            return Ok(text.len());
        }
        let part = order.borrow_mut().pass(Part::Out(text.to_vec()));
        if let Some(Part::Out(octets) | Part::Err(octets)) = part {
            self.output.write(&octets)?;
        }
        Ok(text.len())
    }

    /// Each write has flushed.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
