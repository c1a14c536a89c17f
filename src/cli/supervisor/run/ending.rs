//! The end of an account: the commands after a delivery, and what is said of it.

use std::thread;
use std::time::Duration;

use crate::channel::command::WorkerCommand;
use crate::channel::failure::Kind;
use crate::cli::error::Error;
use crate::cli::health::patience::{Judgement, ReportDecision};
use crate::cli::hooks::exec;
use crate::cli::output::exit::Exit;
use crate::cli::supervisor::failed::worker_error;
use crate::cli::supervisor::handover;
use crate::cli::supervisor::hearing::Heard;
use crate::cli::supervisor::hosts::HostFailure;

use super::{Served, SupervisorRun, WorkerStage};

impl SupervisorRun<'_, '_, '_> {
    /// The worker of an account has ended. The command of `--exec` is run also after a
    /// run that failed: it may have delivered something.
    pub(super) fn finish(&mut self, at: usize, result: Result<(), Error>) {
        self.questions.end(at);
        let Some(served) = self.served.get_mut(&at) else { return };
        // Who holds the lock is about to run it.
        let is_at_work =
            matches!(&result, Err(Error::Worker { failure, .. }) if failure.kind == Kind::Locked);
        let fetches = matches!(self.command, WorkerCommand::Fetch { .. });
        let account = served.account;
        let settings = &account.settings;
        let has_command = settings.exec.is_some() || settings.handover.is_some();
        if !has_command || !fetches || is_at_work {
            return self.conclude(at, result);
        }
        served.worker = WorkerStage::Ended(result);
        let sink = self.sender(at);
        let stop = &self.supervisor.stop;
        let start = self.supervisor.start;
        let run = move || {
            let say = |line: &str| _ = sink.pass(Heard::Command(line.to_owned()));
            let ran = exec::run(account, stop, say);
            let handed_over = handover::run(start, account, stop, &sink);
            let errors = [ran, handed_over].into_iter().filter_map(Result::err);
            sink.pass(Heard::CommandsOver(errors.collect()));
        };
        let thread = thread::Builder::new().name("commands".into()).spawn_scoped(self.scope, run);
        if let Err(error) = thread {
            self.commands_over(at, vec![Error::Start(error)]);
        }
    }

    /// The commands after a delivery have ended.
    pub(super) fn commands_over(&mut self, at: usize, errors: Vec<Error>) {
        let Some(Served { view, worker: WorkerStage::Ended(result), .. }) =
            self.served.get_mut(&at)
        else {
            return;
        };
        let mut result = std::mem::replace(result, Ok(()));
        for error in errors {
            match result {
                Ok(()) => result = Err(error),
                Err(_) => view.also(&error),
            }
        }
        self.conclude(at, result);
    }

    /// An account has ended. Where another account found out that its server cannot be
    /// reached, its name is said with those of the others.
    fn conclude(&mut self, at: usize, mut result: Result<(), Error>) {
        let Some(served) = self.served.remove(&at) else { return };
        let Served { account, view, watch, worker } = served;
        // Its worker is no more, whatever is said of it.
        drop(worker);
        self.speak(at);
        let mut host_failure = HostFailure::None;
        if let Err(Error::Worker { failure, .. }) = &mut result {
            if failure.kind == Kind::SameMailbox && self.is_configured(failure.mailbox.as_ref()) {
                failure.kind = Kind::SameMailboxOfAccount;
            }
            host_failure = self.hosts.failed(at, failure);
        }
        let has_failed = result.is_err();
        let grace = account.settings.grace.map(|it| Duration::from_secs(it.0));
        let grace = grace.filter(|_| !self.supervisor.output.is_watched());
        let exit = view.end(result, |ended| {
            let judgement = watch.map_or(Judgement::SAY, |watch| watch.judge(ended, grace));
            if host_failure != HostFailure::Known || judgement.verdict != ReportDecision::Say {
                return judgement;
            }
            self.hosts.note(at, &account.name);
            Judgement { verdict: ReportDecision::Silent, ..judgement }
        });
        // Health is written by now, and what holds it stays.
        if has_failed && let Some(Some(leftovers)) = self.leftovers.get(at) {
            leftovers.remove_unused();
        }
        self.ended(at, exit);
        if host_failure == HostFailure::Found {
            self.schedule.new_ones_of_host(at).into_iter().for_each(|other| self.give_up(other));
        }
        if !self.schedule.has_more_of_host(at) {
            let others = self.hosts.take_others(at);
            self.supervisor.output.not_reached(account.server(), &others);
        }
        self.account_over(at);
    }

    /// Whether the mailbox with this key is that of an account of the configuration.
    fn is_configured(&self, key: Option<&String>) -> bool {
        key.is_some_and(|key| (self.supervisor.keys)().contains(key))
    }

    /// Ends an account that has not begun, since its server cannot be reached.
    fn give_up(&mut self, at: usize) {
        let Some(account) = self.take(at) else { return };
        let failure = self.hosts.lost(at);
        let result = failure.map_or(Ok(()), |it| Err(worker_error(account, self.command, it)));
        self.conclude(at, result);
    }

    /// Nothing more is said of an account.
    pub(super) fn account_over(&self, at: usize) {
        if let Some((number, _)) = self.accounts.get(at) {
            self.supervisor.output.account_over(*number);
        }
    }

    pub(super) fn ended(&mut self, at: usize, exit: Exit) {
        self.schedule.end(at);
        self.exits.push(exit);
    }
}
