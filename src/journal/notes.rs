//! What a run notes of messages and of the server, beside commits and listings.

use std::borrow::Cow;

use crate::protocol::{Capabilities, Leniency, UniqueId};

use super::early::KnownEarly;
use super::fingerprint::Fingerprint;
use super::journal_file::Journal;
use super::key::{MessageKey, WrittenKey};
use super::port::KnownProof;
use super::record::Record;
use super::server::{Login, Notice};
use super::state::{Facts, Known, State};
use super::stored_file::StoredFile;

impl Journal {
    /// Notes that a message could not be fetched, and when to try again. What was
    /// known of it and is not given stays known; a message that was fetched stays so.
    pub fn note_failed(&mut self, key: &MessageKey, facts: Facts, tries: u32, not_before: u64) {
        if let Some(known) = self.left_on_server(key, State::Failed, facts) {
            self.note(key, Known { tries, not_before, ..known });
        }
    }

    /// Notes that a message was left on the server for its size.
    pub fn note_too_large(&mut self, key: &MessageKey, facts: Facts) {
        if let Some(known) = self.left_on_server(key, State::TooLarge, facts) {
            self.note(key, known);
        }
    }

    /// What is noted of a message that was not fetched, unless it was before. It keeps
    /// when that was first noted, and what is known of it.
    fn left_on_server(&self, key: &MessageKey, state: State, facts: Facts) -> Option<Known> {
        let Some(before) = self.index().get(key) else {
            return Some(self.first_noted(key, state, self.wall_clock()).with_facts(facts));
        };
        let facts = Facts {
            octets: facts.octets.or(before.octets),
            fingerprint: facts.fingerprint.or(before.fingerprint),
            content: facts.content.or(before.content),
        };
        let is_unfetched = matches!(before.state, State::Failed | State::TooLarge);
        let noted = Known { state, tries: 0, not_before: 0, ..before }.with_facts(facts);
        is_unfetched.then_some(noted)
    }

    /// A state that is noted for the first time, nothing else known yet.
    fn first_noted(&self, key: &MessageKey, state: State, at: u64) -> Known {
        Known {
            occurrence: key.occurrence,
            shared: key.occurrence > 1,
            state,
            octets: None,
            fingerprint: None,
            content: None,
            at,
            counted: self.counted(),
            tries: 0,
            not_before: 0,
        }
    }

    fn note(&mut self, key: &MessageKey, known: Known) {
        self.enqueue(&Record::message(key.unique_id.as_bytes(), known));
    }

    /// Notes the size that a message has on the server by now, where its header says
    /// that it is the same one.
    pub fn note_resized(&mut self, key: &MessageKey, octets: Option<u64>) {
        self.note_listed_again(key, octets, |state| state);
    }

    /// Notes that a message that was fetched again has the octets of this one. If it
    /// counted as deleted, it does so no longer: the server has it.
    pub fn note_compared(&mut self, key: &MessageKey, octets: Option<u64>) {
        self.note_listed_again(key, octets, |state| match state {
            State::Deleted => State::Delivered,
            state => state,
        });
    }

    fn note_listed_again(
        &mut self,
        key: &MessageKey,
        octets: Option<u64>,
        state: fn(State) -> State,
    ) {
        let known = self.index().get(key).filter(|_| !self.index().is_unsettled(key));
        let Some(known) = known else { return };
        let octets = octets.or(known.octets);
        let noted = Known { state: state(known.state), octets, ..known };
        if noted != known {
            self.note(key, noted);
        }
    }

    /// Notes that the server shows other octets for a message each time: they cannot
    /// prove which message it is.
    pub fn note_incomparable(&mut self, key: &MessageKey) {
        let known = self.index().get(key).filter(|_| !self.index().is_unsettled(key));
        let Some(known) = known else { return };
        self.note(key, Known { content: None, ..known });
    }

    /// Notes that a message was fetched again under another unique-id, while one of its
    /// size is listed under its own. The octets under both are known here; which message
    /// bears the old one has to be looked at, so its size is forgotten.
    pub fn note_guessed(&mut self, old: &MessageKey, new: &MessageKey, octets: Option<u64>) {
        let index = self.index();
        let is_free = index.get(new).is_none() && !index.is_unsettled(old);
        let Some(known) = index.get(old).filter(|_| is_free) else { return };
        self.note(new, Known { occurrence: new.occurrence, octets, ..known });
        self.note(old, Known { octets: None, ..known });
    }

    /// Notes that a known message now bears another unique-id: its state moves with
    /// it as it is. Returns whether it did: not if the new key is taken, nor if the
    /// message waits for its commit to be settled.
    pub fn note_rekeyed(&mut self, old: &MessageKey, new: &MessageKey) -> bool {
        let index = self.index();
        let is_free = index.get(new).is_none() && !index.is_unsettled(old);
        let Some(known) = index.get(old).filter(|_| is_free) else { return false };
        self.note(new, Known { occurrence: new.occurrence, ..known });
        self.enqueue(&Record::Forget(old.written()));
        true
    }

    /// Notes that a message counts as seen though it was never delivered; with
    /// size and header where its unique-id alone says too little.
    pub fn note_seen(&mut self, key: &MessageKey, at: u64, facts: Facts) {
        let known = self.first_noted(key, State::Seen, at);
        self.note(key, known.with_facts(facts));
    }

    /// Notes that another program delivered a message.
    pub fn note_imported(&mut self, key: &MessageKey, at: u64, facts: Facts) {
        let known = self.first_noted(key, State::Imported, at);
        self.note(key, known.with_facts(facts));
    }

    /// Notes that a message is in the Maildir, as its file's name says after the
    /// journal's tail was lost. If the header that the server shows for it is that
    /// of the file, it is delivered: the file's name bears this journal's id, so a
    /// commit of this journal delivered it. Else it counts as imported, and is
    /// neither fetched nor ever deleted; its content is still the file's, by which it is
    /// known again.
    pub fn note_adopted(
        &mut self,
        key: &MessageKey,
        octets: Option<u64>,
        at: u64,
        header: Option<Fingerprint>,
    ) {
        let mut files = self.index().found(key).iter();
        let found = files.find(|file| header == Some(file.fingerprint));
        let state = if found.is_some() { State::Delivered } else { State::Imported };
        let alone = || match self.index().found(key) {
            [file] => Some(file),
            _ => None,
        };
        let content = found.or_else(alone).map(|file| file.content);
        let facts = Facts { octets, fingerprint: header, content };
        let known = self.first_noted(key, state, at);
        self.note(key, known.with_facts(facts));
    }

    /// Notes that a message of which only its file tells bears this unique-id; its header,
    /// or all of it, was that of the file.
    pub fn note_identified(
        &mut self,
        file: StoredFile,
        key: &MessageKey,
        octets: Option<u64>,
        at: u64,
    ) {
        let StoredFile { hash, fingerprint, content } = file;
        let known = self.first_noted(key, State::Delivered, at);
        let facts = Facts { octets, fingerprint: Some(fingerprint), content: Some(content) };
        self.note(key, known.with_facts(facts));
        self.enqueue(&Record::Identified { hash, content });
    }

    /// Forgets every message with this unique-id, so that it is new again.
    /// Returns how many there were.
    pub fn forget(&mut self, unique_id: &UniqueId) -> usize {
        let occurrences: Vec<u32> =
            self.index().occurrences(unique_id).map(|known| known.occurrence).collect();
        for occurrence in &occurrences {
            let unique_id = Cow::Borrowed(unique_id.as_bytes());
            self.enqueue(&Record::Forget(WrittenKey::new(unique_id, *occurrence)));
        }
        occurrences.len()
    }

    /// Forgets one message.
    pub fn forget_message(&mut self, key: &MessageKey) {
        let unique_id = Cow::Borrowed(key.unique_id.as_bytes());
        self.enqueue(&Record::Forget(WrittenKey::new(unique_id, key.occurrence)));
    }

    /// Notes that no other journal of the Maildir is this mailbox's.
    pub fn note_separate(&mut self) {
        self.enqueue(&Record::Separate);
    }

    /// Notes that the server's TOP shows another header than its RETR.
    pub fn note_top_differs(&mut self) {
        self.enqueue(&Record::TopDiffers);
    }

    /// Notes what was announced over verified TLS by a server that takes several
    /// commands at once; `None` forgets it. Other capabilities forget the proof.
    pub fn note_announced(&mut self, port: u16, capabilities: Option<&Capabilities>) {
        self.server_facts().note_announced(port, capabilities);
    }

    /// Notes that a server was out of step.
    pub fn note_out_of_step(&mut self, port: u16, at: u64) {
        self.server_facts().note_out_of_step(port, at);
    }

    /// Notes what a server does against an RFC at a login, if that is not known of it.
    pub fn note_leniency(&mut self, port: u16, leniency: Leniency, at: u64) {
        self.server_facts().note_leniency(port, leniency, at);
    }

    /// Notes whether a server answers commands before its greeting.
    pub fn note_early(&mut self, port: u16, early: KnownEarly) {
        self.server_facts().note_early(port, early);
    }

    /// Notes which proof a server gives; `None` forgets it.
    pub fn note_proof(&mut self, port: u16, proof: Option<KnownProof>) {
        self.server_facts().note_proof(port, proof);
    }

    /// Notes that TOP of a message broke off a session.
    pub fn note_no_header(&mut self, port: u16, at: u64, unique_id: &UniqueId) {
        self.server_facts().note_no_header(port, at, unique_id.as_bytes());
    }

    /// Notes that TOP broke off a second session.
    pub fn note_no_top(&mut self, port: u16, at: u64) {
        self.server_facts().note_no_top(port, at);
    }

    /// Notes that STAT's total is another one than that of LIST's sizes, or that it is not.
    pub fn note_own_total(&mut self, port: u16, at: Option<u64>) {
        if at != self.index().own_total(port) {
            self.server_facts().note_own_total(port, at);
        }
    }

    /// Notes that a server refuses UIDL, though it has given unique-ids; `accepted`: a
    /// person wants headers to tell messages apart.
    pub fn note_no_unique_ids(&mut self, port: u16, now: u64, accepted: bool) {
        self.server_facts().note_no_unique_ids(port, now, accepted);
    }

    /// Notes that a server gives unique-ids.
    pub fn note_unique_ids(&mut self, port: u16) {
        self.server_facts().note_unique_ids(port);
    }

    /// Notes in how many runs in a row a server refused all messages.
    pub fn note_quota(&mut self, port: u16, runs: u32) {
        self.server_facts().note_quota(port, runs);
    }

    /// Notes when a notice was given; `None`: there was no reason for it.
    pub fn note_notice(&mut self, what: Notice, at: Option<u64>) {
        self.server_facts().note_notice(what, at);
    }

    /// Notes a login. It is remembered only where the server wants some time
    /// between two.
    pub fn note_login(&mut self, login: Login) {
        self.server_facts().note_login(login);
    }
}
