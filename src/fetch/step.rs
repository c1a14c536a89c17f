//! What is listed, what is wanted, and what is done with a message.

use std::collections::HashSet;

use crate::protocol::{Expire, MessageNumber, UniqueId};

use super::header::ListedHeader;
use super::selection::Selection;

/// One message, as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number in this session.
    pub number: MessageNumber,
    /// Its unique-id.
    pub unique_id: UniqueId,
    /// Its size, where LIST was asked and named it.
    pub octets: Option<u64>,
    /// What is known of its header.
    pub header: ListedHeader,
}

/// What happens on the server to messages that are safe here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    /// They are deleted so many days after delivery.
    After(u32),
    /// They stay.
    #[default]
    Keep,
    /// They are deleted in the session that delivers them.
    Now,
}

impl Deletion {
    /// The days after which the server may remove messages (EXPIRE), if that is
    /// sooner than they would be deleted.
    pub fn outlives(self, expire: Expire) -> Option<u64> {
        expire.days.filter(|days| match self {
            Self::After(wanted) => *days < u64::from(wanted),
            Self::Keep => true,
            Self::Now => false,
        })
    }
}

/// What the user wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What happens on the server.
    pub deletion: Deletion,
    /// Larger messages are left there; in octets.
    pub max_size: Option<u64>,
    /// At most so many are fetched in this run.
    pub limit: Option<usize>,
    /// Messages that failed are tried again whatever their back-off.
    pub retry_failed: bool,
    /// Nothing is done with any other message.
    pub named: Selection,
    /// Messages that a person has ordered to delete (`--state delete`).
    pub ordered: HashSet<MessageNumber>,
}

/// What to do with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its file is in the Maildir, by its name: the journal is told.
    Adopt {
        /// Which of the messages with this unique-id.
        occurrence: u32,
        /// Its header is that of the file.
        sure: bool,
    },
    /// It is deleted from the server.
    Delete {
        /// Which of the messages with this unique-id.
        occurrence: u32,
    },
    /// Nothing.
    Leave(LeaveReason),
    /// A person has ordered to delete it from the server, fetched or not.
    Order,
    /// It is fetched.
    Retrieve(Retrieval),
}

/// A message to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retrieval {
    /// Which of the messages with this unique-id it will be.
    pub occurrence: u32,
    /// How many with this unique-id there are.
    pub occurrences: u32,
    /// How often it has failed before.
    pub tries: u32,
    /// The unique-id is known and TOP shows a header that no known message with it
    /// has: if RETR shows a known one after all, TOP lies and the message is none
    /// of ours to store.
    pub doubtful: bool,
    /// It is here and may be deleted if it is, octet for octet, what is here: nothing
    /// less proves which message it is.
    pub compares: bool,
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// The header is the journal's and the size is not: it is the known message, and
    /// the journal takes the new size.
    Changed {
        /// Which of the messages with this unique-id.
        occurrence: u32,
    },
    /// It was deleted, and the server lists it again.
    DeletedBefore,
    /// It is here; it may be deleted from then on (seconds since 1970).
    Delivered {
        /// `None` if it is kept.
        deletable: Option<u64>,
    },
    /// It could not be fetched and is not tried again before then.
    Failed {
        /// Seconds since 1970.
        until: u64,
    },
    /// It was committed and is not in the Maildir: its owner may have it.
    Held,
    /// Its header is that of a message that is known under another number.
    KnownElsewhere,
    /// This run has fetched enough.
    Limit,
    /// Only other messages are meant.
    NotNamed,
    /// It was marked as seen.
    Seen,
    /// It is larger than wanted.
    TooLarge {
        /// Which of the messages with this unique-id.
        occurrence: u32,
        /// Its size as listed.
        octets: u64,
        /// That was said in an earlier run.
        known: bool,
    },
}

const DAY: u64 = 86_400;

impl Step {
    /// Whether it leaves open if a listed message is the one that its unique-id stood
    /// for when a listing lacked it.
    pub(super) fn leaves_doubt(&self) -> bool {
        match self {
            Self::Adopt { .. } | Self::Delete { .. } => false,
            Self::Order | Self::Retrieve(_) => true,
            Self::Leave(reason) => {
                matches!(
                    reason,
                    LeaveReason::Limit | LeaveReason::NotNamed | LeaveReason::TooLarge { .. }
                )
            }
        }
    }
}

impl Policy {
    /// When a message that was delivered then may be deleted.
    pub(super) fn deletable(&self, delivered: u64) -> Option<u64> {
        match self.deletion {
            Deletion::After(days) => Some(delivered.saturating_add(u64::from(days) * DAY)),
            Deletion::Keep => None,
            Deletion::Now => Some(0),
        }
    }

    /// Whether a message that was delivered so long ago may be deleted.
    pub(super) fn is_due(&self, age: u64, now: u64) -> bool {
        self.deletable(now.saturating_sub(age)).is_some_and(|at| at <= now)
    }

    /// Whether the sizes of known messages are needed.
    pub(super) fn deletes(&self) -> bool {
        self.deletion != Deletion::Keep
    }

    /// The size of a message that is larger than wanted. One of unknown size is wanted.
    pub(super) fn too_large(&self, octets: Option<u64>) -> Option<u64> {
        octets.filter(|octets| self.max_size.is_some_and(|most| *octets > most))
    }
}

/// When a message that failed in so many runs is tried again: in the next run, then
/// later each time, a day at most.
pub(super) fn not_before(now: u64, tries: u32) -> u64 {
    const FIRST: u64 = 15 * 60;
    match tries {
        0 | 1 => now,
        more => now.saturating_add(FIRST.saturating_mul(1 << (more - 2).min(10)).min(DAY)),
    }
}
