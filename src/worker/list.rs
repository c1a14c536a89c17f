//! `--list`: the maildrop, with headers if they are asked for.

use std::collections::HashMap;

use crate::channel::event::Event;
use crate::channel::message::{Header, Message};
use crate::fetch::Error;
use crate::journal::Index;
use crate::protocol::MessageNumber;

use super::header::digest;
use super::link::Link;
use super::maildrop::Maildrop;
use super::observe::unique_id;
use super::options::Account;

pub(super) fn list(
    mut maildrop: Maildrop<'_>,
    account: &Account,
    index: &Index,
    headers: bool,
    link: &Link,
) -> Result<(), Error> {
    let steps = maildrop.steps(account, index)?;
    let mut read: HashMap<MessageNumber, Header> = HashMap::new();
    if headers {
        maildrop.survey.headers(|number, header| {
            read.insert(number, digest(&header));
        })?;
    }
    link.event(Event::Listing {});
    for (listed, state, at) in maildrop.shown(&steps, index) {
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
