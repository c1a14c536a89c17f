//! `--dry-run`: what a fetch would do, and why.

use crate::channel::event::Event;
use crate::channel::message::Message;
use crate::fetch::Error;
use crate::journal::Index;

use super::link::Link;
use super::maildrop::{Maildrop, state};
use super::observe::unique_id;
use super::options::Account;

pub(super) fn dry_run(
    mut maildrop: Maildrop<'_>,
    account: &Account,
    index: &Index,
    link: &Link,
) -> Result<(), Error> {
    let steps = maildrop.steps(account, index)?;
    link.event(Event::Listing {});
    for (listed, step) in maildrop.meant(&steps) {
        let (state, at) = state(listed, step, index);
        let (number, octets) = (listed.number.get(), listed.octets);
        let unique_id = unique_id(&listed.unique_id);
        link.event(Event::Message(match state.action() {
            Some(action) => Message::Planned { action, number, unique_id, octets, state },
            None => Message::Skipped { number: Some(number), unique_id, octets, state, at },
        }));
    }
    maildrop.survey.quit()
}
