//! How an order of a person is noted, and proven once: `--state delete`.

use crate::protocol::UniqueId;

use super::clock::DAY;
use super::index::Index;
use super::journal_file::Journal;
use super::key::MessageKey;
use super::order::{HeldOrders, Order, Ordered, UnmetOrder};
use super::record::Record;

/// An order ends when fetches could not carry it out for so long: a listing that is short, or
/// a TOP that is refused, proves nothing on one day. A run counts seven days at most, so that
/// three fetches are needed at least, and a clock that jumps once ends nothing.
const ENDS_AFTER: u64 = 14 * DAY;

impl Index {
    fn orders_for(&self, unique_id: &UniqueId) -> &[Order] {
        self.orders.get(unique_id.as_bytes()).map_or(&[], |held| &held.orders)
    }

    /// Whether any order holds.
    pub fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    /// Whether an order for a message with this unique-id holds.
    pub fn has_order(&self, unique_id: &UniqueId) -> bool {
        self.orders.contains_key(unique_id.as_bytes())
    }

    /// Whether all orders for this unique-id mean their messages by the header.
    pub fn orders_need_header(&self, unique_id: &UniqueId) -> bool {
        self.orders_for(unique_id).iter().all(|order| order.fingerprint.is_some())
    }

    /// How many orders hold.
    pub fn count_orders(&self) -> usize {
        self.orders.values().map(|held| held.orders.len()).sum()
    }

    /// How many of the orders that hold could not be carried out so far, though a fetch tried.
    pub fn count_unmet_orders(&self) -> usize {
        let unmet = self.orders.values().filter(|held| held.unmet_since.is_some());
        unmet.map(|held| held.orders.len()).sum()
    }

    /// Whether the orders for a unique-id could not be carried out so far, though a fetch tried.
    pub fn is_order_unmet(&self, unique_id: &UniqueId) -> bool {
        let held = self.orders.get(unique_id.as_bytes());
        held.is_some_and(|held| held.unmet_since.is_some())
    }

    /// What a fetch at this time, in seconds since 1970, does with the orders for a unique-id
    /// if it cannot carry them out.
    pub fn unmet_order(&self, unique_id: &UniqueId, now: u64) -> UnmetOrder {
        let counted = self.clock.map_or(0, |clock| clock.after(now).counted);
        let held = self.orders.get(unique_id.as_bytes());
        match held.and_then(|held| held.unmet_since) {
            None => UnmetOrder::Begins,
            Some(since) if counted.saturating_sub(since) >= ENDS_AFTER => UnmetOrder::Ends,
            Some(_) => UnmetOrder::Waits,
        }
    }

    /// The orders that hold, sorted by unique-id.
    pub fn orders(&self) -> Vec<(UniqueId, Order)> {
        let mut orders: Vec<_> = self.orders.iter().collect();
        orders.sort_unstable_by_key(|(unique_id, _)| *unique_id);
        let of_unique_id = |(unique_id, held): (&Vec<u8>, &HeldOrders)| {
            let unique_id = UniqueId::new(unique_id);
            let orders = held.orders.clone().into_iter();
            unique_id.into_iter().flat_map(move |unique_id| {
                orders.clone().map(move |order| (unique_id.clone(), order))
            })
        };
        orders.into_iter().flat_map(of_unique_id).collect()
    }

    /// Which of the listed messages with a unique-id an order means. `listed` is how the
    /// server shows each of them.
    pub fn are_ordered(&self, unique_id: &UniqueId, listed: &[Order]) -> Vec<bool> {
        let orders = self.orders_for(unique_id);
        let is_meant = |it: &Order| orders.iter().any(|order| order.means(it));
        // Two that look the same cannot be told apart.
        let is_alone = |it: &Order| listed.iter().filter(|other| *other == it).count() == 1;
        listed.iter().map(|it| is_meant(it) && is_alone(it)).collect()
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
        let are_ordered = self.index().are_ordered(unique_id, listed);
        self.end_orders(unique_id);
        let ordered = |it: &Order| {
            let occurrence = self.occurrence_of(unique_id, *it);
            Ordered { key: MessageKey::new(unique_id.clone(), occurrence) }
        };
        let proof = |(it, is_ordered): (_, bool)| is_ordered.then(|| ordered(it));
        listed.iter().zip(are_ordered).map(proof).collect()
    }

    /// Notes that this fetch cannot carry the orders for a unique-id out, and ends them if
    /// that has lasted too long. Nothing is deleted by them.
    pub fn note_unmet_order(&mut self, unique_id: &UniqueId, now: u64) -> UnmetOrder {
        let unmet = self.index().unmet_order(unique_id, now);
        match unmet {
            UnmetOrder::Begins => {
                let (unique_id, since) = (unique_id.as_bytes().into(), self.counted());
                self.enqueue(&Record::OrderUnmet { unique_id, since });
            }
            UnmetOrder::Ends => _ = self.end_orders(unique_id),
            UnmetOrder::Waits => {}
        }
        unmet
    }

    /// Ends the orders for a unique-id, and returns how many there were.
    pub fn end_orders(&mut self, unique_id: &UniqueId) -> usize {
        let orders = self.index().orders_for(unique_id).len();
        if orders > 0 {
            self.enqueue(&Record::OrderOver(unique_id.as_bytes().into()));
        }
        orders
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
