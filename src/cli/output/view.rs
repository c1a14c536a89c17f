//! What a person sees of one account: events become lines, tables and bars.

use std::cell::RefCell;
use std::io::{self, BufWriter, Write as _};
use std::time::Instant;

use crate::channel::command::WorkerCommand;
use crate::channel::event::{Event, Summary};
use crate::channel::message::Message;
use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::cli::health::patience::{Judgement, ReportDecision};

use super::events::Teller;
use super::exit::Exit;
use super::harmless::Harmless;
use super::journal;
use super::level::Level;
use super::listing::{self, Row};
use super::probe::Probe;
use super::progress::Bar;
use super::run_notes::RunNotes;
use super::terminal::{BATCH, Output};
use super::wait_notice::WaitNotice;
use super::words::{duration, ending, messages, now};

/// One account on the standard streams.
pub(crate) struct View<'v, 'o> {
    output: &'v Output<'o>,
    account: &'v Account,
    command: &'v WorkerCommand,
    /// It is the only account, and needs no name before its lines.
    is_alone: bool,
    teller: Teller<'v, 'o>,
    rows: Option<Vec<Row>>,
    /// What is shown of a message on a terminal.
    shown: RefCell<Harmless>,
    probe: Probe,
    new: Option<usize>,
    /// When the server's certificate ends, and the day in words.
    certificate: Option<(i64, String)>,
    summary: Summary,
    /// When its turn began.
    began: Instant,
}

/// How an account's run ended, before anything is said of it.
#[derive(Debug)]
pub(crate) struct Ended<'e> {
    pub(crate) exit: Exit,
    pub(crate) error: Option<&'e Error>,
    /// When the server's certificate ends, and whether that is soon.
    pub(crate) certificate: Option<(i64, bool)>,
}

impl<'v, 'o> View<'v, 'o> {
    pub(crate) fn new(
        output: &'v Output<'o>,
        account: &'v Account,
        command: &'v WorkerCommand,
        is_alone: bool,
    ) -> Self {
        let teller = Teller {
            output,
            account: &account.name,
            bar: Bar::default(),
            ending: None,
            found: RunNotes::default(),
            waiting: WaitNotice::new(),
            sentences: 0,
        };
        Self {
            output,
            account,
            command,
            is_alone,
            teller,
            rows: None,
            shown: RefCell::default(),
            probe: Probe::default(),
            new: None,
            certificate: None,
            summary: Summary::default(),
            began: Instant::now(),
        }
    }

    /// Something happened. An error says that standard output cannot be written.
    pub(crate) fn event(&mut self, event: Event) -> Result<(), Error> {
        self.output.event(&self.account.name, &event)?;
        self.teller.heard(&event);
        if let Event::Protected { not_after: Some(not_after), until } = &event {
            self.certificate = Some((*not_after, until.clone()));
        }
        match event {
            Event::Capabilities { when, lines } if *self.command == (WorkerCommand::Probe {}) => {
                self.probe.capabilities.extend(lines.into_iter().map(|line| (when, line)));
            }
            Event::Certificate(certificate) => self.probe.chain.push(certificate),
            Event::Checked { new, ordered } => {
                self.new = Some(new);
                let who =
                    if self.is_alone { String::new() } else { format!("{}: ", self.account.name) };
                self.print(&format!("{who}{}\n", listing::checked(new, ordered)))?;
            }
            Event::Duplicate { file, of, .. } => self.print(&journal::duplicate(&file, &of))?,
            Event::Exported { .. }
            | Event::Forgotten { .. }
            | Event::HandoverState { .. }
            | Event::OrdersTakenBack { .. } => self.print(&journal::decided(&event))?,
            Event::Imported { known, listed } => {
                self.print(&format!("{known} of {} known to it\n", messages(listed)))?;
            }
            Event::Message(message) if self.rows.is_some() => self.add_row(message),
            Event::Listing {} => self.rows = Some(Vec::new()),
            Event::Marked { messages, known, write: true }
                if *self.command == (WorkerCommand::MarkSeen { write: true }) =>
            {
                let text = journal::marked(messages, known, true);
                self.output.done_all(&self.account.name, &text.trim_end().replace('\n', "; "));
            }
            Event::Marked { messages: many, known, write } => {
                self.print(&journal::marked(many, known, write))?;
            }
            Event::Ordered { messages, write } => {
                self.show_rows()?;
                self.print(&journal::ordered(messages, write))?;
            }
            Event::Probed(findings) => {
                let text = self.titled(&self.probe.text(&findings, self.account));
                self.print(&text)?;
            }
            Event::Renamed { write: true } => self.print("renamed\n")?,
            Event::Renamed { write: false } => self.print("it is the same mailbox\n")?,
            Event::Repaired(repair) => self.print(&journal::repair(&repair))?,
            Event::Separated { write: true } => {
                self.print("kept apart from the other mailboxes of the Maildir\n")?;
            }
            Event::Separated { write: false } => {
                self.print("would be kept apart from the other mailboxes of the Maildir\n")?;
            }
            Event::Summary(summary) => self.summary = summary,
            event => self.teller.tell(&event),
        }
        Ok(())
    }

    /// A message's octets, as `--show` prints them.
    pub(crate) fn message(&self, octets: &[u8]) -> Result<(), Error> {
        if self.output.is_terminal() {
            self.output.print(self.shown.borrow_mut().push(octets).as_bytes())
        } else {
            self.output.print(octets)
        }
    }

    /// Nothing happens for the moment.
    pub(crate) fn wait(&mut self) {
        self.teller.wait(self.account.server());
    }

    /// A line that a configured command wrote.
    pub(crate) fn command(&self, line: &str) {
        self.output.line(&format!("{}: {line}", self.account.name));
    }

    /// Something else went wrong than what the account ends with.
    pub(crate) fn also(&self, error: &Error) {
        self.output.warn(&self.account.name, &error.to_string());
    }

    /// Words of the worker's process, not of its events.
    pub(crate) fn internal(&self, line: &str) {
        self.output.line(&format!("{}: internal: {line}", self.account.name));
    }

    fn print(&self, text: &str) -> Result<(), Error> {
        self.output.print(text.as_bytes())
    }

    /// Under the account's name where there are several.
    fn titled(&self, text: &str) -> String {
        if self.is_alone { text.to_owned() } else { format!("{}:\n{text}", self.account.name) }
    }

    /// One more row of the table. None is kept where events stand on standard output.
    fn add_row(&mut self, message: Message) {
        if self.output.has_text() {
            self.rows.get_or_insert_default().extend(Row::of(message));
        }
    }

    /// Prints the table as far as it is known.
    pub(crate) fn show_rows(&mut self) -> Result<(), Error> {
        let Some(rows) = self.rows.take() else { return Ok(()) };
        self.write_rows(&rows).map_err(Error::Output)
    }

    fn write_rows(&self, rows: &[Row]) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(BATCH, self.output.text());
        let written = self.write_rows_to(&mut out, rows).and_then(|()| out.flush());
        // What could not be written is not tried once more.
        _ = out.into_parts();
        written
    }

    fn write_rows_to(&self, out: &mut impl io::Write, rows: &[Row]) -> io::Result<()> {
        let style = self.output.table_style();
        if !self.is_alone {
            writeln!(out, "{}:", self.account.name)?;
        }
        match self.command {
            WorkerCommand::List { headers, .. } => listing::list(out, rows, *headers, style),
            WorkerCommand::Delete { .. } => listing::list(out, rows, true, style),
            _ => listing::dry_run(out, rows, style, self.output.level > Level::Normal),
        }
    }

    /// The end: tables, then the summary or the error as far as the verdict lets it be
    /// said, and the status.
    pub(crate) fn end(
        mut self,
        result: Result<(), Error>,
        judge: impl FnOnce(&Ended<'_>) -> Judgement,
    ) -> Exit {
        let printed = self.show_rows().and_then(|()| self.print(&self.shown.take().end()));
        let Self { output, account, command, teller, new, summary, certificate, began, .. } = self;
        // Bars go away before anything else is said.
        let (left_out, found) = (teller.left_out(), teller.found);
        drop(teller.bar);
        if left_out > 0 {
            let account = &account.name;
            output.line(&format!("pop3get: {account}: and {left_out} more; -v says each of them"));
        }
        if let Some(large) = found.large() {
            output.warn(&account.name, &large);
        }
        let result = printed.and(result);
        let exit = match (&result, summary.failed + summary.short, new) {
            (Err(error), ..) => error.exit(),
            (Ok(()), 1.., _) => Exit::SomeFailed,
            (Ok(()), 0, Some(0)) => Exit::NothingNew,
            (Ok(()), 0, _) => Exit::Ok,
        };
        let soon = certificate.as_ref().and_then(|(not_after, _)| ending(*not_after, now()));
        let Judgement { verdict, warns } = judge(&Ended {
            exit,
            error: result.as_ref().err(),
            certificate: certificate.as_ref().map(|(not_after, _)| (*not_after, soon.is_some())),
        });
        // With -vv it was said when the certificate came.
        let warns = warns && output.level < Level::Messages;
        if let (true, Some(soon), Some((_, until))) = (warns, soon, certificate) {
            output.warn(&account.name, &format!("the server's certificate {soon}, on {until}"));
        }
        if let ReportDecision::WorksAgain(lasted) = verdict {
            output.warn(&account.name, &format!("works again after {}", duration(lasted)));
        }
        let exit = if verdict == ReportDecision::Forgive { Exit::Ok } else { exit };
        let delivered = matches!(command, WorkerCommand::Fetch { .. }).then_some(summary.delivered);
        match &result {
            Err(error) if verdict == ReportDecision::Say => {
                output.fail(Some(&account.name), error, delivered);
            }
            Err(error) => output.record(Some(&account.name), error),
            Ok(()) => {}
        }
        // A failure that came before anything was done has its own sentence.
        if delivered.is_some() && (result.is_ok() || summary != Summary::default()) {
            let is_done = result.is_ok() && verdict != ReportDecision::Forgive;
            output.summary(account, &summary, &found, (is_done, began.elapsed()));
        }
        match output.done(&account.name, exit, &summary) {
            Err(error) => {
                output.fail(Some(&account.name), &error, delivered);
                error.exit()
            }
            Ok(()) => exit,
        }
    }
}
