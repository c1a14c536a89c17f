//! Known messages under unknown unique-ids, known again by their headers.

use std::collections::{HashMap, HashSet};

use crate::journal::{Fingerprint, Index, Journal, MessageKey, State, StoredFile};
use crate::protocol::UniqueId;

use super::error::Error;
use super::listing::Listing;
use super::step::Listed;

/// A known message that is not listed under the unique-id that it is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Orphan {
    /// Its file alone tells of it.
    Found(StoredFile),
    /// The journal tells of it.
    Known(MessageKey),
}

impl Orphan {
    /// Whether it need not be fetched.
    pub fn is_here(&self, index: &Index) -> bool {
        let waits = |state| matches!(state, State::Failed | State::TooLarge);
        match self {
            Self::Found(_) => true,
            Self::Known(key) => !index.get(key).is_some_and(|known| waits(known.state)),
        }
    }

    /// Its listed size, if that is known.
    fn octets(&self, index: &Index) -> Option<u64> {
        match self {
            Self::Found(_) => None,
            Self::Known(key) => index.get(key)?.octets,
        }
    }

    /// Whether both sizes are known and are not the same.
    fn has_other_size(&self, listed: &Listed, index: &Index) -> bool {
        listed.octets.zip(self.octets(index)).is_some_and(|(listed, known)| listed != known)
    }
}

impl Listing<'_> {
    /// Asks for the sizes where none is known yet.
    fn learn_sizes(&mut self) -> Result<(), Error> {
        if self.listing.iter().any(|listed| listed.octets.is_some()) {
            return Ok(());
        }
        let scan = self.ask_sizes()?.unwrap_or_default();
        self.note_sizes(scan);
        Ok(())
    }

    /// The files that alone tell of their messages, and whose names stand for no listed
    /// unique-id.
    pub(super) fn unlisted_files(&self, index: &Index) -> Vec<StoredFile> {
        if !index.has_found() {
            return Vec::new();
        }
        let listed = self.name_hashes();
        index.all_found().filter(|file| !listed.contains(&file.hash)).collect()
    }

    /// What stands for the listed unique-ids in the names of files.
    pub(super) fn name_hashes(&self) -> HashSet<u64> {
        let keys = self.names().map(|(_, unique_id)| MessageKey::new(unique_id.clone(), 1));
        keys.map(|key| key.name_hash()).collect()
    }

    /// The unknown unique-ids whose header is that of one known message that is not
    /// listed, and which message that is. A header that several have, or another size,
    /// says too little: such a message is fetched and compared.
    pub fn rekeyed(&mut self, index: &Index) -> Result<Vec<(UniqueId, Orphan)>, Error> {
        // A read-only run has asked for the sizes: a fetch must not come to another answer.
        self.complete(index);
        self.learn_sizes()?;
        let unknown = self.unknown_headers(index)?;
        let mut known: HashMap<Fingerprint, Vec<Orphan>> = HashMap::new();
        for (print, keys) in self.orphans(index) {
            known.entry(print).or_default().extend(keys.into_iter().map(Orphan::Known));
        }
        for file in self.unlisted_files(index) {
            known.entry(file.fingerprint).or_default().push(Orphan::Found(file));
        }
        let mut bearers: HashMap<Fingerprint, usize> = HashMap::new();
        for (_, print) in &unknown {
            *bearers.entry(*print).or_default() += 1;
        }
        let rekeyed = unknown.into_iter().filter_map(|(listed, print)| {
            let alike = known.get_mut(&print).filter(|_| bearers.get(&print) == Some(&1))?;
            let [orphan] = alike.as_slice() else { return None };
            let is_it = !orphan.has_other_size(&listed, index);
            Some((listed.unique_id, alike.pop().filter(|_| is_it)?))
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
            Orphan::Found(file) => journal.note_identified(file, &new, None, now),
            Orphan::Known(old) => _ = journal.note_rekeyed(&old, &new),
        }
    }
    Ok(())
}
