//! `--state delete`: orders of a person are noted, and carried out in the next session.

use std::collections::{HashMap, VecDeque};

use crate::journal::{Fingerprint, HeaderHasher, Order, Ordered, Proof};
use crate::protocol::{MessageNumber, UniqueId};

use super::context::Schedule;
use super::error::Error;
use super::event::Observer;
use super::listing::Listing;
use super::named::Named;
use super::place::Place;
use super::repair::open;
use super::run::AccountRun;
use super::step::{Listed, Step};
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
    /// The messages that are named, each with its header. Where a unique-id is only the
    /// message's number, one without a header cannot be told from others.
    pub fn doomed(&mut self, named: &Named) -> Result<Vec<Doomed>, Error> {
        let is_numbered = are_numbers(self.listing.iter().map(Listed::name));
        let is_meant = |listed: &&Listed| named.means(listed.number, &listed.unique_id);
        let meant: Vec<Listed> = self.listing.iter().filter(is_meant).cloned().collect();
        let numbers: VecDeque<_> = meant.iter().map(|listed| listed.number).collect();
        let mut read = HashMap::new();
        self.headers(numbers, |number, header| _ = read.insert(number, header))?;
        let doomed = meant.into_iter().map(|Listed { number, unique_id, octets, .. }| {
            let header = read.remove(&number);
            let fingerprint = header.as_deref().map(print);
            match (is_numbered, fingerprint) {
                (true, None) => Err(Error::Untold(number)),
                _ => Ok(Doomed { number, unique_id, order: Order { octets, fingerprint }, header }),
            }
        });
        doomed.collect()
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

impl AccountRun {
    /// The orders for messages that are listed and meant, which hold for this session
    /// alone.
    pub(super) fn take_orders(
        &mut self,
        listing: &mut Listing<'_>,
    ) -> Result<HashMap<MessageNumber, Ordered>, Error> {
        if !self.journal.index().has_orders() {
            return Ok(HashMap::new());
        }
        let index = self.journal.index();
        let named = self.named.clone().unwrap_or_default();
        let is_ordered = |listed: &&Listed| {
            named.means(listed.number, &listed.unique_id) && index.has_order(&listed.unique_id)
        };
        let listed: Vec<Listed> = listing.listing.iter().filter(is_ordered).cloned().collect();
        let numbers = listed.iter().map(|listed| listed.number).collect();
        let mut prints = HashMap::new();
        listing.headers(numbers, |number, header| _ = prints.insert(number, print(&header)))?;
        let mut by_id: HashMap<UniqueId, Vec<(MessageNumber, Order)>> = HashMap::new();
        for Listed { number, unique_id, octets, .. } in listed {
            let fingerprint = prints.get(&number).copied();
            let shown = (number, Order { octets, fingerprint });
            by_id.entry(unique_id).or_default().push(shown);
        }
        let mut ordered = HashMap::new();
        for (unique_id, shown) in by_id {
            let (numbers, shown): (Vec<_>, Vec<_>) = shown.into_iter().unzip();
            let proofs = self.journal.take_orders(&unique_id, &shown);
            let proven = numbers.into_iter().zip(proofs);
            ordered.extend(proven.filter_map(|(number, proof)| Some((number, proof?))));
        }
        Ok(ordered)
    }

    /// The schedule of what is done beside the orders: what a person wants deleted is not
    /// fetched before.
    pub(super) fn schedule_beside(
        &mut self,
        (steps, mut ordered): (
            impl Iterator<Item = (Listed, Step)>,
            HashMap<MessageNumber, Ordered>,
        ),
        now: u64,
        observe: Observer<'_>,
    ) -> Schedule {
        let mut orders = VecDeque::new();
        let steps = steps.filter(|(listed, _)| {
            let order = ordered.remove(&listed.number).map(Proof::Ordered);
            let is_ordered = order.is_some();
            orders.extend(order.map(|order| (listed.number, order)));
            !is_ordered
        });
        let mut schedule = self.schedule(steps, now, observe);
        schedule.deletions.waiting.append(&mut orders);
        schedule
    }
}

/// The fingerprint of a header as an order has it: cut where `--state delete` cuts it.
fn print(header: &[u8]) -> Fingerprint {
    let mut hasher = HeaderHasher::default();
    hasher.push(header);
    hasher.finish()
}
