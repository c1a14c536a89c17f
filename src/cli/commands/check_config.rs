//! `--check-config`: what holds for each account, where it comes from, and every
//! mistake. It connects to nothing and runs no command.

use std::path::PathBuf;

use crate::cli::args::options::Args;
use crate::cli::config::account::{Account, resolve, shared_journals};
use crate::cli::config::deleting::deleting_twice;
use crate::cli::config::file::Config;
use crate::cli::config::layers::Value;
use crate::cli::config::maildir;
use crate::cli::config::named::{self, NamedAccount, named};
use crate::cli::error::Error;
use crate::cli::password::lookup::Source;
use crate::stop::Stop;

/// What a configuration says.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The main file, whether it is there or not.
    pub(crate) main: PathBuf,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
    /// What holds for the run as a whole.
    pub(crate) run: Vec<Value>,
    pub(crate) accounts: Vec<CheckedAccount>,
    /// Everything that is wrong, and the account that it belongs to.
    pub(crate) faults: Vec<(Option<String>, Error)>,
}

/// What holds for an account.
#[derive(Debug)]
pub(crate) struct CheckedAccount {
    pub(crate) name: String,
    pub(crate) is_disabled: bool,
    pub(crate) values: Vec<Value>,
    /// Where its password is looked for, if that could be found out.
    pub(crate) password: Option<PasswordSource>,
    /// The directory of its mailbox.
    pub(crate) journal: Option<PathBuf>,
}

/// Where a password is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasswordSource {
    /// The first place that may have one.
    Found(Source),
    /// A `.netrc` has it.
    Netrc,
    /// A person is asked.
    Person,
}

/// Reads the configuration and checks the accounts that the command line means.
pub(crate) fn check(args: &Args, stop: &Stop) -> Checked {
    let (config, mistakes) = Config::read_all(args.config.as_deref());
    let mistakes = mistakes.into_iter().map(|mistake| (None, Error::mistake(mistake)));
    let mut faults: Vec<_> = mistakes.collect();
    let all = named(args, &config).unwrap_or_else(|error| {
        // Of a file that cannot be read nothing else is said.
        if faults.is_empty() {
            faults.push((None, error));
        }
        Vec::new()
    });
    let running = all.iter().filter(|account| !account.is_disabled).count();
    let (mut accounts, mut known) = (Vec::new(), Vec::new());
    for account in all {
        match named::check(&account, args, &config) {
            Ok(()) => {
                let fault = one(&account, args, running == 1, stop, &mut known, &mut accounts);
                let resolved = known.last().filter(|(it, _)| it.name == account.name);
                let maildir =
                    resolved.and_then(|(it, _)| maildir::check(&account, it, &config).err());
                let found = fault.into_iter().chain(maildir);
                faults.extend(found.map(|fault| (Some(account.name.clone()), fault)));
            }
            Err(mistake) => {
                accounts.push(unresolved(&account));
                faults.push((None, mistake));
            }
        }
    }
    if args.settings.server.is_none() {
        known = every_other(args, &config, known);
    }
    let enabled = || {
        let enabled = known.iter().filter(|(_, is_disabled)| !is_disabled);
        enabled.map(|(account, _)| account)
    };
    let shared = shared_journals(enabled(), &config);
    let mistakes = shared.into_iter().chain(deleting_twice(enabled(), &config));
    faults.extend(mistakes.map(|mistake| (None, Error::mistake(mistake))));
    let run = config.run.values(&args.run);
    Checked { main: config.path, files: config.files, run, accounts, faults }
}

/// These accounts and every other one of the file, in its order: also one that is not
/// named may have the journal of one that is.
fn every_other(
    args: &Args,
    config: &Config,
    mut known: Vec<(Account, bool)>,
) -> Vec<(Account, bool)> {
    let others = config.accounts.iter().filter_map(|entry| {
        let is_known = |(account, _): &(Account, bool)| account.name == entry.name;
        if let Some(at) = known.iter().position(is_known) {
            return Some(known.swap_remove(at));
        }
        let named = NamedAccount::any_of_file(entry, args, config);
        resolve(&named, args).ok().map(|account| (account, entry.is_disabled))
    });
    let mut all: Vec<_> = others.collect();
    // Those of a URL.
    all.append(&mut known);
    all
}

fn unresolved(account: &NamedAccount) -> CheckedAccount {
    CheckedAccount {
        name: account.name.clone(),
        is_disabled: account.is_disabled,
        values: account.layers.values(),
        password: None,
        journal: None,
    }
}

/// One account: its values, and whether the files that it names can be read.
fn one(
    named: &NamedAccount,
    args: &Args,
    is_alone: bool,
    stop: &Stop,
    known: &mut Vec<(Account, bool)>,
    accounts: &mut Vec<CheckedAccount>,
) -> Option<Error> {
    let mut checked = unresolved(named);
    let result = resolve(named, args).and_then(|account| {
        checked.journal = Some(account.state.join(account.mailbox().key()));
        let wanted = account.wanted(is_alone);
        let source = wanted.source();
        let at_hand = wanted.at_hand(stop);
        checked.password = match (&source, &at_hand) {
            (Source::NetrcOrPerson, Ok(Some(_))) => Some(PasswordSource::Netrc),
            (Source::NetrcOrPerson, Ok(None)) => Some(PasswordSource::Person),
            (Source::NetrcOrPerson, Err(_)) => None,
            _ => Some(PasswordSource::Found(source)),
        };
        known.push((account, named.is_disabled));
        at_hand.map(|_| ())
    });
    accounts.push(checked);
    result.err()
}
