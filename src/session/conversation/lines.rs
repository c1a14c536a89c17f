//! The lines of a listing.

use std::time::Duration;

use memchr::memchr;

use super::Conversation;
use crate::connection::{self, Phase};
use crate::protocol::{Keyword, MAX_LISTING_OCTETS, MAX_RESPONSE_LINE, Violation};
use crate::session::error::Error;
use crate::session::log::Line;

impl Conversation<'_> {
    /// Passes over the lines of a listing; whether one came within this time.
    pub(in crate::session) fn skip_listing(
        &mut self,
        keyword: Keyword,
        at_most: Duration,
    ) -> Result<bool, Error> {
        let mut octets = 0;
        self.connection.begin_within(Phase::Reply, at_most);
        loop {
            match self.read_line(keyword, Phase::Reply) {
                Ok(()) if self.line == b"." => return Ok(true),
                Ok(()) => octets += self.line.len() as u64 + 2,
                Err(Error::Connection(connection::Error::TimedOut { .. })) => return Ok(false),
                Err(error) => return Err(error),
            }
            if octets > MAX_LISTING_OCTETS {
                return Err(Error::Violation { keyword, violation: Violation::ListingTooLong });
            }
        }
    }

    /// The lines after the status line of a listing, each one unstuffed.
    pub(in crate::session) fn lines(
        &mut self,
        keyword: Keyword,
        mut take: impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Error> {
        let mut octets = 0;
        // Whether more lines follow.
        let mut take = |line: &[u8]| {
            octets += line.len() as u64 + 2;
            let content = match line {
                _ if octets > MAX_LISTING_OCTETS => return Err(Violation::ListingTooLong),
                b"." => return Ok(false),
                [b'.', content @ ..] => content,
                content => content,
            };
            take(content).map(|()| true)
        };
        let broken = |violation| Error::Violation { keyword, violation };
        self.connection.begin(Phase::Message);
        let mut goes_on = true;
        while goes_on {
            // Most lines are looked at where they lie.
            let (mut rest, mut taken) = (self.connection.buffered(), 0);
            while let Some((line, behind)) = whole_line(rest).filter(|_| goes_on) {
                taken += rest.len() - behind.len();
                rest = behind;
                goes_on = take(line).map_err(broken)?;
            }
            self.connection.consume(taken);
            self.has_crlf |= taken > 0;
            if goes_on {
                self.read_line(keyword, Phase::Message)?;
                goes_on = take(&self.line).map_err(broken)?;
            }
        }
        (self.log)(Line::Octets(octets));
        Ok(())
    }
}

/// The first line of these octets, if it is whole, and what is behind it. A line that ends
/// otherwise than by CRLF, or is too long, is left to who says so.
fn whole_line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, behind) = octets.split_at_checked(memchr(b'\n', octets)? + 1)?;
    let line = line.strip_suffix(b"\r\n")?;
    (line.len() < MAX_RESPONSE_LINE).then_some((line, behind))
}
