//! `--refetch`, `--refetch-missing`: known messages are forgotten once a person agrees,
//! and so fetched again.

use std::collections::HashSet;

use crate::journal::{ContentHasher, Index, Journal, MessageKey, State};
use crate::maildir::Maildir;
use crate::protocol::UniqueId;

use super::again::{Again, Doubling, Refetch};
use super::error::Error;
use super::listing::Listing;
use super::named::Named;
use super::place::Place;
use super::run::AccountRun;
use super::step::Listed;
use super::unique_ids::are_numbers;

/// The listed messages that are fetched again.
#[derive(Debug)]
pub struct Refetched {
    /// Their unique-ids.
    pub unique_ids: HashSet<UniqueId>,
    /// What a person is asked; none where no question is needed.
    pub doubling: Option<Doubling>,
}

/// Which of the listed messages are fetched again. `journal` is the id in the names of
/// its files.
pub fn refetched(
    again: Again,
    (listing, named): (&Listing<'_>, &Named),
    index: &Index,
    (maildir, journal): (&Maildir, u64),
) -> Result<Refetched, Error> {
    let is_meant = |listed: &&Listed| {
        named.means(listed.number, &listed.unique_id) && index.knows(&listed.unique_id)
    };
    let mut meant: Vec<&Listed> = listing.listing.iter().filter(is_meant).collect();
    if again == Again::All && *named != Named::All {
        let unique_ids = meant.iter().map(|listed| listed.unique_id.clone()).collect();
        return Ok(Refetched { unique_ids, doubling: None });
    }
    let here: HashSet<u64> =
        maildir.ours_delivered(journal)?.values().map(|file| file.tag.hash).collect();
    let mut contents = HashSet::new();
    if again == Again::Missing {
        maildir.each_other_file(
            journal,
            ContentHasher::default,
            ContentHasher::push,
            |hasher| {
                contents.insert(hasher.finish());
            },
        )?;
    }
    let is_here = |listed: &Listed| {
        index.occurrences(&listed.unique_id).any(|known| {
            let key = MessageKey::new(listed.unique_id.clone(), known.occurrence);
            here.contains(&key.name_hash())
                || known.content.is_some_and(|content| contents.contains(&content))
        })
    };
    let was_delivered = |listed: &Listed| {
        let mut known = index.occurrences(&listed.unique_id);
        known.any(|known| known.state.is_delivered() && known.state != State::Deleted)
    };
    let asked: Vec<&Listed> = match again {
        Again::All => meant.iter().copied().filter(|listed| is_here(listed)).collect(),
        Again::Missing => {
            meant.retain(|listed| was_delivered(listed) && !is_here(listed));
            meant.clone()
        }
    };
    let mut octets = asked.iter().map(|listed| listed.octets);
    let octets = octets.try_fold(0u64, |sum, octets| Some(sum.saturating_add(octets?)));
    let messages = asked.len();
    let doubling = (messages > 0).then_some(Doubling { messages, octets });
    let unique_ids = meant.into_iter().map(|listed| listed.unique_id.clone()).collect();
    Ok(Refetched { unique_ids, doubling })
}

/// How many messages of a mailbox are in the Maildir, where its journal cannot be used.
pub fn doubled(place: &Place) -> Result<usize, Error> {
    let Some(journal) = Journal::named_by(&place.maildir, &place.mailbox)? else { return Ok(0) };
    Ok(Maildir::open_existing(&place.maildir)?.ours_delivered(journal)?.len())
}

impl AccountRun {
    /// Forgets what is fetched again, if a person agrees.
    pub(super) fn forget_refetched(
        &mut self,
        refetch: &mut Option<Refetch<'_>>,
        listing: &Listing<'_>,
        named: &Named,
    ) -> Result<(), Error> {
        let Some(Refetch { again, agrees }) = refetch else { return Ok(()) };
        let (index, place) = (self.journal.index(), (&self.maildir, self.journal.id()));
        let Refetched { unique_ids, doubling } = refetched(*again, (listing, named), index, place)?;
        if doubling.is_some_and(|doubling| !agrees(doubling)) {
            return Err(Error::Declined);
        }
        // Where they are numbers, unique-ids do not say which records are meant.
        let is_numbered = are_numbers(listing.listing.iter().map(Listed::name));
        if is_numbered && *again == Again::All && *named == Named::All {
            let all: Vec<UniqueId> = index.iter().map(|(unique_id, _)| unique_id).collect();
            all.iter().for_each(|unique_id| _ = self.journal.forget(unique_id));
        }
        for unique_id in &unique_ids {
            self.journal.forget(unique_id);
        }
        // It was agreed to once, and what is forgotten is noted.
        *refetch = None;
        self.current.progress = true;
        Ok(())
    }
}
