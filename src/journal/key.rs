//! Which message is meant: its unique-id, and which of those that bear it.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use crate::protocol::UniqueId;

/// One message of a mailbox. Servers give one unique-id to several messages, at
/// once or one after the other; `occurrence` counts these from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey<I = UniqueId> {
    /// The unique-id that the server gives it, or one derived from its header.
    pub unique_id: I,
    /// Which of the messages with this unique-id, from 1.
    pub occurrence: u32,
}

/// A key as a record has it: nothing is copied while a journal is read.
pub(super) type WrittenKey<'a> = MessageKey<Cow<'a, [u8]>>;

impl<I> MessageKey<I> {
    /// The message with this unique-id and occurrence.
    pub fn new(unique_id: I, occurrence: u32) -> Self {
        Self { unique_id, occurrence }
    }
}

impl<I: AsRef<[u8]>> MessageKey<I> {
    /// The hash that stands for the message in its file's name: 64 bits of SHA-256.
    pub fn name_hash(&self) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.occurrence.to_be_bytes());
        hash.update(self.unique_id.as_ref());
        hash.finalize().iter().take(8).fold(0, |bits, octet| bits << 8 | u64::from(*octet))
    }
}

impl MessageKey {
    pub(super) fn written(&self) -> WrittenKey<'_> {
        WrittenKey::of(self.unique_id.as_bytes(), self.occurrence)
    }
}

impl<'a> WrittenKey<'a> {
    pub(super) fn of(unique_id: &'a [u8], occurrence: u32) -> Self {
        Self { unique_id: Cow::Borrowed(unique_id), occurrence }
    }

    /// The key with a unique-id of its own; `None` if no server can give that one.
    pub(super) fn owned(&self) -> Option<MessageKey> {
        Some(MessageKey::new(UniqueId::new(&self.unique_id)?, self.occurrence))
    }
}
