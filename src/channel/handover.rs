//! One message for the configured command, and what came of it.

use serde::{Deserialize, Serialize};

use crate::recipient::Recipient;

use super::octets::Octets;

/// One file of the account, to be shown to the configured command.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HandOver {
    /// `new` or `cur`, or one of the two in a Maildir++ folder: `.Work/cur`.
    pub directory: Octets,
    /// The file's name in it.
    pub name: Octets,
    /// The message's unique-id.
    pub unique_id: Octets,
    /// The command may have had it before.
    pub again: bool,
}

impl HandOver {
    /// What stays of the file's name when its flags change.
    pub fn id(&self) -> &[u8] {
        let name = self.name.as_bytes();
        name.split(|octet| b",:".contains(octet)).next().unwrap_or_default()
    }
}

/// A target that speaks LMTP.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LmtpJob {
    /// Where it listens.
    pub target: LmtpTarget,
    /// Whom it takes messages for.
    pub recipients: Vec<Recipient>,
    /// How long it may take once it has a whole message, in seconds.
    pub patience: u64,
}

/// Where a target listens.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum LmtpTarget {
    /// At a port.
    Host {
        /// Host name in A-labels, or an address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// At a socket file.
    Socket {
        /// Its path, absolute.
        path: Octets,
    },
}

/// What became of a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum HandOverAnswer {
    /// The file is no longer there.
    Gone {},
    /// It was taken.
    HandedOver {},
    /// It was not taken for now.
    Later {
        /// Why.
        why: String,
    },
    /// It was refused for good.
    Refused {
        /// Why.
        why: String,
    },
    /// The run has to end.
    Stopped {},
    /// Whether it was taken is not known.
    Unknown {
        /// Why.
        why: String,
    },
}
