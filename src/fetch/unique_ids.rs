//! What a unique-id is made of.

use crate::journal::{DERIVED, Fingerprint};
use crate::protocol::UniqueId;

use super::step::Listed;

/// Whether every unique-id is its message's number, and there is one.
pub(super) fn are_numbers(listing: &[Listed]) -> bool {
    !listing.is_empty() && listing.iter().all(|it| it.unique_id.is_number(it.number))
}

/// The unique-id of a message that has none.
pub(super) fn derived(print: Fingerprint) -> Option<UniqueId> {
    UniqueId::new(&[DERIVED, print.to_string().as_bytes()].concat())
}

/// Whether its message had none.
pub(super) fn is_derived(unique_id: &UniqueId) -> bool {
    unique_id.as_bytes().starts_with(DERIVED)
}
