//! `--import-seen`: what another fetcher has fetched is not fetched again.

use crate::journal::{Facts, Imported, MessageKey};
use crate::session::{self, Credentials};

use super::attempts::Finish;
use super::error::Error;
use super::event::{FetchEvent, Observer};
use super::listing::Listing;
use super::options::Options;
use super::run::{AccountRun, Outcome};
use super::sightings::Sizes;

impl Listing<'_> {
    /// How many of the listed messages another fetcher has fetched.
    pub fn known_to(&self, imported: &Imported) -> usize {
        self.listing.iter().filter(|listed| imported.contains(&listed.unique_id)).count()
    }
}

impl AccountRun {
    /// Records what another fetcher has fetched as imported, unless something is known
    /// of it.
    pub fn import_seen(
        mut self,
        imported: Imported,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Outcome {
        self.imported = imported;
        self.run(options, credentials, observe, Self::import_session)
    }

    fn import_session(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Result<Finish, Error> {
        let log = |line: session::Line<'_>| observe(FetchEvent::Line(line));
        let sizes = Sizes::Always;
        let (listing, ()) =
            self.listed(options, credentials, (&log, sizes), observe, |_, _| Ok(()))?;
        let now = options.clock.start();
        let imported = &self.imported;
        let listed = listing.listing.iter().filter(|listed| imported.contains(&listed.unique_id));
        let mut noted: Vec<_> =
            listed.map(|listed| (listed.unique_id.clone(), listed.octets)).collect();
        observe(FetchEvent::Imported { known: noted.len(), listed: listing.listing.len() });
        // A listing may be short once.
        noted.extend(imported.exact().map(|unique_id| (unique_id, None)));
        for (unique_id, octets) in noted {
            if !self.journal.index().knows(&unique_id) {
                let facts = Facts { octets, ..Facts::default() };
                self.journal.note_imported(&MessageKey::new(unique_id, 1), now, facts);
            }
        }
        self.note_listing(&listing, std::iter::repeat(true), options)?;
        self.journal.finish()?;
        listing.leave().map(|()| Finish::Complete)
    }
}
