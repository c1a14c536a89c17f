//! Which accounts the command line means.

use glob::Pattern;

use crate::cli::args::foreign::act;
use crate::cli::args::host::host_and_port;
use crate::cli::args::options::Args;
use crate::cli::args::pop_url;
use crate::cli::args::settings::Settings;
use crate::cli::error::Error;
use crate::journal::Mailbox;

use super::file::{AccountTable, Config};
use super::keys::nearest;
use super::layers::{Layers, Origin};

/// An account, by name, with everything that is said of it.
#[derive(Clone, Debug)]
pub(crate) struct NamedAccount {
    pub(crate) name: String,
    pub(crate) layers: Layers,
    /// It runs only when it is named.
    pub(crate) is_disabled: bool,
}

impl NamedAccount {
    fn typed(settings: Settings, url: Settings, config: &Config) -> Self {
        let defaults = (Origin::Defaults, config.defaults.clone());
        let all = (Origin::TopLevel, config.run.accounts.clone());
        let layers = Layers::new([Layers::typed(settings), Layers::typed(url), defaults, all]);
        Self { name: label(&layers.settings()), layers, is_disabled: false }
    }

    /// An account of the file that the command line means.
    fn meant(entry: &AccountTable, args: &Args, config: &Config) -> Self {
        Self::of_file(entry, args.settings.clone(), config)
    }

    /// An account of the file that the command line may mean or not: what is typed for one
    /// mailbox is not said of it.
    pub(crate) fn any_of_file(entry: &AccountTable, args: &Args, config: &Config) -> Self {
        let typed = args.settings.clone();
        Self::of_file(entry, Settings { user: None, journal: None, ..typed }, config)
    }

    /// An account of the file, with these settings of the command line before its own.
    pub(super) fn of_file(entry: &AccountTable, typed: Settings, config: &Config) -> Self {
        let layers = Layers::new([
            Layers::typed(typed),
            (Origin::Account, entry.table.clone()),
            (Origin::Defaults, config.defaults.clone()),
            (Origin::TopLevel, config.run.accounts.clone()),
        ]);
        Self { name: entry.name.clone(), layers, is_disabled: entry.is_disabled }
    }
}

/// Every account that the command line means, each once: those that are named, in that
/// order, else all of the file that are not disabled.
pub(crate) fn named(args: &Args, config: &Config) -> Result<Vec<NamedAccount>, Error> {
    let words: Vec<&str> = args.account.iter().chain(&args.accounts).map(String::as_str).collect();
    if args.settings.server.is_some() {
        if !words.is_empty() {
            return Err(Error::usage("give either --server or ACCOUNT"));
        }
        return Ok(vec![NamedAccount::typed(args.settings.clone(), Settings::default(), config)]);
    }
    let mut found: Vec<NamedAccount> = Vec::new();
    if words.is_empty() {
        let enabled = config.accounts.iter().filter(|entry| !entry.is_disabled);
        found.extend(enabled.map(|entry| NamedAccount::meant(entry, args, config)));
        check_typed(&args.settings, &found)?;
        if args.check_config {
            // The disabled ones are looked at, each in its place, and not meant.
            let of_entry = |entry: &AccountTable| {
                if entry.is_disabled {
                    NamedAccount::any_of_file(entry, args, config)
                } else {
                    NamedAccount::meant(entry, args, config)
                }
            };
            found = config.accounts.iter().map(of_entry).collect();
        }
        if found.is_empty() {
            return Err(none(config));
        }
        return Ok(found);
    }
    for word in words {
        if pop_url::is_url(word) {
            found.push(NamedAccount::typed(args.settings.clone(), pop_url::parse(word)?, config));
            continue;
        }
        for entry in matching(word, config)? {
            if !found.iter().any(|other| other.name == entry.name) {
                found.push(NamedAccount::meant(entry, args, config));
            }
        }
    }
    check_typed(&args.settings, &found)?;
    Ok(found)
}

/// Refuses options that name the mailbox, or the password, of one account where several
/// accounts are meant: one server would get another one's user name and password.
fn check_typed(typed: &Settings, accounts: &[NamedAccount]) -> Result<(), Error> {
    let of_one = [
        ("--user", typed.user.is_some()),
        ("--password-file", typed.password_file.is_some()),
        ("--journal", typed.journal.is_some()),
    ];
    let given = of_one.into_iter().find(|(_, given)| *given).filter(|_| accounts.len() > 1);
    let Some((option, _)) = given else { return Ok(()) };
    let hint = Some("name one ACCOUNT; a mailbox without an account needs --server, too");
    Err(Error::Usage { why: several(option, accounts), hint })
}

/// How many accounts a sentence names.
const NAMES: usize = 5;

/// That an option is for one account, and which accounts are meant.
pub(crate) fn several(option: &str, accounts: &[NamedAccount]) -> String {
    let mut names: Vec<_> = accounts.iter().take(NAMES).map(|it| it.name.clone()).collect();
    match accounts.len().saturating_sub(NAMES) {
        0 => {}
        more => names.push(format!("and {more} more")),
    }
    let names = names.join(", ");
    format!("{option} is for one account, and {} accounts are meant: {names}", accounts.len())
}

/// The accounts that a word means: that of this name, else those that a pattern matches
/// and that are not disabled.
fn matching<'c>(word: &str, config: &'c Config) -> Result<Vec<&'c AccountTable>, Error> {
    if let Some(entry) = config.find(word) {
        return Ok(vec![entry]);
    }
    let known: Vec<_> = config.names().collect();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    let place = config.path.display();
    if !word.contains(['*', '?', '[']) {
        if let Some(name) = nearest(word, config.names()) {
            let why = format!("there is no account {word:?}; did you mean {name:?}?");
            return Err(Error::usage(why));
        }
        let why = format!("there is no account {word:?} in {place}; there: {known}");
        return Err(match act(word).or_else(|| without_account(word)) {
            Some(hint) => Error::CommandLine { why, hint },
            None => Error::usage(why),
        });
    }
    let pattern = Pattern::new(word)
        .map_err(|error| Error::usage(format!("{word:?} is no pattern: {}", error.msg)))?;
    let is_meant = |entry: &&AccountTable| !entry.is_disabled && pattern.matches(&entry.name);
    let found: Vec<_> = config.accounts.iter().filter(is_meant).collect();
    if found.is_empty() {
        let why = format!("no account in {place} matches {word:?}; there: {known}");
        return Err(Error::usage(why));
    }
    Ok(found)
}

/// How a mailbox is named that has no account, for a word that looks like a host, or like
/// a user and a host.
fn without_account(word: &str) -> Option<String> {
    let is_host = |host: &str| {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let has_form = name.contains('.') || name == "localhost" || !port.is_empty();
        has_form && host_and_port(host, 995).is_ok()
    };
    let (user, host) = word.rsplit_once('@').unwrap_or(("USER", word));
    if !is_host(host) || user.is_empty() || word.contains(char::is_whitespace) {
        return None;
    }
    let url = if user.contains(['@', ':', '/', '%']) {
        String::new()
    } else {
        format!(", or pop3get pops://{user}@{host}")
    };
    Some(format!("a mailbox without an account is named by pop3get -s {host} -u {user}{url}"))
}

fn none(config: &Config) -> Error {
    let path = config.path.display();
    if config.accounts.is_empty() {
        return Error::Usage {
            why: format!("no account is named, and there is none in {path}"),
            hint: Some("try pop3get --list --server HOST --user NAME"),
        };
    }
    Error::Usage {
        why: format!("no account is named, and all in {path} are disabled"),
        hint: Some("name the account that is to run"),
    }
}

/// Refuses an account of the file that lacks what no default can give.
pub(crate) fn check(account: &NamedAccount, args: &Args, config: &Config) -> Result<(), Error> {
    let Some(entry) = config.find(&account.name) else { return Ok(()) };
    let settings = account.layers.settings();
    let missing = match (&settings.server, &settings.user) {
        (None, _) => "server",
        (_, None) if !args.probe => "user",
        _ => return Ok(()),
    };
    Err(Error::mistake(entry.mistake(&format!("`{missing}` is missing"))))
}

/// The name of an account that has none.
fn label(settings: &Settings) -> String {
    let server = settings.server.clone().unwrap_or_default();
    match &settings.user {
        Some(user) => format!("{user}@{server}"),
        None => server,
    }
}

/// The mailbox of an account, if enough is said of it.
pub(crate) fn mailbox(settings: &Settings) -> Option<Mailbox> {
    let default = settings.tls.unwrap_or_default().default_port();
    let (host, port) = host_and_port(settings.server.as_deref()?, default).ok()?;
    let mailbox = Mailbox::new(settings.user.as_deref()?.as_bytes(), &host, port);
    Some(mailbox.named(settings.journal.as_deref()))
}

/// The keys of the mailboxes of all accounts of the file.
pub(crate) fn keys(args: &Args, config: &Config) -> Vec<String> {
    let settings = |entry| NamedAccount::any_of_file(entry, args, config).layers.settings();
    let key = |entry| mailbox(&settings(entry)).map(|mailbox| mailbox.key().to_owned());
    config.accounts.iter().filter_map(key).collect()
}
