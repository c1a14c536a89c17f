//! Whether the maildrop is one that another journal of the Maildir knows: the same
//! mailbox, under a name that its server or its user had before.

use std::collections::VecDeque;

use crate::journal::{Index, Siblings};
use crate::protocol::MessageNumber;

use super::error::Error;
use super::listing::Listing;
use super::step::Listed;

/// So many messages are compared.
const SAMPLE: usize = 8;

/// What a comparison came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Likeness {
    /// Nothing could be compared.
    Unknown,
    Same,
    Different,
}

impl Listing<'_> {
    /// Fails if this maildrop is that of one of these mailboxes.
    pub fn refuse_another_name(&mut self, siblings: &Siblings) -> Result<(), Error> {
        for (mailbox, index) in siblings.read() {
            if self.is_known_to(&index)? {
                return Err(Error::SameMailbox(mailbox.clone()));
            }
        }
        Ok(())
    }

    /// Whether a journal knows most of the listed unique-ids, and the header of every
    /// message that is compared; without headers, the size of all that have one.
    pub fn is_known_to(&mut self, index: &Index) -> Result<bool, Error> {
        let known = |listed: &&Listed| index.knows(&listed.unique_id);
        let known: Vec<Listed> = self.listing.iter().filter(known).cloned().collect();
        // An empty maildrop shows nothing.
        if known.len() * 2 <= self.listing.len() {
            return Ok(false);
        }
        let likeness = match self.compare_headers(&known, index)? {
            Likeness::Unknown => compare_sizes(&known, index),
            likeness => likeness,
        };
        Ok(likeness == Likeness::Same)
    }

    fn compare_headers(&mut self, known: &[Listed], index: &Index) -> Result<Likeness, Error> {
        if index.distrusts_top() {
            return Ok(Likeness::Unknown);
        }
        let has_header = |listed: &&Listed| {
            index.occurrences(&listed.unique_id).any(|known| known.fingerprint.is_some())
        };
        let known: Vec<&Listed> = known.iter().filter(has_header).collect();
        // Spread over the maildrop.
        let sample = known.iter().step_by(known.len().div_ceil(SAMPLE).max(1));
        let numbers: VecDeque<MessageNumber> = sample.map(|listed| listed.number).collect();
        let headers = self.shown_headers(numbers)?;
        let mut likeness = Likeness::Unknown;
        for listed in known {
            let Some(header) = headers.get(&listed.number) else { continue };
            let mut same = index
                .occurrences(&listed.unique_id)
                .filter(|known| known.fingerprint == header.print());
            let Some(record) = same.next() else { return Ok(Likeness::Different) };
            // Without a Message-ID another message may have the same header.
            let is_sure = header.identity().is_some()
                || listed.octets.is_some() && listed.octets == record.octets;
            if is_sure {
                likeness = Likeness::Same;
            }
        }
        Ok(likeness)
    }
}

fn compare_sizes(known: &[Listed], index: &Index) -> Likeness {
    let mut likeness = Likeness::Unknown;
    for listed in known {
        let Some(octets) = listed.octets else { continue };
        let mut sizes =
            index.occurrences(&listed.unique_id).filter_map(|known| known.octets).peekable();
        if sizes.peek().is_none() {
            continue;
        }
        if sizes.all(|size| size != octets) {
            return Likeness::Different;
        }
        likeness = Likeness::Same;
    }
    likeness
}
