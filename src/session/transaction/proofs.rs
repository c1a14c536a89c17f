//! Proofs in a session: asked for, read, and looked for again where lines are too many.

use std::time::Duration;

use crate::protocol::{Command, MessageNumber, ProofKind, ScanListing};

use super::Transaction;
use crate::session::error::Error;
use crate::session::proof::{Extra, ProofAnswer, ProofReply};
use crate::session::window::InFlight;

/// So long a proof is waited for: its answer follows a message that is there.
pub(super) const PROOF_TIMEOUT: Duration = Duration::from_secs(5);

/// At most this many extra lines are skipped.
const MOST_PASSED_OVER: usize = 100;

impl<T> Transaction<'_, T> {
    /// Sends LIST msg, UIDL msg or STAT, whose answer shows that the answers before
    /// it belong to their commands.
    pub fn prove(&mut self, number: MessageNumber, by: ProofKind, tag: T) -> Result<(), Error> {
        let command = match by {
            ProofKind::List => Command::List(Some(number)),
            ProofKind::Stat => Command::Stat,
            ProofKind::Uidl => Command::Uidl(Some(number)),
        };
        self.ask(command, Some(tag))
    }

    /// Reads the answer to a proof, which is the oldest unanswered command. What is
    /// no status line proves nothing either.
    pub fn proof(&mut self) -> Result<Option<ProofReply<T>>, Error> {
        self.settle_own()?;
        self.nudge()?;
        let Some(InFlight { command, tag: Some(tag), .. }) = self.window.pop() else {
            return Ok(None);
        };
        let answer = self.proof_line(&command)?;
        Ok(Some(ProofReply { tag, answer }))
    }

    fn proof_line(&mut self, command: &Command) -> Result<ProofAnswer, Error> {
        match self.conversation.status_within(command.keyword(), PROOF_TIMEOUT) {
            Ok(Ok(text)) => {
                let text = text.to_vec();
                if let Command::List(Some(number)) = command
                    && ScanListing::parse(&text).is_ok_and(|it| it.number == *number)
                    && ScanListing::is_answer(&text)
                {
                    let needed = ScanListing::leniencies(&text);
                    needed.iter().try_for_each(|leniency| self.lenient(leniency))?;
                }
                // A proof counts only if nothing or a status line follows it.
                let is_alone = self.conversation.is_before_status();
                Ok(if is_alone { ProofAnswer::Text(text) } else { ProofAnswer::None })
            }
            Ok(Err(_)) => Ok(ProofAnswer::Refused),
            Err(Error::Violation { .. }) => Ok(ProofAnswer::None),
            Err(error) => Err(error),
        }
    }

    /// Passes over status lines that came behind a message and answer nothing.
    pub fn pass_over_status_lines(&mut self, number: MessageNumber) -> Result<Extra, Error> {
        let keyword = Command::Retr(number).keyword();
        for _ in 0..MOST_PASSED_OVER {
            if !self.has_unasked_octets() {
                return Ok(Extra::StatusLines);
            }
            if !self.conversation.is_before_status() {
                return Ok(Extra::OtherLines);
            }
            match self.conversation.status_within(keyword, PROOF_TIMEOUT) {
                Ok(_) => {}
                // It only began like one.
                Err(Error::Violation { .. }) => return Ok(Extra::OtherLines),
                Err(error) => return Err(error),
            }
        }
        Ok(Extra::TooMany)
    }

    /// Reads on behind an answer to a proof that was none, over status lines alone,
    /// until one names the message. Whether one did.
    pub fn resynchronise(&mut self, number: MessageNumber) -> Result<Option<ScanListing>, Error> {
        for _ in 0..MOST_PASSED_OVER {
            if let ProofAnswer::Text(text) = self.proof_line(&Command::List(Some(number)))?
                && let Ok(listed) = ScanListing::parse(&text)
                && listed.number == number
                && ScanListing::is_answer(&text)
            {
                return Ok(Some(listed));
            }
            if !self.conversation.is_before_status() {
                break;
            }
        }
        Ok(None)
    }
}
