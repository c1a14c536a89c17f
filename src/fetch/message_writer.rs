//! A message on its way from the wire into `tmp/`, its header hashed in passing.

use std::ops::ControlFlow;

use crate::journal::{ContentHash, ContentHasher, Fingerprint, HeaderHasher};
use crate::maildir::{Maildir, TempMessage, UniqueName};

use super::error::Error;
use super::event::{FetchEvent, Observer};
use super::first_line::FirstLine;

/// What a message is known by.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    pub(super) fingerprint: Fingerprint,
    pub(super) content: ContentHash,
    /// Its first line, cut off where it is long.
    pub(super) first_line: Vec<u8>,
}

/// A message as it comes in.
pub(super) struct MessageWriter<'r> {
    maildir: &'r Maildir,
    observe: Observer<'r>,
    name: UniqueName,
    message: Option<TempMessage>,
    first_line: FirstLine,
    /// The first line is none of the message.
    pub(super) leaves_line_out: bool,
    header: HeaderHasher,
    content: ContentHasher,
    most: u64,
    octets: u64,
    /// Why the disk did not take it.
    pub(super) error: Option<Error>,
}

/// A message that grows beyond its listed size by this factor, and this much
/// more, has no end. Exchange lists compressed sizes, others count wrongly.
const ENDLESS_FACTOR: u64 = 16;
const ENDLESS_MORE: u64 = 256 << 20;

/// A message of unknown size is taken for this large: 4 GiB at most with the factor.
const UNKNOWN: u64 = 256 << 20;

impl<'r> MessageWriter<'r> {
    pub(super) fn new(
        maildir: &'r Maildir,
        name: UniqueName,
        listed: Option<u64>,
        observe: Observer<'r>,
    ) -> Self {
        let listed = listed.unwrap_or(UNKNOWN);
        Self {
            maildir,
            observe,
            name,
            message: None,
            first_line: FirstLine::default(),
            leaves_line_out: false,
            header: HeaderHasher::default(),
            content: ContentHasher::default(),
            most: listed.saturating_mul(ENDLESS_FACTOR).saturating_add(ENDLESS_MORE),
            octets: 0,
            error: None,
        }
    }

    fn message(&mut self) -> Result<&mut TempMessage, Error> {
        let message = match self.message.take() {
            Some(message) => message,
            None => self.maildir.create(self.name)?,
        };
        Ok(self.message.insert(message))
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        let mut piece = piece;
        if self.leaves_line_out && !self.first_line.is_over() {
            let end = memchr::memchr(b'\n', piece).map_or(piece.len(), |at| at + 1);
            let line;
            (line, piece) = piece.split_at(end);
            self.first_line.push(line);
        } else {
            self.first_line.push(piece);
        }
        self.header.push(piece);
        self.content.push(piece);
        Ok(self.message()?.write(piece)?)
    }

    pub(super) fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        let octets = piece.len() as u64;
        self.octets += octets;
        if self.octets > self.most {
            return ControlFlow::Break(());
        }
        if let Err(error) = self.write(piece) {
            self.error = Some(error);
            return ControlFlow::Break(());
        }
        (self.observe)(FetchEvent::Octets(octets));
        ControlFlow::Continue(())
    }

    /// The message, and what it is known by.
    pub(super) fn finish(mut self) -> Result<(TempMessage, Marks), Error> {
        let message = match self.message.take() {
            Some(message) => message,
            // An empty message is one all the same.
            None => self.maildir.create(self.name)?,
        };
        let (fingerprint, content) = (self.header.finish(), self.content.finish());
        Ok((message, Marks { fingerprint, content, first_line: self.first_line.finish() }))
    }
}
