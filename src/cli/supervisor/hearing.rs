//! Everything that the loop of a run hears, by one channel: frames of workers, the
//! octets of `--show`, the words of their processes, and what was asked of a person.

use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::SyncSender;
use std::thread;

use crate::channel::event::Event;
use crate::channel::frame::{Error, Reader, Up};
use crate::cli::error;
use crate::secret::Secret;

use super::start::{Worker, WorkerStreams};

/// Something came.
#[derive(Debug)]
pub(super) enum Heard {
    /// A person, or a password command, has answered.
    Answered(Answered),
    /// The channel's end; why, if it is not the end of the stream.
    ChannelOver(Option<&'static str>),
    /// A line that a command after a delivery wrote.
    Command(String),
    /// The commands after a delivery have ended, perhaps not well.
    CommandsOver(Vec<error::Error>),
    /// A frame.
    Frame(Box<Up>),
    /// What became of a message that waited to be handed over.
    HandedOver(Event),
    /// A line that the process wrote on its standard error: a fault of its own.
    Internal(String),
    /// A piece of a message.
    Message(Vec<u8>),
    /// A worker was started and told what to do, or could not be.
    Started(Result<Box<StartedWorker>, error::Error>),
    /// The end of standard output or standard error.
    StreamOver,
}

/// A worker that has its settings.
#[derive(Debug)]
pub(super) struct StartedWorker {
    pub(super) worker: Worker,
    /// The password went down with the settings.
    pub(super) has_password: bool,
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answered {
    /// Whether a person agrees; `None` without a terminal.
    Agreed(Result<Option<bool>, error::Error>),
    /// The password, if there is one.
    Password(Result<Option<Secret>, error::Error>),
}

/// At most so many octets of a worker's standard error are shown.
const MAX_INTERNAL: u64 = 64 * 1024;

/// So many pieces, of all workers together, wait for the loop: 16 MiB of the largest
/// frames. Beyond it the workers wait.
pub(super) const WAITING: usize = 256;

/// The way to the loop for what comes from one account.
#[derive(Clone, Debug)]
pub(super) struct AccountSender {
    /// Its number in the run.
    pub(super) account: usize,
    pub(super) to: SyncSender<(usize, Heard)>,
}

impl AccountSender {
    /// Passes something on; whether the loop still listens.
    pub(super) fn pass(&self, heard: Heard) -> bool {
        self.to.send((self.account, heard)).is_ok()
    }

    /// Hears everything that a worker sends, to the end of its frames.
    pub(super) fn hear(&self, streams: WorkerStreams) {
        let WorkerStreams { frames, stderr, stdout } = streams;
        let heard = stderr.map_or(Ok(()), |stderr| self.clone().internal(stderr));
        let heard = heard.and(stdout.map_or(Ok(()), |stdout| self.clone().message(stdout)));
        match heard {
            Ok(()) => self.frames(frames),
            Err(error) => _ = self.pass(Heard::Started(Err(error::Error::Start(error)))),
        }
    }

    /// Hears the frames behind `hello`.
    fn frames(&self, mut reader: Reader<UnixStream>) {
        let over = loop {
            match reader.read::<Up>() {
                Ok(frame) => {
                    if !self.pass(Heard::Frame(Box::new(frame))) {
                        return;
                    }
                }
                Err(Error::Closed) => break None,
                Err(Error::Io(_)) => break Some("the channel to it broke"),
                Err(Error::Long) => break Some("it sent a frame that is too long"),
                Err(Error::Malformed) => break Some("it sent a frame that is malformed"),
            }
        };
        self.pass(Heard::ChannelOver(over));
    }

    /// Hears the message that `--show` prints.
    fn message(self, mut from: impl Read + Send + 'static) -> io::Result<()> {
        let hear = move || {
            let mut piece = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = from.read(&mut piece) {
                let piece = piece.get(..read).unwrap_or_default().to_vec();
                if !self.pass(Heard::Message(piece)) {
                    return;
                }
            }
            self.pass(Heard::StreamOver);
        };
        thread::Builder::new().name("message".into()).spawn(hear).map(|_| ())
    }

    /// Hears what the process says of a fault of its own, and reads on behind it, so
    /// that the process does not wait.
    fn internal(self, mut from: impl Read + Send + 'static) -> io::Result<()> {
        let hear = move || {
            let lines = BufReader::new((&mut from).take(MAX_INTERNAL)).split(b'\n');
            for line in lines.map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if !self.pass(Heard::Internal(line)) {
                    return;
                }
            }
            let _ = io::copy(&mut from, &mut io::sink());
            self.pass(Heard::StreamOver);
        };
        thread::Builder::new().name("stderr".into()).spawn(hear).map(|_| ())
    }
}
