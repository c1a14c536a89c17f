//! The end of an account: the commands after a delivery, and what is said of it.

use std::thread;
use std::time::Duration;

use crate::channel::command::WorkerCommand;
use crate::channel::failure::Kind;
use crate::cli::error::Error;
use crate::cli::health::patience::{Judgement, ReportDecision};
use crate::cli::hooks::exec;
use crate::cli::output::exit::Exit;
use crate::cli::supervisor::failed::failed;
use crate::cli::supervisor::handover;
use crate::cli::supervisor::hearing::{AccountSender, Heard};

use super::{Served, SupervisorRun};

impl SupervisorRun<'_, '_, '_> {
    /// The worker of an account has ended. The command of `--exec` is run also after a
    /// run that failed: it may have delivered something.
    pub(super) fn finish(&mut self, at: usize, result: Result<(), Error>) {
        self.questions.end(at);
        let Some(served) = self.served.get_mut(&at) else { return };
        // Its worker is no more, whatever is said of it.
        served.service = None;
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
        served.result = Some(result);
        let sink = AccountSender { account: at, to: self.to_us.clone() };
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
        let Some(served) = self.served.get_mut(&at) else { return };
        let mut result = served.result.take().unwrap_or(Ok(()));
        for error in errors {
            match result {
                Ok(()) => result = Err(error),
                Err(_) => served.view.also(&error),
            }
        }
        self.conclude(at, result);
    }

    /// An account has ended.
    fn conclude(&mut self, at: usize, mut result: Result<(), Error>) {
        let Some(served) = self.served.remove(&at) else { return };
        let Served { account, view, watch, .. } = served;
        self.speak(at);
        let host = self.host_of.get(at).copied().unwrap_or_default();
        let (mut is_first, mut is_other) = (false, false);
        if let Err(Error::Worker { failure, .. }) = &mut result {
            let is_configured = |key: &String| (self.supervisor.keys)().contains(key);
            if failure.kind == Kind::SameMailbox
                && failure.mailbox.as_ref().is_some_and(is_configured)
            {
                failure.kind = Kind::SameMailboxOfAccount;
            }
            is_first = self.hosts.failed(host, failure);
            if let Some(lost) = self.hosts.lost(host, Some(failure)).filter(|_| !is_first) {
                (is_other, *failure) = (true, lost);
            }
        }
        let leftovers = result.is_err().then(|| self.leftovers.get_mut(at)?.take()).flatten();
        let hosts = &mut self.hosts;
        let is_watched = self.supervisor.output.is_watched();
        let grace = account.settings.grace.map(|it| Duration::from_secs(it.0));
        let grace = grace.filter(|_| !is_watched);
        let exit = view.end(result, |ended| {
            let judgement = watch.map_or(Judgement::SAY, |watch| watch.judge(ended, grace));
            if !is_other || judgement.verdict != ReportDecision::Say {
                return judgement;
            }
            hosts.note(host, &account.name);
            Judgement { verdict: ReportDecision::Silent, ..judgement }
        });
        // Health is written by now, and what holds it stays.
        if let Some(leftovers) = leftovers {
            leftovers.remove_unused();
        }
        self.ended(at, exit);
        if is_first {
            self.schedule.new_ones_of(host).into_iter().for_each(|other| self.give_up(other));
        }
        if !self.schedule.has_more_of(host) {
            let others = self.hosts.take_others(host);
            self.supervisor.output.not_reached(account.server(), &others);
        }
        self.is_over(at);
    }

    /// Ends an account that has not begun, since its server cannot be reached.
    fn give_up(&mut self, at: usize) {
        let Some(account) = self.take(at) else { return };
        let host = self.host_of.get(at).copied().unwrap_or_default();
        let failure = self.hosts.lost(host, None);
        self.conclude(
            at,
            failure.map_or(Ok(()), |failure| Err(failed(account, self.command, failure))),
        );
    }

    /// Nothing more is said of an account.
    pub(super) fn is_over(&self, at: usize) {
        if let Some((number, _)) = self.accounts.get(at) {
            self.supervisor.output.account_over(*number);
        }
    }

    pub(super) fn ended(&mut self, at: usize, exit: Exit) {
        self.schedule.end(at);
        self.exits.push(exit);
    }
}
