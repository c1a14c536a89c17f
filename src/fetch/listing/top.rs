//! TOP: the headers of messages, and what they say.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::journal::{Fingerprint, HeaderHasher, Index};
use crate::protocol::MessageNumber;

use super::Listing;
use crate::fetch::error::Error;
use crate::fetch::header::ListedHeader;
use crate::fetch::headers::Headers;
use crate::fetch::step::Listed;
use crate::fetch::unique_ids::are_numbers;

/// A header longer than this is cut off before anybody decodes it.
const MAX_HEADER: usize = 64 * 1024;

impl Listing<'_> {
    /// The sizes and headers of all messages, where numbers are their unique-ids
    /// and so say nothing of them.
    pub(in crate::fetch) fn headers_of_numbered(
        &mut self,
    ) -> Result<HashMap<MessageNumber, ListedHeader>, Error> {
        if !are_numbers(&self.listing) {
            return Ok(HashMap::new());
        }
        self.shown_headers(self.listing.iter().map(|listed| listed.number).collect())
    }

    /// The messages whose unique-ids the journal does not know, each with its header, in
    /// the listing's order.
    pub(in crate::fetch) fn unknown_headers(
        &mut self,
        index: &Index,
    ) -> Result<Vec<(Listed, Fingerprint)>, Error> {
        let unknown = |listed: &&Listed| !index.knows(&listed.unique_id);
        let numbers = self.listing.iter().filter(unknown).map(|listed| listed.number).collect();
        let headers = self.shown_headers(numbers)?;
        let header =
            |listed: &Listed| Some((listed.clone(), headers.get(&listed.number)?.identity()?));
        Ok(self.listing.iter().filter_map(header).collect())
    }

    /// Whether no header decides anything.
    pub(in crate::fetch) fn lacks_headers(&self) -> bool {
        self.no_top || self.distrusts_top
    }

    /// What the headers of some messages show, where that decides; those that the server
    /// refuses are missing.
    pub(in crate::fetch) fn shown_headers(
        &mut self,
        numbers: VecDeque<MessageNumber>,
    ) -> Result<HashMap<MessageNumber, ListedHeader>, Error> {
        if self.lacks_headers() { Ok(HashMap::new()) } else { self.read_headers(numbers) }
    }

    /// The same by pipelined TOP, whether it is trusted or not.
    pub(super) fn read_headers(
        &mut self,
        mut numbers: VecDeque<MessageNumber>,
    ) -> Result<HashMap<MessageNumber, ListedHeader>, Error> {
        let mut headers = HashMap::new();
        numbers.retain(|number| {
            let sampled = self.sampled.get(number);
            sampled.map(|header| headers.insert(*number, *header)).is_none()
        });
        self.tops(numbers, HeaderHasher::push, |number, hasher| {
            let identifies = hasher.identifies();
            let print = hasher.finish();
            let header = if identifies {
                ListedHeader::Print(print)
            } else {
                ListedHeader::Anonymous(print)
            };
            headers.insert(number, header);
        })?;
        Ok(headers)
    }

    /// Reads headers, and remembers at which message that broke the session.
    fn tops<C: Default>(
        &mut self,
        mut numbers: VecDeque<MessageNumber>,
        push: fn(&mut C, &[u8]),
        done: impl FnMut(MessageNumber, C),
    ) -> Result<(), Error> {
        if self.no_top {
            return Ok(());
        }
        if !self.headerless.is_empty() {
            let without = self.listing.iter().filter(|it| self.headerless.contains(&it.unique_id));
            let without: HashSet<_> = without.map(|listed| listed.number).collect();
            numbers.retain(|number| !without.contains(number));
        }
        let (transaction, proofs) = (&mut self.transaction, &mut self.proofs);
        let mut headers = Headers::new(transaction, proofs, numbers, 0, push);
        let read = headers.read(done);
        if read.is_err() {
            let at = self.listing.iter().find(|listed| Some(listed.number) == headers.at);
            self.broken_header = at.map(|listed| listed.unique_id.clone());
        }
        read
    }

    /// The headers of these messages, each cut at 64 KiB.
    pub fn headers(
        &mut self,
        numbers: VecDeque<MessageNumber>,
        take: impl FnMut(MessageNumber, Vec<u8>),
    ) -> Result<(), Error> {
        let push = |header: &mut Vec<u8>, piece: &[u8]| {
            let room = MAX_HEADER.saturating_sub(header.len());
            header.extend_from_slice(piece.get(..room).unwrap_or(piece));
        };
        self.tops(numbers, push, take)
    }
}
