//! A run over all accounts that the command line means.
//!
//! # Invariants
//!
//! * Every account is tried, whatever became of the one before.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser as _;

use crate::connection::Cancel;
use crate::fetch::{self, AccountRun, Clock, Event, Outcome, Rekey};
use crate::journal;
use crate::secret::Secret;
use crate::session::{self, Credentials};

use super::args::options::Args;
use super::args::settings::Settings;
use super::commands::look::{self, Look};
use super::commands::probe;
use super::commands::state::{self, Action};
use super::config::account::{self, Account};
use super::config::file::Config;
use super::error::Error;
use super::output::exit::Exit;
use super::output::progress::Bars;
use super::output::terminal::{Level, Output};
use super::password::lookup;
use super::password::wait::WaitLimits;
use super::patience::patiently;
use super::sandbox::{Enforcer, Sandbox};

/// The standard streams, and whether standard error is a terminal.
pub struct Streams<'s> {
    /// Data.
    pub out: &'s mut dyn Write,
    /// Everything else.
    pub err: &'s mut dyn Write,
    /// Somebody looks at `err`.
    pub terminal: bool,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

/// Runs the program. `cancel` is set to a signal's number when it has to end;
/// `enforce` closes the sandbox around this process.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    mut streams: Streams<'_>,
    cancel: &Cancel,
    enforce: Enforcer<'_>,
) -> Exit {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return usage_error(&error, &mut streams),
    };
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::Quiet,
        (false, 0) => Level::Normal,
        (false, 1) => Level::Messages,
        (false, _) => Level::Conversation,
    };
    let Streams { out, err, terminal } = streams;
    let output = Output::new(out, err, terminal, level, cancel);
    if let Some(kind) = args.generate {
        return ended(&output, None, output.print(kind.text().as_bytes()).map(|()| Exit::Ok));
    }
    let accounts = Config::read(args.config.as_deref())
        .and_then(|config| account::named(&args, &config))
        .and_then(|accounts| check_single_account(&args, accounts));
    let accounts = match accounts {
        Ok(accounts) => accounts,
        Err(failure) => return ended(&output, None, Err(failure)),
    };
    let looks = args.list || args.check || args.dry_run || args.show.is_some() || args.probe;
    let run = Run {
        sandbox: Sandbox::new(enforce, looks),
        deadline: args.deadline.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        alone: accounts.len() == 1,
        args: &args,
        output: &output,
        cancel,
    };
    let resolve = |(name, settings): (String, _)| {
        (name.clone(), account::resolve(name, settings, &args, run.deadline, cancel))
    };
    let mut accounts: VecDeque<_> = accounts.into_iter().map(resolve).collect();
    let mut exits = Vec::new();
    while let Some((name, account)) = accounts.pop_front()
        && cancel.load(Ordering::Relaxed) == 0
    {
        let later: Vec<_> = accounts.iter().filter_map(|(_, later)| later.as_ref().ok()).collect();
        let result = account.and_then(|account| run.account(&account, &later));
        exits.push(ended(&output, Some(&name), result));
    }
    if args.check && exits.contains(&Exit::Ok) {
        // Something is new somewhere, and that is what was asked.
        exits.retain(|exit| *exit != Exit::NothingNew);
    }
    Exit::worst(exits)
}

/// The status of an account, its failure said.
fn ended(output: &Output<'_>, account: Option<&str>, result: Result<Exit, Error>) -> Exit {
    result.unwrap_or_else(|failure| {
        output.fail(account, &failure, 0);
        failure.exit()
    })
}

/// A wrong command line in one sentence; help and version as they are asked for.
fn usage_error(error: &clap::Error, streams: &mut Streams<'_>) -> Exit {
    if !error.use_stderr() {
        let written = write!(streams.out, "{}", error.render());
        return match written {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Io,
            _ => Exit::Ok,
        };
    }
    let rendered = error.render().to_string();
    let mut lines = rendered.lines();
    let first = lines.next().unwrap_or_default();
    // What is missing stands on lines of its own.
    let more: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let tip = lines.find_map(|line| line.trim().strip_prefix("tip: ").map(str::to_owned));
    // "to pass '--x' as a value, use '-- --x'" leads nowhere here.
    let tip = tip.filter(|tip| !tip.starts_with("to pass"));
    let why = first.strip_prefix("error: ").unwrap_or(first);
    let hint = tip.unwrap_or_else(|| "see pop3get --help".into());
    let why = format!("{why} {}", more.join(" "));
    let _ = writeln!(streams.err, "pop3get: {}", why.trim_end())
        .and_then(|()| writeln!(streams.err, "hint: {hint}"));
    Exit::Usage
}

/// Some options mean one account, and some of these one that is named.
fn check_single_account(
    args: &Args,
    accounts: Vec<(String, Settings)>,
) -> Result<Vec<(String, Settings)>, Error> {
    let named = args.settings.server.is_some() || args.accounts.len() == 1;
    let of_a_named_one =
        [("--mark-seen", args.mark_seen), ("--rekey", args.rekey), ("--refetch", args.refetch)];
    if let Some((what, _)) = of_a_named_one.into_iter().find(|(_, given)| *given && !named) {
        return Err(Error::usage(format!("{what} needs one account, named")));
    }
    let of_one = [("--show", args.show.is_some()), ("--state", args.state.is_some())];
    match of_one.into_iter().find(|(_, given)| *given && accounts.len() != 1) {
        Some((what, _)) => Err(Error::usage(format!("{what} needs one account"))),
        None => Ok(accounts),
    }
}

/// What all accounts of a run share.
struct Run<'r> {
    args: &'r Args,
    output: &'r Output<'r>,
    cancel: &'r Cancel,
    deadline: Option<Instant>,
    alone: bool,
    sandbox: Sandbox<'r>,
}

impl Run<'_> {
    /// One account; `later` ones have their turn behind it.
    fn account(&self, account: &Account, later: &[&Account]) -> Result<Exit, Error> {
        let args = self.args;
        if let Some(words) = &args.state {
            let action = Action::parse(words)?;
            if args.dry_run && action != Action::Repair {
                return Err(Error::usage("--dry-run goes with --state repair only"));
            }
            let (write, now) = (!args.dry_run, clock().start());
            let done = state::state(&action, account, write, now, &self.limits(), self.output);
            return done.map(|()| Exit::Ok);
        }
        if args.probe {
            return self.probe(account, later);
        }
        let look = match (&args.show, args.list, args.check, args.dry_run) {
            (Some(message), ..) => Some(Look::Show { message: message.clone(), lines: args.lines }),
            (_, true, ..) => Some(Look::List { headers: args.headers }),
            (.., true, _) => Some(Look::Check),
            (.., true) => Some(Look::DryRun),
            _ => None,
        };
        // Before journal and Maildir are made, and anybody is asked for a password.
        session::check_user(account.session.mechanism, account.user.as_bytes())
            .map_err(|error| Error::usage(error.to_string()))?;
        match look {
            Some(look) => self.look(&look, account, later),
            None => self.fetch(account, later),
        }
    }

    fn credentials(&self, account: &Account) -> Result<Credentials, Error> {
        credentials(account, lookup::password(account, self.alone, &self.limits())?)
    }

    fn limits(&self) -> WaitLimits<'_> {
        WaitLimits { deadline: self.deadline, cancel: self.cancel }
    }

    /// A probe logs in where it can, and says where it cannot.
    fn probe(&self, account: &Account, later: &[&Account]) -> Result<Exit, Error> {
        let password = match account.user.is_empty() {
            true => None,
            false => lookup::lookup(account, self.alone, &self.limits())?,
        };
        let credentials = password.map(|password| credentials(account, password)).transpose()?;
        self.enforce(account, later);
        let credentials = credentials.as_ref();
        probe::probe(account, credentials, self.output, clock().start(), self.alone)
            .map(|()| Exit::Ok)
    }

    /// With `-v`: says in which directories a power cut may undo the last changes.
    fn warn_of_unsynced_directories(&self, account: &Account, place: &fetch::Place) {
        if self.args.verbose == 0 {
            return;
        }
        for directory in [&place.maildir.join("new"), &place.state] {
            if journal::refuses_directory_sync(directory) {
                let directory = directory.display();
                let line = format!(
                    "the file system of {directory} cannot sync a directory: a power cut may undo the last changes in it"
                );
                self.output.verbose(&account.name, &line);
            }
        }
    }

    /// The last thing before the network.
    fn enforce(&self, account: &Account, later: &[&Account]) {
        if let Some(line) = self.sandbox.enforce(account, later) {
            self.output.verbose(&account.name, &line);
        }
    }

    fn look(&self, look: &Look, account: &Account, later: &[&Account]) -> Result<Exit, Error> {
        let credentials = self.credentials(account)?;
        self.enforce(account, later);
        let new = look::look(look, account, &credentials, self.output, clock(), self.alone)?;
        Ok(if self.args.check && !new { Exit::NothingNew } else { Exit::Ok })
    }

    /// Fetches, or marks as seen: the local doors are open before anybody is
    /// asked for a password.
    fn fetch(&self, account: &Account, later: &[&Account]) -> Result<Exit, Error> {
        let place = account.place()?;
        let bars = Bars::default();
        let observe = |event: Event<'_>| self.output.event(&account.name, &bars, event);
        let local = patiently(&self.limits(), || match self.args.refetch {
            true => AccountRun::open_anew(&place, &observe),
            false => AccountRun::open(&place, &observe),
        })?;
        self.warn_of_unsynced_directories(account, &place);
        let credentials = self.credentials(account)?;
        self.enforce(account, later);
        let options = fetch::Options {
            session: account.session.clone(),
            policy: account.policy,
            rekey: if self.args.rekey { Rekey::ByHeader } else { Rekey::Stop },
            most_open: most_open(),
            retry_for: account.retry_for,
            at_once: self.output.is_watched(),
            clock: clock(),
        };
        let marks = self.args.mark_seen;
        let Outcome { summary, result } = match marks {
            true => local.mark_seen(&options, &credentials, &observe),
            false => local.fetch(&options, &credentials, &observe),
        };
        drop(bars);
        if let Err(error) = result {
            let failure = Error::with(account.server(), error);
            self.output.fail(Some(&account.name), &failure, summary.delivered);
            // A signal ends the program by itself; the status is never seen.
            return Ok(match self.cancel.load(Ordering::Relaxed) {
                0 => failure.exit(),
                _ => Exit::Temporary,
            });
        }
        if !marks {
            self.output.summary(&account.name, &summary);
        }
        Ok(if summary.failed > 0 { Exit::SomeFailed } else { Exit::Ok })
    }
}

fn credentials(account: &Account, password: Secret) -> Result<Credentials, Error> {
    let credentials = Credentials { user: account.user.clone().into_bytes(), password };
    let checked = credentials.check(account.session.mechanism);
    checked.map_err(|error| Error::usage(error.to_string()))?;
    Ok(credentials)
}

pub(super) fn clock() -> Clock {
    Clock::starting(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Half of what the system lets us open, so that a batch of messages never
/// meets the limit.
fn most_open() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit / 2).ok()).unwrap_or(512).clamp(8, 4096)
}
