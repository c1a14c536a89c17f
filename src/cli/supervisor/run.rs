//! The loop of a run: it starts workers, hears them all, and ends with the last one.
//!
//! # Invariants
//!
//! * Every account is tried, whatever became of the others, unless a signal ends the run
//!   or its server cannot be reached.
//! * What goes wrong in a worker ends its own account alone.
//! * Nothing here waits for one account: what may take long is on a thread of its own.

mod ending; // of an account

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope};
use std::time::Instant;

use crate::channel::command::WorkerCommand;
use crate::channel::event::Event;
use crate::cli::config::account::Account;
use crate::cli::error::{Error, Lost};
use crate::cli::output::exit::Exit;
use crate::cli::output::view::View;

use super::asking::{Asked, Questions};
use super::hearing::{AccountSender, Answered, Heard, WAITING};
use super::hosts::Hosts;
use super::leftovers::Leftovers;
use super::prepare::Preparation;
use super::schedule::{JobSchedule, Turn};
use super::service::{Service, WorkerMessage};
use super::shared::Supervisor;
use super::start::SLICE;
use super::watch::Watch;

/// An account that has a job, or waits for one again.
struct Served<'r, 'o> {
    account: &'r Account,
    view: View<'r, 'o>,
    watch: Option<Watch>,
    worker: WorkerStage<'r>,
}

/// How far the worker of an account is.
enum WorkerStage<'r> {
    /// It starts.
    Starting,
    /// It works.
    Working(Service<'r>),
    /// It has ended so. The commands after a delivery may run.
    Ended(Result<(), Error>),
}

impl<'r> Served<'r, '_> {
    fn service(&mut self) -> Option<&mut Service<'r>> {
        match &mut self.worker {
            WorkerStage::Working(service) => Some(service),
            _ => None,
        }
    }
}

/// Has a command done for each account, says what there is to say, and returns the
/// statuses. Each account has its number in the run.
pub(crate) fn serve(
    supervisor: &Supervisor<'_, '_>,
    accounts: &[(usize, Account)],
    command: &WorkerCommand,
) -> Vec<Exit> {
    thread::scope(|scope| {
        // At the end the threads that still have something to say find the receiver gone.
        let (to_us, heard) = sync_channel(WAITING);
        SupervisorRun::new(supervisor, scope, accounts, command, to_us).serve(&heard)
    })
}

/// One run.
struct SupervisorRun<'r, 'e, 'o> {
    supervisor: &'r Supervisor<'o, 'r>,
    scope: &'r Scope<'r, 'e>,
    accounts: &'r [(usize, Account)],
    command: &'r WorkerCommand,
    to_us: SyncSender<(usize, Heard)>,
    hosts: Hosts,
    /// What each account may leave behind.
    leftovers: Vec<Option<Leftovers>>,
    schedule: JobSchedule,
    questions: Questions,
    served: BTreeMap<usize, Served<'r, 'o>>,
    exits: Vec<Exit>,
}

impl<'r, 'e, 'o> SupervisorRun<'r, 'e, 'o> {
    fn new(
        supervisor: &'r Supervisor<'o, 'r>,
        scope: &'r Scope<'r, 'e>,
        accounts: &'r [(usize, Account)],
        command: &'r WorkerCommand,
        to_us: SyncSender<(usize, Heard)>,
    ) -> Self {
        let mut hosts = Hosts::default();
        let mut schedule = JobSchedule::new(supervisor.jobs, supervisor.jobs_per_host);
        let mut mailboxes = BTreeMap::new();
        for (_, account) in accounts {
            let host = hosts.add(&account.route.connection);
            let new = mailboxes.len();
            let mailbox = *mailboxes.entry(account.maildrop()).or_insert(new);
            schedule.add(host, mailbox);
        }
        Self {
            supervisor,
            scope,
            accounts,
            command,
            to_us,
            hosts,
            leftovers: accounts.iter().map(|(_, it)| Leftovers::of(it, command)).collect(),
            schedule,
            questions: Questions::new(),
            served: BTreeMap::new(),
            exits: Vec::new(),
        }
    }

    /// Serves all accounts, and returns their statuses.
    fn serve(mut self, heard: &Receiver<(usize, Heard)>) -> Vec<Exit> {
        let mut polled = Instant::now();
        loop {
            self.supervisor.manager.alive();
            let signal = self.supervisor.stop.signal();
            match signal {
                0 => self.start_all(),
                signal => self.stop_all(signal),
            }
            if self.schedule.is_over() || signal != 0 && !self.schedule.has_workers() {
                return self.exits;
            }
            let pause = self.served.values_mut().filter_map(|it| it.service()?.pause()).min();
            if let Ok((at, heard)) = heard.recv_timeout(pause.unwrap_or(SLICE)) {
                self.hear(at, heard);
                self.poll(at);
            }
            if pause.is_some() || polled.elapsed() >= SLICE {
                polled = Instant::now();
                let served: Vec<_> = self.served.keys().copied().collect();
                served.into_iter().for_each(|at| self.poll(at));
                self.flush();
                if !self.questions.are_on_terminal() {
                    self.served.values_mut().for_each(|served| served.view.wait());
                }
            }
        }
    }

    /// Starts every account whose turn it is, and asks what may be asked.
    fn start_all(&mut self) {
        while let Some(turn) = self.schedule.next(Instant::now()) {
            match turn {
                Turn::Start(at) => self.start(at),
                Turn::GoOn(at) => {
                    if let Some(service) = self.service(at) {
                        service.go_on();
                    }
                }
            }
        }
        while let Some((at, asked)) = self.questions.next() {
            let Some(account) = self.served.get(&at).map(|it| it.account) else { continue };
            let sink = self.sender(at);
            if self.questions.has_terminal() {
                self.supervisor.output.hold();
            }
            let stop = &self.supervisor.stop;
            if let Err(error) = self.questions.ask(self.scope, asked, account, stop, sink) {
                self.answer(at, Answered::Password(Err(error)));
            }
        }
        if !self.questions.are_on_terminal() {
            self.supervisor.output.release();
        }
    }

    fn stop_all(&mut self, signal: usize) {
        self.questions.end_all(signal);
        self.supervisor.output.release();
        self.served.values_mut().filter_map(Served::service).for_each(Service::stop);
    }

    /// The way to this loop for what comes from an account.
    fn sender(&self, at: usize) -> AccountSender {
        AccountSender { account: at, to: self.to_us.clone() }
    }

    fn service(&mut self, at: usize) -> Option<&mut Service<'r>> {
        self.served.get_mut(&at)?.service()
    }

    /// Makes an account one that is served; `None` where it has ended with that.
    fn take(&mut self, at: usize) -> Option<&'r Account> {
        let (_, account) = self.accounts.get(at)?;
        let Supervisor { output, is_alone, configuration, .. } = self.supervisor;
        let watch = Watch::of(account, self.command, configuration);
        let pause = watch.as_ref().filter(|_| !output.is_watched()).and_then(Watch::pause);
        if let Some(error) = pause {
            self.speak(at);
            self.ended(at, output.failed(&account.name, &error));
            self.account_over(at);
            return None;
        }
        let view = View::new(output, account, self.command, *is_alone);
        self.served.insert(at, Served { account, view, watch, worker: WorkerStage::Starting });
        Some(account)
    }

    fn start(&mut self, at: usize) {
        let Some(account) = self.take(at) else { return };
        let supervisor = self.supervisor;
        let is_watched = supervisor.output.is_watched();
        let preparation = Preparation {
            start: supervisor.start,
            account,
            command: self.command,
            is_alone: supervisor.is_alone,
            shown: supervisor.output.shown(),
            at_once: self.command.is_read_only() || is_watched,
            another_follows: self.schedule.has_another_of_mailbox(at),
        };
        let sink = self.sender(at);
        let stop = &supervisor.stop;
        let begin = move || {
            preparation.serve(stop, &sink);
        };
        let thread = thread::Builder::new().name("worker".into()).spawn_scoped(self.scope, begin);
        if let Err(error) = thread {
            self.finish(at, Err(Error::Start(error)));
        }
    }

    /// Something came for an account. What its worker sent before its end and is heard
    /// behind it is passed over.
    fn hear(&mut self, at: usize, heard: Heard) {
        use WorkerStage::{Ended, Starting, Working};
        self.speak(at);
        let command = self.command;
        let Some(served) = self.served.get_mut(&at) else { return };
        let Served { account, view, worker, .. } = served;
        match (heard, worker) {
            (Heard::Internal(line), _) => view.internal(&line),
            (Heard::Command(line), Ended(_)) => view.command(&line),
            (Heard::CommandsOver(errors), Ended(_)) => self.commands_over(at, errors),
            // An output that is broken is found when it is written.
            (Heard::HandedOver(event), Ended(_)) => _ = view.event(event),
            (_, Ended(_)) => {}
            (Heard::Started(Ok(begun)), worker) => {
                *worker = Working(Service::new(*begun, account, command));
            }
            (Heard::Started(Err(error)), _) => self.finish(at, Err(error)),
            (Heard::Answered(answer), _) => self.answer(at, answer),
            (Heard::ChannelOver(Some(why)), _) => {
                self.finish(at, Err(Error::WorkerLost(Lost::Misbehaved(why))));
            }
            (Heard::ChannelOver(None), Working(service)) => service.channel_over(),
            (Heard::Frame(frame), Working(service)) => match service.frame(*frame) {
                Ok(said) => self.act(at, said),
                Err(error) => self.finish(at, Err(error)),
            },
            (Heard::Message(octets), Working(service)) => {
                if let Err(error) = view.message(&octets) {
                    service.stop_for(error);
                }
            }
            (Heard::StreamOver, Working(service)) => service.stream_over(),
            (Heard::Command(_) | Heard::CommandsOver(_) | Heard::HandedOver(_), _)
            | (_, Starting) => {}
        }
    }

    fn act(&mut self, at: usize, said: WorkerMessage) {
        let agrees = self.supervisor.agrees;
        let is_alone = self.supervisor.is_alone;
        let Some(served) = self.served.get_mut(&at) else { return };
        let WorkerStage::Working(service) = &mut served.worker else { return };
        match said {
            // A worker with another command is ended for that.
            WorkerMessage::HandOver(_) | WorkerMessage::Nothing => {}
            WorkerMessage::Confirm(_) if agrees => service.answer(Answered::Agreed(Ok(Some(true)))),
            WorkerMessage::Confirm(question) => match served.view.show_rows() {
                Ok(()) => self.questions.add(at, Asked::Confirm(question)),
                Err(error) => service.stop_for(error),
            },
            WorkerMessage::Wait(time) => self.schedule.wait(at, Instant::now() + time),
            WorkerMessage::Password { refused } => {
                if refused && served.account.settings.password_command.is_some() {
                    let words = "the server refused the token; the command is asked for another";
                    self.supervisor.output.verbose(&served.account.name, words);
                }
                self.questions.add(at, Asked::Password { is_alone, refused });
            }
            WorkerMessage::Event(event) => {
                if let Event::Connected { .. } = event {
                    self.hosts.reached(at);
                }
                if let Err(error) = served.view.event(event) {
                    service.stop_for(error);
                }
            }
        }
    }

    fn answer(&mut self, at: usize, answer: Answered) {
        self.questions.end(at);
        if let Some(service) = self.service(at) {
            service.answer(answer);
        }
    }

    /// Looks whether an account has ended.
    fn poll(&mut self, at: usize) {
        if let Some(result) = self.service(at).and_then(Service::poll) {
            self.finish(at, result);
        }
    }

    /// Writes what waits to be written; no worker goes on for an output that is broken.
    fn flush(&mut self) {
        let Err(Error::Output(error)) = self.supervisor.output.flush() else { return };
        for service in self.served.values_mut().filter_map(Served::service) {
            let error = io::Error::new(error.kind(), error.to_string());
            service.stop_for(Error::Output(error));
        }
    }

    /// The number of an account in the order of the run speaks from now on.
    fn speak(&self, at: usize) {
        if let Some((number, _)) = self.accounts.get(at) {
            self.supervisor.output.speak(*number);
        }
    }
}
