//! `--check`: how many messages are new.

use crate::channel::event::Event;
use crate::fetch::Error;
use crate::journal::Siblings;

use super::maildrop::{Look, is_new};

pub(super) fn check(look: Look<'_>, siblings: &Siblings) -> Result<(), Error> {
    let (listing, steps) = look.at(|listing, options| {
        look.refuse_another_name(listing, siblings)?;
        look.steps(listing, options)
    })?;
    let new = steps.iter().filter(|step| is_new(step)).count();
    look.observer.link.event(Event::Checked { new });
    listing.leave()
}
