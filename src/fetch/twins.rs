//! Messages that seem new and may be known ones under other unique-ids: compared
//! whole before they are committed.

use std::collections::{HashMap, HashSet};

use crate::journal::{ContentHash, Index, MessageKey, State};
use crate::protocol::UniqueId;

use super::step::{Listed, Step};
use super::unique_ids::are_numbers;

/// Known messages that are not listed under the unique-id that they are known by, by
/// their content.
#[derive(Debug, Default)]
pub(super) struct Twins {
    known: HashMap<ContentHash, Vec<MessageKey>>,
    /// Those that came again under another unique-id.
    pub(super) renamed: Vec<(MessageKey, MessageKey)>,
}

impl Twins {
    /// Where unique-ids are message-numbers they say nothing: there every known
    /// message counts. Where nothing is fetched, no record is read.
    pub(super) fn of(listing: &[Listed], steps: &[Step], index: &Index) -> Self {
        if !steps.iter().any(|step| matches!(step, Step::Retrieve(_))) {
            return Self::default();
        }
        let numbered = are_numbers(listing.iter().map(Listed::name));
        let listed: HashSet<&UniqueId> = listing.iter().map(|it| &it.unique_id).collect();
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        for (unique_id, it) in index.iter() {
            let is_here = matches!(it.state, State::Delivered | State::DeletePending);
            if let Some(content) = it.content
                && is_here
                && (numbered || !listed.contains(&unique_id))
            {
                let key = MessageKey::new(unique_id, it.occurrence);
                known.entry(content).or_default().push(key);
            }
        }
        Self { known, renamed: Vec::new() }
    }

    /// Whether a message is here already, octet for octet.
    pub(super) fn take(&mut self, key: &MessageKey, content: ContentHash) -> bool {
        let Some(old) = self.known.get_mut(&content).and_then(Vec::pop) else { return false };
        self.renamed.push((old, key.clone()));
        true
    }
}
