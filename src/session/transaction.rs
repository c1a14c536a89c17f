//! TRANSACTION: the maildrop is locked for us (RFC 1939 section 5).

mod listings; // UIDL, LIST, STAT
mod nudge; // servers whose pipeline stalls
mod numbers; // whether one stands in a listing twice
mod proofs; // what shows that a response belongs to its command

use std::ops::ControlFlow;

use crate::connection::Phase;
use crate::protocol::{
    Capabilities, Command, Expire, Keyword, Leniencies, Leniency, LoginDelay, MessageNumber,
    Violation,
};

use super::authorization::Pipelining;
use super::conversation::Conversation;
use super::error::Error;
use super::reply::{AfterQuit, Reply, Sink};
use super::window::{InFlight, Window};

/// TRANSACTION: the maildrop is locked for us.
///
/// `retr`, `top`, `dele` and the like put commands into a window, each with a tag;
/// [`Self::reply`] takes the answers out, oldest first, each with its tag. Without
/// PIPELINING the window holds one.
#[derive(Debug)]
pub struct Transaction<'a, T = ()> {
    pub(super) conversation: Conversation<'a>,
    window: Window<T>,
    /// What was announced after the login, once it was asked.
    capabilities: Option<Capabilities>,
    /// What was announced before it.
    announced: Capabilities,
    pipelining: bool,
    pace: Pipelining,
    /// UIDL was answered.
    has_unique_ids: bool,
    /// A NOOP is in flight, since the server was silent.
    is_nudged: bool,
    /// What was sent behind the login is not answered yet.
    is_behind_login: bool,
    /// Commands were answered that had been sent before the greeting.
    was_early: bool,
    /// Another login by the same capabilities would go the same way.
    is_cacheable: bool,
    /// Another session of this mailbox follows in the run.
    another_follows: bool,
}

impl<'a, T> Transaction<'a, T> {
    pub(super) fn new(
        conversation: Conversation<'a>,
        announced: Capabilities,
        pace: Pipelining,
        was_early: bool,
    ) -> Self {
        let pipelining = announced.pipelining() && pace != Pipelining::LockStep;
        let window = Window::of(conversation.connection.send_buffer());
        Self {
            conversation,
            window,
            capabilities: None,
            announced,
            pipelining,
            pace,
            has_unique_ids: false,
            is_nudged: false,
            is_behind_login: false,
            was_early,
            is_cacheable: true,
            another_follows: false,
        }
    }

    /// What the server announces is not remembered: it refused SCRAM as it announced it,
    /// and with flights behind it that would cost a connection.
    pub(super) fn uncacheable(mut self) -> Self {
        self.is_cacheable = false;
        self
    }

    /// Whether another session of this mailbox follows in the run.
    pub(super) fn followed_by(mut self, another: bool) -> Self {
        self.another_follows = another;
        self
    }

    /// The server ends the connection at CAPA: it announces nothing and is not asked.
    pub(super) fn without_capa(mut self) -> Self {
        self.capabilities = Some(Capabilities::default());
        self
    }

    /// Commands that were sent behind the login and are answered next.
    pub(super) fn expecting(mut self, commands: impl IntoIterator<Item = Command>) -> Self {
        for command in commands {
            let octets = command.encode().len();
            self.window.push(command, octets, None);
        }
        self.is_behind_login = true;
        self
    }

    /// The same session with tags of another type; none is in use yet.
    pub fn tagged<U>(self) -> Transaction<'a, U> {
        Transaction {
            conversation: self.conversation,
            window: self.window.untagged(),
            capabilities: self.capabilities,
            announced: self.announced,
            pipelining: self.pipelining,
            pace: self.pace,
            has_unique_ids: self.has_unique_ids,
            is_nudged: self.is_nudged,
            is_behind_login: self.is_behind_login,
            was_early: self.was_early,
            is_cacheable: self.is_cacheable,
            another_follows: self.another_follows,
        }
    }

    /// Whether another command may be sent before the next answer is read.
    pub fn has_room(&self) -> bool {
        self.window.has_room(self.pipelining)
    }

    /// One command at a time from here on; nothing is in flight.
    pub fn disable_pipelining(&mut self) {
        self.pipelining = false;
    }

    /// Reads the answers to what the session itself has asked and is answered next.
    pub fn settle_own(&mut self) -> Result<(), Error> {
        while self.window.is_own() {
            match self.window.front() {
                Some(Keyword::Capa) => self.read_capabilities()?,
                Some(Keyword::Noop) => self.read_nudge()?,
                _ => break,
            }
        }
        Ok(())
    }

    /// Goes on although the server breaks an RFC in this way, unless that is not wanted.
    pub fn lenient(&mut self, leniency: Leniency) -> Result<(), Error> {
        self.conversation.lenient(leniency)
    }

    /// The breaches of RFCs that were served so far.
    pub fn needed(&self) -> Leniencies {
        self.conversation.needed
    }

    /// Whether the server takes commands before it has answered the last one.
    pub fn is_pipelining(&self) -> bool {
        self.pipelining
    }

    /// What to remember of this server: what it announced before the login.
    /// `None` where TLS does not vouch for it, or it was no help.
    pub fn cacheable_capabilities(&self) -> Option<&Capabilities> {
        let vouched = self.conversation.connection.is_protected()
            && self.pace != Pipelining::LockStep
            && self.is_cacheable;
        vouched.then_some(&self.announced)
    }

    /// Whether the server has answered commands that were sent before its greeting.
    pub fn was_early(&self) -> bool {
        self.was_early
    }

    fn ask(&mut self, command: Command, tag: Option<T>) -> Result<(), Error> {
        let octets = self.conversation.send(&command)?;
        self.window.push(command, octets, tag);
        Ok(())
    }

    /// Sends RETR (section 5).
    pub fn retr(&mut self, number: MessageNumber, tag: T) -> Result<(), Error> {
        self.ask(Command::Retr(number), Some(tag))
    }

    /// Sends TOP (section 7): the header and so many lines of the body.
    pub fn top(&mut self, number: MessageNumber, lines: u32, tag: T) -> Result<(), Error> {
        self.ask(Command::Top(number, lines), Some(tag))
    }

    /// Sends DELE (section 5). The server marks the message; only QUIT removes it.
    pub fn dele(&mut self, number: MessageNumber, tag: T) -> Result<(), Error> {
        self.ask(Command::Dele(number), Some(tag))
    }

    /// The tag of the oldest unanswered command that has one.
    pub fn oldest(&self) -> Option<&T> {
        self.window.tags().next()
    }

    /// The same, to change it.
    pub fn oldest_mut(&mut self) -> Option<&mut T> {
        self.window.tags_mut().next()
    }

    /// The tags of all unanswered commands, oldest first.
    pub fn tags(&self) -> impl Iterator<Item = &T> {
        self.window.tags()
    }

    /// Whether no answer is awaited.
    pub fn is_idle(&self) -> bool {
        self.window.is_empty()
    }

    /// Reads the answer to the oldest unanswered command with a tag, `None` if there
    /// is none. A message goes into the sink; if that breaks off, the error is
    /// [`Error::Stopped`] and the connection is of no further use.
    pub fn reply(&mut self, sink: &mut Sink<'_>) -> Result<Option<Reply<T>>, Error> {
        self.settle_own()?;
        self.nudge()?;
        let Some(InFlight { command, tag: Some(tag), .. }) = self.window.pop() else {
            return Ok(None);
        };
        let outcome = match self.conversation.status(command.keyword(), Phase::Reply)? {
            Err(refusal) => Err(refusal),
            Ok(_) => {
                if matches!(command, Command::Retr(_) | Command::Top(..)) {
                    self.conversation.message(command.keyword(), sink)?;
                    self.check_end(&command)?;
                }
                Ok(())
            }
        };
        Ok(Some(Reply { tag, command, outcome }))
    }

    /// The text behind the last status line's indicator.
    pub fn status_text(&self) -> &[u8] {
        self.conversation.status_text()
    }

    /// Whether octets are there that answer nothing: no command is unanswered.
    pub fn has_unasked_octets(&self) -> bool {
        self.window.is_empty() && !self.conversation.connection.buffered().is_empty()
    }

    /// Whether a status line follows what was read, or nothing that has come yet.
    pub fn is_before_status(&self) -> bool {
        self.conversation.is_before_status()
    }

    /// Sends a command unless it was sent before. Answers come in the order of
    /// the commands; that to a CAPA sent ahead is taken on the way.
    fn begin(&mut self, command: &Command) -> Result<(), Error> {
        loop {
            match self.window.front() {
                Some(keyword) if keyword == command.keyword() => {
                    self.window.pop();
                    return Ok(());
                }
                Some(Keyword::Capa) => self.read_capabilities()?,
                Some(Keyword::Noop) if self.window.is_own() => self.read_nudge()?,
                _ => return self.conversation.send(command).map(|_| ()),
            }
        }
    }

    fn read_capabilities(&mut self) -> Result<(), Error> {
        self.nudge()?;
        if self.window.front() != Some(Keyword::Capa) {
            // It was lost.
            return Ok(());
        }
        self.window.pop();
        self.is_behind_login = false;
        let capabilities = self.conversation.capabilities_after_login();
        // A server may hand us on after the login, and lose what was sent behind it.
        let capabilities =
            if self.pipelining { capabilities.map_err(Error::out_of_step)? } else { capabilities? };
        self.pipelining = capabilities.pipelining() && self.pace != Pipelining::LockStep;
        self.capabilities = Some(capabilities);
        self.check_announced()
    }

    fn succeed(&mut self, command: &Command) -> Result<&[u8], Error> {
        self.begin(command)?;
        self.conversation.positive(command.keyword(), Phase::Reply)
    }

    /// What follows a message's terminator is a response or nothing. If it is
    /// anything else, the terminator was none: Dovecot 2.3.19 does not stuff a
    /// dot that is a message's first octet, and so ends it where it begins.
    fn check_end(&self, command: &Command) -> Result<(), Error> {
        if self.conversation.is_before_status() {
            Ok(())
        } else {
            let (keyword, violation) = (command.keyword(), Violation::Unasked);
            Err(Error::Violation { keyword, violation })
        }
    }

    /// Makes sure that the capabilities after the login are known: what is
    /// announced may change with it (RFC 2449 section 5), as Gmail's PIPELINING
    /// does. Where commands may be sent at once the answer is read on the way.
    pub fn ask_capabilities(&mut self) -> Result<(), Error> {
        if self.capabilities.is_some() {
            return Ok(());
        }
        self.ask(Command::Capa, None)?;
        if self.pipelining { Ok(()) } else { self.read_capabilities() }
    }

    /// What the server announced after the login, if it was asked.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.capabilities.as_ref()
    }

    /// Whether the server says that it has UIDL.
    pub fn announces_unique_ids(&self) -> bool {
        let after = self.capabilities.as_ref().is_some_and(Capabilities::uidl);
        after || self.announced.uidl()
    }

    /// How long to stay away until the next login: this user's, where the server
    /// was asked after the login and says so.
    pub fn login_delay(&self) -> Option<LoginDelay> {
        let after = self.capabilities.as_ref().and_then(Capabilities::login_delay);
        after.or_else(|| self.announced.login_delay())
    }

    /// How long messages stay on the server, likewise.
    pub fn expire(&self) -> Option<Expire> {
        let after = self.capabilities.as_ref().and_then(Capabilities::expire);
        after.or_else(|| self.announced.expire())
    }

    /// Whether the server may list a window of the mailbox alone, which moves on when
    /// messages are retrieved: Gmail's announces X-GOOGLE-RICO, and EXPIRE 0.
    pub fn may_list_a_window(&self) -> bool {
        let is_gmail = |it: &Capabilities| it.has("X-GOOGLE-RICO");
        self.capabilities.as_ref().is_some_and(is_gmail)
            || is_gmail(&self.announced)
            || self.expire().is_some_and(|expire| expire.days == Some(0))
    }

    /// Enters UPDATE (section 6): only a positive reply means that the marked
    /// messages are removed.
    pub fn quit(self) -> Result<(), Error> {
        self.quit_behind(|_| {}, || {}).map(|_| ())
    }

    /// Ends a session in which nothing was marked as deleted: the answer to QUIT says
    /// nothing then, and is not waited for. It is where answers are missing, octets are
    /// there that answer nothing, breaches of RFCs are looked for, or another session of the
    /// mailbox follows, which would find the maildrop locked.
    pub fn leave(self) -> Result<(), Error> {
        let is_idle = self.window.is_empty() && self.conversation.connection.buffered().is_empty();
        if !is_idle || self.another_follows || self.conversation.is_strict() {
            return self.quit();
        }
        self.conversation.leave();
        Ok(())
    }

    /// Enters UPDATE behind commands that are not answered yet, in one flight
    /// with them where that may be. Their answers are handed over on the way;
    /// `meanwhile` has the time until the answers come. Where deletions hang on it,
    /// the connection is looked at once more after the answer to QUIT: a line behind
    /// it means that the answers had shifted.
    pub fn quit_behind(
        mut self,
        mut take: impl FnMut(Reply<T>),
        meanwhile: impl FnOnce(),
    ) -> Result<AfterQuit, Error> {
        let sink: &mut Sink<'_> = &mut |_| ControlFlow::Continue(());
        while !self.pipelining
            && let Some(reply) = self.reply(sink)?
        {
            take(reply);
        }
        let deletes = self.window.commands().any(|it| matches!(it, Command::Dele(_)));
        self.conversation.send(&Command::Quit)?;
        self.conversation.connection.flush()?;
        meanwhile();
        while let Some(reply) = self.reply(sink)? {
            take(reply);
        }
        self.conversation.positive(Command::Quit.keyword(), Phase::Quit)?;
        let is_last = self.conversation.is_over(deletes);
        self.conversation.connection.close();
        Ok(if is_last { AfterQuit::Last } else { AfterQuit::MoreFollowed })
    }
}
