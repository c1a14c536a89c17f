//! Fetching, and marking everything as seen: lock, journal and Maildir are open
//! before the sandbox closes and the password is asked for.

use crate::channel::event::Event;
use crate::channel::octets::Octets;
use crate::fetch::{self, AccountRun, Outcome, Place};
use crate::journal;
use crate::session::Credentials;

use super::error::Error;
use super::link::Link;
use super::observe::{Observer, summary};
use super::options::Account;
use super::patience::patiently;

/// Opens the local side and recovers.
pub(super) fn open(
    account: &Account,
    place: &Place,
    refetch: bool,
    observer: &Observer<'_>,
) -> Result<AccountRun, Error> {
    let observe = |event: fetch::Event<'_>| observer.event(event);
    let local = patiently(&account.session.connection, observer.link, || {
        if refetch {
            AccountRun::open_anew(place, &observe)
        } else {
            AccountRun::open(place, &observe)
        }
    })?;
    for directory in [&place.maildir.join("new"), &place.state] {
        if journal::refuses_directory_sync(directory) {
            observer.link.event(Event::UnsyncedDirectory { path: Octets::from(&**directory) });
        }
    }
    Ok(local)
}

/// Runs, and says what was done also if it failed.
pub(super) fn run(
    local: AccountRun,
    marks: bool,
    account: &Account,
    credentials: &Credentials,
    observer: &Observer<'_>,
    link: &Link,
) -> Result<(), Error> {
    let observe = |event: fetch::Event<'_>| observer.event(event);
    let options = account.fetch();
    let Outcome { summary: done, result } = if marks {
        local.mark_seen(&options, credentials, &observe)
    } else {
        local.fetch(&options, credentials, &observe)
    };
    link.event(Event::Summary(summary(&done)));
    Ok(result?)
}
