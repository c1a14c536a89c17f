//! What supervisor and worker hear of each other. Either may be broken into.

use std::fmt::Debug;
use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

use pop3get::channel::frame::{Down, Error, MAX_DOWN, MAX_SECRET, MAX_UP, Reader, Up, line};

/// A stream in pieces of at most so many octets.
struct Pieces<'s>(&'s [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(&mut into[..most])
    }
}

/// The first octet chooses the direction and how the stream is cut.
pub fn channel(input: &[u8]) {
    let Some((choice, stream)) = input.split_first() else { return };
    let piece = usize::from(choice >> 1) + 1;
    if choice & 1 == 0 {
        assert_eq!(frames::<Up>(stream, MAX_UP, piece, |_| None), plainly::<Up>(stream, |_| None));
    } else {
        let secret = |frame: &Down| match frame {
            Down::Secret { octets } => Some(*octets),
            _ => None,
        };
        let heard = frames::<Down>(stream, MAX_DOWN, piece, secret);
        assert_eq!(heard, plainly::<Down>(stream, secret));
    }
}

/// What was heard, frames as lines and secrets as they are, and how it ended.
type Heard = (Vec<Vec<u8>>, &'static str);

fn name(error: &Error) -> &'static str {
    match error {
        Error::Closed => "closed",
        Error::Io(_) => "io",
        Error::Long => "long",
        Error::Malformed => "malformed",
    }
}

/// Everything up to the first mistake. A frame that was read is written as a line that
/// reads the same.
fn frames<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    stream: &[u8],
    most: usize,
    piece: usize,
    secret: impl Fn(&T) -> Option<usize>,
) -> Heard {
    let mut reader = Reader::new(Pieces(stream, piece), most);
    let mut heard = Vec::new();
    loop {
        let frame = match reader.read::<T>() {
            Ok(frame) => frame,
            Err(error) => return (heard, name(&error)),
        };
        let written = line(&frame);
        assert_eq!(written.iter().filter(|octet| **octet == b'\n').count(), 1, "{frame:?}");
        let again = Reader::new(&*written, MAX_DOWN).read::<T>().unwrap();
        assert_eq!(again, frame);
        heard.push(written);
        if let Some(octets) = secret(&frame) {
            match reader.read_secret(octets) {
                Ok(secret) => heard.push(secret.expose().to_vec()),
                Err(error) => return (heard, name(&error)),
            }
        }
    }
}

/// The same by cutting the stream at its line ends first.
fn plainly<T: DeserializeOwned + Serialize>(
    mut stream: &[u8],
    secret: impl Fn(&T) -> Option<usize>,
) -> Heard {
    let mut heard = Vec::new();
    while let Some(end) = stream.iter().position(|octet| *octet == b'\n') {
        let Ok(frame) = serde_json::from_slice::<T>(&stream[..end]) else {
            return (heard, "malformed");
        };
        stream = &stream[end + 1..];
        heard.push(line(&frame));
        match secret(&frame) {
            Some(octets) if octets > MAX_SECRET => return (heard, "long"),
            Some(octets) if octets > stream.len() => {
                return (heard, if stream.is_empty() { "closed" } else { "malformed" });
            }
            Some(octets) => {
                let (secret, rest) = stream.split_at(octets);
                heard.push(secret.to_vec());
                stream = rest;
            }
            None => {}
        }
    }
    (heard, if stream.is_empty() { "closed" } else { "malformed" })
}
