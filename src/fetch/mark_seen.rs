//! Everything that is listed, or what is named of it, recorded as seen.

use crate::journal::{Facts, Known, MessageKey, Notice, State};
use crate::session::{self, Credentials};

use super::attempts::Finish;
use super::error::Error;
use super::event::{FetchEvent, Observer};
use super::options::Options;
use super::run::{AccountRun, Outcome};
use super::sightings::Sizes;
use super::step::{LeaveReason, Policy, Retrieval, Step};

impl AccountRun {
    /// Records everything that is listed, or named of it, as seen.
    pub fn mark_seen(
        self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Outcome {
        self.run(options, credentials, observe, Self::mark_session)
    }

    fn mark_session(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Result<Finish, Error> {
        let log = |line: session::Line<'_>| observe(FetchEvent::Line(line));
        let sizes = Sizes::ForNew;
        let now = options.clock.start();
        let named = Policy { named: options.policy.named.clone(), ..Policy::default() };
        let listed = self.listed(options, credentials, (&log, sizes), observe, |run, listing| {
            let headers = listing.headers_of_numbered()?;
            let policy = run.resolve(&named, listing)?;
            let steps = listing.steps(run.journal.index(), &policy, now)?;
            Ok((headers, steps))
        });
        let (listing, (headers, steps)) = listed?;
        self.note_listing(&listing, steps.iter().map(Step::leaves_doubt), options)?;
        let is_meant = |step: &Step| *step != Step::Leave(LeaveReason::NotNamed);
        let (mut messages, meant) = (0, steps.iter().filter(|step| is_meant(step)).count());
        for (listed, step) in listing.listing.iter().zip(steps) {
            let occurrence = match step {
                Step::Retrieve(Retrieval { occurrence, .. })
                | Step::Leave(LeaveReason::TooLarge { occurrence, .. }) => occurrence,
                Step::Leave(LeaveReason::Failed { .. }) => {
                    let failed = |known: &Known| known.state == State::Failed;
                    let mut occurrences = self.journal.index().occurrences(&listed.unique_id);
                    occurrences.find(failed).map_or(1, |known| known.occurrence)
                }
                Step::Adopt { .. } | Step::Delete { .. } | Step::Leave(_) | Step::Order => {
                    continue;
                }
            };
            let fingerprint = headers.get(&listed.number).and_then(|header| header.print());
            let facts = Facts { octets: listed.octets, fingerprint, content: None };
            let key = MessageKey::new(listed.unique_id.clone(), occurrence);
            self.journal.note_seen(&key, now, facts);
            messages += 1;
        }
        if listing.transaction.may_list_a_window() && !listing.listing.is_empty() {
            self.journal.note_notice(Notice::OnlySeen, Some(now));
            observe(FetchEvent::OnlySeen);
        }
        self.journal.finish()?;
        observe(FetchEvent::MarkedSeen { messages, known: meant.saturating_sub(messages) });
        listing.leave().map(|()| Finish::Complete)
    }
}
