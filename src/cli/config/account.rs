//! From settings to an account that a worker can be told of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::channel::job::{self, Auth, Deletion, Messages, Policy, Tls};
use crate::cli::args::host::host_and_port;
use crate::cli::args::options::Args;
use crate::cli::args::pop_url;
use crate::cli::args::settings::Settings;
use crate::cli::error::Error;
use crate::cli::password::lookup::Wanted;
use crate::journal::Mailbox;

use super::connection_options::{Route, absolute};
use super::file::{Config, project};

/// One account, everything about it known but its password.
#[derive(Debug)]
pub(crate) struct Account {
    /// As it is called in sentences.
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) user: String,
    pub(crate) route: Route,
    pub(crate) state: PathBuf,
    maildir: Option<PathBuf>,
    retry_failed: bool,
    messages: Messages,
}

impl Account {
    /// The server, as sentences name it.
    pub(crate) fn server(&self) -> &str {
        self.settings.server.as_deref().unwrap_or_default()
    }

    /// The mailbox whose journal it has.
    pub(crate) fn mailbox(&self) -> Mailbox {
        let connection = &self.route.connection;
        let journal = self.settings.journal.as_deref();
        Mailbox::new(self.user.as_bytes(), &connection.host, connection.port).named(journal)
    }

    /// The Maildir, which some commands do without.
    fn maildir(&self) -> Result<&Path, Error> {
        let maildir = self.maildir.as_deref().ok_or(Error::Usage {
            why: "no Maildir is named".into(),
            hint: Some("use --maildir DIR, `maildir` in the configuration file, or $MAILDIR"),
        })?;
        // In other programs' configurations these are a command, and a mailbox of another
        // kind.
        let name = maildir.as_os_str().as_encoded_bytes();
        if name.starts_with(b"|") || name.starts_with(b"!") {
            return Err(Error::Usage {
                why: format!("{:?} is no name of a Maildir", maildir.to_string_lossy()),
                hint: Some("no command is run; a directory of that name is written ./NAME"),
            });
        }
        Ok(maildir)
    }

    /// What a worker is told, but for the time and the secrets.
    pub(crate) fn job(&self, command: job::Command) -> Result<job::Job, Error> {
        let maildir =
            if command.only_looks() { self.maildir().ok() } else { Some(self.maildir()?) };
        let settings = &self.settings;
        Ok(job::Job {
            command,
            connection: self.route.connection.clone(),
            user: self.user.clone(),
            auth: settings.auth.unwrap_or_default(),
            channel_binding: settings.channel_binding.unwrap_or_default(),
            allow_plaintext_password: settings.allow_plaintext_password.unwrap_or(false),
            strict: settings.strict.unwrap_or(false),
            maildir: maildir.map(absolute),
            journal: settings.journal.clone(),
            state: absolute(&self.state),
            policy: Policy {
                deletion: match (settings.delete, settings.delete_after) {
                    (_, Some(days)) => Deletion::After { days },
                    (Some(true), None) => Deletion::Now {},
                    _ => Deletion::Keep {},
                },
                max_size: settings.max_size.map(|size| size.0),
                limit: settings.limit,
                retry_failed: self.retry_failed,
            },
            messages: self.messages.clone(),
            retry_for: settings.retry_for.unwrap_or(0),
            at_once: false,
            deadline: None,
            conversation: false,
            progress: false,
            secrets: Vec::new(),
        })
    }

    /// What the password is looked up by.
    pub(crate) fn wanted(&self, is_alone: bool) -> Wanted<'_> {
        Wanted {
            account: &self.name,
            user: &self.user,
            host: &self.route.connection.host,
            file: self.settings.password_file.as_deref(),
            command: self.settings.password_command.as_deref(),
            is_needless: self.settings.auth == Some(Auth::External),
            is_alone,
        }
    }
}

/// Refuses two accounts with one journal: each would take the other's mail for its own.
pub(crate) fn check_journals<'a>(
    accounts: impl Iterator<Item = &'a Account>,
    config: &Config,
) -> Result<(), Error> {
    let mut seen: HashMap<_, &str> = HashMap::new();
    for account in accounts {
        let (name, key) = (account.name.as_str(), account.mailbox().key().to_owned());
        let other = seen.insert((&account.state, key.clone()), name);
        if let Some(other) = other.filter(|other| *other != name) {
            let why = format!(
                "[account.{name}]: its journal {key} is that of account {other}, too; give one \
                 of them another name by `journal`"
            );
            return Err(Error::Config { path: config.path.clone(), line: None, why });
        }
    }
    Ok(())
}

/// The keys of the mailboxes of all accounts of the file.
pub(crate) fn keys(config: &Config) -> Vec<String> {
    let key = |name: &str| {
        let settings = config.account(name)?;
        let default = if settings.tls.unwrap_or_default() == Tls::Implicit { 995 } else { 110 };
        let (host, port) = host_and_port(settings.server.as_deref()?, default).ok()?;
        let mailbox = Mailbox::new(settings.user.as_deref()?.as_bytes(), &host, port);
        Some(mailbox.named(settings.journal.as_deref()).key().to_owned())
    };
    config.names().filter_map(key).collect()
}

/// Every account that the command line means, by name and settings.
pub(crate) fn named(args: &Args, config: &Config) -> Result<Vec<(String, Settings)>, Error> {
    let given = &args.settings;
    if given.server.is_some() && !args.accounts.is_empty() {
        return Err(Error::usage("give either --server or ACCOUNT"));
    }
    if given.server.is_some() {
        let settings = given.clone().or(config.defaults());
        return Ok(vec![(label(&settings), settings)]);
    }
    let names: Vec<&str> = match args.accounts.is_empty() {
        true => config.names().collect(),
        false => args.accounts.iter().map(String::as_str).collect(),
    };
    if names.is_empty() {
        let path = config.path.display();
        return Err(Error::Usage {
            why: format!("no account is named, and there is none in {path}"),
            hint: Some("try pop3get --list --server HOST --user NAME"),
        });
    }
    let settings = |name: &str| {
        if pop_url::is_url(name) {
            let settings = given.clone().or(pop_url::parse(name)?).or(config.defaults());
            return Ok((label(&settings), settings));
        }
        let settings = config.account(name).ok_or_else(|| {
            let known: Vec<_> = config.names().collect();
            let known = match &*known {
                [] => "none".into(),
                known => known.join(", "),
            };
            let path = config.path.display();
            Error::usage(format!("there is no account {name:?} in {path}; there: {known}"))
        })?;
        let settings = given.clone().or(settings);
        let missing = match (&settings.server, &settings.user) {
            (None, _) => "server",
            (_, None) if !args.probe => "user",
            _ => return Ok((name.to_owned(), settings)),
        };
        let why = format!("[account.{name}]: `{missing}` is missing");
        Err(Error::Config { path: config.path.clone(), line: None, why })
    };
    names.into_iter().map(settings).collect()
}

fn label(settings: &Settings) -> String {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    match &settings.user {
        Some(user) => format!("{user}@{}", word(&settings.server)),
        None => word(&settings.server),
    }
}

/// Everything that can be known before anything is opened.
pub(crate) fn resolve(name: String, settings: Settings, args: &Args) -> Result<Account, Error> {
    let user = match (&settings.user, args.probe) {
        (Some(user), _) => user.clone(),
        // It goes as far as the login.
        (None, true) => String::new(),
        (None, false) => {
            let (why, hint) = ("no user is named".into(), Some("use --user NAME"));
            return Err(Error::Usage { why, hint });
        }
    };
    let route = Route::new(&settings, args.state.is_none())?;
    let state = match &settings.state_dir {
        Some(directory) => directory.clone(),
        None => state_directory()?,
    };
    let from_environment = || std::env::var_os("MAILDIR").filter(|dir| !dir.is_empty());
    let maildir = settings.maildir.clone().or_else(|| from_environment().map(PathBuf::from));
    let (retry_failed, messages) = (args.retry_failed, args.messages.clone());
    Ok(Account { name, user, route, state, maildir, retry_failed, messages, settings })
}

/// Where the journals are kept by default: where systemd says (StateDirectory=), else
/// in the home directory.
fn state_directory() -> Result<PathBuf, Error> {
    let listed = std::env::var_os("STATE_DIRECTORY").unwrap_or_default();
    // Several are separated by colons.
    if let Some(first) = std::env::split_paths(&listed).find(|path| path.is_absolute()) {
        return Ok(first);
    }
    let project = project().ok_or(Error::Usage {
        why: "there is no home directory to keep the state in".into(),
        hint: Some("use --state-dir DIR"),
    })?;
    Ok(project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_path_buf())
}
