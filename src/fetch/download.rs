//! A message on its way: listed, asked for, answered.

use crate::journal::{ContentHash, Facts, Fingerprint, MessageKey, Proof};
use crate::maildir::FileSize;
use crate::protocol::{MessageNumber, ProofKind};
use crate::session::Transaction;

use super::step::{Listed, Retrieval};
use super::suspect::Suspect;

/// A message to fetch.
#[derive(Clone, Debug)]
pub(super) struct Download {
    pub(super) listed: Listed,
    pub(super) retrieval: Retrieval,
    /// If it is doubtful: what messages with its unique-id look like.
    pub(super) known: Vec<Fingerprint>,
    /// What it was like when it came first, if it is asked for again.
    pub(super) suspect: Option<Suspect>,
    /// What came when lines that answer nothing followed it.
    pub(super) followed: Option<ContentHash>,
    /// It failed before, and may break this session, too.
    pub(super) is_risky: bool,
    /// It was refused with a code that means "later", and is asked for again.
    pub(super) again: bool,
}

impl Download {
    pub(super) fn number(&self) -> MessageNumber {
        self.listed.number
    }

    /// Whether the size of what came is not what was announced.
    pub(super) fn is_unsure(&self, size: FileSize) -> bool {
        self.listed.octets.is_some_and(|listed| listed != size.with_crlf)
    }

    /// What is known of the message before it is fetched.
    pub(super) fn facts(&self) -> Facts {
        let Listed { octets, header, .. } = &self.listed;
        Facts { octets: *octets, fingerprint: header.print(), content: None }
    }

    pub(super) fn key(&self) -> MessageKey {
        MessageKey::new(self.listed.unique_id.clone(), self.retrieval.occurrence)
    }

    /// The hash that stands for it in its file's name.
    pub(super) fn name_hash(&self) -> u64 {
        MessageKey::new(&self.listed.unique_id, self.retrieval.occurrence).name_hash()
    }
}

/// What a command in flight was sent for.
#[derive(Debug)]
pub(super) enum Purpose {
    Delete(Proof),
    Header(MessageNumber),
    Proof(MessageNumber, ProofKind),
    /// A message that is being received.
    Receive,
    Retrieve(Box<Download>),
    Sizes,
}

/// A session whose commands say what they are for.
pub(super) type Session<'a> = Transaction<'a, Purpose>;

/// Whether a status line's text begins with a message-number.
pub(super) fn names(text: &[u8], number: MessageNumber) -> bool {
    text.split(|octet| *octet == b' ').next().is_some_and(|first| number.is_written(first))
}
