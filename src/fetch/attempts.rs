//! How a session ended, and what follows: the one place where a run decides to try
//! again.
//!
//! | how a session ended | what follows |
//! | --- | --- |
//! | complete | the run is done |
//! | QUIT withheld | another session deletes what is safe and fetches the rest |
//! | commands before the greeting were not answered | another session waits for it |
//! | out of step, the first time | another session, one command at a time |
//! | out of step again, with a kind of proof that an earlier run learnt | another session learns it anew |
//! | out of step again, at a message | that message is put off |
//! | lines follow a message that answer nothing | the same octets a second time: it is stored, and never deleted |
//! | lost inside a message, once | another session asks for it last |
//! | lost inside a message, twice | that message is put off |
//! | lost at TOP | that message has no header; the second time this server has no TOP |
//! | lost elsewhere | another session, if this one made progress |
//! | by the deadline or a signal | the run fails; the message is asked for last in the next one |
//! | anything else | the run fails |
//!
//! Sessions repeat while each makes progress, ten at most: it delivers, puts a
//! message off, or notes something that was not noted.

use std::collections::{HashMap, HashSet};

use crate::journal::{ContentHash, Facts, MessageKey};
use crate::protocol::UniqueId;
use crate::session;

use super::download::Download;
use super::error::{Error, Operation};
use super::event::MessageFailure;

/// How far a session came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Reached {
    /// Not to a listing.
    #[default]
    LogIn,
    /// It was reading the header of this message.
    Header(UniqueId),
    /// It was reading listings.
    Listing,
    /// It knew what to do.
    Messages,
}

/// How a session ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// With QUIT.
    Complete,
    /// Without: what was retrieved is not all safe, and QUIT could take it away.
    QuitWithheld,
}

/// What is known of a session, however it ends.
#[derive(Debug, Default)]
pub(super) struct Current {
    /// Several commands were in flight …
    pub(super) pipelining: bool,
    /// … because an earlier run learnt that they may be.
    pub(super) remembered: bool,
    /// How the server proves its answers was learned in an earlier run, and none was good
    /// in this session.
    pub(super) outdated_proof: bool,
    pub(super) reached: Reached,
    /// Something was delivered or recorded.
    pub(super) progress: bool,
    /// It broke inside this message.
    pub(super) lost: Option<Download>,
    /// Something else is left to do.
    pub(super) more: bool,
}

/// What is worth knowing before the next session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// What was remembered of the server's capabilities no longer holds.
    Forget,
    /// TOP of this message broke off the session.
    NoHeader(UniqueId),
    /// TOP broke off a second session: for a month this server has none.
    NoTop,
    /// Nothing.
    None,
    /// The server was out of step: one command at a time for a month.
    OutOfStep,
}

/// What follows a session.
#[derive(Debug)]
pub(super) enum Next {
    Again(Note),
    Done,
    Fail(Error),
    /// The message is recorded as failed, and another session fetches the rest, if
    /// there is any.
    PutOff {
        download: Box<Download>,
        why: MessageFailure<'static>,
        more: bool,
    },
}

/// What is known of a message inside which the connection was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) times: u32,
    pub(super) facts: Facts,
    /// What came of it, if lines that answer nothing followed.
    pub(super) followed: Option<ContentHash>,
}

/// No run has more sessions than this.
const MOST_SESSIONS: u32 = 10;

/// The sessions of one run so far, and what they have taught.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    sessions: u32,
    /// One command at a time from here on.
    pub(super) no_pipelining: bool,
    /// Nothing goes before the greeting from here on: the server did not answer it.
    pub(super) no_early: bool,
    /// The server was out of step: a proof follows each message, and lines too many
    /// are passed over.
    pub(super) was_out_of_step: bool,
    /// The messages inside which the connection was lost, and how often.
    pub(super) losses: HashMap<MessageKey, Loss>,
    /// The message inside which the run was interrupted.
    pub(super) interrupted: Option<Download>,
    /// Not asked for again in this run.
    pub(super) put_off: HashSet<MessageKey>,
    /// TOP of these broke off a session.
    pub(super) headerless: HashSet<UniqueId>,
    /// TOP broke off two sessions.
    pub(super) no_top: bool,
    /// Why another session became necessary, if it failed before it listed anything.
    first: Option<Error>,
}

impl Attempts {
    /// A run with a server that may have been out of step lately.
    pub(super) fn new(was_out_of_step: bool, headerless: Option<UniqueId>, no_top: bool) -> Self {
        let no_pipelining = was_out_of_step;
        let headerless = headerless.into_iter().collect();
        Self { was_out_of_step, no_pipelining, headerless, no_top, ..Self::default() }
    }

    /// Whether this is the run's first session.
    pub(super) fn is_first(&self) -> bool {
        self.sessions == 0
    }

    /// What follows a session that ended so.
    pub(super) fn next(&mut self, ended: Current, how: Result<Finish, Error>) -> Next {
        self.sessions += 1;
        let error = match how {
            Ok(Finish::Complete) => return Next::Done,
            Ok(Finish::QuitWithheld) if self.sessions >= MOST_SESSIONS || !ended.progress => {
                return Next::Done;
            }
            Ok(Finish::QuitWithheld) => return Next::Again(Note::None),
            Err(error) => error,
        };
        let nature = error.nature();
        if nature == session::Nature::SpokeFirst {
            self.no_early = true;
            self.first = Some(error);
            return Next::Again(Note::None);
        }
        let source = match &error {
            Error::Session { source, .. }
                if ended.reached != Reached::LogIn || nature == session::Nature::OutOfStep =>
            {
                source
            }
            _ => return Next::Fail(self.telling(error)),
        };
        if self.sessions >= MOST_SESSIONS {
            return Next::Fail(error);
        }
        let is_lost = source.is_lost_over_pipelining();
        let next = match (nature, ended.reached) {
            (session::Nature::Other, _) => None,
            (session::Nature::Interrupted, _) => {
                self.interrupted = ended.lost;
                None
            }
            (nature, Reached::Header(unique_id))
                if nature != session::Nature::OutOfStep || !ended.outdated_proof =>
            {
                Some(self.without_header(unique_id))
            }
            (session::Nature::OutOfStep, _) if !self.was_out_of_step => {
                Some(self.out_of_step(is_lost, ended.remembered, ended.lost))
            }
            (session::Nature::OutOfStep, _) if ended.outdated_proof => {
                // The server may prove its answers in another way by now.
                if let Some(download) = ended.lost {
                    self.count(&download);
                }
                Some(Next::Again(Note::None))
            }
            (_, reached) => self.among_messages(Current { reached, ..ended }, &error),
        };
        match next {
            Some(next) => {
                self.first = Some(error);
                next
            }
            None => Next::Fail(error),
        }
    }

    /// What follows a session that ended so after its listing, if anything does.
    fn among_messages(&mut self, ended: Current, error: &Error) -> Option<Next> {
        let (nature, is_late) = (error.nature(), error.is_timed_out());
        let Current { pipelining, remembered, progress, lost, more, .. } = ended;
        match (lost, nature) {
            // The same octets a second time are stored.
            (Some(download), session::Nature::OutOfStep) if self.is_followed_first(&download) => {
                self.count(&download);
                Some(Next::Again(Note::None))
            }
            (Some(download), session::Nature::OutOfStep) => {
                Some(self.put_off(download, MessageFailure::Garbled, more))
            }
            (Some(download), _) => {
                Some(self.lost(download, (nature, is_late), (pipelining, progress, more)))
            }
            (None, session::Nature::Broken) if pipelining => {
                Some(self.out_of_step(true, remembered, None))
            }
            (None, _) if progress => Some(Next::Again(Note::None)),
            (None, _) => None,
        }
    }

    /// Why the run fails, if another session became necessary before: that says more than
    /// that it was too early for one, and is part of it where the server was not reached.
    fn telling(&mut self, error: Error) -> Error {
        use crate::protocol::ResponseCode::{InUse, LoginDelay};
        let Some(first) = self.first.take() else { return error };
        match &error {
            Error::TooEarly { .. } => first,
            Error::Session { doing: Operation::Connect, source }
                if source.is_unreached() && first.nature() == session::Nature::Lost =>
            {
                Error::AgainUnreached { first: Box::new(first), then: Box::new(error) }
            }
            Error::Session { source, .. } => {
                let code = source.refusal().and_then(|refusal| refusal.code);
                if matches!(code, Some(InUse | LoginDelay)) { first } else { error }
            }
            _ => error,
        }
    }

    fn without_header(&mut self, unique_id: UniqueId) -> Next {
        self.no_top |= !self.headerless.is_empty();
        self.no_pipelining = true;
        self.headerless.insert(unique_id.clone());
        Next::Again(if self.no_top { Note::NoTop } else { Note::NoHeader(unique_id) })
    }

    /// The first time. Where all that is known is that the connection was lost, or
    /// what was remembered was wrong, the server is not known for it.
    fn out_of_step(&mut self, is_lost: bool, remembered: bool, download: Option<Download>) -> Next {
        let was_at_messages = download.is_some();
        if let Some(download) = download {
            self.count(&download);
        }
        let repeats = self.no_pipelining;
        self.no_pipelining = true;
        self.was_out_of_step |= was_at_messages || repeats;
        let forgets = (is_lost || remembered) && !was_at_messages;
        Next::Again(if forgets { Note::Forget } else { Note::OutOfStep })
    }

    fn lost(
        &mut self,
        download: Download,
        (nature, is_late): (session::Nature, bool),
        (pipelining, progress, more): (bool, bool, bool),
    ) -> Next {
        // One command at a time is all that another session can do better.
        self.no_pipelining |= pipelining && (nature == session::Nature::Broken || !progress);
        if self.count(&download) < 2 {
            return Next::Again(Note::None);
        }
        let why = match nature {
            session::Nature::Endless => MessageFailure::Endless,
            session::Nature::Broken => MessageFailure::Garbled,
            _ if is_late => MessageFailure::TimedOut,
            _ => MessageFailure::Lost,
        };
        self.put_off(download, why, more)
    }

    /// Whether lines that answer nothing followed this message for the first time.
    fn is_followed_first(&self, download: &Download) -> bool {
        let loss = self.losses.get(&download.key());
        download.followed.is_some() && loss.is_none_or(|loss| loss.followed.is_none())
    }

    /// Counts a loss inside this message.
    fn count(&mut self, download: &Download) -> u32 {
        let loss = self.losses.entry(download.key()).or_default();
        (loss.times, loss.facts) = (loss.times + 1, download.facts());
        loss.followed = download.followed;
        loss.times
    }

    fn put_off(&mut self, download: Download, why: MessageFailure<'static>, more: bool) -> Next {
        self.losses.remove(&download.key());
        self.put_off.insert(download.key());
        Next::PutOff { download: Box::new(download), why, more }
    }
}

#[cfg(test)]
mod tests;
