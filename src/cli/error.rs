//! Why an account, or the whole run, fails. `output` makes sentence, hint and exit
//! status of it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::channel::failure::Failure;
use crate::cli::config::mistake::Mistake;
use crate::cli::health::next_login::NextLogin;
use crate::{journal, maildir};

/// Why an account, or the whole run, fails.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line cannot be read.
    CommandLine { why: String, hint: String },
    /// The configuration file.
    Config {
        mistake: Box<Mistake>,
        /// How many other mistakes there are.
        more: usize,
    },
    /// A configured command could not be run, or did not succeed.
    Hook {
        /// The option that names it.
        option: &'static str,
        why: HookFailure,
    },
    /// The journal, read here.
    Journal(journal::Error),
    /// The login waits, since the server refused the last ones.
    LoginPause(NextLogin),
    /// The Maildir, read here.
    Maildir(maildir::Error),
    /// Standard output.
    Output(io::Error),
    /// The program's file was replaced while it ran.
    Replaced,
    /// The file of `--report`.
    Report { path: PathBuf, error: io::Error },
    /// No password can be had.
    Secret(anyhow::Error),
    /// A worker cannot be started.
    Start(io::Error),
    /// The deadline passed while something was waited for.
    TooLate(Awaited),
    /// The command line.
    Usage { why: String, hint: Option<&'static str> },
    /// A worker failed, and said why. The server is named where it matters.
    Worker { server: String, failure: Failure, facts: Box<HintFacts> },
    /// A worker ended, or had to be ended, without saying why.
    WorkerLost(Lost),
}

/// What is waited for here until the deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Awaited {
    /// A password, or the command that prints it.
    Password,
    /// The turn of an account among others.
    Turn,
    /// Unique-ids on standard input.
    UniqueIds,
    /// A worker that says who it is.
    Worker,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) enum HookFailure {
    /// It ended with this status, or by a signal.
    Ended(ExitStatus),
    /// It could not be run.
    Start(io::Error),
    /// The run had to end.
    Stopped,
    /// It took longer than this and was ended.
    TimedOut(Duration),
}

/// What the hint of a worker's failure is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct HintFacts {
    /// The words that mean the account on a command line: `pop3get work`.
    pub(crate) command: String,
    /// The Maildir that the account was delivered into before, if it was another one; the
    /// directory that has to be made.
    pub(crate) maildir: Option<String>,
    /// Nothing was to be written.
    pub(crate) is_read_only: bool,
}

/// How a worker ended that did not say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It ended by this signal, or without one.
    Crashed { signal: Option<i32> },
    /// It was killed: by the system, short of memory, by a limit or by a person.
    Killed,
    /// It said what no worker says, or nothing.
    Misbehaved(&'static str),
}

/// SIGHUP, SIGINT and SIGTERM, which end a process at once when they come again.
const HUP: i32 = 1;
const INT: i32 = 2;
const TERM: i32 = 15;

/// SIGKILL: by a person, or by the system when memory runs out.
const KILL: i32 = 9;

/// The signal of a limit of processor time.
const XCPU: i32 = 24;

impl Lost {
    /// A worker that ended by this signal, or without one and without a result.
    pub(crate) fn by(signal: Option<i32>) -> Self {
        match signal {
            // A second SIGTERM or SIGINT ends a process at once.
            Some(HUP | INT | KILL | TERM | XCPU) => Self::Killed,
            signal => Self::Crashed { signal },
        }
    }
}

impl Error {
    /// One mistake in the configuration.
    pub(crate) fn mistake(mistake: Mistake) -> Self {
        Self::Config { mistake: Box::new(mistake), more: 0 }
    }

    /// A wrong command line, without a hint.
    pub(crate) fn usage(why: impl Into<String>) -> Self {
        Self::Usage { why: why.into(), hint: None }
    }
}
