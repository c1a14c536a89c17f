//! One worker at work: what it is told, what it asks, how it ends.

use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::channel::command::WorkerCommand;
use crate::channel::event::Event;
use crate::channel::failure::Failure;
use crate::channel::frame::{self, Down, Up};
use crate::channel::handover::{HandOver, HandOverAnswer};
use crate::channel::job::Auth;
use crate::channel::question::Question;
use crate::cli::config::account::Account;
use crate::cli::error::{Error, Lost};
use crate::cli::password::lookup::missing;
use crate::secret::Secret;

use super::failed::worker_error;
use super::hearing::{Answered, StartedWorker};
use super::start::{PATIENCE, Worker};

/// One worker at work.
#[derive(Debug)]
pub(super) struct Service<'s> {
    worker: Worker,
    account: &'s Account,
    command: &'s WorkerCommand,
    /// The worker has, or has asked for, the password.
    has_asked: bool,
    /// The worker has asked for another token in place of a refused one.
    has_renewed: bool,
    /// The worker has asked whether to go on.
    has_confirmed: bool,
    /// It waits for its turn.
    waits: bool,
    /// It was told to stop.
    is_stopped: bool,
    /// When its channel ended.
    over: Option<Instant>,
    /// How long to wait before the next look at its process.
    pause: Duration,
    /// How it went, as its last frame says.
    end: Option<Result<(), Failure>>,
    /// What failed on this side.
    own: Option<Error>,
}

/// What a worker says or needs.
#[derive(Debug)]
pub(super) enum WorkerMessage {
    /// A person has to agree.
    Confirm(Question),
    /// Something happened.
    Event(Event),
    /// A message is to be shown to the configured command.
    HandOver(HandOver),
    /// Nothing to act on.
    Nothing,
    /// A command or a person has to give the password; a command alone where the one
    /// before was a token that the server refused.
    Password {
        /// It was refused.
        refused: bool,
    },
    /// It does nothing for so long, and needs no job meanwhile.
    Wait(Duration),
}

/// The first pause before a look at a process that is ending.
const FIRST_PAUSE: Duration = Duration::from_micros(100);

/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// No server is stayed away from for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

fn misbehaved<T>(why: &'static str) -> Result<T, Error> {
    Err(Error::WorkerLost(Lost::Misbehaved(why)))
}

/// Tells a worker something; one that reads nothing for [`PATIENCE`] misbehaves.
pub(super) fn write(worker: &mut Worker, octets: &[u8]) -> Result<(), Error> {
    match worker.channel.write_all(octets) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => misbehaved("it reads nothing"),
        // It is gone; how is found out where its channel ends.
        _ => Ok(()),
    }
}

/// Gives a worker a secret.
pub(super) fn write_secret(worker: &mut Worker, secret: &Secret) -> Result<(), Error> {
    write(worker, &frame::line(&Down::Secret { octets: secret.expose().len() }))?;
    write(worker, secret.expose())
}

impl<'s> Service<'s> {
    pub(super) fn new(
        begun: StartedWorker,
        account: &'s Account,
        command: &'s WorkerCommand,
    ) -> Self {
        let StartedWorker { worker, has_password } = begun;
        Self {
            worker,
            account,
            command,
            has_asked: has_password,
            has_renewed: false,
            has_confirmed: false,
            waits: false,
            is_stopped: false,
            over: None,
            pause: FIRST_PAUSE,
            end: None,
            own: None,
        }
    }

    fn tell(&mut self, frame: &Down) {
        if let Err(error) = write(&mut self.worker, &frame::line(frame)) {
            self.own.get_or_insert(error);
        }
    }

    /// Tells it to end tidily.
    pub(super) fn stop(&mut self) {
        if !self.is_stopped {
            self.is_stopped = true;
            self.tell(&Down::Stop {});
        }
    }

    /// Ends the account for a reason of this side; what is whole is still committed.
    pub(super) fn stop_for(&mut self, error: Error) {
        self.own.get_or_insert(error);
        self.stop();
    }

    /// Lets it go on after it waited.
    pub(super) fn go_on(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.tell(&Down::Go {});
        }
    }

    /// Hears a frame.
    pub(super) fn frame(&mut self, frame: Up) -> Result<WorkerMessage, Error> {
        match frame {
            _ if self.end.is_some() => misbehaved("it sent a frame after its last one"),
            Up::Confirm(question) if self.has_confirmed || !question.belongs_to(self.command) => {
                misbehaved("it asked a question that is not its to ask")
            }
            Up::Confirm(question) => {
                self.has_confirmed = true;
                Ok(WorkerMessage::Confirm(question))
            }
            Up::End { failure } => {
                self.end = Some(failure.map_or(Ok(()), Err));
                Ok(WorkerMessage::Nothing)
            }
            Up::Event(event) => Ok(WorkerMessage::Event(event)),
            Up::HandOver(_) if *self.command != (WorkerCommand::HandOver {}) => {
                misbehaved("it hands over what is not its to hand over")
            }
            Up::HandOver(message) => Ok(WorkerMessage::HandOver(message)),
            Up::Hello { .. } => misbehaved("it sent a second hello"),
            Up::Secret { refused } if !self.may_ask(refused) => {
                misbehaved("it asked for a secret that is not its to ask for")
            }
            Up::Secret { refused } => {
                (self.has_asked, self.has_renewed) = (true, refused);
                Ok(WorkerMessage::Password { refused })
            }
            Up::Wait { .. } if self.waits || !self.command.needs_server() => {
                misbehaved("it waits where there is nothing to wait for")
            }
            Up::Wait { millis } => {
                self.waits = true;
                Ok(WorkerMessage::Wait(Duration::from_millis(millis).min(LONGEST_WAIT)))
            }
        }
    }

    /// Whether a secret is the worker's to ask for: one, and another one in place of a
    /// token.
    fn may_ask(&self, refused: bool) -> bool {
        let takes_token =
            matches!(self.account.settings.auth, Some(Auth::OAuthBearer | Auth::XOAuth2));
        self.command.needs_server()
            && if refused {
                self.has_asked && !self.has_renewed && takes_token
            } else {
                !self.has_asked
            }
    }

    /// Says what became of a message.
    pub(super) fn handed_over(&mut self, answer: HandOverAnswer) {
        self.tell(&Down::HandedOver(answer));
    }

    /// Passes an answer on.
    pub(super) fn answer(&mut self, answer: Answered) {
        match answer {
            Answered::Agreed(Ok(Some(yes))) => self.tell(&Down::Answer { yes }),
            Answered::Agreed(Ok(None)) => self.stop_for(Error::Usage {
                why: "that needs a yes, and there is no terminal to ask on".into(),
                hint: Some("--yes answers every question with yes"),
            }),
            Answered::Password(Ok(Some(secret))) => {
                if let Err(error) = write_secret(&mut self.worker, &secret) {
                    self.own.get_or_insert(error);
                }
            }
            // The first token was all that there is.
            Answered::Password(Ok(None))
                if self.has_renewed || *self.command == (WorkerCommand::Probe {}) =>
            {
                self.tell(&Down::NoSecret {});
            }
            Answered::Password(Ok(None)) => self.stop_for(missing()),
            Answered::Agreed(Err(error)) | Answered::Password(Err(error)) => self.stop_for(error),
        }
    }

    /// The channel is at its end.
    pub(super) fn channel_over(&mut self) {
        self.over = Some(Instant::now());
    }

    /// Standard output or standard error is at its end.
    pub(super) fn stream_over(&mut self) {
        self.worker.streams = self.worker.streams.saturating_sub(1);
    }

    /// When the next look at it is worth while, if nothing comes from it.
    pub(super) fn pause(&self) -> Option<Duration> {
        (self.over.is_some() && self.worker.streams == 0).then_some(self.pause)
    }

    /// How it has ended, if it has.
    pub(super) fn poll(&mut self) -> Option<Result<(), Error>> {
        if matches!(self.own, Some(Error::WorkerLost(_))) {
            return self.own.take().map(Err);
        }
        let over = self.over?;
        if self.worker.streams == 0 {
            match self.worker.child.as_mut().map(|child| child.try_wait().map_err(Error::Start)) {
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(Some(status))) => return Some(self.result(Some(status))),
                None => return Some(self.result(None)),
                // All its streams have ended, so it is ending.
                Some(Ok(None)) => self.pause = (self.pause * 2).min(LONGEST_PAUSE),
            }
        }
        (over.elapsed() >= PATIENCE).then(|| misbehaved("it did not end"))
    }

    fn result(&mut self, status: Option<ExitStatus>) -> Result<(), Error> {
        if let Some(own) = self.own.take() {
            return Err(own);
        }
        let signal = status.and_then(|status| status.signal());
        let failed = status.is_some_and(|status| !status.success());
        match (signal, self.end.take()) {
            (None, Some(Ok(()))) if !failed => Ok(()),
            (None, Some(Err(failure))) if !failed => {
                Err(worker_error(self.account, self.command, failure))
            }
            (signal, _) => Err(Error::WorkerLost(Lost::by(signal))),
        }
    }
}
