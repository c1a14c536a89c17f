//! The numbers of a listing, and whether one stands in it twice.

use crate::protocol::MessageNumber;

/// A set of message-numbers. Consecutive ones are kept as one range: most listings are one.
#[derive(Debug, Default)]
pub(super) struct NumberSet {
    runs: Vec<(u32, u32)>,
    /// How many there are.
    pub(super) count: usize,
    is_unordered: bool,
}

impl NumberSet {
    pub(super) fn add(&mut self, number: MessageNumber) {
        let number = number.get();
        self.count += 1;
        match self.runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            last => {
                self.is_unordered |= last.is_some_and(|(_, last)| *last >= number);
                self.runs.push((number, number));
            }
        }
    }

    pub(super) fn has_one_twice(mut self) -> bool {
        // Those that ascend differ.
        if !self.is_unordered {
            return false;
        }
        self.runs.sort_unstable();
        let overlap =
            |pair: &[(u32, u32)]| matches!(pair, [(_, last), (first, _)] if first <= last);
        self.runs.windows(2).any(overlap)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_that_stands_there_twice_is_found_in_any_order(
            numbers in prop::collection::vec(1u32..12, 0..9),
        ) {
            let mut found = NumberSet::default();
            numbers.iter().for_each(|number| found.add(MessageNumber::new(*number).unwrap()));
            let distinct: HashSet<_> = numbers.iter().collect();
            prop_assert_eq!(found.count, numbers.len());
            prop_assert_eq!(found.has_one_twice(), distinct.len() < numbers.len());
        }
    }
}
