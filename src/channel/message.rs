//! What happens to one message, and what is known of it.

use serde::{Deserialize, Serialize};

use super::octets::Octets;

/// Something happened to a message, or is known of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Message {
    /// The server confirmed that it deleted the message.
    Deleted {
        /// Its unique-id.
        unique_id: Octets,
    },
    /// The message is in the Maildir.
    Delivered {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// Its size as it is stored.
        octets: u64,
        /// The name of its file in `new/`.
        file: String,
    },
    /// The message could not be fetched; it is tried again later.
    Failed {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// In how many runs it failed by now.
        tries: u32,
        /// Why.
        why: Cause,
        /// The server's words, where it refused the message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Octets>,
    },
    /// The message was not handed over: its file is in no folder of the Maildir.
    Gone {
        /// Its unique-id.
        unique_id: Octets,
    },
    /// The message was handed over.
    HandedOver {
        /// Its unique-id.
        unique_id: Octets,
        /// The target may have had it before.
        again: bool,
        /// Which recipient has refused it, and why, where others have taken it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        except: Option<String>,
    },
    /// The message is handed over later.
    Later {
        /// Its unique-id.
        unique_id: Octets,
        /// How often it was tried by now.
        tries: u32,
        /// Whether the others do not wait for it any more.
        aside: bool,
        /// Why it was not taken.
        text: String,
    },
    /// The target of the hand-over refused the message.
    Refused {
        /// Its unique-id.
        unique_id: Octets,
        /// Why.
        text: String,
    },
    /// The message was committed and is nowhere in the Maildir. It is neither fetched
    /// again nor deleted.
    Held {
        /// Its unique-id.
        unique_id: Octets,
    },
    /// The message is in the maildrop: `--list`.
    Listed {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// Its size as listed, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        octets: Option<u64>,
        /// What is known of it.
        state: ListedState,
        /// When that changes, in seconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
        /// Date, sender and subject: `--headers`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<Header>,
    },
    /// The message is another one than a person has ordered to delete under its unique-id
    /// (`--state delete`): a fetch does not delete it, and ends the order.
    OrderEnds {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
    },
    /// A fetch cannot carry out a person's order to delete the message (`--state delete`), and
    /// deletes nothing by it. A fetch says so once, and once more when the order ends; other
    /// acts say it each time.
    OrderUnmet {
        /// Its unique-id.
        unique_id: Octets,
        /// The server lists it, and does not show its header; if false, it is not listed.
        is_listed: bool,
        /// That has lasted for 14 days: the order ends.
        ends: bool,
    },
    /// A fetch would do something with the message: `--dry-run`.
    Planned {
        /// What.
        action: Action,
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// Its size as listed, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        octets: Option<u64>,
        /// What is known of it.
        state: ListedState,
    },
    /// The delivered message has fewer octets than the server announced. It is never
    /// deleted.
    Short {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// Its size as it is stored.
        octets: u64,
        /// Its size as the server listed it.
        listed: u64,
    },
    /// The message is left alone. A fetch says so once of a message that is larger than
    /// `--max-size`, and of one that was deleted and is listed again; `--dry-run` says so
    /// of every message.
    Skipped {
        /// Its message-number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        /// Its unique-id.
        unique_id: Octets,
        /// Its size as listed, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        octets: Option<u64>,
        /// Why.
        state: ListedState,
        /// When that changes, in seconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
    },
    /// The server sends a line before messages, by which they are longer than listed; it
    /// was left out of this one.
    LineLeftOut {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
    },
    /// Lines that answer nothing follow the message each time: it is delivered as far as it
    /// came. It is never deleted.
    LinesFollow {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
    },
    /// The first line of the delivered message looks like a response of the server, and
    /// did so twice. It is never deleted.
    StatusLike {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
    },
}

/// Why a message could not be fetched.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It does not end.
    Endless,
    /// The server broke the protocol in it, twice.
    Garbled,
    /// The connection was lost inside it, twice.
    Lost,
    /// The server said `-ERR`.
    Refused,
    /// The server stopped sending inside it, twice.
    TimedOut,
}

/// What a fetch would do with a message.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Delete it from the server.
    Delete,
    /// Fetch it.
    Fetch,
    /// Record it, because its file is in the Maildir.
    Record,
}

/// What is known of a listed message, and so what a fetch does with it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ListedState {
    /// New, but beyond `--limit`.
    BeyondLimit,
    /// Delivered; the server gives it another size now.
    Changed,
    /// Delivered; it can be deleted now.
    Deletable,
    /// Delivered; it can be deleted later.
    DeletableLater,
    /// Deleted before, and listed again.
    Deleted,
    /// Delivered.
    Delivered,
    /// It failed before and is fetched now.
    Failed,
    /// It failed before and is fetched later.
    FailedUntil,
    /// In the Maildir already, though the journal does not know it.
    Found,
    /// Committed, and nowhere in the Maildir.
    Held,
    /// It is fetched now.
    New,
    /// Only other messages are meant.
    NotNamed,
    /// The next fetch deletes it from the server, fetched or not: `--state delete`.
    Ordered,
    /// Marked as seen by a person, or fetched by another program.
    Seen,
    /// Larger than `--max-size`.
    TooLarge,
}

impl ListedState {
    /// What a fetch does with the message; nothing, if it is left alone.
    pub fn action(self) -> Option<Action> {
        match self {
            Self::Deletable | Self::Ordered => Some(Action::Delete),
            Self::Failed | Self::New => Some(Action::Fetch),
            Self::Found => Some(Action::Record),
            Self::BeyondLimit
            | Self::Changed
            | Self::DeletableLater
            | Self::Deleted
            | Self::Delivered
            | Self::FailedUntil
            | Self::Held
            | Self::NotNamed
            | Self::Seen
            | Self::TooLarge => None,
        }
    }
}

/// The fields of a header that `--list --headers` shows, decoded.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Header {
    /// When it was written, in seconds since 1970, if that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<i64>,
    /// From whom.
    pub from: String,
    /// The subject.
    pub subject: String,
}
