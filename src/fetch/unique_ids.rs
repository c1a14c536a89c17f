//! What a unique-id is made of.

use crate::journal::{DERIVED, Fingerprint};
use crate::protocol::{MessageNumber, UniqueId};

/// Whether every unique-id is its message's number, and there is one.
pub(super) fn are_numbers<'l>(
    mut listing: impl Iterator<Item = (MessageNumber, Option<&'l UniqueId>)>,
) -> bool {
    let is_number = |(number, id): (MessageNumber, Option<&UniqueId>)| {
        id.is_some_and(|id| id.is_number(number))
    };
    listing.next().is_some_and(is_number) && listing.all(is_number)
}

/// The unique-id of a message that has none.
pub(super) fn derived(print: Fingerprint) -> Option<UniqueId> {
    UniqueId::new(&[DERIVED, print.to_string().as_bytes()].concat())
}

/// Whether its message had none.
pub(super) fn is_derived(unique_id: &UniqueId) -> bool {
    unique_id.as_bytes().starts_with(DERIVED)
}
