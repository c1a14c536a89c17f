//! The words that commands begin with.

use std::fmt;

/// The word that a command begins with, for sentences about it and to tell answers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// `APOP`
    Apop,
    /// `AUTH`
    Auth,
    /// `CAPA`
    Capa,
    /// None: the greeting answers the connection.
    Connection,
    /// `DELE`
    Dele,
    /// `LIST`
    List,
    /// `NOOP`
    Noop,
    /// `PASS`
    Pass,
    /// `QUIT`
    Quit,
    /// `RETR`
    Retr,
    /// `STAT`
    Stat,
    /// `STLS`
    Stls,
    /// `TOP`
    Top,
    /// `UIDL`
    Uidl,
    /// `USER`
    User,
    /// `UTF8`
    Utf8,
}

impl Keyword {
    /// As it is sent, and as a sentence has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Apop => "APOP",
            Self::Auth => "AUTH",
            Self::Capa => "CAPA",
            Self::Connection => "the connection",
            Self::Dele => "DELE",
            Self::List => "LIST",
            Self::Noop => "NOOP",
            Self::Pass => "PASS",
            Self::Quit => "QUIT",
            Self::Retr => "RETR",
            Self::Stat => "STAT",
            Self::Stls => "STLS",
            Self::Top => "TOP",
            Self::Uidl => "UIDL",
            Self::User => "USER",
            Self::Utf8 => "UTF8",
        }
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
