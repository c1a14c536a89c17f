//! What LIST says of the messages that UIDL names.

use super::Listing;
use crate::fetch::error::{Error, Operation};
use crate::protocol::{Leniency, MessageNumber, ScanListing};

impl Listing<'_> {
    /// Puts sizes to the messages that have a unique-id. Returns LIST's lines by number.
    pub(in crate::fetch) fn note_sizes(&mut self, mut scan: Vec<ScanListing>) -> Vec<ScanListing> {
        scan.sort_unstable_by_key(|it| it.number);
        for listed in &mut self.listing {
            listed.octets = find(&scan, listed.number).and_then(|found| found.octets);
        }
        scan
    }

    /// Leaves out what UIDL alone lists: where it has more messages than STAT and LIST,
    /// which agree, these say which there are.
    pub(super) fn leave_to(&mut self, scan: &[ScanListing]) -> Result<(), Error> {
        self.listing.retain(|listed| find(scan, listed.number).is_some());
        self.transaction.lenient(Leniency::UidlLongerThanList).map_err(Operation::List.failed())
    }
}

/// The line of a message among those of LIST, which are in order.
fn find(scan: &[ScanListing], number: MessageNumber) -> Option<&ScanListing> {
    scan.get(scan.binary_search_by_key(&number, |it| it.number).ok()?)
}
