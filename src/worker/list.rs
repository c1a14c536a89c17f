//! `--list`: the maildrop, with headers if they are asked for.

use std::collections::{HashMap, VecDeque};

use crate::channel::event::Event;
use crate::channel::message::{Header, Message};
use crate::fetch::{Error, Step};
use crate::journal::Index;
use crate::protocol::MessageNumber;

use super::header::digest;
use super::link::Link;
use super::maildrop::{Maildrop, is_new, state};
use super::observe::unique_id;
use super::options::Account;

pub(super) fn list(
    mut maildrop: Maildrop<'_>,
    account: &Account,
    index: &Index,
    (headers, new): (bool, bool),
    link: &Link,
) -> Result<(), Error> {
    let steps = maildrop.steps(account, index)?;
    let mut read: HashMap<MessageNumber, Header> = HashMap::new();
    let is_shown = |step: &Step| !new || is_new(step);
    if headers {
        // Only what is shown is asked for.
        let shown = maildrop.meant(&steps).filter(|(_, step)| is_shown(step));
        let numbers: VecDeque<_> = shown.map(|(listed, _)| listed.number).collect();
        maildrop.survey.headers(numbers, |number, header| {
            read.insert(number, digest(&header));
        })?;
    }
    link.event(Event::Listing {});
    for (listed, step) in maildrop.meant(&steps).filter(|(_, step)| is_shown(step)) {
        let (state, at) = state(listed, step, index);
        link.event(Event::Message(Message::Listed {
            number: listed.number.get(),
            unique_id: unique_id(&listed.unique_id),
            octets: listed.octets,
            state,
            at,
            header: read.remove(&listed.number),
        }));
    }
    maildrop.survey.quit()
}
