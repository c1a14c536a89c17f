//! Whether a server answers commands that are sent before its greeting.

use super::line_words::LineWords;

/// Whether a server answers commands that are sent before its greeting, and when that was
/// learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEarly {
    /// It does.
    pub answered: bool,
    /// In seconds since 1970.
    pub at: u64,
}

impl KnownEarly {
    /// Whether commands may go before the greeting: a server that minded gets another chance
    /// after a month, since servers get newer.
    pub fn may_be_early(self, now: u64) -> bool {
        const MONTH: u64 = 30 * 86_400;
        self.answered || now >= self.at.saturating_add(MONTH)
    }

    /// As it stands among the facts.
    pub(super) fn parse(words: &mut LineWords<'_>) -> Option<Self> {
        let answered = match words.word()? {
            b"answered" => true,
            b"minded" => false,
            _ => return None,
        };
        Some(Self { answered, at: words.number()? })
    }

    pub(super) fn line(self) -> String {
        let word = if self.answered { "answered" } else { "minded" };
        format!("{word} {}", self.at)
    }
}
