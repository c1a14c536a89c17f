//! The commands whose answers prove the answers before them.

/// The command whose answer names a message, behind its RETR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// `LIST n`.
    List,
    /// STAT, which names none and proves only one message at a time.
    Stat,
    /// `UIDL n`.
    Uidl,
}

impl ProofKind {
    /// The kinds in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::List, Self::Uidl, Self::Stat];

    /// As a journal writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Stat => "stat",
            Self::Uidl => "uidl",
        }
    }

    /// Reads back what [`Self::word`] gives.
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word().as_bytes() == word)
    }
}
