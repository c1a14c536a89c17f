//! The one place that speaks: sentences, details, progress.
//!
//! # Invariants
//!
//! * Off a terminal a run in which all went well says nothing.
//! * Words from a server are made safe before they come here.
//! * A failure to write to standard error is nobody's business.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::sync::atomic::Ordering;

use indicatif::HumanBytes;

use crate::connection::Cancel;
use crate::fetch::{self, Event, Operation, Summary, in_seconds};
use crate::protocol::Quoted;
use crate::session::Line;

use crate::cli::error::Error;
use crate::cli::output::progress::Bars;
use crate::cli::run::clock;

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

/// Speaks on the standard streams.
pub(crate) struct Output<'s> {
    pub(crate) out: RefCell<&'s mut dyn Write>,
    err: RefCell<&'s mut dyn Write>,
    /// Somebody looks on.
    terminal: bool,
    level: Level,
    cancel: Cancel,
    /// The end of a certificate that was said last: once is enough.
    ending: Cell<Option<i64>>,
}

/// More new messages than this, on a first run, may be a surprise.
const MANY: usize = 1000;

impl<'s> Output<'s> {
    pub(crate) fn new(
        out: &'s mut dyn Write,
        err: &'s mut dyn Write,
        terminal: bool,
        level: Level,
        cancel: &Cancel,
    ) -> Self {
        let cancel = Cancel::clone(cancel);
        let (out, err, ending) = (RefCell::new(out), RefCell::new(err), Cell::new(None));
        Self { out, err, terminal, level, cancel, ending }
    }

    /// One line on standard error.
    fn line(&self, line: &str) {
        let mut err = self.err.borrow_mut();
        let _ = writeln!(err, "{line}").and_then(|()| err.flush());
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
    fn draws(&self) -> bool {
        self.terminal && self.level == Level::Normal
    }

    /// A failure, its status aside: one sentence, perhaps a hint.
    pub(crate) fn fail(&self, account: Option<&str>, failure: &Error, delivered: usize) {
        let unheard = !self.terminal && self.level < Level::Messages;
        // Whoever sent a signal knows why it ends.
        let interrupted = self.cancel.load(Ordering::Relaxed) != 0;
        if interrupted || failure.is_quiet() && unheard {
            return;
        }
        let who = account.map(|name| format!("{}: ", Quoted::bare(name.as_bytes())));
        let so_far = match delivered {
            0 => String::new(),
            1 => "; 1 message was delivered".into(),
            many => format!("; {many} messages were delivered"),
        };
        let sentence = format!("pop3get: {}{failure}{so_far}", who.unwrap_or_default());
        // One line, whatever a path or a file put into it.
        let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        self.line(&sentence.chars().map(shown).collect::<String>());
        if let Some(hint) = failure.hint() {
            self.hint(&hint);
        }
    }

    fn hint(&self, hint: &str) {
        self.line(&format!("hint: {hint}"));
    }

    /// A line that only `-v` shows.
    pub(crate) fn verbose(&self, account: &str, line: &str) {
        if self.level >= Level::Messages {
            self.line(&format!("{account}: {line}"));
        }
    }

    /// The line at a run's end that a person on a terminal sees.
    pub(crate) fn summary(&self, account: &str, summary: &Summary) {
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

    /// What a fetch tells, put into words for one account.
    pub(crate) fn event(&self, account: &str, bars: &Bars, event: Event<'_>) {
        match event {
            Event::Line(line) => self.conversation(account, line),
            Event::Octets(octets) => bars.octets(octets),
            Event::Sized { octets } => bars.sized(octets),
            Event::Retrieving { .. } => {}
            Event::Planned { listed, messages: new, octets, first } => {
                self.verbose(account, &format!("{} listed, {new} to fetch", messages(listed)));
                if self.draws() && new > 0 {
                    if first && new >= MANY {
                        self.hint(&format!(
                            "{new} messages on a first run; --mark-seen takes what is there as seen"
                        ));
                    }
                    bars.begin(account, new, octets);
                }
            }
            Event::Delivered { number, unique_id, octets } => {
                bars.message();
                let line = format!("delivered message {number}, {octets} octets, {unique_id}");
                self.verbose(account, &line);
            }
            Event::Deleting { number, unique_id } => {
                self.verbose(account, &format!("deleting message {number}, {unique_id}"));
            }
            event => bars.suspended(|| self.warn(account, event)),
        }
    }

    /// Events that a person should hear of once, whoever listens.
    fn warn(&self, account: &str, event: Event<'_>) {
        let warn = |line: String| {
            if self.level > Level::Quiet {
                self.line(&format!("pop3get: {account}: {line}"));
            }
        };
        match event {
            Event::Failed { number, unique_id, tries, why } => {
                let why = match why {
                    fetch::Failure::Endless => "it does not end".to_owned(),
                    fetch::Failure::Full => "the disk has no room for it".to_owned(),
                    fetch::Failure::Garbled => {
                        "the server broke the protocol in it twice".to_owned()
                    }
                    fetch::Failure::Lost => "the connection was lost inside it twice".to_owned(),
                    fetch::Failure::Refused(refusal) => {
                        format!("server refused RETR{}", refusal.words())
                    }
                };
                let doing = Operation::Retrieve(number);
                let times =
                    if tries > 1 { format!("; tried {tries} times") } else { String::new() };
                self.line(&format!("pop3get: {account}: {doing} ({unique_id}): {why}{times}"));
            }
            Event::Held { unique_id } => {
                warn(format!(
                    "{unique_id} was committed and is nowhere in the Maildir; it is neither fetched again nor deleted"
                ));
                if self.level > Level::Quiet {
                    let unique_id = unique_id.encoded();
                    self.hint(&format!("--state forget {unique_id} makes it new again"));
                }
            }
            Event::Large { unique_id, octets } => warn(format!(
                "{unique_id} has {octets} octets, more than --max-size; it stays on the server"
            )),
            Event::Again => {
                self.verbose(account, "the session ends without QUIT; another one follows");
            }
            Event::Recovered { messages: many } => {
                self.verbose(account, &format!("{} of an interrupted run settled", messages(many)));
            }
            Event::Expires { days: 0 } => {
                self.verbose(account, "the server may remove messages once they were fetched");
            }
            Event::Expires { days } => self.verbose(
                account,
                &format!("the server may remove messages after {days} days, sooner than asked for"),
            ),
            Event::InUse { pause } => {
                let pause = in_seconds(pause);
                self.verbose(account, &format!("the maildrop is in use; again in {pause}s"));
            }
            Event::TooEarly { delay, left } => {
                let left = in_seconds(left);
                let line =
                    format!("the server wants {delay}s between two logins; waiting for {left}s");
                match self.terminal && self.level > Level::Quiet {
                    true => self.line(&format!("{account}: {line}")),
                    false => self.verbose(account, &line),
                }
            }
            Event::OutOfStep => {
                self.verbose(
                    account,
                    "the server does not keep step; again, one command at a time",
                );
            }
            Event::ListedAgain { unique_id } => self.verbose(
                account,
                &format!("{unique_id} was deleted and is listed again; left alone"),
            ),
            Event::Unproven => {
                self.verbose(account, "messages that are due stay on the server: without a TOP that can be trusted, their size alone does not prove which they are");
            }
            Event::TopDiffers => self.verbose(
                account,
                "TOP does not show what RETR shows; messages of earlier runs are not deleted",
            ),
            Event::Deleting { .. }
            | Event::Delivered { .. }
            | Event::Line(_)
            | Event::Octets(_)
            | Event::Sized { .. }
            | Event::Planned { .. }
            | Event::Retrieving { .. } => {}
        }
    }

    pub(crate) fn conversation(&self, account: &str, line: Line<'_>) {
        if let Line::Protected { certificate: Some(certificate) } = line
            && let Some(soon) = ending(certificate.not_after, clock().start())
            && self.ending.replace(Some(certificate.not_after)) != Some(certificate.not_after)
        {
            let day = certificate.until();
            self.verbose(account, &format!("the server's certificate {soon}, on {day}"));
        }
        if self.level < Level::Conversation {
            return;
        }
        match line {
            Line::Sent(command) => self.line(&format!("> {command}")),
            Line::Received(line) => self.line(&format!("< {}", Quoted::bare(line))),
            Line::Lenient(leniency) => {
                self.line(&format!("= the server {leniency} ({})", leniency.name()));
            }
            Line::Octets(octets) => self.line(&format!("< ... {octets} octets")),
            Line::Protected { .. } => self.line("= TLS"),
        }
    }
}

/// A certificate that ends so soon is worth a word.
const SOON: i64 = 14 * DAY;

const DAY: i64 = 24 * 60 * 60;

/// That a certificate ends, if it does so soon.
pub(crate) fn ending(until: i64, now: u64) -> Option<String> {
    match until.saturating_sub(i64::try_from(now).ok()?) {
        i64::MIN..0 => Some("has ended".into()),
        0..DAY => Some("ends in less than a day".into()),
        left @ DAY..=SOON => Some(format!("ends in {}", days(left / DAY))),
        _ => None,
    }
}

/// A number of days in words.
pub(crate) fn days(many: i64) -> String {
    format!("{many} {}", if many == 1 { "day" } else { "days" })
}

/// A number of messages in words.
pub(crate) fn messages(many: usize) -> String {
    format!("{many} {}", if many == 1 { "message" } else { "messages" })
}
