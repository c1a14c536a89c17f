//! `--check`: how many messages are new.

use crate::channel::event::Event;
use crate::fetch::Error;
use crate::journal::Index;

use super::link::Link;
use super::maildrop::{Maildrop, is_new};
use super::options::Account;

pub(super) fn check(
    mut maildrop: Maildrop<'_>,
    account: &Account,
    index: &Index,
    link: &Link,
) -> Result<(), Error> {
    let steps = maildrop.steps(account, index)?;
    link.event(Event::Checked { new: steps.iter().filter(|step| is_new(step)).count() });
    maildrop.survey.quit()
}
