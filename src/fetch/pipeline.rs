//! One session's work: RETR and DELE in a window, commits beside them.
//!
//! # Invariants
//!
//! * A message is never whole in memory: pieces go to its file in `tmp/`.
//! * The channel to the commit thread is bounded: a slow disk slows the network
//!   and never grows memory.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use crate::journal::{Delivery, Fingerprint, Journal, MessageKey, Settlement};
use crate::maildir::{Maildir, UniqueName};
use crate::protocol::{Command, MessageNumber, UniqueId};
use crate::session::{self, Refusal, Reply, Transaction};

use super::commit::{self, CommitResult, Downloaded};
use super::deletion::PendingDeletes;
use super::error::{Error, Operation};
use super::event::{Event, Failure, Observer, Summary};
use super::message_writer::MessageWriter;
use super::plan::{Listed, Retrieval};

/// A message to fetch.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) listed: Listed,
    pub(super) retrieval: Retrieval,
    /// If it is doubtful: what messages with its unique-id look like.
    pub(super) known: Vec<Fingerprint>,
}

impl Download {
    fn key(&self) -> MessageKey {
        MessageKey::new(self.listed.unique_id.clone(), self.retrieval.occurrence)
    }

    fn lost(self) -> (MessageNumber, UniqueId, Retrieval) {
        (self.listed.number, self.listed.unique_id, self.retrieval)
    }
}

/// What to do in one session.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    pub(super) downloads: VecDeque<Download>,
    pub(super) deletions: PendingDeletes,
}

/// What one session did.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What is still to be deleted, or marked already.
    pub(super) deletions: PendingDeletes,
    /// Could not be fetched: unique-id, occurrence, tries before.
    pub(super) failed: Vec<(UniqueId, Retrieval)>,
    /// The connection was lost inside this one, or it had no end, or no room.
    pub(super) lost: Option<(MessageNumber, UniqueId, Retrieval)>,
    /// Messages that QUIT could take away and that are not safe here.
    pub(super) unsafe_to_quit: bool,
    /// TOP does not show what RETR shows.
    pub(super) top_differs: bool,
}

/// What does not change during a session.
#[derive(Clone, Copy)]
pub(super) struct Context<'r> {
    pub(super) maildir: &'r Maildir,
    pub(super) observe: Observer<'r>,
    /// Messages are deleted as soon as they are settled.
    pub(super) deletes: bool,
    /// How many messages are listed.
    pub(super) listed: usize,
    /// At most so many messages wait for their commit.
    pub(super) most_open: usize,
}

/// A command on its way.
enum Asked {
    Dele,
    Retr(Download),
    Size(MessageNumber),
    Sizes,
}

/// How the sizes of messages are learnt that are not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    /// They are known.
    Not,
    /// By one LIST, ahead of the first RETR.
    All,
    /// By a LIST for each, beside its RETR: less to read where few of many
    /// messages are new.
    Each,
}

impl Asking {
    fn of(work: &Schedule, listed: usize, pipelining: bool) -> Self {
        let unknown =
            work.downloads.iter().filter(|download| download.listed.octets.is_none()).count();
        // A line of LIST is about as long as a command and its answer.
        match unknown {
            0 => Self::Not,
            1 => Self::Each,
            few if pipelining && few * 4 < listed => Self::Each,
            _ => Self::All,
        }
    }
}

struct Pipeline<'r, 't> {
    setting: Context<'r>,
    transaction: Transaction<'t>,
    work: Schedule,
    in_flight: VecDeque<Asked>,
    /// So many of them are no DELE.
    awaited: usize,
    asking: Asking,
    sizes: HashMap<MessageNumber, u64>,
    to_commit: Option<SyncSender<Downloaded>>,
    reports: Receiver<CommitResult>,
    journal: u64,
    run: u64,
    sequence: &'r mut u64,
    summary: &'r mut Summary,
    done: Done,
}

/// Fetches and deletes. The transaction comes back if it can still be ended.
pub(super) fn run<'t>(
    setting: Context<'_>,
    transaction: Transaction<'t>,
    journal: &mut Journal,
    work: Schedule,
    sequence: &mut u64,
    summary: &mut Summary,
) -> (Done, Result<Transaction<'t>, Error>) {
    // Half for what waits, half for the batch in hand.
    let most = (setting.most_open / 2).clamp(1, 256);
    let (to_commit, arrivals) = mpsc::sync_channel(most);
    let (to_us, reports) = mpsc::channel();
    let (journal_id, run_id) = (journal.id(), journal.run());
    thread::scope(|scope| {
        let maildir = setting.maildir;
        let committer = move || commit::run(journal, maildir, most, &arrivals, &to_us);
        let committer = thread::Builder::new().name("commit".into()).spawn_scoped(scope, committer);
        let committer = match committer {
            Ok(committer) => committer,
            Err(error) => return (Done::default(), Err(Error::Thread(error))),
        };
        let asking = Asking::of(&work, setting.listed, transaction.is_pipelining());
        let mut pipeline = Pipeline {
            setting,
            transaction,
            work,
            in_flight: VecDeque::new(),
            awaited: 0,
            asking,
            sizes: HashMap::new(),
            to_commit: Some(to_commit),
            reports,
            journal: journal_id,
            run: run_id,
            sequence,
            summary,
            done: Done::default(),
        };
        let talked = pipeline.talk();
        pipeline.note_loss(&talked);
        // Whatever happened on the network, what arrived whole is committed.
        pipeline.to_commit = None;
        while let Ok(report) = pipeline.reports.recv() {
            pipeline.settled(report);
        }
        let committed = match committer.join() {
            Ok(committed) => committed,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let Pipeline { mut done, transaction, work, .. } = pipeline;
        done.deletions = work.deletions;
        if committed.is_err() {
            // The disk's fault, and no message's.
            done.lost = None;
        }
        (done, committed.and(talked).map(|()| transaction))
    })
}

impl Pipeline<'_, '_> {
    fn talk(&mut self) -> Result<(), Error> {
        let failed = || Operation::List.failed();
        self.transaction.ask_capabilities().map_err(failed())?;
        if self.asking == Asking::All {
            self.transaction.list(None).map_err(failed())?;
            self.await_answer(Asked::Sizes);
        }
        loop {
            while let Ok(report) = self.reports.try_recv() {
                self.settled(report);
            }
            self.refill()?;
            if self.awaited == 0 && self.work.downloads.is_empty() {
                // Nothing more will come: the last batch need not wait for its
                // age, and all else goes with QUIT.
                return Ok(());
            }
            self.answer()?;
        }
    }

    fn await_answer(&mut self, asked: Asked) {
        self.awaited += 1;
        self.in_flight.push_back(asked);
    }

    /// A connection that breaks while we write breaks inside the message that
    /// the server was at.
    fn note_loss(&mut self, talked: &Result<(), Error>) {
        if let Err(Error::Session { source, .. }) = talked
            && source.is_loss()
            && self.done.lost.is_none()
            && let Some(Asked::Retr(download)) = self.in_flight.pop_front()
        {
            self.done.lost = Some(download.lost());
        }
    }

    /// Sends as much as the window takes; deletions first, they are short. Those
    /// that would wait for nothing but their own answers go with QUIT.
    fn refill(&mut self) -> Result<(), Error> {
        while self.transaction.has_room() {
            let Self { transaction, work: Schedule { deletions, downloads }, .. } = self;
            let is_fetching = self.awaited > 0 || !downloads.is_empty();
            if is_fetching && deletions.send_next(transaction, self.setting.observe)? {
                self.in_flight.push_back(Asked::Dele);
            } else if let Some(number) = self.unsized_errand() {
                self.transaction.list(Some(number)).map_err(Operation::List.failed())?;
                self.sizes.insert(number, 0);
                self.await_answer(Asked::Size(number));
            } else if let Some(download) = self.work.downloads.pop_front() {
                let number = download.listed.number;
                self.transaction.retr(number).map_err(Operation::Retrieve(number).failed())?;
                self.await_answer(Asked::Retr(download));
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The next message, if its size has to be asked for first.
    fn unsized_errand(&self) -> Option<MessageNumber> {
        let listed = &self.work.downloads.front().filter(|_| self.asking == Asking::Each)?.listed;
        let is_known = listed.octets.is_some() || self.sizes.contains_key(&listed.number);
        (!is_known).then_some(listed.number)
    }

    /// Takes the answer to a LIST; refused, the size stays unknown.
    fn take_sizes(&mut self, number: Option<MessageNumber>) -> Result<(), Error> {
        let listing = match number {
            Some(number) => self.transaction.scan_listing_of(number).map(|listed| vec![listed]),
            None => self.transaction.scan_listing(),
        };
        let listing = match listing {
            Err(session::Error::Refused { .. }) => Vec::new(),
            listing => listing.map_err(Operation::List.failed())?,
        };
        self.sizes.extend(listing.into_iter().map(|listed| (listed.number, listed.octets)));
        if number.is_none() {
            let downloads = self.work.downloads.iter().map(|download| download.listed.number);
            let in_flight = self.in_flight.iter().filter_map(|asked| match asked {
                Asked::Retr(download) => Some(download.listed.number),
                _ => None,
            });
            let octets = downloads.chain(in_flight).filter_map(|number| self.sizes.get(&number));
            let octets = octets.fold(0u64, |sum, octets| sum.saturating_add(*octets));
            (self.setting.observe)(Event::Sized { octets });
        }
        Ok(())
    }

    /// Reads the answer to the oldest command.
    fn answer(&mut self) -> Result<(), Error> {
        let asked = self.in_flight.pop_front();
        if !matches!(asked, Some(Asked::Dele)) {
            self.awaited = self.awaited.saturating_sub(1);
        }
        match asked {
            Some(Asked::Retr(download)) => self.receive(download),
            Some(Asked::Size(number)) => self.take_sizes(Some(number)),
            Some(Asked::Sizes) => self.take_sizes(None),
            Some(Asked::Dele) => {
                let reply = self.transaction.reply(&mut |_| ControlFlow::Continue(()));
                if let Some(reply) = reply.map_err(Operation::Commit.failed())? {
                    self.work.deletions.answered(&reply);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn receive(&mut self, mut download: Download) -> Result<(), Error> {
        let number = download.listed.number;
        let size = self.sizes.get(&number).copied().filter(|octets| *octets > 0);
        download.listed.octets = download.listed.octets.or(size);
        let doing = Operation::Retrieve(number);
        *self.sequence += 1;
        let key = download.key();
        let tag = UniqueName {
            journal: self.journal,
            run: self.run,
            sequence: *self.sequence,
            hash: key.name_hash(),
        };
        let Context { maildir, observe, .. } = self.setting;
        observe(Event::Retrieving { number });
        let mut incoming = MessageWriter::new(maildir, tag, download.listed.octets, observe);
        match self.transaction.reply(&mut |piece| incoming.take(piece)) {
            Ok(Some(Reply { command: Command::Retr(_), outcome: Ok(()) })) => {
                self.arrived(download, incoming)
            }
            Ok(Some(Reply { outcome: Err(refusal), .. })) => {
                self.refused(download, &refusal);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.done.unsafe_to_quit = true;
                self.done.lost = Some(download.lost());
                if let Some(error) = incoming.error {
                    return Err(error);
                }
                Err(doing.failed()(error))
            }
        }
    }

    /// A whole message: on to the commit thread.
    fn arrived(&mut self, download: Download, incoming: MessageWriter<'_>) -> Result<(), Error> {
        let Download { listed, retrieval, known } = download;
        let (draft, fingerprint, content) = incoming.finish()?;
        if retrieval.doubtful && known.contains(&fingerprint) {
            // It is here already; the draft removes itself.
            self.done.top_differs = true;
            // A server that counts what was retrieved may have another one here.
            self.done.unsafe_to_quit = true;
            self.work.downloads.retain(|download| !download.retrieval.doubtful);
            (self.setting.observe)(Event::TopDiffers);
            return Ok(());
        }
        let delivery = Delivery {
            key: MessageKey::new(listed.unique_id, retrieval.occurrence),
            shared: retrieval.occurrences > 1,
            short: false,
            octets: listed.octets,
            fingerprint,
            content,
            at: draft.at(),
            name: draft.name().to_owned(),
        };
        let whole = Downloaded { number: listed.number, draft, delivery };
        match &self.to_commit {
            // The commit thread is gone only after an error, which it returns.
            Some(to_commit) if to_commit.send(whole).is_ok() => Ok(()),
            _ => {
                self.done.unsafe_to_quit = true;
                Err(Operation::Commit.failed()(session::Error::Stopped))
            }
        }
    }

    fn refused(&mut self, download: Download, refusal: &Refusal) {
        let Download { listed: Listed { number, unique_id, .. }, retrieval, .. } = download;
        let (tries, why) = (retrieval.tries.saturating_add(1), Failure::Refused(refusal));
        (self.setting.observe)(Event::Failed { number, unique_id: &unique_id, tries, why });
        self.done.failed.push((unique_id, retrieval));
    }

    /// A message's fate is known.
    fn settled(&mut self, report: CommitResult) {
        let CommitResult { number, octets, delivery, settlement } = report;
        let unique_id = &delivery.key.unique_id;
        if matches!(settlement, Settlement::Held) {
            self.done.unsafe_to_quit = true;
            self.summary.held += 1;
            (self.setting.observe)(Event::Held { unique_id });
            return;
        }
        self.summary.delivered += 1;
        self.summary.octets += octets;
        (self.setting.observe)(Event::Delivered { number, unique_id, octets });
        if let (true, Settlement::Deletable(settled)) = (self.setting.deletes, settlement) {
            self.work.deletions.waiting.push_back((number, settled));
        }
    }
}
