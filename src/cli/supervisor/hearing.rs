//! Everything that comes from a worker, each stream on a thread of its own: frames,
//! the octets of `--show`, and the words of its process.

use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::channel::frame::{Error, MAX_UP, Reader, Up};

/// Something came.
#[derive(Debug)]
pub(super) enum Heard {
    /// A frame.
    Frame(Up),
    /// The channel's end; why, if it is not the end of the stream.
    ChannelOver(Option<&'static str>),
    /// A line that the process wrote on its standard error: a fault of its own.
    Internal(String),
    /// A piece of a message.
    Message(Vec<u8>),
    /// The end of standard output or standard error.
    StreamOver,
}

/// At most so many octets of a worker's standard error are shown.
const MAX_INTERNAL: u64 = 64 * 1024;

/// So many pieces wait to be written; then a worker has to wait.
const WAITING: usize = 1024;

/// A worker's streams, heard.
#[derive(Debug)]
pub(super) struct Hearing {
    pub(super) heard: Receiver<Heard>,
    to_us: SyncSender<Heard>,
    /// How many streams besides the channel have not ended.
    pub(super) streams: usize,
}

impl Hearing {
    /// Hears the frames.
    pub(super) fn of(channel: UnixStream) -> io::Result<Self> {
        let (to_us, heard) = sync_channel(WAITING);
        let frames = to_us.clone();
        let hear = move || {
            let mut reader = Reader::new(channel, MAX_UP);
            let over = loop {
                match reader.read::<Up>() {
                    Ok(frame) => {
                        if frames.send(Heard::Frame(frame)).is_err() {
                            return;
                        }
                    }
                    Err(Error::Closed) => break None,
                    Err(Error::Io(_)) => break Some("the channel to it broke"),
                    Err(Error::Long) => break Some("it sent a frame that is too long"),
                    Err(Error::Malformed) => break Some("it sent a frame that is malformed"),
                }
            };
            let _ = frames.send(Heard::ChannelOver(over));
        };
        thread::Builder::new().name("worker".into()).spawn(hear)?;
        Ok(Self { heard, to_us, streams: 0 })
    }

    /// Hears the message that `--show` prints.
    pub(super) fn message(&mut self, mut from: impl Read + Send + 'static) -> io::Result<()> {
        let to_us = self.to_us.clone();
        let hear = move || {
            let mut piece = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = from.read(&mut piece) {
                let piece = piece.get(..read).unwrap_or_default().to_vec();
                if to_us.send(Heard::Message(piece)).is_err() {
                    return;
                }
            }
            let _ = to_us.send(Heard::StreamOver);
        };
        self.streams += 1;
        thread::Builder::new().name("message".into()).spawn(hear).map(|_| ())
    }

    /// Hears what the process says of a fault of its own, and reads on behind it, so
    /// that the process does not wait.
    pub(super) fn internal(&mut self, mut from: impl Read + Send + 'static) -> io::Result<()> {
        let to_us = self.to_us.clone();
        let hear = move || {
            let lines = BufReader::new((&mut from).take(MAX_INTERNAL)).split(b'\n');
            for line in lines.map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if to_us.send(Heard::Internal(line)).is_err() {
                    return;
                }
            }
            let _ = io::copy(&mut from, &mut io::sink());
            let _ = to_us.send(Heard::StreamOver);
        };
        self.streams += 1;
        thread::Builder::new().name("stderr".into()).spawn(hear).map(|_| ())
    }
}
