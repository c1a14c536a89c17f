//! A run over all accounts that the command line means.
//!
//! # Invariants
//!
//! * Every account is tried, whatever became of the one before.

use std::ffi::OsString;
use std::io::Write;
use std::time::{Duration, Instant};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::channel::command::WorkerCommand;

use super::args::options::Args;
use super::args::period::Interval;
use super::args::short_help::SHORT_HELP;
use super::args::usage::usage_error;
use super::commands::messages;
use super::commands::select::{Selected, select};
use super::commands::single_account;
use super::commands::state;
use super::commands::{self, check_config};
use super::config::account::{self, Account};
use super::config::deleting::deleting_twice;
use super::config::file::Config;
use super::config::named::{self, NamedAccount, named};
use super::config::run_keys::{JOBS, JOBS_PER_HOST};
use super::error::Error;
use super::health::report;
use super::output::configuration;
use super::output::exit::Exit;
use super::output::journal;
use super::output::status;
use super::output::streams::{Manner, Streams};
use super::output::terminal::Output;
use super::repetition::{Repetition, RunStart};
use super::supervisor::run::serve;
use super::supervisor::shared::Supervisor;
use super::supervisor::start::Start;
use crate::stop::Stop;

/// Runs the program. `stop` is set to a signal's number when it has to end.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    mut streams: Streams<'_>,
    stop: &Stop,
    start: &Start,
) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = Args::try_parse_from(&arguments);
    if let Err(error) = &parsed
        && !error.use_stderr()
    {
        let is_long = arguments.iter().any(|argument| argument == "--help");
        let is_short = error.kind() == ErrorKind::DisplayHelp && !is_long;
        let long = error.render().to_string();
        return help(if is_short { SHORT_HELP } else { &long }, streams.out);
    }
    // Where the options are wrong, the one for JSON is looked for by eye.
    let json = arguments.iter().any(|argument| argument == "--json");
    let manner =
        parsed.as_ref().map_or_else(|_| Manner::plain(json), |args| Manner::of(args, &streams));
    let mut repetition = Repetition::default();
    let exit = loop {
        let begun = RunStart::now();
        let output = Output::new(streams.again(), manner, stop);
        let exit = match &parsed {
            Ok(args) => of_options(args.clone(), &output, stop, start, &mut repetition),
            Err(error) => ended(&output, None, Err(usage_error(error))),
        };
        let exit = written(&output, exit);
        if !repetition.goes_on(begun, exit, stop) {
            break exit;
        }
    };
    if repetition.is_one() {
        return exit;
    }
    let exit = repetition.exit(exit, stop);
    written(&Output::new(streams.again(), manner, stop), exit)
}

/// Writes the last line of a run. The status is that of the run, if that succeeds.
fn written(output: &Output<'_>, exit: Exit) -> Exit {
    output.end(exit).map_or_else(|error| ended(output, None, Err(error)), |()| exit)
}

/// Runs what the options mean.
fn of_options<'o>(
    mut args: Args,
    output: &'o Output<'o>,
    stop: &'o Stop,
    start: &'o Start,
    repetition: &mut Repetition,
) -> Exit {
    if let Some(kind) = args.generate {
        return ended(output, None, output.print(&kind.text()).map(|()| Exit::Ok));
    }
    let deadline = args.deadline.map(|after| Instant::now() + Duration::from_secs(after.0));
    let stop = stop.with_deadline(deadline);
    stop.limit_output();
    args.take_account_of_state();
    if args.check_config {
        return check_config(&args, output, &stop);
    }
    if args.status {
        return status(&args, output);
    }
    match messages::named(&args, &stop) {
        Ok(messages) => args.messages = messages,
        Err(error) => return ended(output, None, Err(error)),
    }
    let Prepared { accounts, selected, config } = match prepare_again(&args, output, repetition) {
        Ok(prepared) => prepared,
        Err(error) => return ended(output, None, Err(error)),
    };
    let keys = || named::keys(&args, &config);
    let run = config.run.settings(&args.run);
    let every = run.every.filter(|_| args.is_plain_fetch());
    repetition.take(&config, every.map(|Interval(period)| Duration::from_secs(period.0)));
    let supervisor = Supervisor {
        keys: &keys,
        start,
        output,
        stop,
        is_alone: accounts.len() == 1,
        manager: &repetition.manager,
        agrees: args.yes,
        configuration: &config.files,
        jobs: run.jobs.unwrap_or(JOBS),
        jobs_per_host: run.jobs_per_host.unwrap_or(JOBS_PER_HOST),
    };
    output.expect(accounts.len());
    let mut exits = all(&supervisor, accounts, &selected);
    if matches!(selected, Selected::Worker(WorkerCommand::Fetch { .. })) {
        exits.push(ended(output, None, report(&args, &config).map(|()| Exit::Ok)));
    }
    whole(exits, args.check)
}

/// `--status`, and the report if one is wanted.
fn status(args: &Args, output: &Output<'_>) -> Exit {
    let told = Config::read(args.config.as_deref()).and_then(|config| {
        status::tell(output, &commands::status::meant(args, &config)?)?;
        report(args, &config)
    });
    ended(output, None, told.map(|()| Exit::Ok))
}

/// Writes the report, if one is wanted.
fn report(args: &Args, config: &Config) -> Result<(), Error> {
    let Some(path) = config.run.settings(&args.run).report else { return Ok(()) };
    let text = status::report(&commands::status::all(args, config));
    report::write(&path, &text).map_err(|error| Error::Report { path, error })
}

/// Does for all accounts what was selected.
fn all(supervisor: &Supervisor<'_, '_>, accounts: Vec<Resolved>, selected: &Selected) -> Vec<Exit> {
    let Supervisor { output, keys, .. } = supervisor;
    let (mut exits, mut good) = (Vec::new(), Vec::new());
    for (number, (name, account)) in accounts.into_iter().enumerate() {
        output.speak(number);
        let checked = account.and_then(|account| match selected {
            Selected::StateList => {
                let index = state::list(&account)?;
                let meant = &account.messages;
                journal::tell(output, &account.name, &index, meant).map(|()| None)
            }
            Selected::Worker(command) => {
                check_renaming(command, &account, keys).map(|()| Some(account))
            }
        });
        match checked {
            Ok(Some(account)) => good.push((number, account)),
            Ok(None) => exits.push(Exit::Ok),
            Err(error) => exits.push(ended(output, Some(&name), Err(error))),
        }
        if good.last().is_none_or(|(last, _)| *last != number) {
            output.account_over(number);
        }
    }
    if let Selected::Worker(command) = selected {
        exits.extend(serve(supervisor, &good, command));
    }
    exits
}

/// The status of the whole run.
fn whole(mut exits: Vec<Exit>, is_check: bool) -> Exit {
    if is_check && exits.contains(&Exit::Ok) {
        // Something is new somewhere, and that is what was asked.
        exits.retain(|exit| *exit != Exit::NothingNew);
    }
    Exit::worst(exits)
}

/// An account's name, and the account unless something is wrong with it.
type Resolved = (String, Result<Account, Error>);

/// Which accounts are meant, and what is done for each.
struct Prepared {
    accounts: Vec<Resolved>,
    selected: Selected,
    config: Config,
}

/// Reads the configuration; one that became wrong since the last run does not count.
fn prepare_again(
    args: &Args,
    output: &Output<'_>,
    repetition: &mut Repetition,
) -> Result<Prepared, Error> {
    let read = Config::read(args.config.as_deref()).and_then(|config| prepare(args, config));
    match read {
        Err(error) => match repetition.last_good(&error, output) {
            Some(config) => prepare(args, config),
            None => Err(error),
        },
        Ok(prepared) => {
            repetition.is_good();
            Ok(prepared)
        }
    }
}

fn prepare(args: &Args, config: Config) -> Result<Prepared, Error> {
    if args.run.every.is_some() && !args.is_plain_fetch() {
        return Err(Error::Usage {
            why: "--every repeats the fetch of what is new, and nothing else".into(),
            hint: Some("leave it out here; a person looks once"),
        });
    }
    // A wrong word is said before an account that is missing.
    let selected = select(args)?;
    let accounts = named(args, &config)?;
    single_account::check(args, &accounts)?;
    accounts.iter().try_for_each(|account| named::check(account, args, &config))?;
    let resolve = |named: NamedAccount| (named.name.clone(), account::resolve(&named, args));
    let accounts: Vec<_> = accounts.into_iter().map(resolve).collect();
    // A probe uses no journal.
    if !args.probe {
        let known = || accounts.iter().filter_map(|(_, account)| account.as_ref().ok());
        let shared = account::shared_journals(known(), &config);
        let mut mistakes = shared.into_iter().chain(deleting_twice(known(), &config));
        mistakes.next().map_or(Ok(()), |mistake| Err(Error::mistake(mistake)))?;
    }
    Ok(Prepared { accounts, selected, config })
}

/// `--check-config`: every mistake, and what holds for each account.
fn check_config(args: &Args, output: &Output<'_>, stop: &Stop) -> Exit {
    let checked = check_config::check(args, stop);
    let printed = configuration::tell(output, &checked).map(|()| Exit::Ok);
    let faults =
        checked.faults.into_iter().map(|(name, fault)| ended(output, name.as_deref(), Err(fault)));
    Exit::worst(faults.chain([ended(output, None, printed)]))
}

/// Only a mailbox that no account of the configuration has gets another name.
fn check_renaming(
    command: &WorkerCommand,
    account: &Account,
    keys: &dyn Fn() -> Vec<String>,
) -> Result<(), Error> {
    let WorkerCommand::Rename { old, .. } = command else { return Ok(()) };
    if old == account.mailbox().key() {
        return Err(Error::usage(format!("--state rename: {old} is the name that it has")));
    }
    if keys().contains(old) {
        let why =
            format!("--state rename: {old} is the mailbox of an account of the configuration");
        return Err(Error::usage(why));
    }
    Ok(())
}

/// The status of an account, its error said.
fn ended(output: &Output<'_>, account: Option<&str>, result: Result<Exit, Error>) -> Exit {
    result.unwrap_or_else(|error| {
        if let Some(account) = account {
            return output.failed(account, &error);
        }
        output.fail(None, &error, None);
        error.exit()
    })
}

/// Help or version, as it was asked for.
fn help(text: &str, out: &mut dyn Write) -> Exit {
    match out.write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Io,
        _ => Exit::Ok,
    }
}
