//! Proven messages on their way through the commit thread.

use std::sync::mpsc::{Receiver, SyncSender};

use crate::journal::{Delivery, MessageKey, Proof, Settlement};
use crate::maildir::TempMessage;
use crate::protocol::MessageNumber;
use crate::session;

use super::commit::{CommitResult, Downloaded};
use super::download::Download;
use super::error::{Error, Operation};
use super::event::{Event, Observer, Summary};
use super::message_writer::Marks;
use super::short::Shortness;
use super::twins::Twins;

/// The way to the commit thread and back.
pub(super) struct Deliveries<'r> {
    observe: Observer<'r>,
    /// Gone when nothing more will come.
    to_commit: Option<SyncSender<Downloaded>>,
    results: Receiver<CommitResult>,
    shortness: Shortness,
    summary: &'r mut Summary,
    pub(super) twins: Twins,
    /// TOP does not show what RETR shows.
    pub(super) top_differs: bool,
    /// Something that was retrieved is not safe here.
    pub(super) withhold_quit: bool,
}

impl<'r> Deliveries<'r> {
    pub(super) fn new(
        observe: Observer<'r>,
        to_commit: SyncSender<Downloaded>,
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
        let Download { listed, retrieval, known, suspect, .. } = download;
        if retrieval.doubtful && known.contains(&marks.fingerprint) {
            // It is here already; the file removes itself.
            self.top_differs = true;
            // A server that counts what was retrieved may have another one here.
            self.withhold_quit = true;
            (self.observe)(Event::TopDiffers);
            return Ok(None);
        }
        let key = MessageKey::new(listed.unique_id, retrieval.occurrence);
        // The file removes itself where the message is here.
        if let Some(proof) = self.twins.take(&key, marks.content, listed.octets) {
            return Ok(proof.map(|proof| (listed.number, Proof::Settled(proof))));
        }
        if retrieval.compares {
            self.twins.changed.push(key);
            return Ok(None);
        }
        let leaves_line_out = suspect.as_ref().is_some_and(|it| it.is_servers);
        let is_short = self.shortness.is_short(message.size().with_crlf, listed.octets);
        let delivery = Delivery {
            key,
            shared: retrieval.occurrences > 1,
            short: is_short || suspect.is_some() && !leaves_line_out,
            octets: listed.octets,
            fingerprint: marks.fingerprint,
            content: marks.content,
            at: message.at(),
            name: message.name().to_owned(),
        };
        if leaves_line_out {
            let unique_id = &delivery.key.unique_id;
            (self.observe)(Event::LineLeftOut { number: listed.number, unique_id });
        }
        let downloaded = Downloaded { number: listed.number, message, delivery, is_short };
        match &self.to_commit {
            // The commit thread is gone only after an error, which it returns.
            Some(to_commit) if to_commit.send(downloaded).is_ok() => Ok(None),
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
        let CommitResult { number, size, delivery, is_short, nth, settlement } = result;
        let octets = size.octets;
        let unique_id = &delivery.key.unique_id;
        if matches!(settlement, Settlement::Held) {
            self.withhold_quit = true;
            self.summary.held += 1;
            (self.observe)(Event::Held { unique_id });
            return None;
        }
        self.summary.delivered += 1;
        self.summary.octets += octets;
        let file = &size.behind_namesake(&delivery.name, nth);
        (self.observe)(Event::Delivered { number, unique_id, octets, file });
        if is_short {
            self.summary.short += 1;
            let listed = delivery.octets.unwrap_or(0);
            (self.observe)(Event::Short { number, unique_id, octets, listed });
        } else if delivery.short {
            (self.observe)(Event::StatusLike { number, unique_id });
        }
        match settlement {
            Settlement::Deletable(settled) => Some((number, Proof::Settled(settled))),
            Settlement::Held | Settlement::Kept => None,
        }
    }
}
