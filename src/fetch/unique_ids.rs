//! What a unique-id is made of.

use crate::journal::{DERIVED, Fingerprint};
use crate::protocol::{UniqueId, UniqueIdListing};

/// Whether every unique-id is its message's number.
pub(super) fn is_numbered(listing: &[UniqueIdListing]) -> bool {
    let is_number = |listed: &UniqueIdListing| {
        listed.unique_id.as_ref().is_some_and(|id| id.is_number(listed.number))
    };
    !listing.is_empty() && listing.iter().all(is_number)
}

/// The unique-id of a message that has none.
pub(super) fn derived(print: Fingerprint) -> Option<UniqueId> {
    UniqueId::new(&[DERIVED, print.to_string().as_bytes()].concat())
}
