//! What happens in a run, in words.

use crate::channel::event::{Cause, Event, Landlock, Sandbox};
use crate::channel::failure::FailedOperation;
use crate::protocol::Quoted;

use super::progress::Bars;
use super::safe::{encoded, unique_id, words};
use super::terminal::{Level, Output};
use super::words::{ending, messages, now};

/// More new messages than this, on a first run, may be a surprise.
const MANY: usize = 1000;

/// The run of one account, as people hear of it.
pub(super) struct Teller<'t, 'o> {
    pub(super) output: &'t Output<'o>,
    pub(super) account: &'t str,
    pub(super) bars: Bars,
    /// The end of a certificate that was said last: once is enough.
    pub(super) ending: Option<i64>,
}

impl Teller<'_, '_> {
    /// One event of a run.
    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Progress { octets } => self.bars.octets(*octets),
            Event::Sized { octets } => self.bars.sized(*octets),
            Event::Planned { listed, messages: new, octets, first } => {
                self.verbose(&format!("{} listed, {new} to fetch", messages(*listed)));
                if self.output.draws() && *new > 0 {
                    if *first && *new >= MANY {
                        self.output.hint(&format!(
                            "{new} messages on a first run; --mark-seen takes what is there as seen"
                        ));
                    }
                    self.bars.begin(self.account, *new, *octets);
                }
            }
            Event::Delivered { number, unique_id: id, octets } => {
                self.bars.message();
                let id = unique_id(id.as_bytes());
                self.verbose(&format!("delivered message {number}, {octets} octets, {id}"));
            }
            Event::Deleting { number, unique_id: id } => {
                let id = unique_id(id.as_bytes());
                self.verbose(&format!("deleting message {number}, {id}"));
            }
            Event::Lenient { .. }
            | Event::Protected { .. }
            | Event::Received { .. }
            | Event::ReceivedMore { .. }
            | Event::Sent { .. } => self.conversation(event),
            event => self.bars.suspended(|| self.note(event)),
        }
    }

    fn verbose(&self, line: &str) {
        self.output.verbose(self.account, line);
    }

    fn conversation(&mut self, event: &Event) {
        if let Event::Protected { not_after: Some(not_after), until } = event
            && let Some(soon) = ending(*not_after, now())
            && self.ending.replace(*not_after) != Some(*not_after)
        {
            self.verbose(&format!("the server's certificate {soon}, on {until}"));
        }
        if self.output.level < Level::Conversation {
            return;
        }
        match event {
            Event::Sent { command } => self.output.line(&format!("> {command}")),
            Event::Received { line } => {
                self.output.line(&format!("< {}", Quoted::bare(line.as_bytes())));
            }
            Event::Lenient { name, clause } => {
                self.output.line(&format!("= the server {clause} ({name})"));
            }
            Event::ReceivedMore { octets } => self.output.line(&format!("< ... {octets} octets")),
            _ => self.output.line("= TLS"),
        }
    }

    /// Events that stand in a line of their own.
    fn note(&self, event: &Event) {
        let warn = |line: &str| self.output.warn(self.account, line);
        match event {
            Event::Failed { number, unique_id: id, tries, why } => {
                let doing = FailedOperation::Retrieve { number: *number };
                let times =
                    if *tries > 1 { format!("; tried {tries} times") } else { String::new() };
                let (id, why) = (unique_id(id.as_bytes()), cause(why));
                let line = format!("pop3get: {}: {doing} ({id}): {why}{times}", self.account);
                self.output.line(&line);
            }
            Event::Held { unique_id: id } => {
                warn(&format!(
                    "{} was committed and is nowhere in the Maildir; it is neither fetched again nor deleted",
                    unique_id(id.as_bytes())
                ));
                if self.output.level > Level::Quiet {
                    let id = encoded(id.as_bytes());
                    self.output.hint(&format!("--state forget {id} makes it new again"));
                }
            }
            Event::Short { number, unique_id: id, octets, listed } => {
                warn(&format!(
                    "message {number} ({}) has {octets} octets, and the server announced {listed}; it is here as it came, and stays on the server",
                    unique_id(id.as_bytes())
                ));
                if self.output.level > Level::Quiet {
                    let id = encoded(id.as_bytes());
                    self.output.hint(&format!("--state forget {id} makes it new again"));
                }
            }
            Event::StatusLike { number, unique_id: id } => warn(&format!(
                "message {number} ({}) begins like a response of the server; it is here as it came, and stays on the server",
                unique_id(id.as_bytes())
            )),
            Event::Large { unique_id: id, octets } => warn(&format!(
                "{} has {octets} octets, more than --max-size; it stays on the server",
                unique_id(id.as_bytes())
            )),
            Event::TooEarly { delay, left } => {
                let line =
                    format!("the server wants {delay}s between two logins; waiting for {left}s");
                if self.output.is_watched() && self.output.level > Level::Quiet {
                    self.output.line(&format!("{}: {line}", self.account));
                } else {
                    self.verbose(&line);
                }
            }
            Event::Sandbox(sandbox) => self.verbose(&format!("sandbox: {}", closed(sandbox))),
            event => {
                if let Some(line) = detail(event) {
                    self.verbose(&line);
                }
            }
        }
    }
}

/// What only `-v` shows.
fn detail(event: &Event) -> Option<String> {
    Some(match event {
        Event::Again {} => "the session ends without QUIT; another one follows".into(),
        Event::Expires { days: 0 } => {
            "the server may remove messages once they were fetched".into()
        }
        Event::Expires { days } => {
            format!("the server may remove messages after {days} days, sooner than asked for")
        }
        Event::InUse { pause } => format!("the maildrop is in use; again in {pause}s"),
        Event::ListedAgain { unique_id: id } => {
            format!("{} was deleted and is listed again; left alone", unique_id(id.as_bytes()))
        }
        Event::OutOfStep {} => {
            "the server does not keep step; again, one command at a time".into()
        }
        Event::Recovered { messages: many } => {
            format!("{} of an interrupted run settled", messages(*many))
        }
        Event::TopDiffers {} => {
            "TOP does not show what RETR shows; messages of earlier runs are not deleted".into()
        }
        Event::Unproven {} => "messages that are due stay on the server: without a TOP that can be trusted, their size alone does not prove which they are".into(),
        Event::UnsyncedDirectory { path } => format!(
            "the file system of {} cannot sync a directory: a power cut may undo the last changes in it",
            path.to_path().display()
        ),
        _ => return None,
    })
}

fn cause(why: &Cause) -> String {
    match why {
        Cause::Endless {} => "it does not end".to_owned(),
        Cause::Garbled {} => "the server broke the protocol in it twice".to_owned(),
        Cause::Lost {} => "the connection was lost inside it twice".to_owned(),
        Cause::Refused { text } => {
            format!("server refused RETR{}", words(text.as_bytes()))
        }
    }
}

fn closed(sandbox: &Sandbox) -> String {
    let Sandbox { files, write, calls } = sandbox;
    let why = match files {
        Landlock::Holds { abi } => {
            let places: Vec<_> =
                write.iter().map(|it| it.to_path().display().to_string()).collect();
            let places = match &*places {
                [] => "nowhere".into(),
                places => format!("in {} alone", places.join(", ")),
            };
            let calls = match calls {
                None => ", seccomp".to_owned(),
                Some(why) => format!(", no seccomp ({why})"),
            };
            return format!("Landlock ABI {abi}{calls}: files can be written {places}");
        }
        Landlock::Failed { why } => why,
        Landlock::Missing {} => "this kernel has no Landlock",
        Landlock::Off {} => "Landlock is switched off in this kernel",
        Landlock::TooOld {} => "Landlock ABI 1 does not let files be delivered",
    };
    match calls {
        None => format!("seccomp alone: {why}"),
        Some(other) => format!("none: {why}; no seccomp: {other}"),
    }
}
