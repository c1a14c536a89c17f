//! `--show`: one message on standard output.

use std::io::{self, Write};
use std::ops::ControlFlow;

use crate::journal::{Index, State};
use crate::protocol::{MessageNumber, Quoted, UniqueId};

use super::error::Error;
use super::maildrop::Maildrop;

/// Prints a message. RETR may count as having taken it, so unless it was delivered
/// before, the session ends without QUIT.
pub(super) fn show(
    maildrop: Maildrop<'_>,
    (message, lines): (&str, Option<u32>),
    index: &Index,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut survey = maildrop.survey;
    let number = MessageNumber::parse(message.as_bytes());
    let named = message.strip_prefix("uid:").and_then(|it| UniqueId::new(it.as_bytes()));
    let is_wanted = |number_, unique_id: &UniqueId| match message.starts_with("uid:") {
        true => named.as_ref() == Some(unique_id),
        false => number == Some(number_),
    };
    let listed = survey.listing.iter().find(|it| is_wanted(it.number, &it.unique_id)).cloned();
    let missing = || Error::NoSuchMessage(Quoted::new(message.as_bytes()).to_string());
    let listed = listed.ok_or_else(missing)?;
    let mut broken = None;
    let shown = survey.show(listed.number, lines, &mut |piece| match out.write_all(piece) {
        // Whoever reads has read enough.
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
    let is_delivered = index
        .occurrences(&listed.unique_id)
        .any(|known| known.state.is_delivered() && known.state != State::Held);
    if is_delivered { Ok(survey.quit()?) } else { Ok(()) }
}
