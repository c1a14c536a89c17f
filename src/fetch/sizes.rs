//! The sizes of all messages, as LIST gives them.

use crate::protocol::ScanListing;
use crate::session;

use super::download::Session;
use super::error::{Error, Operation};

/// Takes the answer to LIST. Sizes are advice: refused, there are none.
pub(super) fn scan(session: &mut Session<'_>) -> Result<Vec<ScanListing>, Error> {
    match session.scan_listing() {
        Err(session::Error::Refused { .. }) => Ok(Vec::new()),
        scan => scan.map_err(Operation::List.failed()),
    }
}
