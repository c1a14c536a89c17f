//! LIST: how it is asked, and what it says of the messages that UIDL names.

use super::Listing;
use crate::fetch::download::Purpose;
use crate::fetch::error::{Error, Operation};
use crate::fetch::sizes::{is_empty, scan_or_refusal};
use crate::protocol::{DropListing, Keyword, Leniency, MessageNumber, ScanListing};
use crate::session::{self, Refusal};

impl Listing<'_> {
    /// Asks for the sizes of all messages; the server may refuse that.
    pub(in crate::fetch) fn ask_sizes(
        &mut self,
    ) -> Result<Result<Vec<ScanListing>, Refusal>, Error> {
        let failed = || Operation::List.failed();
        self.transaction.ask_capabilities().map_err(failed())?;
        self.transaction.list(None, Purpose::Sizes).map_err(failed())?;
        scan_or_refusal(&mut self.transaction)
    }

    /// The sizes that LIST has told. They are advice: where it is refused there are none,
    /// unless UIDL was refused, too. Some servers refuse to list what is empty.
    pub(super) fn believed_sizes(
        &mut self,
        scan: Result<Vec<ScanListing>, Refusal>,
        (drop, no_unique_ids): (Option<DropListing>, Option<&Refusal>),
    ) -> Result<Vec<ScanListing>, Error> {
        let failed = || Operation::List.failed();
        match scan {
            Err(_) if is_empty(drop) => {
                let lenient = self.transaction.lenient(Leniency::EmptyMaildropRefused);
                lenient.map(|()| Vec::new()).map_err(failed())
            }
            Err(refusal) if no_unique_ids.is_some() => {
                Err(failed()(session::Error::Refused { keyword: Keyword::List, refusal }))
            }
            scan => Ok(scan.unwrap_or_default()),
        }
    }

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
