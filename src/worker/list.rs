//! `--list`: the maildrop, with headers if they are asked for.

use std::collections::{HashMap, VecDeque};

use crate::channel::event::Event;
use crate::channel::message::Header;
use crate::fetch::{Error, Step};
use crate::protocol::MessageNumber;

use super::header::digest;
use super::maildrop::{MaildropReader, is_new, meant, row};

pub(super) fn list(reader: MaildropReader<'_>, (headers, new): (bool, bool)) -> Result<(), Error> {
    let is_shown = |step: &Step| !new || is_new(step) || *step == Step::Order;
    let (listing, (outlook, mut read)) = reader.at(|listing, options| {
        let outlook = reader.steps(listing, options)?;
        let mut read: HashMap<MessageNumber, Header> = HashMap::new();
        if headers {
            // Only what is shown is asked for.
            let shown = meant(&listing.listing, &outlook.steps);
            let shown = shown.filter(|(_, step)| is_shown(step));
            let numbers: VecDeque<_> = shown.map(|(listed, _)| listed.number).collect();
            listing.headers(numbers, |number, header| {
                read.insert(number, digest(&header));
            })?;
        }
        Ok((outlook, read))
    })?;
    let link = reader.observer.link;
    outlook.tell_orders(reader);
    link.event(Event::Listing {});
    let shown = meant(&listing.listing, &outlook.steps).filter(|(_, step)| is_shown(step));
    for (listed, step) in shown {
        link.event(row(reader, listed, step, read.remove(&listed.number)));
    }
    reader.tell_listed(&listing);
    listing.leave()
}
