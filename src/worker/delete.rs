//! `--state delete`: the messages are shown, a person agrees, and the journal is told.

use std::collections::HashMap;

use crate::channel::event::Event;
use crate::channel::question::Question;
use crate::fetch;

use super::error::Error;
use super::header::digest;
use super::maildrop::{MaildropReader, row};
use super::patience::patiently;

pub(super) fn delete(reader: MaildropReader<'_>, write: bool) -> Result<(), Error> {
    let account = reader.account;
    let (listing, (doomed, outlook)) = reader.at(|listing, options| {
        let named = account.policy.named.resolved(listing.names())?;
        let doomed = listing.doomed(&named)?;
        Ok((doomed, reader.steps(listing, options)?))
    })?;
    let link = reader.observer.link;
    link.event(Event::Listing {});
    let headers: HashMap<_, _> = doomed.iter().map(|it| (it.number, &it.header)).collect();
    for (listed, step) in listing.listing.iter().zip(&outlook.steps) {
        if let Some(header) = headers.get(&listed.number) {
            link.event(row(reader, listed, step, header.as_deref().map(digest)));
        }
    }
    reader.tell_listed(&listing);
    // A person may take long to answer, and the maildrop is locked meanwhile.
    listing.quit()?;
    let messages = doomed.len();
    if write {
        if !link.confirm(Question::Delete { messages })? {
            return Err(fetch::Error::Declined.into());
        }
        let place = account.place()?;
        patiently(account, link, || fetch::order(&place, &doomed))?;
    }
    link.event(Event::Ordered { messages, write });
    Ok(())
}
