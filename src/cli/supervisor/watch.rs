//! The health of one account: read before its run, written when it has ended.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::channel::command::WorkerCommand;
use crate::channel::failure::{FailureClass, Kind};
use crate::cli::config::account::Account;
use crate::cli::error::Error;
use crate::cli::health::login_files::{login_files, takes_token};
use crate::cli::health::patience::{Judgement, ReportDecision, RunEnd};
use crate::cli::health::record::Health;
use crate::cli::output::exit::Exit;
use crate::cli::output::view::Ended;

/// The health of an account that is fetched.
#[derive(Debug)]
pub(super) struct Watch {
    state: PathBuf,
    key: String,
    health: Health,
    maildir: Option<PathBuf>,
    /// The files that the login is made of.
    files: String,
    takes_token: bool,
}

/// The time, in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl Watch {
    /// Of a fetch; other commands leave the health as it is. `configuration` has the
    /// files that were read.
    pub(super) fn of(
        account: &Account,
        command: &WorkerCommand,
        configuration: &[PathBuf],
    ) -> Option<Self> {
        if !matches!(command, WorkerCommand::Fetch { .. }) {
            return None;
        }
        let key = account.mailbox().key().to_owned();
        let mut health = Health::read(&account.state, &key);
        health.account.clone_from(&account.name);
        Some(Self {
            state: account.state.clone(),
            key,
            health,
            maildir: account.settings.maildir.clone(),
            files: login_files(configuration, &account.settings),
            takes_token: takes_token(&account.settings),
        })
    }

    /// The failure of a run whose login has to wait, since the server refused the same one
    /// again and again. A token is a new one each time.
    pub(super) fn pause(&self) -> Option<Error> {
        let pause = self.health.pause(now(), &self.files).filter(|_| !self.takes_token);
        pause.map(Error::LoginPause)
    }

    /// Writes down how the run ended, and says what is to be said of it. `grace` is
    /// `None` where every failure is said.
    pub(super) fn judge(mut self, ended: &Ended<'_>, grace: Option<Duration>) -> Judgement {
        let Ended { exit, error, certificate } = *ended;
        let is_of = |kinds: fn(Kind) -> bool| matches!(error, Some(Error::Worker { failure, .. }) if kinds(failure.kind));
        if is_of(|kind| matches!(kind, Kind::Locked | Kind::Interrupted)) {
            return Judgement::SAY;
        }
        let now = now();
        let end = match exit {
            Exit::Ok | Exit::NothingNew => RunEnd::Success,
            exit => RunEnd::Failure {
                status: exit.status(),
                passes: exit == Exit::Temporary,
                why: error.map_or_else(|| "some messages failed".into(), ToString::to_string),
            },
        };
        if is_of(|kind| kind.nature() == FailureClass::Login) {
            self.health.refused(now, self.files);
        }
        if end == RunEnd::Success {
            let maildir = self.maildir.as_deref().and_then(|it| std::path::absolute(it).ok());
            self.health.maildir = maildir.map(|it| it.display().to_string());
        }
        let verdict = self.health.after(&end, now, grace);
        let warns = certificate.is_some_and(|(end, is_soon)| self.health.certificate(end, is_soon));
        let written = self.state.is_dir() && self.health.write(&self.state, &self.key).is_ok();
        match verdict {
            // What is not written down would never be said.
            ReportDecision::Forgive | ReportDecision::Silent if !written => Judgement::SAY,
            // What is not written down would be said each time.
            verdict => Judgement { verdict, warns: warns && written },
        }
    }
}
