//! How much is said: `-q`, `-v`, `-vv`, `-vvv`.

use crate::cli::args::options::Args;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Errors.
    Quiet,
    /// On a terminal a summary, and bars.
    Normal,
    /// A line for each account at its end.
    Accounts,
    /// A line for each message, and what else happens.
    Messages,
    /// The conversation.
    Conversation,
}

impl Level {
    /// How much the options want to be said.
    pub(super) fn of(args: &Args) -> Self {
        match (args.quiet, args.verbose) {
            (true, _) => Self::Quiet,
            (false, 0) => Self::Normal,
            (false, 1) => Self::Accounts,
            (false, 2) => Self::Messages,
            (false, _) => Self::Conversation,
        }
    }
}
