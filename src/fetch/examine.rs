//! The headers that decide what happens to a message.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::journal::{Index, State};
use crate::protocol::MessageNumber;

use super::error::Error;
use super::header::ListedHeader;
use super::listing::Listing;
use super::plan::{Plan, plan};
use super::step::{Listed, Policy, Step};

/// Deleted messages that are listed again with their sizes are looked at one by one
/// if they are no more than this …
const FEW: usize = 64;

/// … else a sample of so many says what they all are.
const SAMPLE: usize = 16;

impl Listing<'_> {
    /// The steps for what is listed, headers looked at where they decide.
    pub fn steps(&mut self, index: &Index, policy: &Policy, now: u64) -> Result<Vec<Step>, Error> {
        if self.distrusts_top {
            for listed in &mut self.listing {
                listed.header = ListedHeader::Unavailable;
            }
        }
        loop {
            let needed = match plan(&self.listing, index, policy, now) {
                Plan::NeedHeaders(needed) => needed,
                Plan::Steps(steps) => return Ok(steps),
            };
            let doubtful = self.listing.iter().filter(|listed| needed.contains(&listed.number));
            let doubtful: Vec<Listed> = doubtful.cloned().collect();
            self.sample(&doubtful, index)?;
            // Each header is asked for once, so this ends.
            self.examine(|listed| needed.contains(&listed.number))?;
        }
    }

    /// Looks at some of the deleted messages that are listed again. If they are what
    /// they were, so are the others.
    fn sample(&mut self, doubtful: &[Listed], index: &Index) -> Result<(), Error> {
        let alike: Vec<&Listed> =
            doubtful.iter().filter(|it| is_deleted_alike(it, index)).collect();
        if alike.len() <= FEW {
            return Ok(());
        }
        // Spread over the maildrop.
        let sample = alike.iter().step_by(alike.len().div_ceil(SAMPLE));
        let sample: HashSet<_> = sample.map(|listed| listed.number).collect();
        self.examine(|listed| sample.contains(&listed.number))?;
        let is_same = |listed: &Listed| {
            let print = listed.header.print();
            print.is_some()
                && index.occurrences(&listed.unique_id).any(|known| known.fingerprint == print)
        };
        let examined = self.listing.iter().filter(|listed| sample.contains(&listed.number));
        if examined.clone().all(is_same) {
            let rest: HashSet<_> = alike.iter().map(|listed| listed.number).collect();
            let unasked = |listed: &&mut Listed| {
                rest.contains(&listed.number) && listed.header == ListedHeader::Unasked
            };
            self.listing
                .iter_mut()
                .filter(unasked)
                .for_each(|it| it.header = ListedHeader::Sampled);
        }
        Ok(())
    }

    /// Asks for the headers of these messages that were not asked for yet.
    fn examine(&mut self, is_wanted: impl Fn(&Listed) -> bool) -> Result<(), Error> {
        let is_asked = |it: &Listed| it.header == ListedHeader::Unasked && is_wanted(it);
        let asked = self.listing.iter().filter(|listed| is_asked(listed));
        let asked: VecDeque<MessageNumber> = asked.map(|listed| listed.number).collect();
        let wanted: HashSet<_> = asked.iter().copied().collect();
        let headers: HashMap<_, _> = self.shown_headers(asked)?;
        for listed in self.listing.iter_mut().filter(|listed| wanted.contains(&listed.number)) {
            listed.header =
                headers.get(&listed.number).copied().unwrap_or(ListedHeader::Unavailable);
        }
        Ok(())
    }
}

/// Whether one message is known by this unique-id, and it was deleted with this size.
fn is_deleted_alike(listed: &Listed, index: &Index) -> bool {
    let mut occurrences = index.occurrences(&listed.unique_id);
    let known = occurrences.next().filter(|_| occurrences.next().is_none());
    known.is_some_and(|known| {
        known.state == State::Deleted && listed.octets.is_some() && known.octets == listed.octets
    })
}
