//! What all accounts of a run share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::cli::output::terminal::Output;
use crate::cli::service_manager::ServiceManager;
use crate::stop::Stop;

use super::start::Start;

/// What all accounts of a run share.
pub(crate) struct Supervisor<'s, 'c> {
    pub(crate) start: &'s Start,
    pub(crate) output: &'s Output<'s>,
    pub(crate) stop: Stop,
    /// There is one account.
    pub(crate) is_alone: bool,
    /// The keys of the mailboxes of all accounts of the configuration; only a mailbox
    /// under another name asks for them.
    pub(crate) keys: &'c dyn Fn() -> Vec<String>,
    /// Whom the loop shows that it goes on.
    pub(crate) manager: &'c ServiceManager,
    /// The files of the configuration.
    pub(crate) configuration: &'c [PathBuf],
    /// Every question is answered with yes.
    pub(crate) agrees: bool,
    /// So many accounts run at once …
    pub(crate) jobs: NonZeroUsize,
    /// … and so many of one server.
    pub(crate) jobs_per_host: NonZeroUsize,
}
