//! The maildrop as it is listed: log in, list, plan. Nothing here writes anything,
//! on either side.

mod end; // QUIT
mod renumbering; // new unique-ids for known messages
mod scan; // what LIST says
mod top; // what TOP shows

use std::collections::{HashMap, HashSet};

use crate::journal::{Fingerprint, Index, IndexedIds, MessageKey};
use crate::protocol::{
    Keyword, Leniency, MessageNumber, ResponseCode, ScanListing, UniqueId, Violation,
};
use crate::session::{self, Refusal, Transaction};

use super::download::Session;
use super::error::{Error, Operation};
use super::header::ListedHeader;
use super::plan::shared;
use super::proof::Proofs;
use super::sightings::{Lookup, Sightings, Sizes};
use super::sizes::{awaited_scan, is_empty};
use super::step::Listed;
use super::total;
use super::unique_ids::{are_numbers, derived};

/// An open session and what it lists.
#[derive(Debug)]
pub struct Listing<'a> {
    pub(super) transaction: Session<'a>,
    /// How its responses are proven.
    pub(super) proofs: Proofs,
    /// TOP is not sent for these: it broke off an earlier session.
    pub(super) headerless: HashSet<UniqueId>,
    /// TOP is not sent at all.
    pub(super) no_top: bool,
    /// TOP shows other headers than RETR: they are for people, and decide nothing.
    pub(super) distrusts_top: bool,
    /// A message without a unique-id has that of a known message with its header.
    pub(super) has_names_by_header: bool,
    /// LIST is asked with UIDL and STAT.
    pub(super) asks_sizes: bool,
    /// STAT's total is not that of LIST's sizes.
    pub(super) has_own_total: bool,
    /// Whether that is so, if LIST was asked.
    pub(super) shows_own_total: Option<bool>,
    /// UIDL may be refused: headers tell messages apart then.
    pub(super) accepts_no_unique_ids: bool,
    /// Whether the server refuses unique-ids that it should give, once it was asked.
    pub(super) refuses_unique_ids: Option<bool>,
    /// The message whose header was read when the session broke.
    pub(super) broken_header: Option<UniqueId>,
    /// When the login was over, in milliseconds since 1970.
    pub(super) logged_in: u64,
    /// The headers of the sample by which renumbering is judged.
    sampled: HashMap<MessageNumber, ListedHeader>,
    /// Every message, in the server's order, those in `left` excepted.
    pub listing: Vec<Listed>,
    /// The messages that are here and stay as they are, where no one has to look at them.
    pub(super) left: Option<Sightings>,
}

/// Whether messages that seem new may be known under other unique-ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renumbering {
    /// They are new.
    None,
    /// Some are known.
    Some,
    /// The server has renumbered.
    Whole,
}

impl<'a> Listing<'a> {
    /// A session that was open at that time, nothing listed yet.
    pub(super) fn of(transaction: Transaction<'a>, logged_in: u64) -> Self {
        Self {
            transaction: transaction.tagged(),
            proofs: Proofs::new(None, false),
            headerless: HashSet::new(),
            no_top: false,
            distrusts_top: false,
            has_names_by_header: false,
            asks_sizes: false,
            has_own_total: false,
            shows_own_total: None,
            accepts_no_unique_ids: false,
            refuses_unique_ids: None,
            broken_header: None,
            logged_in,
            sampled: HashMap::new(),
            listing: Vec::new(),
            left: None,
        }
    }

    /// Reads the listings.
    pub fn list(&mut self, index: &Index, sizes: Sizes) -> Result<(), Error> {
        if let Some(sightings) = self.read(index, sizes)? {
            self.listing = sightings.all(index);
        }
        self.check_occurrences(index)
    }

    /// The same, for a run that has nothing to do with messages that are here: where
    /// unique-ids say which these are they are left out.
    pub(super) fn list_open(&mut self, index: &Index, sizes: Sizes) -> Result<(), Error> {
        match self.read(index, sizes)? {
            Some(mut sightings) if sightings.can_be_left() => {
                self.listing = sightings.take_open();
                self.left = Some(sightings);
            }
            Some(sightings) => self.listing = sightings.all(index),
            None => {}
        }
        self.check_occurrences(index)
    }

    /// Puts the messages that were left out among the others.
    pub(super) fn complete(&mut self, index: &Index) {
        if let Some(left) = self.left.take() {
            self.listing.extend(left.all(index));
            self.listing.sort_by_key(|listed| listed.number);
        }
    }

    /// Reads the listings. UIDL is tried whatever CAPA says: some servers that have it do
    /// not announce it. Where LIST was asked, too, everything is in `listing`.
    fn read(&mut self, index: &Index, sizes: Sizes) -> Result<Option<Sightings>, Error> {
        let failed = || Operation::List.failed();
        let Self { transaction, refuses_unique_ids, asks_sizes, .. } = self;
        transaction.ask_listings(*asks_sizes).map_err(failed())?;
        let mut lookup = Lookup::new(index);
        let unique_ids = transaction
            .each_unique_id(|number, unique_id| lookup.add(number, unique_id))
            .map_err(failed())?;
        let sightings = lookup.finish();
        let drop = transaction.drop_listing().map_err(failed())?;
        let scan = awaited_scan(transaction)?;
        let refusal = unique_ids.err();
        if let Some(refusal) = &refusal
            && needs_unique_ids(transaction, index, refusal)
        {
            // Some servers refuse to list what is empty.
            if is_empty(drop) {
                let lenient = transaction.lenient(Leniency::EmptyMaildropRefused);
                return lenient.map(|()| None).map_err(failed());
            }
            *refuses_unique_ids = Some(true);
            if !self.accepts_no_unique_ids {
                return Err(Error::UniqueIdsRefused(refusal.clone()));
            }
        } else {
            *refuses_unique_ids = Some(false);
        }
        let is_short = drop.is_some_and(|drop| drop.messages != sightings.messages as u64);
        let are_needed = is_short || refusal.is_some() || sightings.need_sizes(index, sizes);
        let has_changed = || !self.has_own_total && total::has_changed(drop, sightings.octets);
        if !are_needed && scan.is_none() && !has_changed() {
            return Ok(Some(sightings));
        }
        let scan = match scan {
            Some(scan) => scan,
            None => self.ask_sizes()?,
        };
        let scan = self.believed_sizes(scan, (drop, refusal.as_ref()))?;
        self.shows_own_total = total::is_that_of(drop, &scan).map(|is_it| !is_it);
        let listed = sightings.messages as u64;
        self.listing = sightings.all(index);
        let scan = self.note_sizes(scan);
        if drop.is_some_and(|drop| drop.messages < listed && drop.messages == scan.len() as u64) {
            self.leave_to(&scan)?;
        }
        self.name(scan, refusal.as_ref(), index).map(|()| None)
    }

    /// Lists messages that UIDL left out, each by its header: under the unique-id
    /// that the journal knows it by, or one derived from it.
    fn name(
        &mut self,
        scan: Vec<ScanListing>,
        refusal: Option<&Refusal>,
        index: &Index,
    ) -> Result<(), Error> {
        let named: HashSet<_> = self.listing.iter().map(|listed| listed.number).collect();
        let is_nameless = |listed: &ScanListing| !named.contains(&listed.number);
        let nameless: Vec<_> = scan.into_iter().filter(is_nameless).collect();
        if nameless.is_empty() {
            return Ok(());
        }
        if are_numbers(&self.listing) {
            // Its number is what UIDL would have said.
            self.listing.extend(nameless.into_iter().filter_map(|listed| {
                let unique_id = UniqueId::new(listed.number.to_string().as_bytes())?;
                let (number, octets, header) =
                    (listed.number, listed.octets, ListedHeader::Unasked);
                Some(Listed { number, unique_id, octets, header })
            }));
            self.listing.sort_by_key(|listed| listed.number);
            return Ok(());
        }
        // Where TOP is not trusted, it still gives each message a unique-id of its own.
        let headers = self.read_headers(nameless.iter().map(|listed| listed.number).collect())?;
        let mut orphans = if self.distrusts_top { HashMap::new() } else { self.orphans(index) };
        for listed in nameless {
            // Without UIDL the header is all that says which message it is.
            let header = headers.get(&listed.number).copied();
            match (header.zip(header.and_then(ListedHeader::print)), refusal) {
                (Some((header, print)), _) => {
                    let known = orphans.get_mut(&print).and_then(Vec::pop);
                    self.has_names_by_header |= known.is_some();
                    let unique_id = known.map_or_else(|| derived(print), |key| Some(key.unique_id));
                    self.listing.extend(unique_id.map(|unique_id| {
                        let (number, octets) = (listed.number, listed.octets);
                        Listed { number, unique_id, octets, header }
                    }));
                }
                (None, Some(refusal)) => return Err(Error::NoUniqueIds(refusal.clone())),
                // It may have one when it is listed next time.
                (None, None) => {}
            }
        }
        self.listing.sort_by_key(|listed| listed.number);
        Ok(())
    }

    /// Refuses a unique-id that so many messages bear that telling them apart
    /// would take for ever.
    fn check_occurrences(&self, index: &Index) -> Result<(), Error> {
        if shared(&self.listing, index).values().any(|places| places.len() > MAX_OCCURRENCES) {
            let (keyword, violation) = (Keyword::Uidl, Violation::Crowded);
            let error = session::Error::Violation { keyword, violation };
            return Err(Operation::List.failed()(error));
        }
        Ok(())
    }

    /// The known messages whose unique-id is not listed, by fingerprint.
    pub(super) fn orphans(&self, index: &Index) -> HashMap<Fingerprint, Vec<MessageKey>> {
        let listed = self.indexed(index);
        let mut orphans: HashMap<_, Vec<_>> = HashMap::new();
        for (id, known) in index.each().filter(|(id, _)| !listed.has(*id)) {
            if let Some((print, unique_id)) = known.fingerprint.zip(index.unique_id_of(id)) {
                let key = MessageKey::new(unique_id, known.occurrence);
                orphans.entry(print).or_default().push(key);
            }
        }
        orphans
    }

    /// The unique-ids of the journal that are listed.
    pub(super) fn indexed(&self, index: &Index) -> IndexedIds {
        let mut listed = self.left_ids();
        let ids = self.listing.iter().filter_map(|it| index.indexed(it.unique_id.as_bytes()));
        ids.for_each(|id| _ = listed.add(id));
        listed
    }

    /// Those of the messages that are left out.
    pub(super) fn left_ids(&self) -> IndexedIds {
        self.left.as_ref().map(Sightings::known).unwrap_or_default()
    }

    /// How many messages are listed.
    pub(super) fn messages(&self) -> usize {
        self.left.as_ref().map_or(0, Sightings::settled) + self.listing.len()
    }

    /// Whether any message that is left out was fetched, and not marked as seen.
    pub(super) fn leaves_fetched(&self) -> bool {
        self.left.as_ref().is_some_and(Sightings::has_fetched)
    }

    /// The names of all listed messages, those that are left out excepted.
    pub fn names(&self) -> impl Iterator<Item = (MessageNumber, &UniqueId)> + Clone {
        self.listing.iter().map(|listed| (listed.number, &listed.unique_id))
    }
}

/// Whether unique-ids are indispensable though UIDL is refused: one refusal does
/// not take the names away that messages are known by.
fn needs_unique_ids(transaction: &Session<'_>, index: &Index, refusal: &Refusal) -> bool {
    let by_code = matches!(refusal.code, Some(ResponseCode::SysTemp | ResponseCode::SysPerm));
    by_code || transaction.announces_unique_ids() || index.knows_unique_ids()
}

/// No server gives one unique-id to more messages than this by mistake.
const MAX_OCCURRENCES: usize = 1000;
