//! The steps of a walk. Each stands for itself: with others taken away it still
//! means something, so that a counterexample can shrink.
//!
//! `which` picks one of the messages that are there, counted around.

use super::mail::Kind;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A message of this kind arrives.
    Arrive(Kind),
    /// So many messages of this kind arrive.
    ArriveMany { kind: Kind, many: u8 },
    /// The same octets arrive once more, under another unique-id.
    ArriveAgain { which: u8 },
    /// A new message arrives under a unique-id that another one has or had.
    ArriveUnder { kind: Kind, uid: u8 },
    /// Another client deletes a message.
    Expunge { which: u8 },
    /// Another client empties the maildrop.
    ExpungeAll,
    /// Every message gets a new unique-id.
    Renumber,
    /// The server lists its messages in another order from now on.
    Rotate { by: u8 },
    /// The server changes.
    Server(Change),
    /// Time passes, or the clock is set.
    Clock(Clock),
    /// The owner does something to a file in the Maildir.
    Owner { does: Owner, which: u8 },
    /// Something happens to the journal.
    Journal(Journal),
    /// The program runs.
    Run(Run),
}

/// What a server is like, until it changes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Ids(Ids),
    Pipelining(bool),
    Sizes(Sizes),
    Top(Top),
    Style(Style),
    /// The least time between two logins, in seconds (LOGIN-DELAY), if any.
    Delay(Option<u32>),
}

/// What unique-ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// As RFC 1939 section 7 wants them.
    Stable,
    /// The message-numbers.
    Numbers,
    /// There is no UIDL.
    None,
}

/// What sizes are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    True,
    /// Every CRLF counts as one octet.
    LineFeeds,
    /// Off by some octets, always by the same.
    Wrong,
    /// Off by some octets, in each session by others.
    Changing,
    Zero,
    /// Of some messages as -1.
    MinusOne,
}

/// What TOP answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    Honest,
    /// With a line in the header that RETR does not show.
    OtherHeader,
    /// With a line in the header that is another one each time.
    ChangingHeader,
    Missing,
    /// The server hangs up.
    HangsUp,
    /// Dots are not stuffed, and the end comes twice.
    NotStuffed,
}

/// How positive replies look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `+OK`
    Bare,
    /// `+OK 120 octets`
    Octets,
    /// `+OK 3 120`
    NumericUniqueIds,
    /// `LIST n` lists everything.
    ListIgnoresArgument,
    /// `LIST n` is refused.
    NoListOfOne,
    /// `LIST n` and `UIDL n` are refused.
    NamesNothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// So many minutes pass.
    Minutes(u32),
    /// So many days pass.
    Days(u32),
    /// The clock is set to this time, in seconds since 1970.
    SetTo(u64),
    /// The clock is right again.
    Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// RenameOutcome into `cur/`.
    Reads,
    /// Its flags change.
    Flags,
    Removes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    Lost,
    /// A copy is made.
    Copied,
    /// The last copy comes back.
    PutBack,
}

/// One run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub act: Act,
    pub limit: Option<u8>,
    pub max_size: Option<u16>,
    /// What of the maildrop the server shows.
    pub view: View,
    pub faults: Vec<Fault>,
    pub kill: Option<Kill>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Fetch(Keeping),
    RetryFailed(Keeping),
    Rekey(Keeping),
    Refetch,
    MarkSeen,
    Forget {
        which: u8,
    },
    Mark {
        which: u8,
    },
    /// `--state delete`
    Order {
        which: u8,
    },
    /// `--state undelete`
    Undelete {
        which: u8,
    },
    Repair,
    List,
    Check,
    DryRun,
    /// `--check`, and a fetch right behind it.
    CheckAndFetch,
}

/// What happens on the server to what was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    Keep,
    Delete,
    /// So many days after delivery.
    After(u16),
}

/// What STAT, LIST and UIDL agree to show in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    All,
    Nothing,
    First(u8),
    Without { which: u8 },
}

/// The program is killed at a wire step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// At this command of the run, counted from 1.
    pub command: u16,
    /// So many microseconds later.
    pub delay: u16,
    /// The command is answered before.
    pub answered: bool,
}

/// Something goes wrong with the answer to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In this session of the run only, counted from 1.
    pub session: Option<u8>,
    pub command: Word,
    /// At this one of its commands in the session, counted from 1; else at each.
    pub nth: Option<u8>,
    pub does: Does,
}

/// A command, as far as faults tell commands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Greeting,
    Capa,
    /// USER, PASS and AUTH.
    Login,
    Stat,
    List,
    ListOne,
    Uidl,
    UidlOne,
    Top,
    Retr,
    Dele,
    Quit,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It is refused and not carried out.
    Refuse(Code),
    /// No answer comes.
    Leave,
    /// A line too many comes before the answer.
    StrayBefore(Stray),
    /// A line too many comes behind the answer.
    StrayAfter(Stray),
    /// A line too many comes behind the answer, a moment later.
    StrayLate(Stray),
    /// The answer comes twice.
    Twice,
    /// The connection is cut so far into the answer, of 255.
    Cut(u8),
    /// Nothing is answered any more.
    Stall,
    /// A multi-line answer ends after so much of it, of 255.
    Short(u8),
    /// Lines of a listing are missing.
    Omit {
        which: u8,
    },
    OmitLast,
    Empty,
    /// The lines of a listing come in another order.
    Reorder,
    /// The answer is +OK, and QUIT removes nothing.
    RemoveNothing,
    /// QUIT is refused and removes some.
    RemoveSome,
}

/// What a refusal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    None,
    Auth,
    InUse,
    LoginDelay,
    SysPerm,
    SysTemp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    Err,
    Ok,
    /// As if it answered LIST with an argument.
    OkNumber(u8),
    Word,
    Empty,
    Dot,
}

impl Does {
    /// Whether the answers behind it are taken for those to other commands.
    pub fn shifts_answers(self) -> bool {
        use Does::{Leave, StrayAfter, StrayBefore, StrayLate, Twice};
        matches!(self, Leave | StrayAfter(_) | StrayBefore(_) | StrayLate(_) | Twice)
    }
}

impl Code {
    pub fn line(self) -> &'static str {
        match self {
            Self::None => "-ERR not now\r\n",
            Self::Auth => "-ERR [AUTH] no\r\n",
            Self::InUse => "-ERR [IN-USE] another session\r\n",
            Self::LoginDelay => "-ERR [LOGIN-DELAY] too early\r\n",
            Self::SysPerm => "-ERR [SYS/PERM] never\r\n",
            Self::SysTemp => "-ERR [SYS/TEMP] later\r\n",
        }
    }
}

impl Stray {
    pub fn line(self) -> String {
        match self {
            Self::Err => "-ERR busy\r\n".into(),
            Self::Ok => "+OK\r\n".into(),
            Self::OkNumber(number) => format!("+OK {number} 120\r\n"),
            Self::Word => "* a note\r\n".into(),
            Self::Empty => "\r\n".into(),
            Self::Dot => ".\r\n".into(),
        }
    }
}
