//! `--dry-run`: what a fetch, or `--mark-seen`, would do.

use std::collections::HashSet;

use crate::channel::command::RefetchScope;
use crate::channel::event::Event;
use crate::channel::message::{Action, ListedState, Message};
use crate::fetch::{self, Error, Listing};
use crate::journal::{Journal, Siblings};
use crate::maildir::Maildir;
use crate::protocol::{MessageNumber, UniqueId};

use super::fetch::again;
use super::maildrop::{MaildropReader, meant, state};
use super::observe::unique_id;

pub(super) fn dry_run(
    reader: MaildropReader<'_>,
    siblings: &Siblings,
    (rekey, refetch): (bool, Option<RefetchScope>),
) -> Result<(), Error> {
    let (listing, (outlook, known, again)) = reader.at(|listing, options| {
        reader.refuse_another_name(listing, siblings)?;
        let outlook = reader.steps(listing, options)?;
        let known = if rekey { listing.rekeyed(reader.index)? } else { Vec::new() };
        Ok((outlook, known, refetched(reader, listing, refetch)?))
    })?;
    let known: HashSet<UniqueId> = known.into_iter().map(|(unique_id, _)| unique_id).collect();
    let link = reader.observer.link;
    outlook.tell_orders(reader);
    link.event(Event::Listing {});
    for (listed, step) in meant(&listing.listing, &outlook.steps) {
        let (mut state, at) = state(listed, step, reader.index);
        let is_ordered = state == ListedState::Ordered;
        if !is_ordered && known.contains(&listed.unique_id) {
            state = ListedState::Found;
        }
        let (number, octets) = (listed.number.get(), listed.octets);
        let action = if !is_ordered && again.contains(&listed.number) {
            Some(Action::Fetch)
        } else {
            state.action()
        };
        let unique_id = unique_id(&listed.unique_id);
        link.event(Event::Message(match action {
            Some(action) => Message::Planned { action, number, unique_id, octets, state },
            None => Message::Skipped { number: Some(number), unique_id, octets, state, at },
        }));
    }
    reader.tell_listed(&listing);
    listing.leave()
}

/// What `--refetch` or `--refetch-missing` would fetch again.
fn refetched(
    reader: MaildropReader<'_>,
    listing: &mut Listing<'_>,
    refetch: Option<RefetchScope>,
) -> Result<HashSet<MessageNumber>, Error> {
    let (Some(refetch), Some(path)) = (refetch, &reader.account.maildir) else {
        return Ok(HashSet::new());
    };
    let Some(journal) = Journal::named_by(path, &reader.account.mailbox)? else {
        return Ok(HashSet::new());
    };
    let maildir = Maildir::open_existing(path)?;
    let named = reader.account.policy.named.resolved(listing.names())?;
    let of_listing = (listing, &named);
    let refetched =
        fetch::refetched(again(refetch), of_listing, reader.index, (&maildir, journal))?;
    Ok(refetched.numbers)
}

/// How many messages `--mark-seen` would mark.
pub(super) fn mark_seen(reader: MaildropReader<'_>) -> Result<(), Error> {
    use ListedState::{BeyondLimit, Failed, FailedUntil, New, TooLarge};
    let (listing, outlook) = reader.at(|listing, options| reader.steps(listing, options))?;
    let (mut messages, mut known) = (0, 0);
    for (listed, step) in meant(&listing.listing, &outlook.steps) {
        match state(listed, step, reader.index).0 {
            BeyondLimit | Failed | FailedUntil | New | TooLarge => messages += 1,
            _ => known += 1,
        }
    }
    reader.observer.link.event(Event::Marked { messages, known, write: false });
    reader.tell_listed(&listing);
    listing.leave()
}
