//! The maildrop as `--list`, `--check`, `--show` and `--dry-run` read it: nothing is
//! written, nothing recovered, no lock of ours taken. The journal is read as it is.

use std::collections::HashSet;

use crate::channel::command::{RefetchScope, WorkerCommand};
use crate::channel::event::{Event, Summary};
use crate::channel::message::{Header, ListedState, Message};
use crate::fetch::{
    self, Error, FetchEvent, LeaveReason, Listed, Listing, OrderCandidates, Policy, Renumbering,
    Selection, Sizes, Step, Unmet,
};
use crate::journal::{self, Index, Journal, Siblings, UnmetOrder};
use crate::protocol::{MessageNumber, UniqueId};
use crate::session::{Credentials, Line};

use super::observe::{EventForwarder, unique_id};
use super::options::{WorkerAccount, clock};

/// The journal as it is.
pub(super) fn index(account: &WorkerAccount) -> Result<Index, Error> {
    let fits =
        matches!(account.job.command, WorkerCommand::Check {} | WorkerCommand::DryRun { .. });
    if let (true, Some(maildir)) = (fits, &account.maildir) {
        Journal::check_binding(&account.state, &account.mailbox, maildir)?;
    }
    Ok(Journal::read_index(&account.state, &account.mailbox)?)
}

/// Reads one account's maildrop, and what the journal knows of it.
#[derive(Clone, Copy)]
pub(super) struct MaildropReader<'l> {
    pub(super) account: &'l WorkerAccount,
    pub(super) index: &'l Index,
    pub(super) credentials: &'l Credentials,
    pub(super) observer: &'l EventForwarder<'l>,
    pub(super) log: &'l dyn Fn(Line<'_>),
}

impl<'l> MaildropReader<'l> {
    /// Tells how many messages are listed.
    pub(super) fn tell_listed(self, listing: &Listing<'_>) {
        let listed = listing.listing.len();
        self.observer.link.event(Event::Summary(Summary { listed, ..Summary::default() }));
    }

    /// Logs in, lists, and lets `act` look at what is listed. What `act` finds is told
    /// only when it has found everything: another session may have to begin again.
    pub(super) fn at<T>(
        self,
        act: impl Fn(&mut Listing<'l>, &fetch::Options) -> Result<T, Error>,
    ) -> Result<(Listing<'l>, T), Error> {
        let Self { account, index, credentials, observer, log } = self;
        let sizes = match account.job.command {
            _ if index.has_orders() => Sizes::Always,
            WorkerCommand::Check {} if account.policy.max_size.is_some() || index.is_empty() => {
                Sizes::ForNew
            }
            WorkerCommand::Delete { .. }
            | WorkerCommand::DryRun { .. }
            | WorkerCommand::List { .. }
            | WorkerCommand::Rename { .. } => Sizes::Always,
            _ => Sizes::ForGaps,
        };
        let observe = |event: FetchEvent<'_>| observer.event(event);
        let options = account.fetch();
        let act = |listing: &mut Listing<'l>| act(listing, &options);
        fetch::read_only(index, sizes, &options, credentials, log, &observe, act)
    }

    /// Fails if the maildrop is that of another mailbox of the Maildir.
    pub(super) fn refuse_another_name(
        self,
        listing: &mut Listing<'_>,
        siblings: &Siblings,
    ) -> Result<(), Error> {
        if self.index.may_have_another_name() {
            listing.refuse_another_name(siblings)
        } else {
            Ok(())
        }
    }

    /// What a fetch would do; a renumbering stops it, as it stops a fetch.
    pub(super) fn steps(
        self,
        listing: &mut Listing<'_>,
        options: &fetch::Options,
    ) -> Result<Outlook, Error> {
        let Self { account, index, .. } = self;
        let shows = matches!(
            account.job.command,
            WorkerCommand::Delete { .. }
                | WorkerCommand::DryRun { rekey: true, .. }
                | WorkerCommand::DryRun { refetch: Some(RefetchScope::All), .. }
                | WorkerCommand::MarkSeen { .. }
        );
        // With --rekey the dry run looks at all headers itself.
        let rekeys = matches!(account.job.command, WorkerCommand::DryRun { rekey: true, .. });
        let has_names = !rekeys && listing.may_have_got_names(index);
        let renumbering =
            if shows || has_names { Renumbering::None } else { listing.is_renumbered(index)? };
        // A list shows what is there even then.
        let lists = matches!(account.job.command, WorkerCommand::List { .. });
        if renumbering == Renumbering::Whole && !lists {
            return Err(Error::Renumbered);
        }
        let named = account.policy.named.resolved(listing.names())?;
        let candidates = match account.job.command {
            // It neither carries orders out nor ends them.
            WorkerCommand::MarkSeen { .. } => OrderCandidates::default(),
            _ => listing.order_candidates(index, &named)?,
        };
        let ordered = candidates.ordered(index);
        let policy = Policy { named, ordered, ..account.policy.clone() };
        let mut steps = listing.steps(index, &policy, options.clock.start())?;
        if has_names || renumbering == Renumbering::Some {
            // A fetch knows these by their headers.
            let known = listing.rekeyed(index)?.into_iter();
            let known = known.filter(|(_, orphan)| orphan.is_here(index));
            let known: HashSet<UniqueId> = known.map(|(unique_id, _)| unique_id).collect();
            for (listed, step) in listing.listing.iter().zip(&mut steps) {
                if is_new(step) && known.contains(&listed.unique_id) {
                    *step = Step::Leave(LeaveReason::KnownElsewhere);
                }
            }
        }
        let (mistaken, unmet) = (candidates.mistaken(index), candidates.unmet().to_vec());
        Ok(Outlook { steps, mistaken, unmet })
    }
}

/// What a fetch would do.
pub(super) struct Outlook {
    /// With each message, in the listing's order.
    pub(super) steps: Vec<Step>,
    /// Orders that it would end, with the message that is not the one that they mean.
    mistaken: Vec<(MessageNumber, UniqueId)>,
    /// Orders that it could not carry out.
    unmet: Vec<Unmet>,
}

impl Outlook {
    /// Tells which orders would not be carried out: they end without a deletion, or wait.
    pub(super) fn tell_orders(&self, reader: MaildropReader<'_>) {
        for (number, unique_id) in &self.mistaken {
            reader.observer.event(FetchEvent::OrderEnds { number: *number, unique_id });
        }
        let now = clock().start();
        for Unmet { unique_id, is_listed } in &self.unmet {
            let ends = reader.index.unmet_order(unique_id, now) == UnmetOrder::Ends;
            let is_listed = *is_listed;
            reader.observer.event(FetchEvent::OrderUnmet { unique_id, is_listed, ends });
        }
    }
}

/// A message as a list shows it.
pub(super) fn row(
    reader: MaildropReader<'_>,
    listed: &Listed,
    step: &Step,
    header: Option<Header>,
) -> Event {
    let (state, at) = state(listed, step, reader.index);
    Event::Message(Message::Listed {
        number: listed.number.get(),
        unique_id: unique_id(&listed.unique_id),
        octets: listed.octets,
        state,
        at,
        header,
    })
}

/// The unique-ids of the messages that are named by number.
pub(super) fn numbered(reader: MaildropReader<'_>) -> Result<HashSet<UniqueId>, Error> {
    let numbers = match &reader.account.policy.named {
        Selection::All => Vec::new(),
        Selection::Some { numbers, .. } => numbers.clone(),
    };
    let named = Selection::Some { unique_ids: HashSet::new(), numbers };
    let (listing, named) = reader.at(|listing, _| named.resolved(listing.names()))?;
    listing.quit()?;
    Ok(match named {
        Selection::All => HashSet::new(),
        Selection::Some { unique_ids, .. } => unique_ids,
    })
}

/// The messages that are meant, each with what a fetch would do.
pub(super) fn meant<'s>(
    listing: &'s [Listed],
    steps: &'s [Step],
) -> impl Iterator<Item = (&'s Listed, &'s Step)> {
    let is_meant = |(_, step): &(_, &Step)| **step != Step::Leave(LeaveReason::NotNamed);
    listing.iter().zip(steps).filter(is_meant)
}

/// Whether a fetch would take the message, sooner or later.
pub(super) fn is_new(step: &Step) -> bool {
    matches!(step, Step::Retrieve(_) | Step::Leave(LeaveReason::Limit))
}

/// What is known of a message, and when that changes.
pub(super) fn state(listed: &Listed, step: &Step, index: &Index) -> (ListedState, Option<u64>) {
    let state = match step {
        Step::Adopt { .. } => ListedState::Found,
        Step::Delete { .. } => ListedState::Deletable,
        Step::Order => ListedState::Ordered,
        Step::Leave(reason) => match reason {
            LeaveReason::Changed { .. } => ListedState::Changed,
            LeaveReason::DeletedBefore => ListedState::Deleted,
            LeaveReason::Delivered { deletable: Some(at) } => {
                return (ListedState::DeletableLater, Some(*at));
            }
            LeaveReason::Delivered { deletable: None } | LeaveReason::KnownElsewhere => {
                ListedState::Delivered
            }
            LeaveReason::Failed { until } => return (ListedState::FailedUntil, Some(*until)),
            LeaveReason::Held => ListedState::Held,
            LeaveReason::Limit => ListedState::BeyondLimit,
            LeaveReason::NotNamed => ListedState::NotNamed,
            LeaveReason::Seen => ListedState::Seen,
            LeaveReason::TooLarge { .. } => ListedState::TooLarge,
        },
        Step::Retrieve(retrieval) if retrieval.compares => ListedState::Deletable,
        Step::Retrieve(retrieval) => {
            let failed = index.occurrences(&listed.unique_id).any(|known| {
                known.state == journal::State::Failed && known.occurrence == retrieval.occurrence
            });
            if failed { ListedState::Failed } else { ListedState::New }
        }
    };
    (state, None)
}
