//! A message on its way from the wire into `tmp/`, its header hashed in passing.

use std::ops::ControlFlow;

use crate::journal::{ContentHash, ContentHasher, Fingerprint, HeaderHasher};
use crate::maildir::{Maildir, TempMessage, UniqueName};

use super::error::Error;
use super::event::{Event, Observer};

/// A message as it comes in.
pub(super) struct MessageWriter<'r> {
    maildir: &'r Maildir,
    observe: Observer<'r>,
    tag: UniqueName,
    draft: Option<TempMessage>,
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

impl<'r> MessageWriter<'r> {
    pub(super) fn new(
        maildir: &'r Maildir,
        tag: UniqueName,
        listed: Option<u64>,
        observe: Observer<'r>,
    ) -> Self {
        let listed = listed.unwrap_or(u64::MAX / ENDLESS_FACTOR);
        Self {
            maildir,
            observe,
            tag,
            draft: None,
            header: HeaderHasher::default(),
            content: ContentHasher::default(),
            most: listed.saturating_mul(ENDLESS_FACTOR).saturating_add(ENDLESS_MORE),
            octets: 0,
            error: None,
        }
    }

    fn draft(&mut self) -> Result<&mut TempMessage, Error> {
        let draft = match self.draft.take() {
            Some(draft) => draft,
            None => self.maildir.create(self.tag)?,
        };
        Ok(self.draft.insert(draft))
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.header.push(piece);
        self.content.push(piece);
        Ok(self.draft()?.write(piece)?)
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
        (self.observe)(Event::Octets(octets));
        ControlFlow::Continue(())
    }

    pub(super) fn finish(mut self) -> Result<(TempMessage, Fingerprint, ContentHash), Error> {
        let draft = match self.draft.take() {
            Some(draft) => draft,
            // An empty message is one all the same.
            None => self.maildir.create(self.tag)?,
        };
        Ok((draft, self.header.finish(), self.content.finish()))
    }
}
