//! Messages behind which lines come that answer nothing.
//!
//! A server that does not stuff a dot in a line of its own (RFC 1939 section 3) ends the
//! message there, and the rest of it follows as lines that answer nothing. Asked again,
//! it does the same: no more of the message can be had.

use crate::fetch::error::{Error, Operation};
use crate::fetch::message_writer::Marks;
use crate::fetch::proof::out_of_step;
use crate::fetch::unproven::{RetrAnswer, Unproven};
use crate::maildir::TempMessage;
use crate::session::Extra;

use super::Pipeline;

impl Pipeline<'_, '_> {
    /// Octets are there before a command is sent: they answer nothing. Behind a message,
    /// and before its proof, status lines are passed over if the server was out of step
    /// before.
    pub(super) fn pass_over(&mut self) -> Result<(), Error> {
        let number = self.unproven.last().map(|it| it.download.number());
        let is_status = self.transaction.is_before_status();
        let mut extra = if is_status { Extra::TooMany } else { Extra::OtherLines };
        if let Some(number) = number.filter(|_| self.proofs.resynchronises) {
            let passed = self.transaction.pass_over_status_lines(number);
            extra = passed.map_err(|error| {
                self.done.lost = self.unproven.last().map(|it| it.download.clone());
                Operation::Retrieve(number).failed()(error)
            })?;
        }
        if extra == Extra::StatusLines {
            return Ok(());
        }
        self.lost_behind(extra == Extra::OtherLines)?;
        Err(out_of_step(Operation::List))
    }

    /// Notes that the session broke behind the last message that awaits its proof, over
    /// lines that answer nothing or over something else.
    pub(super) fn lost_behind(&mut self, over_lines: bool) -> Result<(), Error> {
        let Some(last) = self.unproven.pop() else { return Ok(()) };
        let is_alone = self.unproven.is_empty();
        let Unproven { download, answer } = last;
        self.done.withhold_quit = true;
        self.done.lost = Some(download);
        match answer {
            RetrAnswer::Message { message, marks, .. } if over_lines && is_alone => {
                self.take_followed(message, &marks)
            }
            _ => Ok(()),
        }
    }

    /// Takes what came of the message inside which the session broke, and behind which
    /// lines came. If it is what came the time before, with one command at a time, it is
    /// stored. Nothing at all is no message.
    pub(super) fn take_followed(
        &mut self,
        message: TempMessage,
        marks: &Marks,
    ) -> Result<(), Error> {
        let Some(download) = &mut self.done.lost else { return Ok(()) };
        let before = download.followed.replace(marks.content);
        if before != Some(marks.content)
            || message.octets() == 0
            || self.transaction.is_pipelining()
            || !self.unproven.is_empty()
        {
            return Ok(());
        }
        match self.done.lost.take() {
            Some(download) => self.deliveries.send_followed(download, message, marks),
            None => Ok(()),
        }
    }
}
