//! The sizes of all messages, as LIST gives them.

use crate::protocol::{DropListing, ScanListing};
use crate::session::{self, Refusal};

use super::download::Session;
use super::error::{Error, Operation};

/// Takes the answer to LIST, or the server's refusal.
pub(super) fn scan_or_refusal(
    session: &mut Session<'_>,
) -> Result<Result<Vec<ScanListing>, Refusal>, Error> {
    answer(session.scan_listing())
}

/// The same where LIST was sent with UIDL and STAT. It may have been lost behind them.
pub(super) fn awaited_scan(
    session: &mut Session<'_>,
) -> Result<Option<Result<Vec<ScanListing>, Refusal>>, Error> {
    if !session.awaits_sizes() {
        return Ok(None);
    }
    answer(session.scan_listing().map_err(session::Error::out_of_step)).map(Some)
}

fn answer(
    scan: Result<Vec<ScanListing>, session::Error>,
) -> Result<Result<Vec<ScanListing>, Refusal>, Error> {
    match scan {
        Ok(scan) => Ok(Ok(scan)),
        Err(session::Error::Refused { refusal, .. }) => Ok(Err(refusal)),
        Err(error) => Err(Operation::List.failed()(error)),
    }
}

/// Whether STAT says that there is no message, where a listing was refused.
pub(super) fn is_empty(drop: Option<DropListing>) -> bool {
    drop.is_some_and(|drop| drop.messages == 0)
}
