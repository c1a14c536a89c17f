//! `--dry-run`: what a fetch, or `--mark-seen`, would do.

use crate::channel::event::Event;
use crate::channel::message::{Message, State};
use crate::fetch::Error;
use crate::journal::Siblings;

use super::maildrop::{Look, meant, state};
use super::observe::unique_id;

pub(super) fn dry_run(look: Look<'_>, siblings: &Siblings) -> Result<(), Error> {
    let (listing, steps) = look.at(|listing, options| {
        look.refuse_another_name(listing, siblings)?;
        look.steps(listing, options)
    })?;
    let link = look.observer.link;
    link.event(Event::Listing {});
    for (listed, step) in meant(&listing.listing, &steps) {
        let (state, at) = state(listed, step, look.index);
        let (number, octets) = (listed.number.get(), listed.octets);
        let unique_id = unique_id(&listed.unique_id);
        link.event(Event::Message(match state.action() {
            Some(action) => Message::Planned { action, number, unique_id, octets, state },
            None => Message::Skipped { number: Some(number), unique_id, octets, state, at },
        }));
    }
    listing.quit()
}

/// How many messages `--mark-seen` would mark.
pub(super) fn mark_seen(look: Look<'_>) -> Result<(), Error> {
    use State::{BeyondLimit, Failed, FailedUntil, New, TooLarge};
    let (listing, steps) = look.at(|listing, options| look.steps(listing, options))?;
    let (mut messages, mut known) = (0, 0);
    for (listed, step) in meant(&listing.listing, &steps) {
        match state(listed, step, look.index).0 {
            BeyondLimit | Failed | FailedUntil | New | TooLarge => messages += 1,
            _ => known += 1,
        }
    }
    look.observer.link.event(Event::Marked { messages, known, write: false });
    listing.quit()
}
