//! What a server may do against an RFC and is served all the same.

use std::fmt;

/// A breach of an RFC that a login goes on from; `--strict` ends it instead, and
/// names the one. The table in [`crate::protocol`] has the servers and the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// The connection ends at CAPA.
    CapaEndsConnection,
    /// A challenge in clear where it is to be Base64, and nothing hangs on it.
    ChallengeInClear,
    /// An initial response refused by words of syntax.
    InitialResponseRefused,
    /// An initial response asked for again.
    InitialResponseIgnored,
    /// A mechanism that is announced and not there.
    MechanismNotThere,
    /// `+OK` for the `+` of a challenge.
    OkForChallenge,
    /// `+ERR` for `-ERR`.
    PlusErr,
    /// `+` alone for an empty challenge.
    PlusWithoutBlank,
    /// A tab behind the status indicator.
    TabAfterIndicator,
}

impl Leniency {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::CapaEndsConnection,
        Self::ChallengeInClear,
        Self::InitialResponseRefused,
        Self::InitialResponseIgnored,
        Self::MechanismNotThere,
        Self::OkForChallenge,
        Self::PlusErr,
        Self::PlusWithoutBlank,
        Self::TabAfterIndicator,
    ];

    /// Its name in sentences and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::CapaEndsConnection => "capa-ends-connection",
            Self::ChallengeInClear => "challenge-in-clear",
            Self::InitialResponseRefused => "initial-response-refused",
            Self::InitialResponseIgnored => "initial-response-ignored",
            Self::MechanismNotThere => "mechanism-not-there",
            Self::OkForChallenge => "ok-for-challenge",
            Self::PlusErr => "plus-err",
            Self::PlusWithoutBlank => "plus-without-blank",
            Self::TabAfterIndicator => "tab-after-indicator",
        }
    }
}

/// What the server does, as a clause behind "the server".
impl fmt::Display for Leniency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CapaEndsConnection => "ends the connection at CAPA",
            Self::ChallengeInClear => "sends a challenge that is no Base64",
            Self::InitialResponseRefused => "refuses an initial response as wrong syntax",
            Self::InitialResponseIgnored => "ignores an initial response and asks for it again",
            Self::MechanismNotThere => "refuses a mechanism that it announces",
            Self::OkForChallenge => "begins a challenge with +OK",
            Self::PlusErr => "refuses with +ERR",
            Self::PlusWithoutBlank => "sends a challenge without the blank behind +",
            Self::TabAfterIndicator => "sends a tab behind its status indicator",
        })
    }
}
