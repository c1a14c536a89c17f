//! What happens, as it happens: the source of text, bars and JSON.

use serde::{Deserialize, Serialize};

use super::findings::{Certificate, Findings, When};
use super::octets::Octets;

/// Something happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Event {
    /// The session ended without QUIT, and another one follows.
    Again {},
    /// `--probe`: a line of the answer to CAPA.
    Capability {
        /// Which answer.
        when: When,
        /// The line.
        line: Octets,
    },
    /// `--probe`: a certificate of the server's chain, its own first.
    Certificate(Certificate),
    /// `--check`: so many messages are new.
    Checked {
        /// How many.
        new: usize,
    },
    /// A message was deleted from the server, or will be with QUIT.
    Deleting {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
    },
    /// A message is in the Maildir.
    Delivered {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// Its size as it is stored.
        octets: u64,
    },
    /// The server may remove messages sooner than they would be deleted.
    Expires {
        /// After so many days; 0: once they were retrieved.
        days: u64,
    },
    /// A message could not be fetched; it is tried again later.
    Failed {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// How often by now.
        tries: u32,
        /// Why.
        why: Cause,
    },
    /// `--state forget`: so many messages were known by the unique-id.
    Forgotten {
        /// How many.
        messages: usize,
    },
    /// A message was committed and then found nowhere.
    Held {
        /// Its unique-id.
        unique_id: Octets,
    },
    /// `--import-seen`: another fetcher has fetched so many of the listed messages.
    Imported {
        /// How many.
        known: usize,
        /// Of so many.
        listed: usize,
    },
    /// Another session has the maildrop; it is tried again.
    InUse {
        /// After so many seconds.
        pause: u64,
    },
    /// A message is larger than wanted; said once.
    Large {
        /// Its unique-id.
        unique_id: Octets,
        /// Its size.
        octets: u64,
    },
    /// A message that was deleted before is listed again and left alone.
    ListedAgain {
        /// Its unique-id.
        unique_id: Octets,
    },
    /// The server breaks an RFC, and is served all the same.
    Lenient {
        /// The name of the breach.
        name: String,
        /// What the server does, as a clause behind "the server".
        clause: String,
    },
    /// A message of the maildrop, as `--list` and `--dry-run` show it.
    Listed {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
        /// Its size, if it was asked for.
        octets: Option<u64>,
        /// What is known of it.
        state: State,
        /// Date, sender and subject, if they were asked for.
        header: Option<Header>,
    },
    /// `listed` events follow; after a failure before them nothing is shown.
    Listing {},
    /// `--state mark`.
    Marked {
        /// Whether nothing was known of the unique-id before.
        is_new: bool,
    },
    /// Several commands at once were answered out of step; another session
    /// follows, one command at a time.
    OutOfStep {},
    /// What will be fetched.
    Planned {
        /// How many messages are listed.
        listed: usize,
        /// How many will be fetched.
        messages: usize,
        /// Their size together, as listed.
        octets: u64,
        /// Nothing was known of this mailbox before.
        first: bool,
    },
    /// `--probe`: what the server is.
    Probed(Box<Findings>),
    /// Octets that came since the last event of this kind.
    Progress {
        /// How many.
        octets: u64,
    },
    /// TLS protects what follows.
    Protected {
        /// When the server's certificate ends, where anybody looks at its dates.
        not_after: Option<i64>,
        /// The same day in UTC.
        until: String,
    },
    /// A response's first line came.
    Received {
        /// The line, secrets left out.
        line: Octets,
    },
    /// The rest of a multi-line response came.
    ReceivedMore {
        /// So many octets.
        octets: u64,
    },
    /// An interrupted run was looked after.
    Recovered {
        /// So many messages of it.
        messages: usize,
    },
    /// `--state rename`: this mailbox has the journal of another one now, or could have.
    Renamed {
        /// Whether anything was written.
        write: bool,
    },
    /// `--state repair`: what was repaired, or would be.
    Repaired(Repair),
    /// The sandbox is closed, or cannot be.
    Sandbox(Sandbox),
    /// `--state separate`
    Separated {},
    /// A command was sent.
    Sent {
        /// The command, secrets left out.
        command: String,
    },
    /// The sizes of what is fetched are known by now.
    Sized {
        /// Together so many octets, as listed.
        octets: u64,
    },
    /// A delivered message is shorter than the server announced; it is not deleted.
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
    /// The first line of a delivered message looks like a response of the server, and
    /// did so twice; the message is not deleted.
    StatusLike {
        /// Its message-number.
        number: u32,
        /// Its unique-id.
        unique_id: Octets,
    },
    /// What a run did; sent also if it failed.
    Summary(Summary),
    /// It is too early for a login, and that is waited for.
    TooEarly {
        /// How many seconds the server wants between two.
        delay: u64,
        /// How many seconds are waited.
        left: u64,
    },
    /// TOP does not show the header that RETR shows.
    TopDiffers {},
    /// A message is due to be deleted and stays: TOP is missing or not to be trusted.
    Unproven {},
    /// The file system cannot sync a directory: a power cut may undo the last changes
    /// in it.
    UnsyncedDirectory {
        /// Which.
        path: Octets,
    },
}

/// Why a message could not be fetched.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Cause {
    /// It does not end.
    Endless {},
    /// The server broke the protocol in it, twice.
    Garbled {},
    /// The connection was lost inside it, twice.
    Lost {},
    /// The server said `-ERR`.
    Refused {
        /// Its words.
        text: Octets,
    },
}

/// What is known of a listed message, and so what a fetch does with it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum State {
    /// New, but beyond `--limit`.
    BeyondLimit {},
    /// Delivered; the server gives it another size now.
    Changed {},
    /// It can be deleted now.
    Deletable {},
    /// Delivered; it can be deleted at this time.
    DeletableAt {
        /// In seconds since 1970.
        at: u64,
    },
    /// Deleted before, and listed again.
    Deleted {},
    /// Delivered.
    Delivered {},
    /// It failed before and is fetched now.
    Failed {},
    /// It failed before and is fetched at this time.
    FailedUntil {
        /// In seconds since 1970.
        at: u64,
    },
    /// In the Maildir already, though the journal does not know it.
    Found {},
    /// Committed, and nowhere.
    Held {},
    /// It is fetched now.
    New {},
    /// Only other messages are meant.
    NotNamed {},
    /// Seen by somebody else.
    Seen {},
    /// Larger than `--max-size`.
    TooLarge {},
    /// Its header has to be known, and cannot be read.
    Unreadable {},
}

/// The fields of a header that `--list --headers` shows, decoded.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Header {
    /// When it was written.
    pub date: Date,
    /// From whom.
    pub from: String,
    /// The subject.
    pub subject: String,
}

/// When a message was written.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Date {
    /// As it stands there, where nobody can read it.
    Text(String),
    /// In seconds since 1970.
    Time(i64),
}

/// What a repair of the journal found and did.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Repair {
    /// Nothing had to be repaired.
    pub is_whole: bool,
    /// There was no journal.
    pub was_missing: bool,
    /// Records that were kept.
    pub records: usize,
    /// First and last lines of what could not be read, at most 1000 of them.
    pub lost: Vec<(usize, usize)>,
    /// Messages that only names in the Maildir tell of.
    pub found: usize,
    /// Messages of an interrupted run that are in the Maildir.
    pub settled: usize,
    /// Messages of an interrupted run that wait in `tmp/`.
    pub waiting: usize,
    /// Messages of an interrupted run that are nowhere, and held.
    pub held: usize,
    /// Messages of another Maildir that are not in this one: held.
    pub absent: usize,
    /// Journal and Maildir did not know each other.
    pub bound: bool,
    /// Where the old journal is kept.
    pub kept: Option<Octets>,
    /// Whether anything was written.
    pub write: bool,
}

/// What the sandbox holds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sandbox {
    /// The file half.
    pub files: Landlock,
    /// Where files can be written if it holds.
    pub write: Vec<Octets>,
    /// The half of the system calls: why it does not hold.
    pub calls: Option<String>,
}

/// What came of Landlock.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Landlock {
    /// It could not be closed.
    Failed {
        /// Why.
        why: String,
    },
    /// It holds, by this version of its interface.
    Holds {
        /// The version.
        abi: i32,
    },
    /// This is a system without it.
    Missing {},
    /// It was not switched on when the system started.
    Off {},
    /// It could not let messages be delivered.
    TooOld {},
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Summary {
    /// Messages listed in the last session.
    pub listed: usize,
    /// Messages delivered.
    pub delivered: usize,
    /// Their size, as stored.
    pub octets: u64,
    /// Messages whose deletion the server confirmed.
    pub deleted: usize,
    /// Messages that were tried and could not be fetched.
    pub failed: usize,
    /// Messages that came shorter than announced.
    pub short: usize,
    /// Messages that are held since this run.
    pub held: usize,
}
