//! What the journal says of one message.

use std::fmt;

use super::content::ContentHash;
use super::fingerprint::Fingerprint;

/// A message's state towards the server. A message has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Delivered, and its deletion was asked for: whether it happened is not known.
    DeletePending,
    /// Delivered, and the server confirmed its deletion.
    Deleted,
    /// Delivered into the Maildir; its owner may have moved it on.
    Delivered,
    /// Delivered, with fewer octets than the server had announced: never deleted.
    DeliveredShort,
    /// It could not be fetched; asked for again later.
    Failed,
    /// Committed, then found nowhere: its owner may have taken it, or it was lost.
    Held,
    /// Something other than a commit of this journal says that it was delivered:
    /// another program's state, or a file in the Maildir whose header was not
    /// compared. Neither fetched nor deleted.
    Imported,
    /// Marked as seen, never delivered by us.
    Seen,
    /// Larger than was wanted; left on the server.
    TooLarge,
}

impl State {
    pub(super) const ALL: [Self; 9] = [
        Self::DeletePending,
        Self::Deleted,
        Self::Delivered,
        Self::DeliveredShort,
        Self::Failed,
        Self::Held,
        Self::Imported,
        Self::Seen,
        Self::TooLarge,
    ];

    /// The state's word, in the journal and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::DeletePending => "delete-pending",
            Self::Deleted => "deleted",
            Self::Delivered => "delivered",
            Self::DeliveredShort => "delivered-short",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Imported => "imported",
            Self::Seen => "seen",
            Self::TooLarge => "too-large",
        }
    }

    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word().as_bytes() == word)
    }

    /// Whether a commit put the message into the Maildir.
    pub fn is_delivered(self) -> bool {
        use State::{DeletePending, Deleted, Delivered, DeliveredShort, Held};
        matches!(self, DeletePending | Deleted | Delivered | DeliveredShort | Held)
    }

    /// Whether DELE may name a message in this state, once it is settled.
    pub(super) fn is_deletable(self) -> bool {
        matches!(self, Self::DeletePending | Self::Delivered)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What tells a message from others, besides its key. Each part may be unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its size in octets, as the server listed it.
    pub octets: Option<u64>,
    /// Its header.
    pub fingerprint: Option<Fingerprint>,
    /// The whole of it, as it is stored.
    pub content: Option<ContentHash>,
}

/// One message that the journal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which of the messages with this unique-id, from 1.
    pub occurrence: u32,
    /// Its unique-id was once listed more than once.
    pub shared: bool,
    /// Its state.
    pub state: State,
    /// Its size as the server listed it, if that was noted.
    pub octets: Option<u64>,
    /// Its header's fingerprint, if that was noted.
    pub fingerprint: Option<Fingerprint>,
    /// The hash of its stored octets, if it was fetched.
    pub content: Option<ContentHash>,
    /// When it was delivered, or what else the journal first noted of it, by this
    /// machine's clock: seconds since 1970, to be shown.
    pub at: u64,
    /// The same moment by the journal's own count of seconds, by which it ages
    /// ([`super::Index::age`]).
    pub counted: u64,
    /// How often it has failed.
    pub tries: u32,
    /// After a failure: when to try again, in seconds since 1970.
    pub not_before: u64,
}

/// The greatest pause after a failure. A time further ahead was noted while the
/// clock was wrong.
const GREATEST_PAUSE: u64 = 86_400;

impl Known {
    /// When a failed message is tried again, if that is later than `now`.
    pub fn waits_until(&self, now: u64) -> Option<u64> {
        let ahead = self.not_before.checked_sub(now)?;
        (1..=GREATEST_PAUSE).contains(&ahead).then_some(self.not_before)
    }

    /// Whether its header or its content can be compared with another message's.
    pub fn can_be_compared(&self) -> bool {
        self.fingerprint.is_some() || self.content.is_some()
    }

    /// What tells it from others.
    pub fn facts(&self) -> Facts {
        let Self { octets, fingerprint, content, .. } = *self;
        Facts { octets, fingerprint, content }
    }

    pub(super) fn with_facts(self, facts: Facts) -> Self {
        let Facts { octets, fingerprint, content } = facts;
        Self { octets, fingerprint, content, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_further_ahead_than_the_greatest_pause_means_now() {
        let waits = |not_before| {
            let known = Known {
                occurrence: 1,
                shared: false,
                state: State::Failed,
                octets: None,
                fingerprint: None,
                content: None,
                at: 0,
                counted: 0,
                tries: 1,
                not_before,
            };
            known.waits_until(1_000_000)
        };
        assert_eq!(waits(999_999), None);
        assert_eq!(waits(1_000_000), None);
        assert_eq!(waits(1_000_900), Some(1_000_900));
        assert_eq!(waits(1_086_400), Some(1_086_400));
        assert_eq!(waits(1_086_401), None);
        assert_eq!(waits(u64::MAX), None);
    }

    #[test]
    fn every_state_is_read_back_from_its_word() {
        for state in State::ALL {
            assert_eq!(State::parse(state.word().as_bytes()), Some(state));
        }
        assert_eq!(State::parse(b"asked"), None);
    }
}
