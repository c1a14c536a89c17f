//! How an order of a person is noted, and proven once: `--state delete`.

use crate::protocol::UniqueId;

use super::index::Index;
use super::journal_file::Journal;
use super::key::MessageKey;
use super::order::{Order, Ordered};
use super::record::Record;

impl Index {
    /// Whether any order holds.
    pub fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    /// Whether an order for a message with this unique-id holds.
    pub fn has_order(&self, unique_id: &UniqueId) -> bool {
        self.orders.contains_key(unique_id.as_bytes())
    }
}

impl Journal {
    /// Notes an order. It holds for the next session that lists the message.
    pub fn note_order(&mut self, unique_id: &UniqueId, order: Order) {
        let unique_id = unique_id.as_bytes().into();
        self.enqueue(&Record::Order { unique_id, order });
    }

    /// Ends the orders for a unique-id, and proves which of the listed messages that bear
    /// it were meant. The end rides with what is written before QUIT.
    pub fn take_orders(&mut self, unique_id: &UniqueId, listed: &[Order]) -> Vec<Option<Ordered>> {
        let orders = self.index().orders.get(unique_id.as_bytes()).cloned().unwrap_or_default();
        self.enqueue(&Record::OrderOver(unique_id.as_bytes().into()));
        let is_meant = |listed: &&Order| orders.iter().any(|order| order.means(listed));
        // Two that look the same cannot be told apart.
        let is_alone = |it: &Order| listed.iter().filter(|other| *other == it).count() == 1;
        let ordered = |it: &Order| {
            let occurrence = self.occurrence_of(unique_id, *it);
            Ordered { key: MessageKey::new(unique_id.clone(), occurrence) }
        };
        let proof = |it| Some(it).filter(is_meant).filter(|it| is_alone(it)).map(ordered);
        listed.iter().map(proof).collect()
    }

    /// Which of the known messages with a unique-id is meant; 0 if none.
    fn occurrence_of(&self, unique_id: &UniqueId, listed: Order) -> u32 {
        let mut known: Vec<_> = self.index().occurrences(unique_id).collect();
        if known.len() > 1 {
            known.retain(|known| known.fingerprint == listed.fingerprint);
        }
        match *known {
            [known] => known.occurrence,
            _ => 0,
        }
    }
}
