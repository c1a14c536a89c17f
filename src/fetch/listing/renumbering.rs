//! Whether the server has given known messages other unique-ids.

use std::collections::{HashSet, VecDeque};

use crate::journal::Index;

use super::{Listing, Renumbering};
use crate::fetch::error::Error;
use crate::fetch::step::Listed;
use crate::fetch::unique_ids::{are_numbers, is_derived};

/// So many of the unknown messages are looked at when almost none of the known
/// ones is listed.
const SAMPLE: usize = 16;

impl Listing<'_> {
    /// Whether the server has given the messages new unique-ids: of a sample of the
    /// unknown ones at least half have the header of a live record that is not
    /// listed now. Where headers cannot tell, almost no known one is listed.
    pub fn is_renumbered(&mut self, index: &Index) -> Result<Renumbering, Error> {
        let unknown = self.listing.iter().filter(|l| !index.knows(&l.unique_id));
        let sample: VecDeque<_> = unknown.map(|listed| listed.number).take(SAMPLE).collect();
        if sample.is_empty() || self.is_numbered_as_before(index) {
            return Ok(Renumbering::None);
        }
        let listed = self.indexed(index);
        let (mut expected, mut there) = (0usize, 0usize);
        for (id, _) in index.living() {
            expected += 1;
            there += usize::from(listed.has(id));
        }
        let files = self.unlisted_files(index);
        let found = index.all_found().count();
        expected += found;
        there += found.saturating_sub(files.len());
        if there == expected {
            return Ok(Renumbering::None);
        }
        let few = there * 10 < expected;
        let known: HashSet<_> = self
            .orphans(index)
            .into_keys()
            .chain(files.iter().map(|file| file.fingerprint))
            .collect();
        if known.is_empty() || self.lacks_headers() {
            return Ok(if few { Renumbering::Whole } else { Renumbering::None });
        }
        let asked = sample.len();
        let headers = self.shown_headers(sample)?;
        let prints = headers.values().filter_map(|header| header.identity());
        let matches = prints.filter(|print| known.contains(print)).count();
        Ok(match matches {
            _ if headers.is_empty() && few => Renumbering::Whole,
            0 => Renumbering::None,
            some if some * 2 >= asked => Renumbering::Whole,
            _ => {
                self.sampled = headers;
                Renumbering::Some
            }
        })
    }

    /// Whether unique-ids are numbers and were it before: there headers and sizes say
    /// which message is which, and a number that is unknown says nothing.
    fn is_numbered_as_before(&self, index: &Index) -> bool {
        are_numbers(&self.listing)
            && index.living().all(|(_, id)| id.iter().all(u8::is_ascii_digit))
    }

    /// Whether a message that had no unique-id once may have one now.
    pub fn may_have_got_names(&self, index: &Index) -> bool {
        let has_got_one = |it: &Listed| !index.knows(&it.unique_id) && !is_derived(&it.unique_id);
        if !self.listing.iter().any(has_got_one) {
            return false;
        }
        let listed = self.indexed(index);
        // QUIT may not have removed what was deleted.
        index.derived_lately().any(|id| !listed.has(id))
    }
}
