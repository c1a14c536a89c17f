//! A worker's start, what it is told at first, and what it says: on a thread of its own,
//! since files of passwords may be pipes and programs may be slow to start.

use crate::channel::command::WorkerCommand;
use crate::channel::frame::{self, Down};
use crate::channel::job::{Job, SecretPurpose, ShownEvents};
use crate::cli::config::account::Account;
use crate::cli::error::{Awaited, Error};
use crate::secret::Secret;
use crate::stop::Stop;

use super::hearing::{AccountSender, Heard, StartedWorker};
use super::service::{write, write_secret};
use super::start::{Start, WorkerStreams, start};

/// What a worker's start takes.
#[derive(Clone, Copy)]
pub(super) struct Preparation<'p> {
    pub(super) start: &'p Start,
    pub(super) account: &'p Account,
    pub(super) command: &'p WorkerCommand,
    /// There is one account.
    pub(super) is_alone: bool,
    /// The events that are shown.
    pub(super) shown: ShownEvents,
    /// A login is tried though the server wants more time between two.
    pub(super) at_once: bool,
    /// Another session of this mailbox follows.
    pub(super) another_follows: bool,
}

impl<'p> Preparation<'p> {
    /// A worker that reaches no server and shows nothing.
    pub(super) fn offline(
        start: &'p Start,
        account: &'p Account,
        command: &'p WorkerCommand,
    ) -> Self {
        let (is_alone, shown) = (true, ShownEvents::default());
        let (at_once, another_follows) = (false, false);
        Self { start, account, command, is_alone, shown, at_once, another_follows }
    }

    /// Starts a worker, tells it what to do, and hears it to its end.
    pub(super) fn serve(&self, stop: &Stop, sink: &AccountSender) {
        match self.begin(stop) {
            Ok((begun, streams)) => {
                if sink.pass(Heard::Started(Ok(Box::new(begun)))) {
                    sink.hear(streams);
                }
            }
            Err(error) => _ = sink.pass(Heard::Started(Err(error))),
        }
    }

    /// Starts a worker and tells it what to do.
    pub(super) fn begin(&self, stop: &Stop) -> Result<(StartedWorker, WorkerStreams), Error> {
        if stop.is_late() {
            return Err(Error::TooLate(Awaited::Turn));
        }
        let (job, secrets) = self.job(stop)?;
        let has_password = job.secrets.contains(&SecretPurpose::Password);
        let prints = matches!(self.command, WorkerCommand::Show { .. });
        let (mut worker, streams) = start(self.start, &self.account.name, prints, stop)?;
        write(&mut worker, &frame::line(&Down::Settings(Box::new(job))))?;
        for secret in &secrets {
            write_secret(&mut worker, secret)?;
        }
        Ok((StartedWorker { worker, has_password }, streams))
    }

    /// The settings, and the secrets that need neither a person nor a command.
    fn job(&self, stop: &Stop) -> Result<(Job, Vec<Secret>), Error> {
        let Self { account, command, .. } = *self;
        let mut job = account.job(command.clone())?;
        job.shown = self.shown;
        job.at_once = self.at_once;
        job.another_follows = self.another_follows;
        let route = &account.route;
        let mut secrets = Vec::new();
        let mut add = |purpose, secret: &Option<Secret>| {
            if let Some(secret) = secret {
                job.secrets.push(purpose);
                secrets.push(secret.clone());
            }
        };
        if command.needs_server() {
            add(SecretPurpose::ClientKey, &route.client_key);
            add(SecretPurpose::ProxyPassword, &route.proxy_password);
            if !account.user.is_empty() {
                let password = account.wanted(self.is_alone).at_hand(stop)?;
                add(SecretPurpose::Password, &password);
            }
        }
        let left = stop.remaining().map(|left| left.as_millis());
        job.deadline = left.map(|left| u64::try_from(left).unwrap_or(u64::MAX));
        Ok((job, secrets))
    }
}
