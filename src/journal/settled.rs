//! A batch on its way: delivered, committed, settled. Each is made of the one before.

use super::content::ContentHash;
use super::file_name::FileName;
use super::fingerprint::Fingerprint;
use super::key::MessageKey;
use super::order::Ordered;
use super::record::Record;
use super::state::{Known, State};

/// One message of a batch, whole and synced in `tmp/`.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which message it is.
    pub key: MessageKey,
    /// Its unique-id is listed more than once.
    pub shared: bool,
    /// It has fewer octets than the server had announced, so it is never deleted.
    pub short: bool,
    /// Its size as the server listed it, if it did.
    pub octets: Option<u64>,
    /// Its header.
    pub fingerprint: Fingerprint,
    /// All of it, as it is stored.
    pub content: ContentHash,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Its file's name in `tmp/`.
    pub name: String,
}

impl Delivery {
    pub(super) fn record(&self, counted: u64) -> Record<'_> {
        Record::Delivering {
            unique_id: self.key.unique_id.as_bytes().into(),
            known: Known {
                occurrence: self.key.occurrence,
                shared: self.shared,
                state: if self.short { State::DeliveredShort } else { State::Delivered },
                octets: self.octets,
                fingerprint: Some(self.fingerprint),
                content: Some(self.content),
                at: self.at,
                counted,
                tries: 0,
                not_before: 0,
            },
            name: FileName::Whole(self.name.as_str().into()),
        }
    }
}

impl Delivery {
    /// The mark of a message that is handed over, too.
    pub(super) fn waiting(&self) -> Record<'_> {
        Record::Waiting { key: self.key.written(), name: self.name.as_str().into() }
    }
}

/// Proof that a batch is in the journal on disk: its messages may be renamed.
#[must_use = "a committed batch has to be renamed and settled"]
#[derive(Debug)]
pub struct Committed {
    pub(super) number: u64,
    pub(super) messages: Vec<MessageKey>,
}

impl Committed {
    /// The message at this place in the batch.
    pub fn key(&self, at: usize) -> Option<&MessageKey> {
        self.messages.get(at)
    }
}

/// Proof that a message is durable in the Maildir and the journal says so: it
/// may be deleted from the server. Only the journal makes it.
#[derive(Debug)]
pub struct Settled {
    pub(super) key: MessageKey,
}

impl Settled {
    /// Which message may be deleted.
    pub fn key(&self) -> &MessageKey {
        &self.key
    }
}

/// Why DELE may name a message. There is no third reason.
#[derive(Debug)]
pub enum Proof {
    /// A person has ordered it.
    Ordered(Ordered),
    /// It is safe here.
    Settled(Settled),
}

impl Proof {
    /// Which message may be deleted.
    pub fn key(&self) -> &MessageKey {
        match self {
            Self::Ordered(ordered) => &ordered.key,
            Self::Settled(settled) => &settled.key,
        }
    }
}

/// What became of a message whose batch is settled.
#[derive(Debug)]
pub enum Settlement {
    /// It is in the Maildir, whole, and may be deleted from the server.
    Deletable(Settled),
    /// It was found nowhere: its owner may have taken it, or it was lost.
    Held,
    /// It is in the Maildir and stays on the server.
    Kept,
}
