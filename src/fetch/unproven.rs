//! Answers to RETR that await their proof.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::maildir::TempMessage;
use crate::protocol::MessageNumber;
use crate::session::Refusal;

use super::download::Download;
use super::message_writer::Marks;

/// One command at a time, a proof is asked for after so many messages …
const BATCH: usize = 32;
/// … so many octets …
const BATCH_OCTETS: u64 = 4 << 20;
/// … or so long a time, …
const BATCH_AGE: Duration = Duration::from_secs(5);
/// … but at first after this, then twice as long each time: a session that is ended early
/// has proven about half of what came.
const FIRST_AGE: Duration = Duration::from_millis(500);

/// A response to RETR that no proof has shown to be this message's yet.
#[derive(Debug)]
pub(super) struct Unproven {
    pub(super) download: Download,
    pub(super) answer: RetrAnswer,
}

/// What RETR was answered with.
#[derive(Debug)]
pub(super) enum RetrAnswer {
    /// A message, whole in `tmp/`.
    Message {
        message: TempMessage,
        marks: Marks,
        /// The status line begins with the message's own number, as a proof by LIST
        /// does.
        names_itself: bool,
    },
    Refused(Refusal),
}

/// The answers that await their proof, oldest first.
#[derive(Debug)]
pub(super) struct UnprovenAnswers {
    answers: VecDeque<Unproven>,
    octets: u64,
    since: Option<Instant>,
    /// How old the oldest answer may get.
    age: Duration,
}

impl Default for UnprovenAnswers {
    fn default() -> Self {
        Self { answers: VecDeque::new(), octets: 0, since: None, age: FIRST_AGE }
    }
}

impl UnprovenAnswers {
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    pub(super) fn push(&mut self, unproven: Unproven) {
        if self.is_empty() {
            if self.since.is_some() {
                self.age = self.age.saturating_mul(2).min(BATCH_AGE);
            }
            (self.octets, self.since) = (0, Some(Instant::now()));
        }
        if let RetrAnswer::Message { message, .. } = &unproven.answer {
            self.octets += message.octets();
        }
        self.answers.push_back(unproven);
    }

    /// Whether there is enough for a proof, one command at a time.
    pub(super) fn is_batch(&self) -> bool {
        self.answers.len() >= BATCH
            || self.octets >= BATCH_OCTETS
            || self.since.is_some_and(|since| since.elapsed() >= self.age)
    }

    /// How many refusals the answers end with.
    pub(super) fn refused_in_a_row(&self) -> usize {
        let newest = self.answers.iter().rev();
        newest.take_while(|it| matches!(it.answer, RetrAnswer::Refused(_))).count()
    }

    /// The last answer about a message.
    pub(super) fn about(&self, number: MessageNumber) -> Option<&Unproven> {
        self.answers.iter().rev().find(|it| it.download.number() == number)
    }

    pub(super) fn pop(&mut self) -> Option<Unproven> {
        self.answers.pop_back()
    }

    pub(super) fn last(&self) -> Option<&Unproven> {
        self.answers.back()
    }

    /// Takes note of a size that a proof told.
    pub(super) fn note_size(&mut self, number: MessageNumber, octets: Option<u64>) {
        for it in &mut self.answers {
            if it.download.number() == number {
                it.download.listed.octets = octets.or(it.download.listed.octets);
            }
        }
    }

    /// How many answers there are up to the last one about this message.
    pub(super) fn upto(&self, number: MessageNumber) -> usize {
        let upto = self.answers.iter().rposition(|it| it.download.number() == number);
        upto.map_or(0, |at| at + 1)
    }

    pub(super) fn pop_oldest(&mut self) -> Option<Unproven> {
        self.answers.pop_front()
    }
}
