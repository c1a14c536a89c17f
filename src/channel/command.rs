//! What a worker can be told to do.

use serde::{Deserialize, Serialize};

use super::octets::Octets;

/// What a worker can do.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum WorkerCommand {
    /// Count what is new.
    Check {},
    /// Delete messages from the server in the next session, whatever their state.
    Delete {
        /// Whether anything is written.
        write: bool,
    },
    /// Say what a fetch would do.
    DryRun {
        /// Match unknown unique-ids by header.
        rekey: bool,
        /// Take known messages again.
        refetch: Option<RefetchScope>,
    },
    /// List what stands more than once in the Maildir.
    Duplicates {},
    /// Take out what the target of the hand-over refused.
    Export {
        /// The directory, absolute.
        path: Octets,
        /// Whether anything is written.
        write: bool,
    },
    /// Fetch new mail.
    Fetch {
        /// Match unknown unique-ids by header.
        rekey: bool,
        /// Take known messages again.
        refetch: Option<RefetchScope>,
    },
    /// Forget messages, so that they are new again.
    Forget {
        /// The maildrop is listed, because message-numbers name some.
        listed: bool,
        /// Whether anything is written.
        write: bool,
    },
    /// Hand over what waits.
    HandOver {},
    /// What a person decides of messages that wait to be handed over.
    HandoverState {
        /// They are to be handed over, whatever was answered; else they were.
        again: bool,
        /// Whether anything is written.
        write: bool,
    },
    /// Take over what another fetcher has fetched.
    ImportSeen {
        /// Its file, absolute.
        path: Octets,
        /// Whether anything is written.
        write: bool,
    },
    /// List the maildrop.
    List {
        /// With date, sender and subject.
        headers: bool,
        /// Only what a fetch would take.
        new: bool,
    },
    /// Record unique-ids as seen, listed or not.
    Mark {
        /// Whether anything is written.
        write: bool,
    },
    /// Record everything in the maildrop, or what is named of it, as seen.
    MarkSeen {
        /// Whether anything is written.
        write: bool,
    },
    /// Find out what the server is.
    Probe {},
    /// Let the journal of another mailbox be that of this one.
    Rename {
        /// The key of the other one.
        old: String,
        /// Whether anything is written.
        write: bool,
    },
    /// Repair the journal.
    Repair {
        /// Whether anything is written.
        write: bool,
    },
    /// Note that no other journal of the Maildir is this mailbox's.
    Separate {
        /// Whether anything is written.
        write: bool,
    },
    /// Print one message.
    Show {
        /// The header and so many lines; else all of it.
        lines: Option<u32>,
    },
    /// Take orders to delete messages back.
    Undelete {
        /// The maildrop is listed, because message-numbers name some.
        listed: bool,
        /// Whether anything is written.
        write: bool,
    },
}

impl WorkerCommand {
    /// Whether nothing is written, on either side.
    pub fn is_read_only(&self) -> bool {
        match self {
            Self::Check {}
            | Self::DryRun { .. }
            | Self::Duplicates {}
            | Self::List { .. }
            | Self::Probe {}
            | Self::Show { .. } => true,
            Self::Fetch { .. } | Self::HandOver {} => false,
            Self::Delete { write }
            | Self::Export { write, .. }
            | Self::Forget { write, .. }
            | Self::HandoverState { write, .. }
            | Self::ImportSeen { write, .. }
            | Self::Mark { write }
            | Self::MarkSeen { write }
            | Self::Rename { write, .. }
            | Self::Repair { write }
            | Self::Separate { write }
            | Self::Undelete { write, .. } => !write,
        }
    }

    /// Whether it does without a Maildir: it looks at the maildrop, and at the journal if
    /// there is one.
    pub fn does_without_maildir(&self) -> bool {
        matches!(
            self,
            Self::Check {}
                | Self::Delete { write: false }
                | Self::DryRun { .. }
                | Self::ImportSeen { write: false, .. }
                | Self::List { .. }
                | Self::MarkSeen { write: false }
                | Self::Probe {}
                | Self::Show { .. }
        )
    }

    /// Whether a server is reached.
    pub fn needs_server(&self) -> bool {
        !matches!(
            self,
            Self::Duplicates {}
                | Self::Export { .. }
                | Self::Forget { listed: false, .. }
                | Self::HandOver {}
                | Self::HandoverState { .. }
                | Self::Mark { .. }
                | Self::Repair { .. }
                | Self::Separate { .. }
                | Self::Undelete { listed: false, .. }
        )
    }
}

/// Which known messages are fetched again.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefetchScope {
    /// All that are meant.
    All,
    /// Those that were delivered and are not in the Maildir.
    Missing,
}
