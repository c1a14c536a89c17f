//! The sizes of all messages, as LIST gives them.

use std::collections::HashMap;

use crate::protocol::MessageNumber;
use crate::session;

use super::download::Session;
use super::error::{Error, Operation};

/// Takes the answer to LIST. Sizes are advice: refused, they stay unknown.
pub(super) fn sizes(session: &mut Session<'_>) -> Result<HashMap<MessageNumber, u64>, Error> {
    let listing = match session.scan_listing() {
        Err(session::Error::Refused { .. }) => Vec::new(),
        listing => listing.map_err(Operation::List.failed())?,
    };
    Ok(listing.into_iter().filter_map(|it| Some((it.number, it.octets?))).collect())
}
