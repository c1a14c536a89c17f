//! The octets of a message.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Conversation, PIECE};
use crate::connection::Phase;
use crate::protocol::{Keyword, Unstuffer, Violation};
use crate::session::error::Error;
use crate::session::log::Line;

/// Where LF seems to end the lines of a message, so long more of it is waited for.
const LINE_FEEDS: Duration = Duration::from_millis(500);

impl Conversation<'_> {
    /// The message after the status line of RETR or TOP, in pieces, line ends LF.
    pub(in crate::session) fn message(
        &mut self,
        keyword: Keyword,
        sink: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut unstuffer = Unstuffer::default();
        let mut octets = 0;
        let status_has_crlf = self.has_crlf;
        self.piece.clear();
        loop {
            let taken = unstuffer.push(self.connection.buffered(), &mut self.piece);
            self.connection.consume(taken);
            octets += taken as u64;
            if self.piece.len() >= PIECE || (unstuffer.is_done() && !self.piece.is_empty()) {
                if sink(&self.piece).is_break() {
                    return Err(Error::Stopped);
                }
                self.piece.clear();
            }
            if unstuffer.is_done() {
                (self.log)(Line::Octets(octets));
                return Ok(());
            }
            let (at_end, at_start) =
                (unstuffer.may_end_with_line_feeds(), unstuffer.is_in_first_line());
            if at_end || at_start && !status_has_crlf && octets > 0 {
                if !self.is_silent(LINE_FEEDS)? {
                    continue;
                }
                let violation = if status_has_crlf {
                    Violation::LineFeedsInMessage
                } else {
                    Violation::LineFeeds
                };
                return Err(Error::Violation { keyword, violation });
            }
            self.connection.begin(Phase::Message);
            self.connection.fill()?;
        }
    }
}
