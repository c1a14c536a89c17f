//! What happens in a run, in words.

use crate::channel::event::{Event, Landlock, Sandbox};
use crate::channel::message::{ListedState, Message};
use crate::text::Quoted;

use super::level::Level;
use super::message;
use super::progress::Bar;
use super::run_notes::RunNotes;
use super::safe::words as quoted;
use super::terminal::Output;
use super::wait_notice::WaitNotice;
use super::words::{ending, messages, now};

/// More new messages than this, on a first run, may be a surprise.
const MANY: usize = 1000;

/// Off a terminal and without `-v` no more messages of an account have a sentence of their
/// own: cron mails them.
const MOST_SENTENCES: usize = 20;

/// The run of one account, as people hear of it.
pub(super) struct Teller<'t, 'o> {
    pub(super) output: &'t Output<'o>,
    pub(super) account: &'t str,
    pub(super) bar: Bar,
    /// The end of a certificate that was said last: once is enough.
    pub(super) ending: Option<i64>,
    pub(super) found: RunNotes,
    pub(super) waiting: WaitNotice,
    /// How many messages were worth a sentence.
    pub(super) sentences: usize,
}

impl Teller<'_, '_> {
    /// Says on a terminal what is waited for.
    pub(super) fn wait(&mut self, server: &str) {
        if self.output.draws()
            && let Some(words) = self.waiting.due(server)
        {
            self.bar.say(&self.output.screen, self.account, &words);
        }
    }

    /// Ends what is said of a wait.
    pub(super) fn heard(&mut self, event: &Event) {
        if self.waiting.heard(event) {
            self.bar.end();
        }
    }

    /// One event of a run.
    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Progress { octets } => self.bar.octets(*octets),
            Event::Sized { octets } => self.bar.sized(*octets),
            Event::Message(Message::Skipped { octets, state: ListedState::TooLarge, .. }) => {
                self.found.add_large(octets.unwrap_or(0));
            }
            Event::Planned { listed, messages: new, octets, waiting, first } => {
                self.found.waiting = *waiting;
                // A second session of a first run knows what the first one has fetched.
                self.found.is_first |= *first;
                self.verbose(&format!("{} listed, {new} to fetch", messages(*listed)));
                if self.output.draws() && *new > 0 {
                    if *first && *new >= MANY {
                        self.output.hint(&format!(
                            "{new} messages on a first run; --mark-seen takes what is there as seen"
                        ));
                    }
                    self.bar.begin(&self.output.screen, self.account, *new, *octets);
                }
            }
            // Where bars are drawn, nothing is said of it.
            Event::Message(it @ Message::Delivered { .. }) => {
                self.bar.message();
                message::tell(self.output, self.account, it);
            }
            Event::Message(it) => {
                self.sentences += usize::from(message::is_sentence(it, self.output.level));
                if self.left_out() == 0 || message::is_of_order(it) {
                    message::tell(self.output, self.account, it);
                }
            }
            Event::Lenient { .. }
            | Event::Protected { .. }
            | Event::Received { .. }
            | Event::ReceivedMore { .. }
            | Event::Sent { .. } => self.conversation(event),
            event => self.note(event),
        }
    }

    /// How many sentences were left out.
    pub(super) fn left_out(&self) -> usize {
        let is_brief = !self.output.is_watched() && self.output.level < Level::Accounts;
        if is_brief { self.sentences.saturating_sub(MOST_SENTENCES) } else { 0 }
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
        let say = |line: &str| self.output.line(&format!("{}: {line}", self.account));
        match event {
            Event::Sent { command } => say(&format!("> {command}")),
            Event::Received { line } => {
                say(&format!("< {}", Quoted::bare(line.as_bytes())));
            }
            Event::Lenient { name, clause } => {
                say(&format!("= the server {clause} ({name})"));
            }
            Event::ReceivedMore { octets } => say(&format!("< ... {octets} octets")),
            _ => say("= TLS"),
        }
    }

    /// Events that stand in a line of their own.
    fn note(&self, event: &Event) {
        match event {
            Event::TooEarly { delay, left } => {
                let line =
                    format!("the server wants {delay}s between two logins; waiting for {left}s");
                if self.output.is_watched() && self.output.level > Level::Quiet {
                    self.output.line(&format!("{}: {line}", self.account));
                } else {
                    self.output.of_account(self.account, &line);
                }
            }
            Event::InUse { pause } => {
                let line = format!("the maildrop is in use; again in {pause}s");
                self.output.of_account(self.account, &line);
            }
            Event::NotDeleted { text } => self.output.warn(
                self.account,
                &format!(
                    "the server refuses to delete messages{}; they are here, and may stay there",
                    quoted(text.as_bytes())
                ),
            ),
            Event::OnlySeen {} => {
                self.output.warn(
                    self.account,
                    "this server may list only messages that were never fetched by POP, and all that it lists are seen or too large: newer mail may never be listed",
                );
                if self.output.level > Level::Quiet {
                    self.output.hint(
                        "Gmail: in Settings, Forwarding and POP, choose to enable POP for mail that arrives from now on",
                    );
                }
            }
            Event::UnsyncedDirectory { path } => {
                let path = path.to_path();
                let line = format!(
                    "the file system of {} cannot sync a directory: a power cut may undo the last changes in it",
                    path.display()
                );
                self.output.of_account(self.account, &line);
            }
            Event::WaitsAgain { messages: many } => self.output.warn(
                self.account,
                &format!(
                    "the journal is older than the mail: {} for the hand-over again, and what was handed over since may come once more",
                    match many {
                        1 => "1 message waits".to_owned(),
                        many => format!("{} wait", messages(*many)),
                    }
                ),
            ),
            Event::Sandbox(sandbox) => self.verbose(&format!("sandbox: {}", closed(sandbox))),
            event => {
                if let Some(line) = detail(event) {
                    self.verbose(&line);
                }
            }
        }
    }
}

/// What only `-vv` shows.
fn detail(event: &Event) -> Option<String> {
    Some(match event {
        Event::Again {} => "the session ends without QUIT; another one follows".into(),
        Event::Expires { days: 0 } => {
            "the server may remove messages once they were fetched".into()
        }
        Event::Expires { days } => {
            format!("the server may remove messages after {days} days, sooner than asked for")
        }
        Event::OutOfStep {} => {
            "the server's answers do not match the commands; again, one command at a time".into()
        }
        Event::Recovered { messages: many } => {
            format!("{} of an interrupted run settled", messages(*many))
        }
        Event::TopDiffers {} => {
            "TOP does not show what RETR shows; messages of earlier runs are not deleted".into()
        }
        Event::Resized { messages: many } => {
            format!("the server gives another size than before for {}; the journal has it now", messages(*many))
        }
        Event::Unproven {} => "messages that are due stay on the server: without a TOP that can be trusted, their size alone does not prove which they are".into(),
        _ => return None,
    })
}

/// From this ABI of Landlock on it keeps signals from other processes, and their abstract
/// sockets from the worker.
const KNOWS_SIGNALS: i32 = 6;

fn closed(sandbox: &Sandbox) -> String {
    let Sandbox { files, write, ports, calls } = sandbox;
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
            let ports = ports.as_ref().map(|ports| {
                let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
                format!(", TCP to {} alone", ports.join(" and "))
            });
            let ports = ports.unwrap_or_default();
            let signals = if *abi >= KNOWS_SIGNALS { ", no signals" } else { "" };
            return format!(
                "Landlock ABI {abi}{calls}{ports}{signals}: files can be written {places}"
            );
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
