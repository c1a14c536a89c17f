//! From settings to an account that can be fetched.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::connection::Cancel;
use crate::fetch::{Deletion, Place, Policy};
use crate::journal::Mailbox;
use crate::session::{self, ChannelBinding, Pipelining};

use super::connection_options::{self, Secrets};
use crate::cli::args::options::Args;
use crate::cli::args::pop_url;
use crate::cli::args::settings::{Binding, Settings};
use crate::cli::config::file::{Config, project};
use crate::cli::error::Error;

/// One account, everything about it known but its password.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// As it is called in sentences.
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) user: String,
    pub(crate) session: session::Options,
    pub(crate) policy: Policy,
    /// How long to try again while another session has the maildrop.
    pub(crate) retry_for: Duration,
    pub(crate) mailbox: Mailbox,
    pub(crate) state: PathBuf,
    maildir: Option<PathBuf>,
}

impl Account {
    /// The server, as sentences name it.
    pub(crate) fn server(&self) -> &str {
        self.settings.server.as_deref().unwrap_or_default()
    }

    /// The Maildir, which some modes do without.
    pub(crate) fn place(&self) -> Result<Place, Error> {
        let maildir = self.maildir.clone().ok_or(Error::Usage {
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
        Ok(Place { maildir, state: self.state.clone(), mailbox: self.mailbox.clone() })
    }
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
pub(crate) fn resolve(
    name: String,
    settings: Settings,
    args: &Args,
    deadline: Option<Instant>,
    cancel: &Cancel,
) -> Result<Account, Error> {
    let user = match (&settings.user, args.probe) {
        (Some(user), _) => user.clone(),
        // It goes as far as the login.
        (None, true) => String::new(),
        (None, false) => {
            let (why, hint) = ("no user is named".into(), Some("use --user NAME"));
            return Err(Error::Usage { why, hint });
        }
    };
    // The journal by hand needs no way to the server, nor the secrets on it.
    let secrets = if args.state.is_some() { Secrets::Unread } else { Secrets::Read };
    let connection = connection_options::options(&settings, secrets, deadline, cancel)?;
    let mailbox = Mailbox::new(user.as_bytes(), &connection.host);
    let policy = Policy {
        deletion: match (settings.delete, settings.delete_after) {
            (_, Some(days)) => Deletion::After(days),
            (Some(true), None) => Deletion::Now,
            _ => Deletion::Keep,
        },
        max_size: settings.max_size.map(|size| size.0),
        limit: settings.limit,
        retry_failed: args.retry_failed,
    };
    let session = session::Options {
        connection,
        mechanism: settings.auth.unwrap_or_default().mechanism(),
        channel_binding: match settings.channel_binding.unwrap_or_default() {
            Binding::Exporter => ChannelBinding::Exporter,
            Binding::EndPoint => ChannelBinding::EndPoint,
        },
        pace: Pipelining::Announced,
        allow_plaintext_password: settings.allow_plaintext_password.unwrap_or(false),
        strict: settings.strict.unwrap_or(false),
    };
    let state = match &settings.state_dir {
        Some(directory) => directory.clone(),
        None => state_directory()?,
    };
    let from_environment = || std::env::var_os("MAILDIR").filter(|dir| !dir.is_empty());
    let maildir = settings.maildir.clone().or_else(|| from_environment().map(PathBuf::from));
    let retry_for = Duration::from_secs(settings.retry_for.unwrap_or(0));
    Ok(Account { name, user, session, policy, retry_for, mailbox, state, maildir, settings })
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
