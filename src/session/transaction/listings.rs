//! UIDL, LIST and STAT: what is in the maildrop.

use crate::protocol::{
    Command, DropListing, Leniencies, Leniency, MAX_LISTED, MessageNumber, ScanListing,
    UniqueIdListing, Violation,
};

use super::Transaction;
use super::proofs::PROOF_TIMEOUT;
use crate::session::error::{Error, Refusal};
use crate::session::reply::about;

impl<T> Transaction<'_, T> {
    /// Sends LIST, for one message or for all; [`Self::scan_listing`] or
    /// [`Self::scan_listing_of`] reads the answer when its turn has come.
    pub fn list(&mut self, number: Option<MessageNumber>, tag: T) -> Result<(), Error> {
        self.ask(Command::List(number), Some(tag))
    }

    /// Sends UIDL and STAT in one flight where that may be and was not done behind the
    /// login. [`Self::unique_id_listing`] and [`Self::drop_listing`] read the answers.
    pub fn ask_listings(&mut self) -> Result<(), Error> {
        let is_asked = self.window.commands().any(|it| matches!(it, Command::Uidl(None)));
        if self.pipelining && !is_asked {
            self.ask(Command::Uidl(None), None)?;
            self.ask(Command::Stat, None)?;
        }
        Ok(())
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
        let forms = (ScanListing::parse, ScanListing::leniencies);
        self.listing(&Command::List(None), forms, |listing| listing.number)
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
        let forms = (UniqueIdListing::parse, UniqueIdListing::leniencies);
        match self.listing(&Command::Uidl(None), forms, |listing| listing.number) {
            Ok(listing) => {
                self.has_unique_ids = true;
                self.check_announced().map(|()| Ok(listing))
            }
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

    /// Whether UIDL is announced if it works, once it is known what is announced.
    pub(super) fn check_announced(&mut self) -> Result<(), Error> {
        let after = self.capabilities.as_ref().is_some_and(|it| !it.is_empty());
        if self.has_unique_ids && after && !self.announces_unique_ids() {
            self.lenient(Leniency::UidlNotAnnounced)?;
        }
        Ok(())
    }

    /// A whole listing. Each number stands in it at most once; an empty line is
    /// passed over, which some server sends first.
    fn listing<L>(
        &mut self,
        command: &Command,
        (parse, leniencies): (impl Fn(&[u8]) -> Result<L, Violation>, impl Fn(&[u8]) -> Leniencies),
        number: impl Fn(&L) -> MessageNumber,
    ) -> Result<Vec<L>, Error> {
        let keyword = command.keyword();
        self.succeed(command)?;
        let mut listed = Vec::new();
        let (mut ascending, mut needed) = (true, Leniencies::default());
        self.conversation.lines(keyword, |line| {
            if line.is_empty() {
                needed.insert(Leniency::EmptyLineInListing);
                return Ok(());
            }
            needed = needed.with(leniencies(line));
            if listed.len() == MAX_LISTED {
                return Err(Violation::ListingTooLong);
            }
            let entry = parse(line)?;
            ascending &= listed.last().is_none_or(|last| number(last) < number(&entry));
            listed.push(entry);
            Ok(())
        })?;
        needed.iter().try_for_each(|leniency| self.lenient(leniency))?;
        if !ascending {
            let mut numbers: Vec<_> = listed.iter().map(&number).collect();
            numbers.sort_unstable();
            if numbers.windows(2).any(|pair| pair.first() == pair.last()) {
                return Err(Error::Violation { keyword, violation: Violation::NumberTwice });
            }
        }
        Ok(listed)
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
