//! What happens, as it happens: the one thing that `cli` hears.

use std::time::Duration;

use crate::maildir::FileSize;
use crate::protocol::{MessageNumber, UniqueId};
use crate::session::{Line, Refusal};

/// Something happened.
#[derive(Clone, Copy, Debug)]
pub enum FetchEvent<'a> {
    /// The server confirmed that it deleted a message.
    Deleted {
        /// Its unique-id.
        unique_id: &'a UniqueId,
    },
    /// A message is in the Maildir.
    Delivered {
        /// Its number.
        number: MessageNumber,
        /// Its unique-id.
        unique_id: &'a UniqueId,
        /// The name of its file in `tmp/`.
        name: &'a str,
        /// Its size as it is stored: with it the name of its file in `new/`.
        size: FileSize,
        /// Which of the files of that name it is there.
        nth: usize,
    },
    /// The server may remove messages sooner than they would be deleted.
    Expires {
        /// After so many days; with none, once they were retrieved.
        days: u64,
    },
    /// A message could not be fetched; it will be tried again later.
    Failed {
        /// Its number.
        number: MessageNumber,
        /// Its unique-id.
        unique_id: &'a UniqueId,
        /// How often by now.
        tries: u32,
        /// Why.
        why: MessageFailure<'a>,
    },
    /// A message was committed and then found nowhere.
    Held {
        /// Its unique-id.
        unique_id: &'a UniqueId,
    },
    /// A message is larger than wanted, and that is said for the first time.
    Large {
        /// Its unique-id.
        unique_id: &'a UniqueId,
        /// Its size.
        octets: u64,
    },
    /// Another fetcher has fetched so many of the listed messages.
    Imported {
        /// How many.
        known: usize,
        /// Of so many.
        listed: usize,
    },
    /// Another session has the maildrop; after a pause it is tried again.
    InUse {
        /// How long.
        pause: Duration,
    },
    /// A line of the conversation.
    Line(Line<'a>),
    /// So many more octets of the message in hand.
    Octets(u64),
    /// The session is over without QUIT, and another one follows.
    Again,
    /// What will be fetched.
    Planned {
        /// How many messages are listed.
        listed: usize,
        /// How many will be fetched.
        messages: usize,
        /// Their size together, as listed.
        octets: u64,
        /// How many new messages wait for a later run: `--limit`.
        waiting: usize,
        /// Nothing was known of this mailbox before.
        first: bool,
    },
    /// An earlier run was interrupted: so many of its messages were looked after.
    Recovered {
        /// How many.
        messages: usize,
    },
    /// The journal is an older one: messages wait for the hand-over again whose marks it
    /// lacks.
    WaitsAgain {
        /// How many.
        messages: usize,
    },
    /// A message that was deleted before is listed again and left alone.
    ListedAgain {
        /// Its unique-id.
        unique_id: &'a UniqueId,
    },
    /// Messages were recorded as seen.
    MarkedSeen {
        /// How many.
        messages: usize,
        /// Of how many others something was known.
        known: usize,
    },
    /// A message is listed under a unique-id that a person has ordered to delete, and it is
    /// another one than was meant: it is not deleted, and the order ends.
    OrderEnds {
        /// Its number.
        number: MessageNumber,
        /// The unique-id.
        unique_id: &'a UniqueId,
    },
    /// A person's order to delete a message could not be carried out, and nothing is deleted
    /// by it.
    OrderUnmet {
        /// The unique-id.
        unique_id: &'a UniqueId,
        /// It is listed, and the server does not show its header; otherwise it is not listed.
        is_listed: bool,
        /// That has lasted so long that the order ends.
        ends: bool,
    },
    /// The server refuses to delete messages; the next listing tells what became of them.
    NotDeleted {
        /// Its words.
        refusal: &'a Refusal,
    },
    /// The server may list only a part of its messages, and all of that part is seen or
    /// too large: it is never retrieved, so newer messages may never be listed.
    OnlySeen,
    /// The answers do not match the commands; another session follows, one command at a
    /// time.
    OutOfStep,
    /// The server gives known messages another size than before.
    Resized {
        /// So many.
        messages: usize,
    },
    /// A message is due to be deleted and stays: TOP is missing or not to be trusted,
    /// and its size alone does not prove which message it is.
    Unproven,
    /// A delivered message is shorter than the server announced; it is not deleted.
    Short {
        /// Its number.
        number: MessageNumber,
        /// Its unique-id.
        unique_id: &'a UniqueId,
        /// Its size as it is stored.
        octets: u64,
        /// Its size as the server listed it.
        listed: u64,
    },
    /// Lines that answer nothing follow a delivered message each time: it is stored as far
    /// as it came, and not deleted.
    LinesFollow {
        /// Its number.
        number: MessageNumber,
        /// Its unique-id.
        unique_id: &'a UniqueId,
    },
    /// The server sends a line before messages; it was left out of this one.
    LineLeftOut {
        /// Its number.
        number: MessageNumber,
        /// Its unique-id.
        unique_id: &'a UniqueId,
    },
    /// The first line of a delivered message looks like a response of the server, and
    /// did so twice; the message is not deleted.
    StatusLike {
        /// Its number.
        number: MessageNumber,
        /// Its unique-id.
        unique_id: &'a UniqueId,
    },
    /// The sizes of what is fetched are known by now: so much together.
    Sized {
        /// In octets, as listed.
        octets: u64,
    },
    /// It is too early for a login, and that is waited for.
    TooEarly {
        /// How many seconds the server wants between two.
        delay: u64,
        /// How long to wait.
        left: Duration,
    },
    /// The server's TOP does not show the header that RETR shows, so from now on
    /// headers decide nothing.
    TopDiffers,
    /// A wait is over; who has a turn to wait for does so before it returns.
    Waited,
}

/// Why a message could not be fetched.
#[derive(Clone, Copy, Debug)]
pub enum MessageFailure<'a> {
    /// It does not end.
    Endless,
    /// What the server sent for it broke the protocol, twice.
    Garbled,
    /// The connection was lost inside it, twice.
    Lost,
    /// The server said `-ERR`.
    Refused(&'a Refusal),
    /// The server stopped sending inside it, twice.
    TimedOut,
}

/// Hears what happens.
pub type Observer<'a> = &'a dyn Fn(FetchEvent<'_>);
