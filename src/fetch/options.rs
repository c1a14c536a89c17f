//! How one account is fetched.

use std::time::Duration;

use crate::session;

use super::login_schedule::Clock;
use super::renewal::Renewal;
use super::step::Policy;

/// How one account is fetched.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server, and how it is reached.
    pub session: session::Options,
    /// Where another token comes from, if the server refuses the first one.
    pub renewal: Renewal,
    /// Which messages are fetched, and which are deleted.
    pub policy: Policy,
    /// What to do where unique-ids are unknown.
    pub rekey: Rekey,
    /// How many files may be open at once.
    pub most_open: usize,
    /// How long to try again while another session has the maildrop.
    pub retry_for: Duration,
    /// Whether to log in though an announced delay is not over.
    pub at_once: bool,
    /// The time.
    pub clock: Clock,
}

/// Whether unknown unique-ids may be new names of known messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rekey {
    /// If it looks like it, stop.
    #[default]
    Stop,
    /// Match them by header and go on.
    ByHeader,
}
