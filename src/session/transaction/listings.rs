//! UIDL, LIST and STAT: what is in the maildrop.

use crate::protocol::{
    Command, DropListing, Leniencies, Leniency, MAX_LISTED, MessageNumber, ScanListing, UniqueId,
    UniqueIdLine, UniqueIdListing, Violation,
};

use super::Transaction;
use super::numbers::NumberSet;
use super::proofs::PROOF_TIMEOUT;
use crate::session::error::{Error, Refusal};
use crate::session::reply::about;

impl<T> Transaction<'_, T> {
    /// Sends LIST, for one message or for all; [`Self::scan_listing`] or
    /// [`Self::scan_listing_of`] reads the answer when its turn has come.
    pub fn list(&mut self, number: Option<MessageNumber>, tag: T) -> Result<(), Error> {
        self.ask(Command::List(number), Some(tag))
    }

    /// Sends UIDL, STAT and, for the sizes, LIST in one flight where that may be and was
    /// not done behind the login. [`Self::unique_id_listing`], [`Self::drop_listing`] and
    /// [`Self::scan_listing`] read the answers.
    pub fn ask_listings(&mut self, sizes: bool) -> Result<(), Error> {
        let is_asked = self.window.commands().any(|it| matches!(it, Command::Uidl(None)));
        if self.pipelining && !is_asked {
            if sizes {
                self.ask_capabilities()?;
            }
            self.ask(Command::Uidl(None), None)?;
            self.ask(Command::Stat, None)?;
            if sizes {
                self.ask(Command::List(None), None)?;
            }
        }
        Ok(())
    }

    /// Whether LIST of all messages is not answered yet.
    pub fn awaits_sizes(&self) -> bool {
        self.window.commands().any(|it| matches!(it, Command::List(None)))
    }

    /// STAT: how much there is (section 5).
    pub fn stat(&mut self) -> Result<DropListing, Error> {
        let command = Command::Stat;
        let listing = DropListing::parse(self.succeed(&command)?);
        listing.map_err(|violation| Error::Violation { keyword: command.keyword(), violation })
    }

    /// STAT: how much there is (section 5), `None` if the server does not say.
    pub fn drop_listing(&mut self) -> Result<Option<DropListing>, Error> {
        match self.stat() {
            Ok(drop) => Ok(Some(drop)),
            Err(Error::Refused { .. }) => Ok(None),
            Err(error) if self.pipelining => Err(error.out_of_step()),
            Err(Error::Violation { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// LIST: the size of every message (section 5).
    pub fn scan_listing(&mut self) -> Result<Vec<ScanListing>, Error> {
        let mut listed = Vec::new();
        self.listing(&Command::List(None), |line| {
            let entry = ScanListing::parse(line)?;
            listed.push(entry);
            Ok((entry.number, ScanListing::leniencies(line)))
        })?;
        Ok(listed)
    }

    /// LIST msg: the size of one.
    pub fn scan_listing_of(&mut self, number: MessageNumber) -> Result<ScanListing, Error> {
        let command = Command::List(Some(number));
        let listing = ScanListing::parse(self.succeed(&command)?);
        about(&command, number, listing, |listing| listing.number)
    }

    /// UIDL: hands on the unique-id of every message as it comes (section 7), `None` where
    /// the server left it empty; or the server's refusal, since UIDL is optional.
    pub fn each_unique_id(
        &mut self,
        mut take: impl FnMut(MessageNumber, Option<&[u8]>),
    ) -> Result<Result<(), Refusal>, Error> {
        let listed = self.listing(&Command::Uidl(None), |line| {
            let UniqueIdLine { number, unique_id, leniencies } = UniqueIdLine::parse(line)?;
            take(number, unique_id);
            Ok((number, leniencies))
        });
        match listed {
            Ok(()) => {
                self.has_unique_ids = true;
                self.check_announced().map(Ok)
            }
            Err(Error::Refused { refusal, .. }) => Ok(Err(refusal)),
            // It was sent behind the login, and may have been swallowed with it.
            Err(error) if self.pipelining => Err(error.out_of_step()),
            Err(error) => Err(error),
        }
    }

    /// UIDL: the unique-id of every message.
    pub fn unique_id_listing(&mut self) -> Result<Result<Vec<UniqueIdListing>, Refusal>, Error> {
        let mut listed = Vec::new();
        let answer = self.each_unique_id(|number, unique_id| {
            let unique_id = unique_id.and_then(UniqueId::new);
            listed.push(UniqueIdListing { number, unique_id });
        })?;
        Ok(answer.map(|()| listed))
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

    /// Whether UIDL is announced if it works, once it is known what is announced.
    pub(super) fn check_announced(&mut self) -> Result<(), Error> {
        let after = self.capabilities.as_ref().is_some_and(|it| !it.is_empty());
        if self.has_unique_ids && after && !self.announces_unique_ids() {
            self.lenient(Leniency::UidlNotAnnounced)?;
        }
        Ok(())
    }

    /// A whole listing, line by line. Each number stands in it at most once; an empty line
    /// is passed over, which some server sends first.
    fn listing(
        &mut self,
        command: &Command,
        mut take: impl FnMut(&[u8]) -> Result<(MessageNumber, Leniencies), Violation>,
    ) -> Result<(), Error> {
        let keyword = command.keyword();
        self.succeed(command)?;
        let (mut numbers, mut needed) = (NumberSet::default(), Leniencies::default());
        self.conversation.lines(keyword, |line| {
            if line.is_empty() {
                needed.insert(Leniency::EmptyLineInListing);
                return Ok(());
            }
            if numbers.count == MAX_LISTED {
                return Err(Violation::ListingTooLong);
            }
            let (number, leniencies) = take(line)?;
            needed = needed.with(leniencies);
            numbers.add(number);
            Ok(())
        })?;
        needed.iter().try_for_each(|leniency| self.lenient(leniency))?;
        if numbers.has_one_twice() {
            Err(Error::Violation { keyword, violation: Violation::NumberTwice })
        } else {
            Ok(())
        }
    }

    /// Reads the rest of a whole listing, if a server sent one in place of one line.
    pub fn read_listing(&mut self) -> Result<(), Error> {
        let keyword = Command::List(None).keyword();
        if self.conversation.skip_listing(keyword, PROOF_TIMEOUT)? {
            self.lenient(Leniency::ListArgumentIgnored)?;
        }
        Ok(())
    }
}
