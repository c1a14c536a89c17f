//! The messages that a command means: all of them, or those that a person named.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::protocol::{MessageNumber, UniqueId};

use super::error::Error;

/// Which messages are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Every message.
    #[default]
    All,
    /// Only these. Numbers hold for the next listing alone.
    Some {
        /// By unique-id.
        unique_ids: HashSet<UniqueId>,
        /// By message-number, first and last.
        numbers: Vec<RangeInclusive<u32>>,
    },
}

impl Selection {
    /// Whether a message is one of them.
    pub fn means(&self, number: MessageNumber, unique_id: &UniqueId) -> bool {
        match self {
            Self::All => true,
            Self::Some { unique_ids, numbers } => {
                unique_ids.contains(unique_id)
                    || numbers.iter().any(|range| range.contains(&number.get()))
            }
        }
    }

    /// The same messages by unique-id alone, because numbers change from one session to
    /// the next. A name that means no listed message is an error.
    pub fn resolved<'l>(
        &self,
        listing: impl Iterator<Item = (MessageNumber, &'l UniqueId)> + Clone,
    ) -> Result<Self, Error> {
        let Self::Some { unique_ids, numbers } = self else { return Ok(Self::All) };
        let listed: HashSet<_> = listing.clone().map(|(_, unique_id)| unique_id).collect();
        if let Some(missing) = unique_ids.iter().find(|unique_id| !listed.contains(unique_id)) {
            return Err(Error::NoSuchMessage(format!("with the unique-id {}", missing.word())));
        }
        let is_there = |range: &RangeInclusive<u32>| {
            listing.clone().any(|(number, _)| range.contains(&number.get()))
        };
        if let Some(missing) = numbers.iter().find(|range| !is_there(range)) {
            let (first, last) = (missing.start(), missing.end());
            let missing = if first == last { first.to_string() } else { format!("{first}-{last}") };
            return Err(Error::NoSuchMessage(missing));
        }
        let meant = listing.filter(|(number, unique_id)| self.means(*number, unique_id));
        let unique_ids = meant.map(|(_, unique_id)| unique_id.clone());
        Ok(Self::Some { unique_ids: unique_ids.collect(), numbers: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique_id(text: &str) -> UniqueId {
        UniqueId::new(text.as_bytes()).unwrap()
    }

    fn resolve(named: &Selection, listing: &[(u32, &str)]) -> Result<Selection, Error> {
        let listing: Vec<_> =
            listing.iter().map(|it| (MessageNumber::new(it.0).unwrap(), unique_id(it.1))).collect();
        named.resolved(listing.iter().map(|(number, unique_id)| (*number, unique_id)))
    }

    fn named(unique_ids: &[&str], numbers: &[RangeInclusive<u32>]) -> Selection {
        let unique_ids = unique_ids.iter().map(|id| unique_id(id));
        Selection::Some { unique_ids: unique_ids.collect(), numbers: numbers.to_vec() }
    }

    #[test]
    fn numbers_become_unique_ids_that_hold_in_a_later_session() {
        let listing = [(1, "a"), (2, "b"), (3, "c"), (5, "e")];
        let resolved = resolve(&named(&["a"], &[3..=9]), &listing).unwrap();
        assert_eq!(resolved, named(&["a", "c", "e"], &[]));
        let now = MessageNumber::new(3).unwrap();
        assert!(!resolved.means(now, &unique_id("b")));
    }

    #[test]
    fn a_name_that_means_no_listed_message_is_an_error() {
        let listing = [(1, "a"), (2, "b")];
        for (wrong, name) in [
            (named(&["x"], &[]), "with the unique-id x"),
            (named(&["-x"], &[]), "with the unique-id %2Dx"),
            (named(&[], &[1..=1, 3..=3]), "3"),
            (named(&[], &[4..=9]), "4-9"),
        ] {
            let error = resolve(&wrong, &listing).unwrap_err();
            assert_eq!(error.to_string(), format!("there is no message {name}"));
        }
        assert_eq!(resolve(&Selection::All, &listing).unwrap(), Selection::All);
    }
}
