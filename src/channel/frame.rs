//! Frames: one JSON line each, of a bounded length.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::event::Event;
use super::failure::Failure;
use super::handover::{HandOver, HandOverAnswer};
use super::job::Job;
use super::question::Question;
use crate::secret::Secret;

/// No frame up is longer.
pub const MAX_UP: usize = 64 * 1024;

/// No frame down is longer.
pub const MAX_DOWN: usize = 64 * 1024 * 1024;

/// No secret is longer: passwords, tokens and private keys.
pub const MAX_SECRET: usize = 1024 * 1024;

/// From worker to supervisor.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Up {
    /// A person has to agree before the worker goes on.
    Confirm(Question),
    /// The last frame: how it ended.
    End {
        /// Why not well.
        failure: Option<Failure>,
    },
    /// Something happened.
    Event(Event),
    /// A message is to be shown to the configured command.
    HandOver(HandOver),
    /// The first frame.
    Hello {
        /// Version of the program.
        version: String,
        /// Which file the program was started from.
        build: String,
    },
    /// The password is needed now.
    Secret {
        /// The one before was a token, and the server has refused it.
        #[serde(default)]
        refused: bool,
    },
    /// Nothing is done for so long; then `go` is waited for.
    Wait {
        /// Milliseconds.
        millis: u64,
    },
}

/// From supervisor to worker.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Down {
    /// The answer to a question.
    Answer {
        /// Yes.
        yes: bool,
    },
    /// The wait is over, and it is the account's turn.
    Go {},
    /// What came of a message that was to be shown to the configured command.
    HandedOver(HandOverAnswer),
    /// There is no password; only a probe goes on without one.
    NoSecret {},
    /// A secret of so many octets, which follow the line.
    Secret {
        /// How many.
        octets: usize,
    },
    /// What to do.
    Settings(Box<Job>),
    /// End tidily.
    Stop {},
}

/// Why no frame was read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side is gone.
    #[error("the channel was closed")]
    Closed,
    /// The channel broke.
    #[error("the channel broke: {0}")]
    Io(#[from] io::Error),
    /// A line is longer than it may be.
    #[error("a frame is too long")]
    Long,
    /// A line is no frame.
    #[error("a frame is malformed")]
    Malformed,
}

/// Reads frames. Secrets may pass through its memory, so all of it is wiped.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    most: usize,
}

/// One read takes at most this.
const PIECE: usize = 16 * 1024;

impl<R: Read> Reader<R> {
    /// Frames of at most `most` octets.
    pub fn new(from: R, most: usize) -> Self {
        Self { from, buffer: Zeroizing::new(Vec::with_capacity(2 * PIECE)), start: 0, most }
    }

    /// Where the frames come from.
    pub fn source(&self) -> &R {
        &self.from
    }

    /// The next frame. The end of the stream inside a frame is an error, too.
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let end = self.line()?;
        let line = self.buffer.get(self.start..end).unwrap_or_default();
        let frame = serde_json::from_slice(line).map_err(|_| Error::Malformed);
        self.start = end + 1;
        frame
    }

    /// The secret of so many octets that follows a frame.
    pub fn read_secret(&mut self, octets: usize) -> Result<Secret, Error> {
        if octets > MAX_SECRET {
            return Err(Error::Long);
        }
        while self.buffer.len() - self.start < octets {
            self.fill()?;
        }
        let secret = self.buffer.get(self.start..self.start + octets).unwrap_or_default();
        let secret = Secret::new(secret.to_vec());
        self.start += octets;
        Ok(secret)
    }

    /// Where the first line of the buffer ends.
    fn line(&mut self) -> Result<usize, Error> {
        let mut looked_at = 0;
        loop {
            let unread = self.buffer.get(self.start..).unwrap_or_default();
            let fresh = unread.get(looked_at..).unwrap_or_default();
            let length = memchr::memchr(b'\n', fresh).map(|at| looked_at + at);
            looked_at = unread.len();
            match length {
                Some(length) if length <= self.most => return Ok(self.start + length),
                None if looked_at <= self.most => self.fill()?,
                _ => return Err(Error::Long),
            }
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        let unread = self.buffer.len() - self.start;
        if self.start > 0 {
            self.buffer.copy_within(self.start.., 0);
            self.buffer.truncate(unread);
            self.start = 0;
        }
        if self.buffer.capacity() - unread < PIECE {
            // A growing vector would leave a copy behind.
            let mut larger = Vec::with_capacity(2 * self.buffer.capacity());
            larger.extend_from_slice(&self.buffer);
            self.buffer = Zeroizing::new(larger);
        }
        self.buffer.resize(unread + PIECE, 0);
        let read = loop {
            match self.from.read(self.buffer.get_mut(unread..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(unread + read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(0) if unread == 0 => Err(Error::Closed),
            Ok(0) => Err(Error::Malformed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(Error::Closed),
            Err(error) => Err(error.into()),
        }
    }
}

/// One frame as a line.
pub fn line<T: Serialize>(frame: &T) -> Vec<u8> {
    // Nothing of a frame can fail to be written into memory.
    let mut line = serde_json::to_vec(frame).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the octets out one by one, or all at once.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let many = self.1.min(into.len());
            self.0.read(&mut into[..many])
        }
    }

    #[test]
    fn a_secret_follows_its_line_however_the_stream_is_cut() {
        let mut sent = line(&Down::Secret { octets: 5 });
        sent.extend(b"a\nb\0c");
        sent.extend(line(&Down::Stop {}));
        for piece in 1..sent.len() {
            let mut reader = Reader::new(Pieces(&sent, piece), MAX_DOWN);
            assert_eq!(reader.read::<Down>().unwrap(), Down::Secret { octets: 5 });
            assert_eq!(reader.read_secret(5).unwrap().expose(), b"a\nb\0c");
            assert_eq!(reader.read::<Down>().unwrap(), Down::Stop {});
            assert!(matches!(reader.read::<Down>(), Err(Error::Closed)));
        }
    }

    #[test]
    fn a_line_that_is_cut_too_long_or_no_frame_is_refused() {
        let read = |text: &[u8]| Reader::new(text, 40).read::<Down>().unwrap_err();
        assert!(matches!(read(b"{\"stop\":{}}"), Error::Malformed));
        for text in
            ["{}", "[]", "{\"stop\":{\"x\":1}}", "{\"stop\":{},\"stop\":{}}", "\"stop\"", ""]
        {
            assert!(matches!(read(&[text.as_bytes(), b"\n"].concat()), Error::Malformed), "{text}");
        }
        assert!(matches!(read(&[b'x'; 41]), Error::Long));
        assert!(matches!(read(&[&[b'['; 40][..], b"\n"].concat()), Error::Malformed));
    }
}
