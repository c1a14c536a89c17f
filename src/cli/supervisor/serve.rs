//! One account, served by a worker: what it is told, what is heard, how it ends.

use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::channel::failure::{Failure, Kind};
use crate::channel::frame::{self, Down, Up};
use crate::channel::job::{Command, Job, Purpose};
use crate::channel::question::Question;
use crate::cli::config::account::Account;
use crate::cli::error::{Error, Lost};
use crate::cli::health::patience::Judgement;
use crate::cli::hooks::exec;
use crate::cli::output::exit::Exit;
use crate::cli::output::question::asked;
use crate::cli::output::terminal::Output;
use crate::cli::output::view::View;
use crate::cli::password::lookup::missing;
use crate::cli::password::prompt::agrees;
use crate::cli::password::wait::WaitLimits;
use crate::secret::Secret;

use super::hearing::Heard;
use super::start::{PATIENCE, Start, Worker, start};
use super::watch::Watch;

/// A signal sets a flag; only a look at it ends a wait.
const SLICE: Duration = Duration::from_millis(50);

/// What all accounts of a run share.
pub(crate) struct Supervisor<'s, 'c> {
    pub(crate) start: &'s Start,
    pub(crate) output: &'s Output<'s>,
    pub(crate) limits: WaitLimits<'s>,
    /// There is one account.
    pub(crate) is_alone: bool,
    /// The keys of the mailboxes of all accounts of the configuration; only a mailbox
    /// under another name asks for them.
    pub(crate) keys: &'c dyn Fn() -> Vec<String>,
    /// The conversation is shown.
    pub(crate) conversation: bool,
    /// The files of the configuration.
    pub(crate) configuration: &'c [PathBuf],
    /// Every question is answered with yes.
    pub(crate) agrees: bool,
}

impl Supervisor<'_, '_> {
    /// Has a command done for an account, says what there is to say, and returns the
    /// status.
    pub(crate) fn serve(&self, account: &Account, command: &Command) -> Exit {
        let watch = Watch::of(account, command, self.configuration);
        let is_attended = self.output.is_watched();
        if !is_attended && watch.as_ref().is_some_and(Watch::has_to_wait) {
            return Exit::NoPermission;
        }
        let mut view = View::new(self.output, account, command, self.is_alone);
        let result = self.prepare(account, command).and_then(|(job, secrets)| {
            let prints = matches!(command, Command::Show { .. });
            let worker = start(self.start, &account.name, prints, &self.limits)?;
            let mut service = Service {
                worker,
                supervisor: self,
                account,
                command,
                has_confirmed: false,
                has_asked: job.secrets.contains(&Purpose::Password),
                is_stopped: false,
                end: None,
                own: None,
            };
            service.tell(&Down::Settings(Box::new(job)));
            for secret in &secrets {
                service.tell_secret(secret);
            }
            service.listen(&mut view)
        });
        let result = self.run_exec(account, command, result, &view);
        view.end(result, |ended| watch.map_or(Judgement::SAY, |watch| watch.judge(ended, None)))
    }

    /// Runs the command of `--exec` where one is due, also after a run that failed: it
    /// may have delivered something.
    fn run_exec(
        &self,
        account: &Account,
        command: &Command,
        result: Result<(), Error>,
        view: &View<'_, '_>,
    ) -> Result<(), Error> {
        let has_fetched = matches!(command, Command::Fetch { .. });
        // Who holds the lock is about to run it.
        let is_at_work =
            matches!(&result, Err(Error::Worker { failure, .. }) if failure.kind == Kind::Locked);
        if !has_fetched || is_at_work {
            return result;
        }
        let ran = exec::run(account, &self.limits, |line| view.command(line));
        match (result, ran) {
            (Ok(()), ran) => ran,
            (result, Ok(())) => result,
            (result, Err(error)) => {
                view.also(&error);
                result
            }
        }
    }

    /// What the worker is told at first: the settings, and the secrets that need neither
    /// a person nor a command.
    fn prepare(&self, account: &Account, command: &Command) -> Result<(Job, Vec<Secret>), Error> {
        let mut job = account.job(command.clone())?;
        job.conversation = self.conversation;
        job.progress = self.output.draws();
        job.at_once = command.only_looks() || self.output.is_watched();
        let route = &account.route;
        let mut secrets = Vec::new();
        let mut add = |purpose, secret: &Option<Secret>| {
            if let Some(secret) = secret {
                job.secrets.push(purpose);
                secrets.push(secret.clone());
            }
        };
        if command.needs_server() {
            add(Purpose::ClientKey, &route.client_key);
            add(Purpose::ProxyPassword, &route.proxy_password);
            if !account.user.is_empty() {
                let password = account.wanted(self.is_alone).at_hand(&self.limits)?;
                add(Purpose::Password, &password);
            }
        }
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let left = self.limits.deadline.map(left).map(|left| left.as_millis());
        job.deadline = left.map(|left| u64::try_from(left).unwrap_or(u64::MAX));
        Ok((job, secrets))
    }
}

/// One worker at work.
struct Service<'s, 'o> {
    worker: Worker,
    supervisor: &'s Supervisor<'o, 's>,
    account: &'s Account,
    command: &'s Command,
    /// The worker has, or has asked for, the password.
    has_asked: bool,
    /// The worker has asked whether to go on.
    has_confirmed: bool,
    /// It was told to stop.
    is_stopped: bool,
    /// What its last frame said.
    end: Option<Option<Failure>>,
    /// What failed on this side.
    own: Option<Error>,
}

impl Service<'_, '_> {
    fn write(&mut self, octets: &[u8]) {
        match self.worker.channel.write_all(octets) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.own.get_or_insert(Error::WorkerLost(Lost::Misbehaved("it reads nothing")));
            }
            // It is gone; how is found out where its channel ends.
            _ => {}
        }
    }

    fn tell(&mut self, frame: &Down) {
        self.write(&frame::line(frame));
    }

    fn tell_secret(&mut self, secret: &Secret) {
        self.tell(&Down::Secret { octets: secret.expose().len() });
        self.write(secret.expose());
    }

    fn stop(&mut self) {
        if !self.is_stopped {
            self.is_stopped = true;
            self.tell(&Down::Stop {});
        }
    }

    /// Ends the account for a reason of this side; what is whole is still committed.
    fn stop_for(&mut self, error: Error) {
        self.own.get_or_insert(error);
        self.stop();
    }

    /// Hears the worker to its end.
    fn listen(&mut self, view: &mut View<'_, '_>) -> Result<(), Error> {
        let mut over: Option<Instant> = None;
        while over.is_none() || self.worker.hearing.streams > 0 {
            if self.supervisor.limits.cancel.load(Ordering::Relaxed) != 0 {
                self.stop();
            }
            if over.is_some_and(|over| over.elapsed() >= PATIENCE) {
                return Err(Error::WorkerLost(Lost::Misbehaved("it did not end")));
            }
            match self.worker.hearing.heard.recv_timeout(SLICE) {
                Ok(Heard::ChannelOver(None)) => over = Some(Instant::now()),
                Ok(Heard::ChannelOver(Some(why))) => {
                    return Err(Error::WorkerLost(Lost::Misbehaved(why)));
                }
                Ok(Heard::Frame(frame)) => self.frame(frame, view)?,
                Ok(Heard::Internal(line)) => view.internal(&line),
                Ok(Heard::Message(octets)) => {
                    if let Err(error) = view.message(&octets) {
                        self.stop_for(error);
                    }
                }
                Ok(Heard::StreamOver) => self.worker.hearing.streams -= 1,
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = view.idle() {
                        self.stop_for(error);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some(Error::WorkerLost(_)) = self.own {
                break;
            }
        }
        let status = self.wait(over)?;
        self.result(status)
    }

    fn frame(&mut self, frame: Up, view: &mut View<'_, '_>) -> Result<(), Error> {
        let misbehaved = |why| Err(Error::WorkerLost(Lost::Misbehaved(why)));
        match frame {
            _ if self.end.is_some() => misbehaved("it sent a frame after its last one"),
            Up::Confirm(question) if self.has_confirmed || !question.belongs_to(self.command) => {
                misbehaved("it asked a question that is not its to ask")
            }
            Up::Confirm(question) => {
                self.has_confirmed = true;
                self.confirm(question, view);
                Ok(())
            }
            Up::End { failure } => {
                self.end = Some(failure);
                Ok(())
            }
            Up::Event(event) => {
                if let Err(error) = view.event(event) {
                    self.stop_for(error);
                }
                Ok(())
            }
            Up::Hello { .. } => misbehaved("it sent a second hello"),
            Up::Secret {} if self.has_asked || !self.command.needs_server() => {
                misbehaved("it asked for a secret that is not its to ask for")
            }
            Up::Secret {} => {
                self.has_asked = true;
                self.answer();
                Ok(())
            }
        }
    }

    /// Asks a person whether to go on.
    fn confirm(&mut self, question: Question, view: &mut View<'_, '_>) {
        if self.supervisor.agrees {
            return self.tell(&Down::Answer { yes: true });
        }
        let shown = view.show_rows();
        let asked = asked(&self.account.name, question);
        match shown.and_then(|()| agrees(&asked, &self.supervisor.limits)) {
            Ok(Some(yes)) => self.tell(&Down::Answer { yes }),
            Ok(None) => self.stop_for(Error::Usage {
                why: "that needs a yes, and there is no terminal to ask on".into(),
                hint: Some("--yes answers every question with yes"),
            }),
            Err(error) => self.stop_for(error),
        }
    }

    /// Asks a command or a person for the password.
    fn answer(&mut self) {
        let wanted = self.account.wanted(self.supervisor.is_alone);
        match wanted.ask(&self.supervisor.limits) {
            Ok(Some(secret)) => self.tell_secret(&secret),
            Ok(None) if *self.command == (Command::Probe {}) => self.tell(&Down::NoSecret {}),
            Ok(None) => self.stop_for(missing()),
            Err(error) => self.stop_for(error),
        }
    }

    /// How the process ended; `None` on a thread.
    fn wait(&mut self, over: Option<Instant>) -> Result<Option<ExitStatus>, Error> {
        let Some(child) = &mut self.worker.child else { return Ok(None) };
        let until = over.unwrap_or_else(Instant::now) + PATIENCE;
        // All its streams have ended, so it is ending.
        let mut pause = Duration::from_micros(100);
        loop {
            match child.try_wait().map_err(Error::Start)? {
                Some(status) => return Ok(Some(status)),
                None if Instant::now() >= until => {
                    return Err(Error::WorkerLost(Lost::Misbehaved("it did not end")));
                }
                None => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(SLICE);
        }
    }

    fn result(&mut self, status: Option<ExitStatus>) -> Result<(), Error> {
        if let Some(own) = self.own.take() {
            return Err(own);
        }
        let signal = status.and_then(|status| status.signal());
        let failed = status.is_some_and(|status| !status.success());
        match (signal, self.end.take()) {
            (None, Some(None)) if !failed => Ok(()),
            (None, Some(Some(mut failure))) if !failed => {
                let is_configured = |key: &String| (self.supervisor.keys)().contains(key);
                if failure.kind == Kind::SameMailbox
                    && failure.mailbox.as_ref().is_some_and(is_configured)
                {
                    failure.kind = Kind::SameMailboxOfAccount;
                }
                Err(Error::Worker { server: self.account.server().to_owned(), failure })
            }
            (signal, _) => Err(Error::WorkerLost(Lost::by(signal))),
        }
    }
}
