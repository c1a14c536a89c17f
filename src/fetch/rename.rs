//! `--state rename` and `--state separate`: what a mailbox is that the Maildir may
//! know under another name.

use std::path::PathBuf;

use crate::journal::{Journal, Mailbox, Siblings};
use crate::session::{self, Credentials};

use super::attempts::Finish;
use super::error::Error;
use super::event::{FetchEvent, Observer};
use super::listing::Listing;
use super::options::Options;
use super::place::Place;
use super::run::{AccountRun, Outcome};
use super::sightings::Sizes;

/// A renaming: both journals open and locked, the old one recovered.
#[derive(Debug)]
pub struct Renaming {
    new: Journal,
    old: AccountRun,
    place: Place,
}

impl Renaming {
    /// Opens both mailboxes. The old one has to be one that the Maildir names, or one
    /// with a spool.
    pub fn open(place: &Place, old: &Mailbox, observe: Observer<'_>) -> Result<Self, Error> {
        siblings_with(place, old)?;
        let (_, new) = place.open()?;
        let maildir = maildir_of(place, old)?;
        let old = Place { mailbox: old.clone(), maildir, ..place.clone() };
        let old = AccountRun::open(&old, observe)?;
        Ok(Self { new, old, place: place.clone() })
    }

    /// Ends a renaming that has no session; both journals note what the recovery did.
    pub fn abandon(self) -> Outcome {
        self.old.abandon()
    }

    /// Logs in and compares the maildrop with what the old journal knows; if they are
    /// of one mailbox, the journal gets its new name.
    pub fn run(
        self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Result<(), Error> {
        let Self { new, mut old, place } = self;
        old.sessions(options, credentials, observe, AccountRun::compare_session)?;
        Ok(Journal::rename(old.journal, &new, &place.state, &place.maildir)?)
    }
}

/// The other mailboxes of the Maildir; an error if the old one is none of them.
pub fn siblings_with(place: &Place, old: &Mailbox) -> Result<Siblings, Error> {
    let siblings = Siblings::open(&place.state, &place.mailbox, &maildir_of(place, old)?);
    if !siblings.contains(old) {
        return Err(Error::UnknownMailbox(old.key().to_owned()));
    }
    Ok(siblings)
}

/// Where another mailbox delivers: into its own spool if that names its journal, else
/// into the Maildir of this one.
fn maildir_of(place: &Place, old: &Mailbox) -> Result<PathBuf, Error> {
    let spool = old.spool(&place.state);
    let is_spooled = Journal::named_by(&spool, old)?.is_some();
    Ok(if is_spooled { spool } else { place.maildir.clone() })
}

impl AccountRun {
    fn compare_session(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Result<Finish, Error> {
        let log = |line: session::Line<'_>| observe(FetchEvent::Line(line));
        let sizes = Sizes::Always;
        let compare =
            |run: &mut Self, listing: &mut Listing<'_>| listing.is_known_to(run.journal.index());
        let listed = self.listed(options, credentials, (&log, sizes), observe, compare);
        let (listing, is_same) = listed?;
        if !is_same {
            let other = self.journal.mailbox().key().to_owned();
            return Err(Error::AnotherMailbox(other));
        }
        listing.leave().map(|()| Finish::Complete)
    }
}

/// Notes that no other journal of the Maildir is this mailbox's.
pub fn separate(place: &Place) -> Result<(), Error> {
    let (_, mut journal) = place.open()?;
    if !journal.index().is_separate() {
        journal.note_separate();
        journal.finish()?;
    }
    Ok(())
}
