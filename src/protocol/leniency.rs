//! What a server may do against an RFC and is served all the same.

use std::fmt;

/// A breach of an RFC that a session goes on from; `--strict` ends it instead, and
/// names the one. The table in [`crate::protocol`] has the servers and the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// More than one blank behind a message-number, or a tab.
    BlanksInListing,
    /// The connection ends at CAPA, or CAPA gets no answer.
    CapaEndsConnection,
    /// A challenge in clear where it is to be Base64, and nothing hangs on it.
    ChallengeInClear,
    /// An empty line in a listing.
    EmptyLineInListing,
    /// UIDL or LIST refused where there is no message.
    EmptyMaildropRefused,
    /// An initial response refused by words of syntax.
    InitialResponseRefused,
    /// An initial response asked for again.
    InitialResponseIgnored,
    /// A response line that LF ends without CR.
    LineFeedAlone,
    /// A whole listing in answer to LIST or UIDL with a message-number.
    ListArgumentIgnored,
    /// A response line of more than 512 octets.
    LongLine,
    /// Commands are lost that follow a login in the same flight.
    LosesBehindLogin,
    /// A mechanism that the user names and the server does not announce.
    MechanismNotAnnounced,
    /// A mechanism that is announced and not there.
    MechanismNotThere,
    /// A unique-id that is empty, longer than 70 octets, or not visible ASCII.
    OddUniqueId,
    /// `+OK` for the `+` of a challenge.
    OkForChallenge,
    /// Responses that do not belong to their commands.
    OutOfStep,
    /// `+ERR` for `-ERR`.
    PlusErr,
    /// `+` alone for an empty challenge.
    PlusWithoutBlank,
    /// No decimal number where LIST has a size.
    SizeUnknown,
    /// A tab behind the status indicator.
    TabAfterIndicator,
    /// UIDL lists a message that LIST does not have and STAT does not count.
    UidlLongerThanList,
    /// UIDL works, and CAPA does not have it.
    UidlNotAnnounced,
}

impl Leniency {
    /// Every one.
    pub const ALL: [Self; 22] = [
        Self::BlanksInListing,
        Self::CapaEndsConnection,
        Self::ChallengeInClear,
        Self::EmptyLineInListing,
        Self::EmptyMaildropRefused,
        Self::InitialResponseRefused,
        Self::InitialResponseIgnored,
        Self::LineFeedAlone,
        Self::ListArgumentIgnored,
        Self::LongLine,
        Self::LosesBehindLogin,
        Self::MechanismNotAnnounced,
        Self::MechanismNotThere,
        Self::OddUniqueId,
        Self::OkForChallenge,
        Self::OutOfStep,
        Self::PlusErr,
        Self::PlusWithoutBlank,
        Self::SizeUnknown,
        Self::TabAfterIndicator,
        Self::UidlLongerThanList,
        Self::UidlNotAnnounced,
    ];

    /// Its name in sentences, logs and the server's facts.
    pub fn name(self) -> &'static str {
        match self {
            Self::BlanksInListing => "blanks-in-listing",
            Self::CapaEndsConnection => "capa-ends-connection",
            Self::ChallengeInClear => "challenge-in-clear",
            Self::EmptyLineInListing => "empty-line-in-listing",
            Self::EmptyMaildropRefused => "empty-maildrop-refused",
            Self::InitialResponseRefused => "initial-response-refused",
            Self::InitialResponseIgnored => "initial-response-ignored",
            Self::LineFeedAlone => "line-feed-alone",
            Self::ListArgumentIgnored => "list-argument-ignored",
            Self::LongLine => "long-line",
            Self::LosesBehindLogin => "loses-behind-login",
            Self::MechanismNotAnnounced => "mechanism-not-announced",
            Self::MechanismNotThere => "mechanism-not-there",
            Self::OddUniqueId => "odd-unique-id",
            Self::OkForChallenge => "ok-for-challenge",
            Self::OutOfStep => "out-of-step",
            Self::PlusErr => "plus-err",
            Self::PlusWithoutBlank => "plus-without-blank",
            Self::SizeUnknown => "size-unknown",
            Self::TabAfterIndicator => "tab-after-indicator",
            Self::UidlLongerThanList => "uidl-longer-than-list",
            Self::UidlNotAnnounced => "uidl-not-announced",
        }
    }

    /// Whether a login that knows of it saves round trips.
    pub fn is_of_login(self) -> bool {
        matches!(
            self,
            Self::CapaEndsConnection | Self::InitialResponseRefused | Self::LosesBehindLogin
        )
    }

    /// The one of this name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name().as_bytes() == name)
    }
}

/// What the server does, as a clause behind "the server".
impl fmt::Display for Leniency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlanksInListing => "sends more than one blank behind a message-number",
            Self::CapaEndsConnection => "ends the connection at CAPA, or does not answer it",
            Self::ChallengeInClear => "sends a challenge that is no Base64",
            Self::EmptyLineInListing => "sends an empty line in a listing",
            Self::EmptyMaildropRefused => "refuses to list an empty maildrop",
            Self::InitialResponseRefused => "refuses an initial response as wrong syntax",
            Self::InitialResponseIgnored => "ignores an initial response and asks for it again",
            Self::LineFeedAlone => "ends a response line with LF alone",
            Self::ListArgumentIgnored => "sends a whole listing where one message was asked for",
            Self::LongLine => "sends a response line of more than 512 octets",
            Self::LosesBehindLogin => "loses commands that follow a login at once",
            Self::MechanismNotAnnounced => "does not announce the mechanism",
            Self::MechanismNotThere => "refuses a mechanism that it announces",
            Self::OddUniqueId => {
                "sends a unique-id that is empty, over 70 octets or not visible ASCII"
            }
            Self::OkForChallenge => "begins a challenge with +OK",
            Self::OutOfStep => "answers out of step",
            Self::PlusErr => "refuses with +ERR",
            Self::PlusWithoutBlank => "sends a challenge without the blank behind +",
            Self::SizeUnknown => "lists a message without its size",
            Self::TabAfterIndicator => "sends a tab behind its status indicator",
            Self::UidlLongerThanList => "lists messages by UIDL that STAT and LIST do not have",
            Self::UidlNotAnnounced => "has UIDL and does not announce it",
        })
    }
}

/// Some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniencies(u32);

impl Leniencies {
    /// Whether this one is among them.
    pub fn has(self, leniency: Leniency) -> bool {
        self.0 & Self::bit(leniency) != 0
    }

    /// Adds one; whether it is new.
    pub fn insert(&mut self, leniency: Leniency) -> bool {
        let is_new = !self.has(leniency);
        self.0 |= Self::bit(leniency);
        is_new
    }

    /// Those that are in either.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Leniency> {
        Leniency::ALL.into_iter().filter(move |it| self.has(*it))
    }

    fn bit(leniency: Leniency) -> u32 {
        1 << leniency as u32
    }
}

impl FromIterator<Leniency> for Leniencies {
    fn from_iter<I: IntoIterator<Item = Leniency>>(all: I) -> Self {
        let mut these = Self::default();
        all.into_iter().for_each(|it| _ = these.insert(it));
        these
    }
}
