//! Which known messages are fetched again, and what a person is asked before.

/// Which messages are fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// All that are meant.
    All,
    /// Those that were delivered and are not in the Maildir.
    Missing,
}

/// What a person is asked before messages are fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubling {
    /// How many messages: with [`Again::All`] those that will be in the Maildir twice.
    pub messages: usize,
    /// Their size together, if it is known.
    pub octets: Option<u64>,
}

/// Which messages are fetched again, and how a person is asked.
#[expect(missing_debug_implementations, reason = "a function has none")]
pub struct Refetch<'r> {
    /// Which.
    pub again: Again,
    /// Asks.
    pub agrees: &'r dyn Fn(Doubling) -> bool,
}
