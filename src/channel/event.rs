//! What happens, as it happens: the source of text, bars and JSON.

use serde::{Deserialize, Serialize};

use super::findings::{CapaStage, CertificateReport, ProbeReport};
use super::message::Message;
use super::octets::Octets;

/// Something happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Event {
    /// The session ended without QUIT, and another one follows.
    Again {},
    /// What the server announces it can. More lines than one event holds follow in
    /// another one.
    Capabilities {
        /// Which answer.
        when: CapaStage,
        /// The lines of the answer.
        lines: Vec<Octets>,
    },
    /// `--probe`: a certificate of the server's chain, its own first.
    Certificate(CertificateReport),
    /// `--check`: so many messages are new.
    Checked {
        /// How many.
        new: usize,
        /// How many others the next fetch deletes from the server by a person's order.
        ordered: usize,
    },
    /// The server has greeted, and the connection is protected as it will be.
    Connected {
        /// The address that answered, or the proxy's.
        peer: String,
        /// `TLS 1.2` or `TLS 1.3`; none without TLS.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tls: Option<String>,
    },
    /// `--state duplicates`: a file of the Maildir has the content of another one.
    Duplicate {
        /// The file, below the Maildir.
        file: Octets,
        /// The other one.
        of: Octets,
        /// The size of each.
        octets: u64,
    },
    /// The server may remove messages sooner than they would be deleted.
    Expires {
        /// After so many days; 0: once they were retrieved.
        days: u64,
    },
    /// `--state forget`: messages are new again.
    Forgotten {
        /// How many.
        messages: usize,
        /// Whether anything was written.
        write: bool,
    },
    /// `--state export`: so many refused messages were copied into the directory.
    Exported {
        /// How many.
        messages: usize,
        /// Whether anything was written.
        write: bool,
    },
    /// `--state handover`: so many messages are handed over again, or count as handed
    /// over.
    HandoverState {
        /// How many.
        messages: usize,
        /// Whether they are handed over again.
        again: bool,
        /// Whether anything was written.
        write: bool,
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
    /// The server breaks an RFC, and is served all the same.
    Lenient {
        /// The name of the breach.
        name: String,
        /// What the server does, as a clause behind "the server".
        clause: String,
    },
    /// `--list`, `--dry-run`: what follows is whole unless an error follows it.
    Listing {},
    /// `--state mark`, `--mark-seen`: messages count as seen.
    Marked {
        /// How many.
        messages: usize,
        /// Of how many others something is known already.
        known: usize,
        /// Whether anything was written.
        write: bool,
    },
    /// What happened to a message, or is known of it.
    Message(Message),
    /// The server refuses to delete messages that are here.
    NotDeleted {
        /// Its words.
        text: Octets,
    },
    /// The server may list only a part of its messages, and nothing of that part will be
    /// fetched: newer messages may never be listed.
    OnlySeen {},
    /// `--state delete`: the next session deletes messages from the server.
    Ordered {
        /// How many.
        messages: usize,
        /// Whether anything was written.
        write: bool,
    },
    /// `--state undelete`: orders to delete messages from the server were taken back.
    OrdersTakenBack {
        /// How many.
        orders: usize,
        /// Whether anything was written.
        write: bool,
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
        /// How many new messages wait for a later run: `--limit`.
        waiting: usize,
        /// Nothing was known of this mailbox before.
        first: bool,
    },
    /// `--probe`: what the server is.
    Probed(Box<ProbeReport>),
    /// Octets that came since the last event of this kind.
    #[cfg_attr(test, schemars(skip))]
    Progress {
        /// How many.
        octets: u64,
    },
    /// TLS protects what follows.
    Protected {
        /// When the server's certificate ends, where its dates count.
        not_after: Option<i64>,
        /// The same day in UTC.
        until: String,
    },
    /// A response's first line came.
    #[cfg_attr(test, schemars(skip))]
    Received {
        /// The line, secrets left out.
        line: Octets,
    },
    /// The rest of a multi-line response came.
    #[cfg_attr(test, schemars(skip))]
    ReceivedMore {
        /// So many octets.
        octets: u64,
    },
    /// An interrupted run was looked after.
    Recovered {
        /// So many messages of it.
        messages: usize,
    },
    /// The journal is an older one, and messages wait for the hand-over again whose marks it
    /// lacks.
    WaitsAgain {
        /// How many.
        messages: usize,
    },
    /// `--state rename`: this mailbox has the journal of another one now, or could have.
    Renamed {
        /// Whether anything was written.
        write: bool,
    },
    /// `--state repair`: what was repaired, or would be.
    Repaired(RepairReport),
    /// The sandbox is closed, or cannot be.
    Sandbox(Sandbox),
    /// `--state separate`
    Separated {
        /// Whether anything was written.
        write: bool,
    },
    /// A command was sent.
    #[cfg_attr(test, schemars(skip))]
    Sent {
        /// The command, secrets left out.
        command: String,
    },
    /// The sizes of what is fetched are known by now.
    #[cfg_attr(test, schemars(skip))]
    Sized {
        /// Together so many octets, as listed.
        octets: u64,
    },
    /// What a run did; sent also if it failed.
    #[cfg_attr(test, schemars(skip))]
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
    /// The server gives known messages another size than before.
    Resized {
        /// So many.
        messages: usize,
    },
    /// A message is due to be deleted and stays: TOP is missing or not to be trusted.
    Unproven {},
    /// The file system cannot sync a directory: a power cut may undo the last changes
    /// in it.
    UnsyncedDirectory {
        /// Which.
        path: Octets,
    },
}

/// What a repair of the journal found and did.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RepairReport {
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
    /// Messages that were held and are in this Maildir: known by their files.
    pub released: usize,
    /// Journal and Maildir did not know each other.
    pub bound: bool,
    /// Messages that wait to be handed over, by what is in the spool or what the
    /// hand-over has tried.
    pub handed_over_again: usize,
    /// What was handed over longer ago is not known.
    pub forgot_handover: bool,
    /// Where the old journal is kept.
    pub kept: Option<Octets>,
    /// Whether anything was written.
    pub write: bool,
}

/// What the sandbox holds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sandbox {
    /// The file half.
    pub files: Landlock,
    /// Where files can be written if it holds.
    pub write: Vec<Octets>,
    /// The ports that TCP can connect to; `None` where it does not bind ports.
    pub ports: Option<Vec<u16>>,
    /// The half of the system calls: why it does not hold.
    pub calls: Option<String>,
}

/// What came of Landlock.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Messages that came shorter than announced, or that did not end where they should.
    pub short: usize,
    /// Messages that are held since this run.
    pub held: usize,
}
