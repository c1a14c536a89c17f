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

/// The orders that hold, by unique-id.
pub(super) type Orders = HashMap<Vec<u8>, Vec<Order>>;

/// Proof that a person has ordered to delete a message. Only the journal makes it.
#[derive(Debug)]
pub struct Ordered {
    pub(super) key: MessageKey,
}
