//! What STAT says of all messages together, where UIDL alone is asked.
//!
//! In keep mode the sizes of known messages are not asked for: LIST of a large maildrop is
//! long. Where the total is another one than that of the known sizes, some message is
//! another one, or the server counts anew: then LIST tells which.

use crate::protocol::{DropListing, ScanListing};

/// Whether STAT's total is another one than that of the known messages. Where a message is
/// new, or a size is not known, nothing can be said.
pub(super) fn has_changed(drop: Option<DropListing>, known: Option<u64>) -> bool {
    drop.zip(known).is_some_and(|(drop, known)| drop.octets != known)
}

/// Whether STAT's total is that of LIST's sizes, if both are known. Some servers count
/// line ends otherwise.
pub(super) fn is_that_of(drop: Option<DropListing>, scan: &[ScanListing]) -> Option<bool> {
    let listed = ScanListing::total(scan)?;
    Some(drop.filter(|_| !scan.is_empty())?.octets == listed)
}
