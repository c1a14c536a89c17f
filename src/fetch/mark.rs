//! Everything that is listed, recorded as seen.

use crate::seen::{Known, State};
use crate::session::{self, Credentials};

use super::Error;
use super::event::{Event, Observer};
use super::plan::{Policy, Reason, Retrieval, Step};
use super::run::{Local, Options, Outcome};
use super::survey::Sizes;

impl Local {
    /// Records everything that is listed as seen.
    pub fn mark_seen(
        mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Outcome {
        let mut result = self.marked(options, credentials, observe);
        if let Err(Error::Session { source: session::Error::OutOfStep { lost }, .. }) = result {
            observe(Event::OutOfStep);
            self.step_out(options, lost);
            result = self.marked(options, credentials, observe);
        }
        // When we were there is worth knowing, whatever happened.
        let finished = self.journal.finish().map_err(Error::from);
        Outcome { summary: self.summary, result: result.and(finished) }
    }

    fn marked(
        &mut self,
        options: &Options,
        credentials: &Credentials,
        observe: Observer<'_>,
    ) -> Result<(), Error> {
        let log = |line: session::Line<'_>| observe(Event::Line(line));
        let mut survey = self.survey(options, credentials, &log, observe)?;
        let listed = survey.list(self.journal.ledger(), Sizes::ForNew);
        self.note_login(&survey);
        listed?;
        let now = options.clock.start();
        let prints = survey.headers_of_numbered()?;
        self.summary.listed = survey.listing.len();
        self.journal.note_listing(survey.listing.iter().map(|l| &l.unique_id), now);
        let steps = survey.steps(self.journal.ledger(), &Policy::default(), now)?;
        for (listed, step) in survey.listing.iter().zip(steps) {
            let copy = match step {
                Step::Retrieve(Retrieval { copy, .. })
                | Step::Leave(Reason::TooLarge { copy, .. }) => copy,
                Step::Leave(Reason::Failed { .. }) => {
                    let failed = |known: &Known| known.state == State::Failed;
                    let mut copies = self.journal.ledger().copies(&listed.unique_id);
                    copies.find(failed).map_or(1, |known| known.copy)
                }
                Step::Adopt { .. } | Step::Delete { .. } | Step::Examine | Step::Leave(_) => {
                    continue;
                }
            };
            let header =
                prints.get(&listed.number).map(|print| (listed.octets.unwrap_or(0), *print));
            self.journal.note_seen(&listed.unique_id, copy, now, header);
        }
        self.journal.finish()?;
        survey.quit()
    }
}
