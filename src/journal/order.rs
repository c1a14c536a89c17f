//! A person's order to delete a message, whatever its state: `--state delete`.

use std::collections::HashMap;

use super::fingerprint::Fingerprint;
use super::key::MessageKey;

/// Which message is to be deleted, besides its unique-id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its size as it was listed, if it was.
    pub octets: Option<u64>,
    /// Its header, if the server showed it.
    pub fingerprint: Option<Fingerprint>,
}

impl Order {
    /// Whether a listed message is the one that was meant. Where no header was seen its
    /// size has to be the same.
    pub(super) fn means(&self, listed: &Self) -> bool {
        match self.fingerprint {
            Some(_) => self.fingerprint == listed.fingerprint,
            None => self.octets.is_some() && self.octets == listed.octets,
        }
    }
}

/// The orders that hold for one unique-id.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldOrders {
    pub(super) orders: Vec<Order>,
    /// Since when fetches cannot carry them out, by the journal's own clock: the server does
    /// not list the unique-id, or does not show the header.
    pub(super) unmet_since: Option<u64>,
}

impl HeldOrders {
    /// An order is given, maybe again: it counts once, and its time to wait begins anew.
    pub(super) fn hold(&mut self, order: Order) {
        if !self.orders.contains(&order) {
            self.orders.push(order);
        }
        self.unmet_since = None;
    }
}

/// The orders that hold, by unique-id.
pub(super) type Orders = HashMap<Vec<u8>, HeldOrders>;

/// What a fetch that cannot carry an order out does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnmetOrder {
    /// It is the first such fetch.
    Begins,
    /// The order waits on.
    Waits,
    /// The order has waited for so long that it ends.
    Ends,
}

/// Proof that a person has ordered to delete a message. Only the journal makes it.
#[derive(Debug)]
pub struct Ordered {
    pub(super) key: MessageKey,
}
