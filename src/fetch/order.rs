//! `--state delete`: orders of a person are noted, and carried out in the next session.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::journal::{Fingerprint, HeaderHasher, Index, Journal, Order, Ordered};
use crate::protocol::{MessageNumber, UniqueId};

use super::error::Error;
use super::listing::Listing;
use super::place::Place;
use super::repair::open;
use super::selection::Selection;
use super::step::Listed;
use super::unique_ids::are_numbers;

/// A listed message that a person wants deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    /// Its number in this session.
    pub number: MessageNumber,
    /// Its unique-id.
    pub unique_id: UniqueId,
    /// What the order will say of it.
    pub order: Order,
    /// The start of its header, if the server shows it.
    pub header: Option<Vec<u8>>,
}

impl Listing<'_> {
    /// The messages that are named, each with its header. One that neither header nor size
    /// tell from others is refused; where a unique-id is only the message's number, its size
    /// does not.
    pub fn doomed(&mut self, named: &Selection) -> Result<Vec<Doomed>, Error> {
        let is_numbered = are_numbers(&self.listing);
        let is_meant = |listed: &&Listed| named.means(listed.number, &listed.unique_id);
        let meant: Vec<Listed> = self.listing.iter().filter(is_meant).cloned().collect();
        let numbers: VecDeque<_> = meant.iter().map(|listed| listed.number).collect();
        let mut read = HashMap::new();
        self.trusted_headers(numbers, |number, header| _ = read.insert(number, header))?;
        let doomed = meant.into_iter().map(|Listed { number, unique_id, octets, .. }| {
            let header = read.remove(&number);
            let fingerprint = header.as_deref().and_then(|header| print(header, is_numbered));
            match (is_numbered, fingerprint) {
                (true, None) => Err(Error::Untold(number)),
                (false, None) if octets.is_none() => Err(Error::Unsized(number)),
                _ => Ok(Doomed { number, unique_id, order: Order { octets, fingerprint }, header }),
            }
        });
        doomed.collect()
    }

    /// Headers of messages; none where they decide nothing.
    fn trusted_headers(
        &mut self,
        numbers: VecDeque<MessageNumber>,
        take: impl FnMut(MessageNumber, Vec<u8>),
    ) -> Result<(), Error> {
        if self.lacks_headers() { Ok(()) } else { self.headers(numbers, take) }
    }
}

/// Notes orders.
pub fn order(place: &Place, doomed: &[Doomed]) -> Result<(), Error> {
    let mut journal = open(place)?;
    for Doomed { unique_id, order, .. } in doomed {
        journal.note_order(unique_id, *order);
    }
    Ok(journal.finish()?)
}

/// Takes the orders for unique-ids back. Returns how many there were.
pub fn take_back<'u>(
    place: &Place,
    unique_ids: impl Iterator<Item = &'u UniqueId>,
) -> Result<usize, Error> {
    let mut journal = open(place)?;
    let orders = unique_ids.map(|unique_id| journal.end_orders(unique_id)).sum();
    journal.finish()?;
    Ok(orders)
}

/// What a session shows of the messages for whose unique-ids orders hold.
#[derive(Debug, Default)]
pub struct OrderCandidates {
    /// The listed messages, each as the server shows it.
    shown: HashMap<UniqueId, Vec<(MessageNumber, Order)>>,
    /// The orders that this session cannot carry out, sorted by unique-id.
    unmet: Vec<Unmet>,
}

/// Orders for a unique-id that a session cannot carry out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmet {
    /// The unique-id.
    pub unique_id: UniqueId,
    /// It is listed, and the server does not show the header.
    pub is_listed: bool,
}

impl Listing<'_> {
    /// Looks at the messages for whose unique-ids orders hold. Orders for other messages
    /// than the named ones go on, and so do those that hang on a header which the server does
    /// not show in this session.
    pub fn order_candidates(
        &mut self,
        index: &Index,
        named: &Selection,
    ) -> Result<OrderCandidates, Error> {
        if !index.has_orders() {
            return Ok(OrderCandidates::default());
        }
        let is_candidate = |listed: &&Listed| {
            named.means(listed.number, &listed.unique_id) && index.has_order(&listed.unique_id)
        };
        let listed: Vec<Listed> = self.listing.iter().filter(is_candidate).cloned().collect();
        let numbers = listed.iter().map(|listed| listed.number).collect();
        let (is_numbered, mut prints) = (are_numbers(&self.listing), HashMap::new());
        self.trusted_headers(numbers, |number, header| {
            prints.extend(print(&header, is_numbered).map(|print| (number, print)));
        })?;
        let is_unseen = |it: &&Listed| {
            !prints.contains_key(&it.number) && index.orders_need_header(&it.unique_id)
        };
        let unseen: HashSet<UniqueId> =
            listed.iter().filter(is_unseen).map(|it| it.unique_id.clone()).collect();
        let mut candidates = OrderCandidates::default();
        if *named == Selection::All {
            let names: HashSet<_> = listed.iter().map(|it| &it.unique_id).collect();
            let orders = index.orders().into_iter().map(|(unique_id, _)| unique_id);
            let unlisted = orders.filter(|unique_id| !names.contains(unique_id));
            candidates.unmet.extend(unlisted.map(Unmet::unlisted));
        }
        candidates.unmet.extend(unseen.iter().cloned().map(Unmet::headless));
        candidates.unmet.sort_unstable();
        candidates.unmet.dedup();
        let seen = listed.into_iter().filter(|it| !unseen.contains(&it.unique_id));
        for Listed { number, unique_id, octets, .. } in seen {
            let fingerprint = prints.get(&number).copied();
            let shown = (number, Order { octets, fingerprint });
            candidates.shown.entry(unique_id).or_default().push(shown);
        }
        Ok(candidates)
    }
}

impl Unmet {
    fn unlisted(unique_id: UniqueId) -> Self {
        Self { unique_id, is_listed: false }
    }

    fn headless(unique_id: UniqueId) -> Self {
        Self { unique_id, is_listed: true }
    }
}

impl OrderCandidates {
    /// The messages that the orders mean: a fetch deletes them.
    pub fn ordered(&self, index: &Index) -> HashSet<MessageNumber> {
        let ordered = |(unique_id, shown): (_, &Vec<(MessageNumber, Order)>)| {
            let (numbers, shown): (Vec<_>, Vec<_>) = shown.iter().copied().unzip();
            numbers.into_iter().zip(index.are_ordered(unique_id, &shown))
        };
        let all = self.shown.iter().flat_map(ordered);
        all.filter(|(_, is_ordered)| *is_ordered).map(|(number, _)| number).collect()
    }

    /// The messages that no order means, though one holds for their unique-id. A fetch ends
    /// these orders without deleting anything.
    pub fn mistaken(&self, index: &Index) -> Vec<(MessageNumber, UniqueId)> {
        let ordered = self.ordered(index);
        let is_mistaken =
            |shown: &[(MessageNumber, Order)]| shown.iter().all(|(it, _)| !ordered.contains(it));
        let mistaken = self.shown.iter().filter(|(_, shown)| is_mistaken(shown));
        let mut mistaken: Vec<_> = mistaken
            .filter_map(|(unique_id, shown)| Some((shown.first()?.0, unique_id.clone())))
            .collect();
        mistaken.sort_unstable_by_key(|(number, _)| *number);
        mistaken
    }

    /// The orders that this session cannot carry out.
    pub fn unmet(&self) -> &[Unmet] {
        &self.unmet
    }

    /// Ends the orders, and proves which messages they mean: they hold for this session
    /// alone.
    pub(super) fn take(self, journal: &mut Journal) -> HashMap<MessageNumber, Ordered> {
        let mut ordered = HashMap::new();
        for (unique_id, shown) in self.shown {
            let (numbers, shown): (Vec<_>, Vec<_>) = shown.into_iter().unzip();
            let proofs = numbers.into_iter().zip(journal.take_orders(&unique_id, &shown));
            ordered.extend(proofs.filter_map(|(number, proof)| Some((number, proof?))));
        }
        ordered
    }
}

/// The fingerprint of a header as an order has it: cut where `--state delete` cuts it. If the
/// header alone has to tell its message from others, it needs a Message-ID.
fn print(header: &[u8], alone: bool) -> Option<Fingerprint> {
    let mut hasher = HeaderHasher::default();
    hasher.push(header);
    (!alone || hasher.identifies()).then(|| hasher.finish())
}
