//! Proven messages on their way through the commit thread.

use std::sync::mpsc::Receiver;

use crate::channel::event::Summary;
use crate::journal::{Delivery, MessageKey, Proof, Settled, Settlement};
use crate::maildir::TempMessage;
use crate::protocol::MessageNumber;
use crate::session;

use super::arrivals::Sender;
use super::commit::{CommitResult, Downloaded, Remark};
use super::download::Download;
use super::error::{Error, Operation};
use super::event::{FetchEvent, Observer};
use super::message_writer::Marks;
use super::short::Shortness;
use super::twins::Twins;

/// The way to the commit thread and back.
pub(super) struct Deliveries<'r> {
    observe: Observer<'r>,
    /// Gone when nothing more will come.
    to_commit: Option<Sender<'r, Downloaded>>,
    results: Receiver<CommitResult>,
    shortness: Shortness,
    summary: &'r mut Summary,
    pub(super) twins: Twins,
    /// TOP does not show what RETR shows.
    pub(super) top_differs: bool,
    /// Something that was retrieved is not safe here.
    pub(super) withhold_quit: bool,
}

/// Whether so little of a message came that it may be the same part of another one.
fn is_part(message: &TempMessage, listed: Option<u64>) -> bool {
    listed.is_some_and(|listed| message.size().with_crlf < listed / 2)
}

impl<'r> Deliveries<'r> {
    pub(super) fn new(
        observe: Observer<'r>,
        to_commit: Sender<'r, Downloaded>,
        results: Receiver<CommitResult>,
        summary: &'r mut Summary,
        twins: Twins,
    ) -> Self {
        Self {
            observe,
            to_commit: Some(to_commit),
            results,
            shortness: Shortness::default(),
            summary,
            twins,
            top_differs: false,
            withhold_quit: false,
        }
    }

    /// Hands a whole message to the commit thread. One that is known already is dropped;
    /// the proof for DELE, if it may be deleted.
    pub(super) fn send(
        &mut self,
        download: Download,
        message: TempMessage,
        marks: &Marks,
    ) -> Result<Option<(MessageNumber, Proof)>, Error> {
        if let Some(proof) = self.drop_known(&download, &message, marks) {
            return Ok(proof.map(|proof| (download.number(), Proof::Settled(proof))));
        }
        let Download { listed, suspect, .. } = &download;
        let leaves_line_out = suspect.as_ref().is_some_and(|it| it.is_servers);
        if leaves_line_out {
            let (number, unique_id) = (listed.number, &listed.unique_id);
            (self.observe)(FetchEvent::LineLeftOut { number, unique_id });
        }
        let octets = message.size().with_crlf;
        let announced = listed.octets.filter(|listed| self.shortness.is_short(octets, *listed));
        let remark = match announced {
            Some(listed) => Remark::Short { listed },
            None if suspect.is_some() && !leaves_line_out => Remark::StatusLike,
            None => Remark::None,
        };
        self.commit(download, message, marks, remark).map(|()| None)
    }

    /// Commits a message behind which extra lines came both times.
    pub(super) fn send_followed(
        &mut self,
        download: Download,
        message: TempMessage,
        marks: &Marks,
    ) -> Result<(), Error> {
        match self.drop_known(&download, &message, marks) {
            // A part proves nothing.
            Some(_) => Ok(()),
            None => self.commit(download, message, marks, Remark::LinesFollow),
        }
    }

    /// Whether a message is not stored, because it is here or was only to be compared; if
    /// so, the proof for DELE if it may be deleted. Its file removes itself.
    fn drop_known(
        &mut self,
        download: &Download,
        message: &TempMessage,
        marks: &Marks,
    ) -> Option<Option<Settled>> {
        let Download { listed, retrieval, known, .. } = download;
        if retrieval.doubtful && known.contains(&marks.fingerprint) {
            self.top_differs = true;
            // A server that counts what was retrieved may have another one here.
            self.withhold_quit = true;
            (self.observe)(FetchEvent::TopDiffers);
            return Some(None);
        }
        if !is_part(message, listed.octets)
            && let Some(proof) = self.twins.take(download, marks.content)
        {
            return Some(proof);
        }
        if !retrieval.compares {
            return None;
        }
        // It is not what is here under its name: a server that counts what was retrieved
        // would delete what is not here.
        self.twins.changed.push(download.key());
        self.withhold_quit = true;
        Some(None)
    }

    fn commit(
        &mut self,
        download: Download,
        message: TempMessage,
        marks: &Marks,
        remark: Remark,
    ) -> Result<(), Error> {
        let Download { listed, retrieval, .. } = download;
        let delivery = Delivery {
            key: MessageKey::new(listed.unique_id, retrieval.occurrence),
            shared: retrieval.occurrences > 1,
            short: remark != Remark::None,
            octets: listed.octets,
            fingerprint: marks.fingerprint,
            content: marks.content,
            at: message.at(),
            name: message.name().to_owned(),
        };
        let octets = message.octets();
        let downloaded = Downloaded { number: listed.number, message, delivery, remark };
        match &self.to_commit {
            // The commit thread is gone only after an error, which it returns.
            Some(to_commit) if to_commit.send(downloaded, octets) => Ok(()),
            _ => {
                self.withhold_quit = true;
                Err(Operation::Commit.failed()(session::Error::Stopped))
            }
        }
    }

    /// The next message that the commit thread is done with, if one is there: a proof
    /// for DELE where it may be deleted at once.
    pub(super) fn try_next(&mut self) -> Option<Option<(MessageNumber, Proof)>> {
        let result = self.results.try_recv().ok()?;
        Some(self.take(result))
    }

    /// The same at the end, when nothing more is sent: waits for it.
    pub(super) fn last(&mut self) -> Option<Option<(MessageNumber, Proof)>> {
        self.to_commit = None;
        let result = self.results.recv().ok()?;
        Some(self.take(result))
    }

    fn take(&mut self, result: CommitResult) -> Option<(MessageNumber, Proof)> {
        let CommitResult { number, size, delivery, remark, nth, settlement } = result;
        let octets = size.octets;
        let unique_id = &delivery.key.unique_id;
        if matches!(settlement, Settlement::Held) {
            self.withhold_quit = true;
            self.summary.held += 1;
            (self.observe)(FetchEvent::Held { unique_id });
            return None;
        }
        self.summary.delivered += 1;
        self.summary.octets += octets;
        let name = &delivery.name;
        (self.observe)(FetchEvent::Delivered { number, unique_id, name, size, nth });
        match remark {
            Remark::LinesFollow => {
                self.summary.short += 1;
                (self.observe)(FetchEvent::LinesFollow { number, unique_id });
            }
            Remark::None => {}
            Remark::Short { listed } => {
                self.summary.short += 1;
                (self.observe)(FetchEvent::Short { number, unique_id, octets, listed });
            }
            Remark::StatusLike => (self.observe)(FetchEvent::StatusLike { number, unique_id }),
        }
        match settlement {
            Settlement::Deletable(settled) => Some((number, Proof::Settled(settled))),
            Settlement::Held | Settlement::Kept => None,
        }
    }
}
