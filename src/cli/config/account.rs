//! From settings to an account that a worker can be told of.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::channel::command::WorkerCommand;
use crate::channel::handover::LmtpJob;
use crate::channel::job::{
    self, Auth, DeletionSetting, Messages, PolicySettings, ShownEvents, Tls,
};
use crate::cli::args::handover::Handover;
use crate::cli::args::options::Args;
use crate::cli::args::period::Days;
use crate::cli::args::settings::Settings;
use crate::cli::error::Error;
use crate::cli::password::lookup::Wanted;
use crate::journal::Mailbox;

use super::connection_options::{ConfigRoute, absolute};
use super::file::Config;
use super::mistake::Mistake;
use super::named::NamedAccount;

/// One account, everything about it known but its password.
#[derive(Debug)]
pub(crate) struct Account {
    /// As it is called in sentences.
    pub(crate) name: String,
    /// The words that mean it on a command line.
    pub(crate) command: String,
    pub(crate) settings: Settings,
    pub(crate) user: String,
    pub(crate) route: ConfigRoute,
    pub(crate) state: PathBuf,
    retry_failed: bool,
    pub(crate) messages: Messages,
}

impl Account {
    /// The server, as sentences name it.
    pub(crate) fn server(&self) -> &str {
        self.settings.server.as_deref().unwrap_or_default()
    }

    /// How long a command may take after a delivery.
    pub(crate) fn exec_timeout(&self) -> Duration {
        Duration::from_secs(self.settings.exec_timeout.map_or(300, |it| it.0))
    }

    /// The mailbox whose journal it has.
    pub(crate) fn mailbox(&self) -> Mailbox {
        let connection = &self.route.connection;
        let journal = self.settings.journal.as_deref();
        Mailbox::new(self.user.as_bytes(), &connection.host, connection.port).named(journal)
    }

    /// The maildrop on the server, whatever the journal's name.
    pub(crate) fn maildrop(&self) -> String {
        let connection = &self.route.connection;
        Mailbox::new(self.user.as_bytes(), &connection.host, connection.port).key().to_owned()
    }

    /// The Maildir, which some commands do without.
    pub(super) fn maildir(&self) -> Result<&Path, Error> {
        let maildir = self.settings.maildir.as_deref().ok_or(Error::Usage {
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
    pub(crate) fn job(&self, command: WorkerCommand) -> Result<job::Job, Error> {
        let maildir = match self.maildir() {
            Err(_) if command.does_without_maildir() => None,
            maildir => Some(maildir?),
        };
        let settings = &self.settings;
        Ok(job::Job {
            command,
            connection: self.route.connection.clone(),
            user: self.user.clone(),
            auth: settings.auth.unwrap_or_default(),
            channel_binding: settings.channel_binding.unwrap_or_default(),
            allow_plaintext_password: settings.allow_plaintext_password.unwrap_or(false),
            early: settings.early.unwrap_or(true),
            strict: settings.strict.unwrap_or(false),
            maildir: maildir.map(absolute),
            journal: settings.journal.clone(),
            state: absolute(&self.state),
            exec: settings.exec.is_some(),
            handover: settings.handover.is_some(),
            lmtp: self.lmtp(),
            policy: PolicySettings {
                deletion: match (settings.delete, settings.delete_after) {
                    (_, Some(Days(days))) => DeletionSetting::After { days },
                    (Some(true), None) => DeletionSetting::Now {},
                    _ => DeletionSetting::Keep {},
                },
                max_size: settings.max_size.map(|size| size.0),
                limit: settings.limit.map(NonZeroUsize::get),
                retry_failed: self.retry_failed,
            },
            messages: self.messages.clone(),
            retry_for: settings.retry_for.map_or(0, |it| it.0),
            at_once: false,
            another_follows: false,
            deadline: None,
            shown: ShownEvents::default(),
            secrets: Vec::new(),
        })
    }

    fn lmtp(&self) -> Option<LmtpJob> {
        let Some(Handover::Lmtp(target)) = &self.settings.handover else { return None };
        let recipients = self.settings.rcpt.clone().unwrap_or_default();
        let patience = self.exec_timeout().as_secs();
        Some(LmtpJob { target: target.clone(), recipients, patience })
    }

    /// What the password is looked up by.
    pub(crate) fn wanted(&self, is_alone: bool) -> Wanted<'_> {
        Wanted {
            account: &self.name,
            user: &self.user,
            host: &self.route.connection.host,
            file: self.settings.password_file.as_deref(),
            command: self.settings.password_command.as_ref(),
            server: self.server(),
            is_needless: self.settings.auth == Some(Auth::External),
            is_alone,
        }
    }
}

/// The words that mean an account on a command line, before what is done with it.
fn command(named: &NamedAccount, settings: &Settings, args: &Args) -> String {
    let mut words = vec!["pop3get".to_owned()];
    let mut add = |option: &str, value: &str| {
        words.extend([option, value].into_iter().filter(|word| !word.is_empty()).map(quoted));
    };
    if let Some(config) = &args.config {
        add("--config", &config.to_string_lossy());
    }
    if named.layers.is_of_file() {
        add("", &named.name);
    } else {
        add("-s", settings.server.as_deref().unwrap_or_default());
        add("-u", settings.user.as_deref().unwrap_or_default());
        if settings.tls.unwrap_or_default() != Tls::default() {
            add("--tls", if settings.tls == Some(Tls::None) { "none" } else { "starttls" });
        }
    }
    let typed = &args.settings;
    let of_file = named.layers.is_of_file();
    let maildir = if of_file { &typed.maildir } else { &settings.maildir };
    let paths = [("-m", maildir), ("--state-dir", &typed.state_dir)];
    for (option, path) in
        paths.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?)))
    {
        add(option, &path.to_string_lossy());
    }
    if let Some(journal) = &typed.journal {
        add("--journal", journal);
    }
    words.join(" ")
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-~".contains(c);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Accounts whose journal is another one's, too: each would take the other's mail for
/// its own.
pub(crate) fn shared_journals<'a>(
    accounts: impl Iterator<Item = &'a Account>,
    config: &Config,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut seen: HashMap<_, &str> = HashMap::new();
    for account in accounts {
        let (name, key) = (account.name.as_str(), account.mailbox().key().to_owned());
        let other = seen.insert((&account.state, key.clone()), name);
        if let Some(other) = other.filter(|other| *other != name) {
            let why = format!(
                "its journal {key} is that of account {other}, too; give one of them another \
                 name by `journal`"
            );
            mistakes.push(match config.find(name) {
                Some(entry) => entry.mistake(&why),
                None => Mistake::of_file(&config.path, format!("{name}: {why}")),
            });
        }
    }
    mistakes
}

/// Everything that can be known before anything is opened.
pub(crate) fn resolve(named: &NamedAccount, args: &Args) -> Result<Account, Error> {
    let (name, settings) = (named.name.clone(), named.layers.settings());
    let user = match (&settings.user, args.probe) {
        (Some(user), _) => user.clone(),
        // It goes as far as the login.
        (None, true) => String::new(),
        (None, false) => {
            let (why, hint) = ("no user is named".into(), Some("use --user NAME"));
            return Err(Error::Usage { why, hint });
        }
    };
    let has_recipients = settings.rcpt.as_ref().is_some_and(|it| !it.is_empty());
    if matches!(settings.handover, Some(Handover::Lmtp(_))) && !has_recipients {
        let (why, hint) = ("LMTP needs a recipient".into(), Some("use --rcpt ADDRESS"));
        return Err(Error::Usage { why, hint });
    }
    let route = ConfigRoute::new(&settings, args.state.is_none())?;
    let state = settings.state_dir.clone().ok_or(Error::Usage {
        why: "there is no home directory to keep the state in".into(),
        hint: Some("use --state-dir DIR, or $STATE_DIRECTORY"),
    })?;
    let is_spooled = settings.maildir.is_none() && settings.handover.is_some();
    let (retry_failed, messages) = (args.retry_failed, args.messages.clone());
    let command = command(named, &settings, args);
    let mut account =
        Account { name, command, user, route, state, retry_failed, messages, settings };
    if is_spooled {
        account.settings.maildir = Some(account.mailbox().spool(&account.state));
    }
    Ok(account)
}
