//! Known messages under unknown unique-ids, known again by their headers.

use std::collections::{HashMap, HashSet};

use crate::journal::{Fingerprint, Index, Journal, MessageKey};
use crate::protocol::UniqueId;

use super::error::Error;
use super::listing::Listing;

/// A known message that is not listed under the unique-id that it is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Orphan {
    /// Its file's name alone tells of it.
    Found(u64),
    /// The journal tells of it.
    Known(MessageKey),
}

impl Listing<'_> {
    /// The hashes that only files' names tell of and that stand for no listed unique-id,
    /// each with the header of its file.
    pub(super) fn unlisted_files(&self, index: &Index) -> HashMap<u64, Fingerprint> {
        if !index.has_found() {
            return HashMap::new();
        }
        let hash = |unique_id: &UniqueId| MessageKey::new(unique_id.clone(), 1).name_hash();
        let listed: HashSet<u64> = self.names().map(|(_, unique_id)| hash(unique_id)).collect();
        index.all_found().filter(|(hash, _)| !listed.contains(hash)).collect()
    }

    /// The unknown unique-ids whose header is that of a known message that is not
    /// listed, and which message that is.
    pub fn rekeyed(&mut self, index: &Index) -> Result<Vec<(UniqueId, Orphan)>, Error> {
        let prints = self.unknown_headers(index)?;
        let mut known = self.orphans(index);
        let mut files: HashMap<Fingerprint, Vec<u64>> = HashMap::new();
        for (hash, print) in self.unlisted_files(index) {
            files.entry(print).or_default().push(hash);
        }
        let rekeyed = prints.into_iter().filter_map(|(unique_id, print)| {
            let known = known.get_mut(&print).and_then(Vec::pop).map(Orphan::Known);
            let file = || files.get_mut(&print).and_then(Vec::pop).map(Orphan::Found);
            Some((unique_id, known.or_else(file)?))
        });
        Ok(rekeyed.collect())
    }
}

/// Gives known messages their new unique-ids: those that are listed under an
/// unknown one and whose header is that of exactly one message that is not
/// listed. The rest is new.
pub(super) fn rekey(
    listing: &mut Listing<'_>,
    journal: &mut Journal,
    now: u64,
) -> Result<(), Error> {
    for (unique_id, orphan) in listing.rekeyed(journal.index())? {
        let occurrence = journal.index().next_occurrence(&unique_id);
        let new = MessageKey::new(unique_id, occurrence);
        match orphan {
            Orphan::Found(hash) => journal.note_file_rekeyed(hash, &new, now),
            Orphan::Known(old) => _ = journal.note_rekeyed(&old, &new),
        }
    }
    Ok(())
}
