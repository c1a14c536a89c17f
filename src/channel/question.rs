//! What a worker asks a person before it goes on.

use serde::{Deserialize, Serialize};

use super::command::{RefetchScope, WorkerCommand};

/// A question that is answered with yes or no. What it is about was shown before, as
/// events.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(
    tag = "question",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Question {
    /// Whether messages are deleted from the server by hand.
    Delete {
        /// How many.
        messages: usize,
    },
    /// Whether messages are fetched again that were delivered and are not in the Maildir.
    Missing {
        /// How many.
        messages: usize,
        /// Their size together, as listed, if it is known.
        octets: Option<u64>,
    },
    /// Whether messages are fetched that are in the Maildir already.
    Refetch {
        /// How many of them will be there twice.
        messages: usize,
        /// Their size together, as listed, if it is known.
        octets: Option<u64>,
    },
}

impl Question {
    /// Whether a worker with this command may ask it.
    pub fn belongs_to(&self, command: &WorkerCommand) -> bool {
        match self {
            Self::Delete { .. } => *command == WorkerCommand::Delete { write: true },
            Self::Missing { .. } => {
                matches!(command, WorkerCommand::Fetch { refetch: Some(RefetchScope::Missing), .. })
            }
            Self::Refetch { .. } => {
                matches!(command, WorkerCommand::Fetch { refetch: Some(RefetchScope::All), .. })
            }
        }
    }
}
