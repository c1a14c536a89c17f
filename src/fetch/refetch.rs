//! `--refetch`, `--refetch-missing`: known messages are forgotten once a person agrees,
//! and so fetched again.

use std::collections::{HashMap, HashSet};

use crate::journal::{ContentHasher, Fingerprint, Index, Journal, Known, MessageKey, State};
use crate::maildir::Maildir;
use crate::protocol::{MessageNumber, UniqueId};

use super::again::{Again, Doubling, Refetch};
use super::error::Error;
use super::header::ListedHeader;
use super::listing::{Listing, Renumbering};
use super::place::Place;
use super::rekey::Orphan;
use super::run::AccountRun;
use super::selection::Selection;
use super::step::Listed;
use super::unique_ids::are_numbers;

/// The listed messages that are fetched again.
#[derive(Debug)]
pub struct Refetched {
    /// Their numbers.
    pub numbers: HashSet<MessageNumber>,
    /// What the journal knows of them.
    known: Vec<MessageKey>,
    /// What a person is asked; none where no question is needed.
    pub doubling: Option<Doubling>,
}

/// A listed message, and what the journal knows of it.
struct Meant<'l> {
    listed: &'l Listed,
    known: Vec<(MessageKey, Known)>,
}

/// The listed messages that are named and known. Where unique-ids are numbers, the header
/// says which record is a message's, without one number and size together.
fn meant<'l>(
    listing: &'l [Listed],
    headers: &HashMap<MessageNumber, ListedHeader>,
    named: &Selection,
    index: &Index,
) -> Vec<Meant<'l>> {
    let is_numbered = are_numbers(listing);
    let mut by_print: HashMap<Fingerprint, Vec<(MessageKey, Known)>> = HashMap::new();
    if is_numbered {
        for (unique_id, known) in index.iter() {
            if let Some(print) = known.fingerprint {
                let key = MessageKey::new(unique_id, known.occurrence);
                by_print.entry(print).or_default().push((key, known));
            }
        }
    }
    let of_unique_id = |listed: &Listed| -> Vec<(MessageKey, Known)> {
        let known = index.occurrences(&listed.unique_id);
        let key = |known: &Known| MessageKey::new(listed.unique_id.clone(), known.occurrence);
        known.map(|known| (key(&known), known)).collect()
    };
    let is_meant = |listed: &&Listed| named.means(listed.number, &listed.unique_id);
    let found = listing.iter().filter(is_meant).map(|listed| {
        let header = headers.get(&listed.number).copied().unwrap_or(ListedHeader::Unavailable);
        let has_size = |(_, known): &(MessageKey, Known)| known.octets == listed.octets;
        let known = match header.print() {
            Some(print) => {
                let mut known = by_print.get(&print).cloned().unwrap_or_default();
                known.retain(|known| header.identity().is_some() || has_size(known));
                known
            }
            None if is_numbered => of_unique_id(listed).into_iter().filter(has_size).collect(),
            None => of_unique_id(listed),
        };
        Meant { listed, known }
    });
    found.filter(|meant| !meant.known.is_empty()).collect()
}

/// The messages that are known under other unique-ids, where all is fetched again.
fn elsewhere(
    again: Again,
    (listing, named): (&mut Listing<'_>, &Selection),
    index: &Index,
) -> Result<HashMap<UniqueId, MessageKey>, Error> {
    let is_all = again == Again::All && *named == Selection::All;
    if !is_all || listing.is_renumbered(index)? == Renumbering::None {
        return Ok(HashMap::new());
    }
    let rekeyed = listing.rekeyed(index)?.into_iter().filter_map(|(unique_id, orphan)| {
        let Orphan::Known(key) = orphan else { return None };
        Some((unique_id, key))
    });
    Ok(rekeyed.collect())
}

/// Which of the listed messages are fetched again. `journal` is the id in the names of
/// its files.
pub fn refetched(
    again: Again,
    (listing, named): (&mut Listing<'_>, &Selection),
    index: &Index,
    (maildir, journal): (&Maildir, u64),
) -> Result<Refetched, Error> {
    let headers = listing.headers_of_numbered()?;
    let elsewhere = elsewhere(again, (listing, named), index)?;
    let mut meant = meant(&listing.listing, &headers, named, index);
    meant.extend(listing.listing.iter().filter_map(|listed| {
        let key = elsewhere.get(&listed.unique_id)?;
        Some(Meant { listed, known: vec![(key.clone(), index.get(key)?)] })
    }));
    if again == Again::All && *named != Selection::All {
        return Ok(Refetched::of(meant, None));
    }
    let here: HashSet<u64> =
        maildir.ours_delivered(journal)?.values().map(|file| file.tag.hash).collect();
    let has_name =
        |meant: &Meant<'_>| meant.known.iter().any(|(key, _)| here.contains(&key.name_hash()));
    let was_delivered = |meant: &Meant<'_>| {
        let mut known = meant.known.iter().map(|(_, known)| known.state);
        known.any(|state| state.is_delivered() && state != State::Deleted)
    };
    if again == Again::Missing {
        meant.retain(|meant| was_delivered(meant) && !has_name(meant));
        retain_absent(&mut meant, maildir)?;
    }
    let is_asked = |meant: &&Meant<'_>| again == Again::Missing || has_name(meant);
    let asked: Vec<_> = meant.iter().filter(is_asked).map(|meant| meant.listed.octets).collect();
    let octets = asked.iter().try_fold(0u64, |sum, octets| Some(sum.saturating_add((*octets)?)));
    let messages = asked.len();
    let doubling = (messages > 0).then_some(Doubling { messages, octets });
    Ok(Refetched::of(meant, doubling))
}

/// Leaves out what is in the Maildir under a name that does not tell: other programs
/// rename files, and a message may have got another unique-id since.
fn retain_absent(meant: &mut Vec<Meant<'_>>, maildir: &Maildir) -> Result<(), Error> {
    let mut contents = HashSet::new();
    if !meant.is_empty() {
        let done = |hasher: ContentHasher| _ = contents.insert(hasher.finish());
        maildir.each_file(ContentHasher::default, ContentHasher::push, done)?;
    }
    let is_here = |known: &Known| known.content.is_some_and(|it| contents.contains(&it));
    meant.retain(|meant| !meant.known.iter().any(|(_, known)| is_here(known)));
    Ok(())
}

impl Refetched {
    fn of(meant: Vec<Meant<'_>>, doubling: Option<Doubling>) -> Self {
        let numbers = meant.iter().map(|meant| meant.listed.number).collect();
        let known = meant.into_iter().flat_map(|meant| meant.known).map(|(key, _)| key);
        Self { numbers, known: known.collect(), doubling }
    }
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
        listing: &mut Listing<'_>,
        named: &Selection,
    ) -> Result<(), Error> {
        let Some(Refetch { again, agrees }) = refetch else { return Ok(()) };
        let (index, place) = (self.journal.index(), (&self.maildir, self.journal.id()));
        let Refetched { known, doubling, .. } = refetched(*again, (listing, named), index, place)?;
        if doubling.is_some_and(|doubling| !agrees(doubling)) {
            return Err(Error::Declined);
        }
        // Where they are numbers, unique-ids do not say which records are meant.
        let is_numbered = are_numbers(&listing.listing);
        if is_numbered && *again == Again::All && *named == Selection::All {
            let all: Vec<UniqueId> = index.iter().map(|(unique_id, _)| unique_id).collect();
            all.iter().for_each(|unique_id| _ = self.journal.forget(unique_id));
        }
        for key in &known {
            self.journal.forget_message(key);
        }
        // It was agreed to once, and what is forgotten is noted.
        *refetch = None;
        self.current.progress = true;
        Ok(())
    }
}
