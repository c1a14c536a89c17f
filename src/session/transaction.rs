//! TRANSACTION: the maildrop is locked for us (RFC 1939 section 5).

use std::collections::VecDeque;
use std::ops::ControlFlow;

use crate::connection::Phase;
use crate::protocol::{
    Capabilities, Command, DropListing, Expire, LoginDelay, MAX_LISTED, MessageNumber, ScanListing,
    UniqueIdListing, Violation,
};

use super::authorization::Pipelining;
use super::conversation::Conversation;
use super::error::{Error, Refusal};

/// At most so many octets of commands are unanswered (RFC 2449 section 6.6
/// leaves the number to us): any socket's send buffer holds them.
pub const WINDOW: usize = 16 * 1024;

/// Takes a message in pieces, and may break off.
pub type Sink<'s> = dyn FnMut(&[u8]) -> ControlFlow<()> + 's;

/// The answer to the oldest unanswered command.
#[derive(Debug)]
pub struct Reply {
    /// What was asked.
    pub command: Command,
    /// `+OK`, its message gone into the sink; or the server's refusal.
    pub outcome: Result<(), Refusal>,
}

/// TRANSACTION: the maildrop is locked for us.
///
/// `retr`, `top` and `dele` put commands into a window; [`Self::reply`] takes
/// the answers out, oldest first. Without PIPELINING the window holds one.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(super) conversation: Conversation<'a>,
    unanswered: VecDeque<(Command, usize)>,
    unanswered_octets: usize,
    /// What was announced after the login, once it was asked.
    capabilities: Option<Capabilities>,
    /// What was announced before it.
    announced: Capabilities,
    pipelining: bool,
    pace: Pipelining,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        conversation: Conversation<'a>,
        announced: Capabilities,
        pace: Pipelining,
    ) -> Self {
        let pipelining = announced.pipelining() && pace != Pipelining::LockStep;
        Self {
            conversation,
            unanswered: VecDeque::new(),
            unanswered_octets: 0,
            capabilities: None,
            announced,
            pipelining,
            pace,
        }
    }

    /// The server ends the connection at CAPA: it announces nothing and is not asked.
    pub(super) fn without_capa(mut self) -> Self {
        self.capabilities = Some(Capabilities::default());
        self
    }

    /// Commands that were sent behind the login and are answered next.
    pub(super) fn expecting(mut self, commands: impl IntoIterator<Item = Command>) -> Self {
        commands.into_iter().for_each(|command| self.sent(command));
        self
    }

    /// Whether another command may be sent before the next answer is read.
    pub fn has_room(&self) -> bool {
        if self.pipelining {
            self.unanswered_octets < WINDOW - 64
        } else {
            self.unanswered.is_empty()
        }
    }

    /// Whether the server takes commands before it has answered the last one.
    pub fn is_pipelining(&self) -> bool {
        self.pipelining
    }

    /// What to remember of this server: what it announced before the login.
    /// `None` where TLS does not vouch for it.
    pub fn cacheable_capabilities(&self) -> Option<&Capabilities> {
        let vouched =
            self.conversation.connection.is_protected() && self.pace != Pipelining::LockStep;
        vouched.then_some(&self.announced)
    }

    fn ask(&mut self, command: Command) -> Result<(), Error> {
        self.conversation.send(&command)?;
        self.sent(command);
        Ok(())
    }

    fn sent(&mut self, command: Command) {
        let octets = command.encode().len();
        self.unanswered_octets += octets;
        self.unanswered.push_back((command, octets));
    }

    fn answered(&mut self) -> Option<Command> {
        let (command, octets) = self.unanswered.pop_front()?;
        self.unanswered_octets -= octets;
        Some(command)
    }

    /// Sends RETR (section 5).
    pub fn retr(&mut self, number: MessageNumber) -> Result<(), Error> {
        self.ask(Command::Retr(number))
    }

    /// Sends TOP (section 7): the header and so many lines of the body.
    pub fn top(&mut self, number: MessageNumber, lines: u32) -> Result<(), Error> {
        self.ask(Command::Top(number, lines))
    }

    /// Sends DELE (section 5). The server marks the message; only QUIT removes it.
    pub fn dele(&mut self, number: MessageNumber) -> Result<(), Error> {
        self.ask(Command::Dele(number))
    }

    /// Reads the answer to the oldest unanswered command, `None` if there is
    /// none. A message goes into the sink; if that breaks off, the error is
    /// [`Error::Stopped`] and the connection is of no further use.
    pub fn reply(&mut self, sink: &mut Sink<'_>) -> Result<Option<Reply>, Error> {
        if let Some((Command::Capa, _)) = self.unanswered.front() {
            self.read_capabilities()?;
        }
        let Some(command) = self.answered() else { return Ok(None) };
        let outcome = match self.conversation.status(command.keyword(), Phase::Reply)? {
            Err(refusal) => Err(refusal),
            Ok(_) => {
                if matches!(command, Command::Retr(_) | Command::Top(..)) {
                    self.conversation.message(sink)?;
                    self.check_end(&command)?;
                }
                Ok(())
            }
        };
        Ok(Some(Reply { command, outcome }))
    }

    /// Sends LIST, for one message or for all; [`Self::scan_listing`] or
    /// [`Self::scan_listing_of`] reads the answer when its turn has come.
    pub fn list(&mut self, number: Option<MessageNumber>) -> Result<(), Error> {
        self.ask(Command::List(number))
    }

    /// Sends a command unless it was sent before. Answers come in the order of
    /// the commands; that to a CAPA sent ahead is taken on the way.
    fn begin(&mut self, command: &Command) -> Result<(), Error> {
        loop {
            match self.unanswered.front().map(|(ahead, _)| ahead.keyword()) {
                Some(keyword) if keyword == command.keyword() => {
                    self.answered();
                    return Ok(());
                }
                Some("CAPA") => self.read_capabilities()?,
                _ => return self.conversation.send(command),
            }
        }
    }

    fn read_capabilities(&mut self) -> Result<(), Error> {
        self.answered();
        let capabilities = self.conversation.capabilities();
        // A server may hand us on after the login, and lose what was sent behind it.
        let capabilities = match self.pipelining {
            true => capabilities.map_err(Error::out_of_step)?,
            false => capabilities?,
        };
        self.pipelining = capabilities.pipelining() && self.pace != Pipelining::LockStep;
        self.capabilities = Some(capabilities);
        Ok(())
    }

    fn succeed(&mut self, command: &Command) -> Result<&[u8], Error> {
        self.begin(command)?;
        self.conversation.positive(command.keyword(), Phase::Reply)
    }

    /// What follows a message's terminator is a response or nothing. If it is
    /// anything else, the terminator was none: Dovecot 2.3.19 does not stuff a
    /// dot that is a message's first octet, and so ends it where it begins.
    fn check_end(&self, command: &Command) -> Result<(), Error> {
        let expects_more = !self.unanswered.is_empty();
        let violation = match self.conversation.connection.buffered() {
            [] => return Ok(()),
            [b'+' | b'-', ..] if expects_more => return Ok(()),
            _ => Violation::Unasked,
        };
        Err(Error::Violation { keyword: command.keyword(), violation })
    }

    /// Makes sure that the capabilities after the login are known: what is
    /// announced may change with it (RFC 2449 section 5), as Gmail's PIPELINING
    /// does. Where commands may be sent at once the answer is read on the way.
    pub fn ask_capabilities(&mut self) -> Result<(), Error> {
        if self.capabilities.is_some() {
            return Ok(());
        }
        self.ask(Command::Capa)?;
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

    /// STAT: how much there is (section 5).
    pub fn stat(&mut self) -> Result<DropListing, Error> {
        let command = Command::Stat;
        let listing = DropListing::parse(self.succeed(&command)?);
        listing.map_err(|violation| Error::Violation { keyword: command.keyword(), violation })
    }

    /// LIST: the size of every message (section 5).
    pub fn scan_listing(&mut self) -> Result<Vec<ScanListing>, Error> {
        self.listing(&Command::List(None), ScanListing::parse, |listing| listing.number)
    }

    /// LIST msg: the size of one.
    pub fn scan_listing_of(&mut self, number: MessageNumber) -> Result<ScanListing, Error> {
        let command = Command::List(Some(number));
        let listing = ScanListing::parse(self.succeed(&command)?);
        about(&command, number, listing, |listing| listing.number)
    }

    /// UIDL: the unique-id of every message (section 7), or the server's
    /// refusal, since UIDL is optional.
    pub fn unique_id_listing(&mut self) -> Result<Result<Vec<UniqueIdListing>, Refusal>, Error> {
        match self.listing(&Command::Uidl(None), UniqueIdListing::parse, |listing| listing.number) {
            Ok(listing) => Ok(Ok(listing)),
            Err(Error::Refused { refusal, .. }) => Ok(Err(refusal)),
            // It was sent behind the login, and may have been swallowed with it.
            Err(error) if self.pipelining => Err(error.out_of_step()),
            Err(error) => Err(error),
        }
    }

    /// UIDL msg: the unique-id of one.
    pub fn unique_id_listing_of(
        &mut self,
        number: MessageNumber,
    ) -> Result<UniqueIdListing, Error> {
        let command = Command::Uidl(Some(number));
        let listing = UniqueIdListing::parse(self.succeed(&command)?);
        about(&command, number, listing, |listing| listing.number)
    }

    /// A whole listing. Each number stands in it at most once; an empty line is
    /// passed over, which some server sends first (FIELD.md §3).
    fn listing<T>(
        &mut self,
        command: &Command,
        parse: impl Fn(&[u8]) -> Result<T, Violation>,
        number: impl Fn(&T) -> MessageNumber,
    ) -> Result<Vec<T>, Error> {
        let keyword = command.keyword();
        self.succeed(command)?;
        let mut listed = Vec::new();
        let mut ascending = true;
        self.conversation.lines(keyword, |line| {
            if line.is_empty() {
                return Ok(());
            }
            if listed.len() == MAX_LISTED {
                return Err(Violation::ListingTooLong);
            }
            let entry = parse(line)?;
            ascending &= listed.last().is_none_or(|last| number(last) < number(&entry));
            listed.push(entry);
            Ok(())
        })?;
        if !ascending {
            let mut numbers: Vec<_> = listed.iter().map(&number).collect();
            numbers.sort_unstable();
            if numbers.windows(2).any(|pair| pair.first() == pair.last()) {
                return Err(Error::Violation { keyword, violation: Violation::NumberTwice });
            }
        }
        Ok(listed)
    }

    /// NOOP: nothing, answered (section 5).
    pub fn noop(&mut self) -> Result<(), Error> {
        self.succeed(&Command::Noop).map(|_| ())
    }

    /// RSET: no message is marked as deleted any more (section 5).
    pub fn rset(&mut self) -> Result<(), Error> {
        self.succeed(&Command::Rset).map(|_| ())
    }

    /// Enters UPDATE (section 6): only a positive reply means that the marked
    /// messages are removed.
    pub fn quit(self) -> Result<(), Error> {
        self.quit_behind(|_| {}, || {})
    }

    /// Enters UPDATE behind commands that are not answered yet, in one flight
    /// with them where that may be. Their answers are handed over on the way;
    /// `meanwhile` has the time until the answers come.
    pub fn quit_behind(
        mut self,
        mut take: impl FnMut(Reply),
        meanwhile: impl FnOnce(),
    ) -> Result<(), Error> {
        let sink: &mut Sink<'_> = &mut |_| ControlFlow::Continue(());
        while !self.pipelining
            && let Some(reply) = self.reply(sink)?
        {
            take(reply);
        }
        self.conversation.send(&Command::Quit)?;
        self.conversation.connection.flush()?;
        meanwhile();
        while let Some(reply) = self.reply(sink)? {
            take(reply);
        }
        self.conversation.positive(Command::Quit.keyword(), Phase::Quit)?;
        self.conversation.connection.close();
        Ok(())
    }
}

/// An answer about one message has to be about the one that was asked for.
fn about<T>(
    command: &Command,
    asked: MessageNumber,
    listing: Result<T, Violation>,
    number: impl Fn(&T) -> MessageNumber,
) -> Result<T, Error> {
    listing
        .and_then(|listing| match number(&listing) == asked {
            true => Ok(listing),
            false => Err(Violation::AnotherMessage),
        })
        .map_err(|violation| Error::Violation { keyword: command.keyword(), violation })
}
