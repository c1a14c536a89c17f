//! Handing over, and what a person decides of it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::channel::event::Event;
use crate::channel::handover::{HandOver, HandOverAnswer};
use crate::channel::octets::Octets;
use crate::fetch;
use crate::handover::{self, Answer, ByHand, Shown, Target};
use crate::protocol::UniqueId;

use super::error::Error;
use super::link::Link;
use super::options::{Account, clock};

/// The command that the supervisor runs.
struct Pipe<'l> {
    link: &'l Link,
}

impl Target for Pipe<'_> {
    fn show(&mut self, message: Shown<'_>) -> Answer {
        let octets = |path: Option<&Path>| {
            Octets::from(path.unwrap_or_else(|| Path::new("")).as_os_str().as_bytes())
        };
        let request = HandOver {
            directory: octets(message.file.parent()),
            name: octets(message.file.file_name().map(Path::new)),
            unique_id: Octets::from(message.unique_id.as_bytes()),
            again: message.again,
        };
        match self.link.hand_over(request) {
            Ok(HandOverAnswer::Gone {}) => Answer::Gone,
            Ok(HandOverAnswer::HandedOver {}) => Answer::HandedOver,
            Ok(HandOverAnswer::Later { why }) => Answer::Later(why),
            Ok(HandOverAnswer::Refused { why }) => Answer::Refused(why),
            Ok(HandOverAnswer::Unknown { why }) => Answer::Unknown(why),
            Ok(HandOverAnswer::Stopped {}) | Err(_) => Answer::Stopped,
        }
    }
}

fn place(place: &fetch::Place) -> handover::Place<'_> {
    let fetch::Place { maildir, state, mailbox, .. } = place;
    handover::Place { maildir, state, mailbox }
}

/// Hands over what waits.
pub(super) fn hand_over(at: &fetch::Place, link: &Link) -> Result<(), Error> {
    let tell = |message| link.event(Event::Message(message));
    let now = clock().start();
    Ok(handover::hand_over(place(at), &mut Pipe { link }, now, &tell)?)
}

/// `--state handover`
pub(super) fn by_hand(
    account: &Account,
    at: &fetch::Place,
    again: bool,
    link: &Link,
) -> Result<(), Error> {
    let what = if again { ByHand::Again } else { ByHand::Done };
    let unique_ids = &account.job.messages.unique_ids;
    let unique_ids: Vec<_> =
        unique_ids.iter().filter_map(|it| UniqueId::new(it.as_bytes())).collect();
    let messages = handover::by_hand(place(at), what, &unique_ids, clock().start())?;
    link.event(Event::HandoverState { messages, again });
    Ok(())
}
