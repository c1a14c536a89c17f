//! The worker's end of the channel.

use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{io, thread};

use crate::channel::event::Event;
use crate::channel::frame::{self, Down, Reader, Up};
use crate::channel::handover::{HandOver, HandOverAnswer};
use crate::channel::question::Question;
use crate::secret::Secret;
use crate::stop::Stop;

use super::error::Error;
use super::upward::{STOP, Upward, locked};

/// What commands say to the supervisor and ask of it.
#[derive(Debug)]
pub(super) struct Link {
    upward: Arc<Upward>,
    /// Without the deadline, which the session minds.
    stop: Stop,
    /// What came with the settings, until it is taken.
    password: Mutex<Option<Secret>>,
    /// The channel's lower end, until a thread reads it.
    reader: Mutex<Option<Reader<UnixStream>>>,
    answers: Mutex<Option<Receiver<SupervisorAnswer>>>,
}

/// What the supervisor answers to a request.
#[derive(Debug)]
enum SupervisorAnswer {
    /// Whether a person agrees.
    Agreed(bool),
    /// A wait is over, and it is this account's turn.
    Go,
    /// What came of a message that was to be handed over.
    HandedOver(HandOverAnswer),
    /// The password, if there is one.
    Password(Option<Secret>),
}

/// A signal sets a flag; only a look at it ends a wait.
const SLICE: Duration = Duration::from_millis(50);

impl Link {
    /// `password` is what came with the settings.
    pub(super) fn new(
        upward: Arc<Upward>,
        reader: Reader<UnixStream>,
        stop: &Stop,
        password: Option<Secret>,
    ) -> Self {
        Self {
            upward,
            stop: stop.clone(),
            password: Mutex::new(password),
            reader: Mutex::new(Some(reader)),
            answers: Mutex::default(),
        }
    }

    pub(super) fn event(&self, event: Event) {
        self.upward.event(event);
    }

    /// Waits for a moment. Returns whether the run goes on. Before [`Link::listen`] the
    /// supervisor has nothing to say but `stop`.
    pub(super) fn pause(&self) -> bool {
        let mut reader = locked(&self.reader);
        let Some(reader) = reader.as_mut() else {
            thread::sleep(SLICE);
            return !self.stop.is_signalled();
        };
        let is_timed = reader.source().set_read_timeout(Some(SLICE)).is_ok();
        let heard = if is_timed { hear(reader) } else { Ok(None) };
        let is_quiet = matches!(&heard, Err(frame::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock);
        if !is_quiet || reader.source().set_read_timeout(None).is_err() {
            self.stop.set(STOP);
        }
        !self.stop.is_signalled()
    }

    /// From now on threads of their own send events and hear the supervisor.
    pub(super) fn listen(&self) -> io::Result<()> {
        self.upward.start()?;
        let Some(mut reader) = locked(&self.reader).take() else { return Ok(()) };
        let (to_us, answers) = mpsc::channel();
        *locked(&self.answers) = Some(answers);
        let stop = self.stop.clone();
        let hear = move || {
            while let Ok(answer) = hear(&mut reader) {
                let Some(answer) = answer else { break };
                let _ = to_us.send(answer);
            }
            // Told to stop, or the supervisor is gone.
            stop.set(STOP);
        };
        thread::Builder::new().name("supervisor".into()).spawn(hear).map(|_| ())
    }

    /// The password: what came with the settings, or what the supervisor answers.
    /// `None` where there is none.
    pub(super) fn password(&self) -> Result<Option<Secret>, Error> {
        match locked(&self.password).take() {
            None => self.secret(false),
            password => Ok(password),
        }
    }

    /// Another token, in place of one that the server has refused; `None` where there is
    /// none.
    pub(super) fn another_token(&self) -> Result<Option<Secret>, Error> {
        self.secret(true)
    }

    /// Whether the password came with the settings.
    pub(super) fn has_password(&self) -> bool {
        locked(&self.password).is_some()
    }

    fn secret(&self, refused: bool) -> Result<Option<Secret>, Error> {
        match self.ask(&Up::Secret { refused })? {
            SupervisorAnswer::Password(password) => Ok(password),
            SupervisorAnswer::Agreed(_)
            | SupervisorAnswer::Go
            | SupervisorAnswer::HandedOver(_) => Err(Error::Interrupted),
        }
    }

    /// Whether a person agrees. What the question is about was sent as events before.
    pub(super) fn confirm(&self, question: Question) -> Result<bool, Error> {
        match self.ask(&Up::Confirm(question))? {
            SupervisorAnswer::Agreed(yes) => Ok(yes),
            SupervisorAnswer::Go
            | SupervisorAnswer::HandedOver(_)
            | SupervisorAnswer::Password(_) => Err(Error::Interrupted),
        }
    }

    /// Has a message shown to the configured command.
    pub(super) fn hand_over(&self, message: HandOver) -> Result<HandOverAnswer, Error> {
        match self.ask(&Up::HandOver(message))? {
            SupervisorAnswer::HandedOver(answer) => Ok(answer),
            SupervisorAnswer::Agreed(_) | SupervisorAnswer::Go | SupervisorAnswer::Password(_) => {
                Err(Error::Interrupted)
            }
        }
    }

    /// Says that nothing is done for so long: another account may have the job.
    pub(super) fn wait(&self, pause: Duration) {
        let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.upward.frame(&Up::Wait { millis });
    }

    /// Waits for this account's turn, which follows a wait; not beyond the deadline.
    pub(super) fn wait_for_turn(&self, stop: &Stop) {
        // A run that ends meanwhile notices that itself.
        let _ = self.hear(stop);
    }

    /// Sends a request and waits for its answer.
    fn ask(&self, request: &Up) -> Result<SupervisorAnswer, Error> {
        self.upward.frame(request);
        self.hear(&self.stop)
    }

    /// The next answer.
    fn hear(&self, stop: &Stop) -> Result<SupervisorAnswer, Error> {
        let answers = locked(&self.answers);
        let answers = answers.as_ref().ok_or(Error::Interrupted)?;
        while !stop.is_due() {
            match answers.recv_timeout(SLICE) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(Error::Interrupted)
    }
}

/// The next answer; `None` is `stop`.
fn hear(reader: &mut Reader<UnixStream>) -> Result<Option<SupervisorAnswer>, frame::Error> {
    Ok(match reader.read()? {
        Down::Answer { yes } => Some(SupervisorAnswer::Agreed(yes)),
        Down::Go {} => Some(SupervisorAnswer::Go),
        Down::HandedOver(answer) => Some(SupervisorAnswer::HandedOver(answer)),
        Down::NoSecret {} => Some(SupervisorAnswer::Password(None)),
        Down::Secret { octets } => {
            Some(SupervisorAnswer::Password(Some(reader.read_secret(octets)?)))
        }
        Down::Settings(_) => return Err(frame::Error::Malformed),
        Down::Stop {} => None,
    })
}
