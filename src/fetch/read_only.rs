//! A read-only run: the sessions of a fetch, and nothing is written.

use crate::journal::{Index, Login};
use crate::session::{Credentials, Log};

use super::attempts::{Attempts, Current, Finish};
use super::error::Error;
use super::error::Operation;
use super::event::Observer;
use super::listing::Listing;
use super::options::Options;
use super::proof::out_of_step;
use super::sessions::{self, Noted, Sessions};
use super::sightings::Sizes;

/// A read-only run: the journal as it is, and what the sessions have taught.
struct ReadOnlyRun<'i> {
    index: &'i Index,
    login: Option<Login>,
    attempts: Attempts,
    current: Current,
}

impl Sessions for ReadOnlyRun<'_> {
    fn index(&self) -> &Index {
        self.index
    }

    fn last_login(&self) -> Option<Login> {
        self.login
    }

    fn attempts(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    fn current(&mut self) -> &mut Current {
        &mut self.current
    }

    fn remembers(&self) -> bool {
        false
    }

    fn note(&mut self, noted: Noted<'_>, _: &Options, _: Observer<'_>) {
        if let Noted::Login(login) = noted {
            self.login = Some(login);
        }
    }
}

/// Logs in, lists, and lets `act` look at what is listed, in as many sessions as that
/// takes. The last session is returned open, with what `act` found.
pub fn read_only<'a, T>(
    index: &Index,
    sizes: Sizes,
    options: &Options,
    credentials: &Credentials,
    log: Log<'a>,
    observe: Observer<'_>,
    mut act: impl FnMut(&mut Listing<'a>) -> Result<T, Error>,
) -> Result<(Listing<'a>, T), Error> {
    let (attempts, current) = (Attempts::default(), Current::default());
    let mut run = ReadOnlyRun { index, login: index.last_login(), attempts, current };
    let mut found = None;
    sessions::repeat(&mut run, options, observe, |run| {
        let mut listing = sessions::open(run, options, credentials, (log, sizes), observe)?;
        let shown = sessions::listed(run, &mut listing, options, observe, |_, listing| {
            listing.list(index, sizes)?;
            act(listing)
        })?;
        found = Some((listing, shown));
        Ok(Finish::Complete)
    })?;
    found.ok_or_else(|| out_of_step(Operation::List))
}
