//! `--check`: how many messages are new, and how many are deleted by a person's order.

use crate::channel::event::Event;
use crate::fetch::{Error, Step};
use crate::journal::Siblings;

use super::maildrop::{MaildropReader, is_new};

pub(super) fn check(reader: MaildropReader<'_>, siblings: &Siblings) -> Result<(), Error> {
    let (listing, outlook) = reader.at(|listing, options| {
        reader.refuse_another_name(listing, siblings)?;
        reader.steps(listing, options)
    })?;
    let count =
        |is_meant: fn(&Step) -> bool| outlook.steps.iter().filter(|it| is_meant(it)).count();
    let (new, ordered) = (count(is_new), count(|step| *step == Step::Order));
    reader.observer.link.event(Event::Checked { new, ordered });
    outlook.tell_orders(reader);
    reader.tell_listed(&listing);
    listing.leave()
}
