//! A look into the maildrop: nothing is written, nothing recovered, no lock of ours
//! taken. The journal is read as it is.

use crate::channel::job::Command;
use crate::channel::message::State;
use crate::fetch::{
    self, Clock, Error, Listed, Listing, Policy, Reason, Renumbering, Sizes, Step, Timing, log_in,
    pace,
};
use crate::journal::{self, Index, Journal};
use crate::session::{self, Credentials, Line, Pipelining};

use super::observe::Observer;
use super::options::{Account, clock};

/// The journal as it is.
pub(super) fn index(account: &Account) -> Result<Index, Error> {
    let fits = matches!(account.job.command, Command::Check {} | Command::DryRun {});
    if let (true, Some(maildir)) = (fits, &account.maildir) {
        Journal::check_binding(&account.state, &account.mailbox, maildir)?;
    }
    Ok(Journal::look(&account.state, &account.mailbox)?)
}

/// What is listed, and what a fetch would do with it.
pub(super) struct Maildrop<'a> {
    pub(super) survey: Listing<'a>,
    pub(super) clock: Clock,
}

impl<'a> Maildrop<'a> {
    /// Logs in and lists; once more, one command at a time, where the server answers
    /// out of step.
    pub(super) fn open(
        account: &Account,
        index: &Index,
        credentials: &Credentials,
        observer: &'a Observer<'a>,
        log: &'a dyn Fn(Line<'_>),
    ) -> Result<Self, Error> {
        let mut options = account.session.clone();
        let clock = clock();
        options.pace = pace(index, options.connection.port, clock.start());
        // What a server tells of its delay is not written down, but what a fetch wrote
        // down holds for a look, too: a server punishes every login.
        let mut timing = Timing {
            clock,
            last: index.last_login(),
            retry_for: account.retry_for,
            at_once: account.job.at_once,
        };
        let sizes = match account.job.command {
            Command::Check {} if account.policy.max_size.is_some() || index.is_empty() => {
                Sizes::ForNew
            }
            Command::DryRun {} | Command::List { .. } => Sizes::Always,
            _ => Sizes::ForGaps,
        };
        let observe = |event: fetch::Event<'_>| observer.event(event);
        let mut open = |options: &session::Options| {
            let mut survey = log_in(options, credentials, log, &mut timing, &observe)?;
            survey.list(index, sizes)?;
            Ok(survey)
        };
        let survey = match open(&options) {
            Err(Error::Session { source: session::Error::OutOfStep { .. }, .. }) => {
                options.pace = Pipelining::LockStep;
                open(&options)
            }
            survey => survey,
        };
        Ok(Self { survey: survey?, clock })
    }

    /// What a fetch would do; a renumbering stops it, as it stops a fetch.
    pub(super) fn steps(&mut self, account: &Account, index: &Index) -> Result<Vec<Step>, Error> {
        let is_listed = matches!(account.job.command, Command::List { .. });
        if !is_listed && self.survey.is_renumbered(index)? == Renumbering::Whole {
            return Err(Error::Renumbered);
        }
        let named = account.policy.named.resolved(self.survey.names())?;
        let policy = Policy { named, ..account.policy.clone() };
        self.survey.steps(index, &policy, self.clock.start())
    }

    /// The messages that are meant, each with what a fetch would do.
    pub(super) fn meant<'s>(
        &'s self,
        steps: &'s [Step],
    ) -> impl Iterator<Item = (&'s Listed, &'s Step)> {
        let is_meant = |(_, step): &(_, &Step)| **step != Step::Leave(Reason::NotNamed);
        self.survey.listing.iter().zip(steps).filter(is_meant)
    }
}

/// Whether a fetch would take the message, sooner or later.
pub(super) fn is_new(step: &Step) -> bool {
    matches!(step, Step::Retrieve(_) | Step::Leave(Reason::Limit))
}

/// What is known of a message, and when that changes.
pub(super) fn state(listed: &Listed, step: &Step, index: &Index) -> (State, Option<u64>) {
    let state = match step {
        Step::Adopt { .. } => State::Found,
        Step::Delete { .. } => State::Deletable,
        Step::Examine => State::Unreadable,
        Step::Leave(reason) => match reason {
            Reason::Changed => State::Changed,
            Reason::DeletedBefore => State::Deleted,
            Reason::Delivered { deletable: Some(at) } => return (State::DeletableLater, Some(*at)),
            Reason::Delivered { deletable: None } => State::Delivered,
            Reason::Failed { until } => return (State::FailedUntil, Some(*until)),
            Reason::Held => State::Held,
            Reason::Limit => State::BeyondLimit,
            Reason::NotNamed => State::NotNamed,
            Reason::Seen => State::Seen,
            Reason::TooLarge { .. } => State::TooLarge,
        },
        Step::Retrieve(retrieval) => {
            let failed = index.occurrences(&listed.unique_id).any(|known| {
                known.state == journal::State::Failed && known.occurrence == retrieval.occurrence
            });
            if failed { State::Failed } else { State::New }
        }
    };
    (state, None)
}
