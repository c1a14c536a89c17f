//! `--show`: one message on standard output.

use std::io::{self, Write};
use std::ops::ControlFlow;

use crate::journal::State;

use super::error::Error;
use super::maildrop::MaildropReader;

/// Prints the message that is named. RETR may count as having taken it, so unless it was
/// delivered before, the session ends without QUIT.
pub(super) fn show(
    reader: MaildropReader<'_>,
    lines: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let named = &reader.account.policy.named;
    let (mut listing, _) = reader.at(|listing, _| named.resolved(listing.names()))?;
    let mut meant =
        listing.listing.iter().filter(|listed| named.means(listed.number, &listed.unique_id));
    let listed = match (meant.next(), meant.next()) {
        (Some(listed), None) => listed.clone(),
        _ => return Err(Error::SeveralMessages),
    };
    let mut broken = None;
    let shown = listing.show(&listed, lines, &mut |piece| match out.write_all(piece) {
        // The reader has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ControlFlow::Continue(()),
        Err(error) => {
            broken = Some(error);
            ControlFlow::Break(())
        }
        Ok(()) => ControlFlow::Continue(()),
    });
    if let Some(error) = broken {
        return Err(Error::Output(error));
    }
    shown?;
    out.flush().map_err(Error::Output)?;
    let is_delivered = reader
        .index
        .occurrences(&listed.unique_id)
        .any(|known| known.state.is_delivered() && known.state != State::Held);
    if is_delivered { Ok(listing.leave()?) } else { Ok(()) }
}
