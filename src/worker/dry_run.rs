//! `--dry-run`: what a fetch would do, and why.

use crate::channel::event::Event;
use crate::fetch::{Error, Reason, Step};
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
    for (listed, step) in maildrop.survey.listing.iter().zip(&steps) {
        if *step == Step::Leave(Reason::NotNamed) {
            continue;
        }
        link.event(Event::Listed {
            number: listed.number.get(),
            unique_id: unique_id(&listed.unique_id),
            octets: listed.octets,
            state: state(listed, step, index),
            header: None,
        });
    }
    maildrop.survey.quit()
}
