//! One session's work: RETR, proofs and DELE in a window, commits beside them.
//!
//! ```text
//!   RETR n ─▶ tmp/ ─▶ unproven ──proof──▶ commit thread ─▶ Settled ─▶ DELE n
//! ```
//!
//! # Invariants
//!
//! * A message is never whole in memory: pieces go to its file in `tmp/`.
//! * The channel to the commit thread is bounded: a slow disk slows the network
//!   and never grows memory.
//! * A response counts only when a proof follows it ([`super::proof`]). The first
//!   bad one ends the session, and nothing behind the last good one is used.

mod doubts;
mod followed;
mod proven;

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use crate::channel::event::Summary;
use crate::journal::{Journal, Proof};
use crate::maildir::UniqueName;
use crate::protocol::{Command, MessageNumber, ProofKind};
use crate::session::Reply;

use super::arrivals::Arrivals;
use super::commit;
use super::context::{Context, Done, Schedule};
use super::deliveries::Deliveries;
use super::download::{Download, Purpose, Session, names};
use super::error::{Error, Operation};
use super::event::FetchEvent;
use super::message_writer::MessageWriter;
use super::proof::{Cadence, Proofs, out_of_step};
use super::refusals::{ROW, Refusals};
use super::room::Room;
use super::sizes::scan_or_refusal;
use super::suspect::ServerLines;
use super::unproven::{RetrAnswer, Unproven, UnprovenAnswers};
use doubts::Doubts;

struct Pipeline<'r, 't> {
    context: Context<'r>,
    transaction: Session<'t>,
    schedule: Schedule,
    proofs: &'r mut Proofs,
    unproven: UnprovenAnswers,
    /// Proofs that are to be sent next.
    due: VecDeque<(MessageNumber, ProofKind)>,
    /// Proofs that name another size than was listed.
    doubts: Doubts,
    /// Messages whose first line looks like a status line: asked for again, alone.
    suspects: VecDeque<Download>,
    server_lines: ServerLines,
    /// So many commands in flight are no DELE.
    awaited: usize,
    sizes: HashMap<MessageNumber, u64>,
    room: Room<'r>,
    deliveries: Deliveries<'r>,
    journal: u64,
    run: u64,
    sequence: &'r mut u64,
    done: Done,
}

/// Fetches and deletes. The session comes back if it can still be ended.
pub(super) fn run<'t>(
    context: Context<'_>,
    transaction: Session<'t>,
    journal: &mut Journal,
    mut schedule: Schedule,
    proofs: &mut Proofs,
    sequence: &mut u64,
    summary: &mut Summary,
) -> (Done, Result<Session<'t>, Error>) {
    let arrivals = Arrivals::new(commit::most_waiting(context.most_open));
    let (to_commit, arriving) = arrivals.ends();
    let (to_us, results) = mpsc::channel();
    let (journal_id, run_id) = (journal.id(), journal.run());
    let twins = std::mem::take(&mut schedule.twins);
    proofs.hurries |= schedule.follows_an_interruption();
    thread::scope(|scope| {
        let maildir = context.maildir;
        let committer = move || commit::run(journal, maildir, &arriving, &to_us);
        let committer = thread::Builder::new().name("commit".into()).spawn_scoped(scope, committer);
        let committer = match committer {
            Ok(committer) => committer,
            Err(error) => return (Done::default(), Err(Error::Thread(error))),
        };
        let mut pipeline = Pipeline {
            context,
            transaction,
            schedule,
            proofs,
            unproven: UnprovenAnswers::default(),
            due: VecDeque::new(),
            doubts: Doubts::default(),
            suspects: VecDeque::new(),
            server_lines: ServerLines::default(),
            awaited: 0,
            sizes: HashMap::new(),
            room: Room::of(maildir),
            deliveries: Deliveries::new(context.observe, to_commit, results, summary, twins),
            journal: journal_id,
            run: run_id,
            sequence,
            done: Done { refusals: Refusals::new(context.asks_on), ..Done::default() },
        };
        let talked = pipeline.talk().and_then(|()| pipeline.done.refusals.finish());
        pipeline.note_loss(&talked);
        // Whatever happened on the network, what is proven is committed.
        while let Some(settled) = pipeline.deliveries.last() {
            pipeline.take_settled(settled);
        }
        let committed = match committer.join() {
            Ok(committed) => committed,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let (mut done, transaction) = pipeline.finish();
        if committed.is_err() {
            // The disk's fault, and no message's.
            done.lost = None;
        }
        (done, committed.and(talked).map(|()| transaction))
    })
}

impl<'t> Pipeline<'_, 't> {
    /// What was done, and what is left.
    fn finish(self) -> (Done, Session<'t>) {
        let Self { mut done, transaction, schedule, deliveries, unproven, suspects, .. } = self;
        done.deletions = schedule.deletions;
        let in_flight = transaction.tags().any(|it| matches!(it, Purpose::Retrieve(_)));
        let is_left = in_flight || !schedule.downloads.is_empty() || !unproven.is_empty();
        done.more = is_left || !done.deletions.is_empty();
        done.top_differs = deliveries.top_differs;
        done.twins = deliveries.twins;
        done.withhold_quit |= deliveries.withhold_quit || !suspects.is_empty();
        (done, transaction)
    }

    fn talk(&mut self) -> Result<(), Error> {
        let failed = || Operation::List.failed();
        self.transaction.ask_capabilities().map_err(failed())?;
        if let Some(first) = self.schedule.downloads.front_mut() {
            let unique_id = Some(&first.listed.unique_id);
            let size = self.proofs.learn(&mut self.transaction, first.listed.number, unique_id)?;
            first.listed.octets = first.listed.octets.or(size);
        }
        if self.wants_sizes() {
            self.transaction.list(None, Purpose::Sizes).map_err(failed())?;
            self.awaited += 1;
            if self.room.is_scarce() {
                // Before anything is asked for that may not fit.
                self.answer()?;
            }
        }
        loop {
            while let Some(settled) = self.deliveries.try_next() {
                self.take_settled(settled);
            }
            self.refill()?;
            if self.awaited == 0 && self.is_finished() {
                // Nothing more will come: the last batch need not wait for its
                // age, and all else goes with QUIT.
                return Ok(());
            }
            self.answer()?;
        }
    }

    fn take_settled(&mut self, settled: Option<(MessageNumber, Proof)>) {
        self.schedule.deletions.waiting.extend(settled.filter(|_| self.context.deletes));
    }

    fn is_finished(&self) -> bool {
        self.schedule.downloads.is_empty()
            && self.suspects.is_empty()
            && self.due.is_empty()
            && (self.unproven.is_empty() || self.proofs.kind().is_none())
    }

    /// Whether one LIST for all is asked ahead of the first RETR. Where few of many
    /// messages are new, the proofs tell their sizes: less to read.
    fn wants_sizes(&self) -> bool {
        let downloads = &self.schedule.downloads;
        let unknown = downloads.iter().filter(|it| it.listed.octets.is_none()).count();
        let by_proofs = self.proofs.kind() == Some(ProofKind::List);
        // A line of LIST is about as long as a command and its answer.
        let is_cheap = !(by_proofs && (unknown == 1 || unknown * 4 < self.context.listed));
        unknown > 0 && (is_cheap || self.room.is_scarce())
    }

    /// A connection that breaks while we write breaks inside the message that
    /// the server was at.
    fn note_loss(&mut self, talked: &Result<(), Error>) {
        if !self.unproven.is_empty() {
            self.done.withhold_quit = true;
        }
        if let Err(Error::Session { source, .. }) = talked
            && source.is_loss()
            && self.done.lost.is_none()
            && let Some(Purpose::Retrieve(download)) = self.transaction.oldest()
        {
            self.done.lost = Some(Download::clone(download));
        }
    }

    /// Sends as much as the window takes; deletions first, they are short. Those
    /// that would wait for nothing but their own answers go with QUIT.
    fn refill(&mut self) -> Result<(), Error> {
        while self.transaction.has_room() {
            if !self.transaction.is_pipelining() && self.transaction.has_unasked_octets() {
                self.pass_over()?;
            }
            let Self { transaction, schedule: Schedule { deletions, downloads, .. }, .. } = self;
            let is_fetching = self.awaited > 0 || !downloads.is_empty();
            if let Some((number, kind)) = self.due.pop_front() {
                let purpose = Purpose::Proof(number, kind);
                transaction.prove(number, kind, purpose).map_err(Operation::List.failed())?;
                self.awaited += 1;
            } else if is_fetching && deletions.send_next(transaction)? {
                continue;
            } else if let Some((number, kind)) = self.proof_before_risk() {
                self.due.push_back((number, kind));
            } else if let Some(download) = self.schedule.downloads.pop_front() {
                if let Some(octets) = self.without_room(&download) {
                    self.done.no_room.push(octets);
                    let is_last = self.schedule.downloads.is_empty();
                    self.due.extend(self.last_proof().filter(|_| is_last));
                } else {
                    self.retrieve(download)?;
                }
            } else if self.transaction.is_idle()
                && self.unproven.is_empty()
                && let Some(mut download) = self.suspects.pop_front()
            {
                let listed = download.listed.octets;
                if let Some(suspect) = &mut download.suspect {
                    self.server_lines.decide(suspect, listed);
                }
                self.retrieve(download)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// One command at a time, a proof comes before a message that broke a session.
    fn proof_before_risk(&self) -> Option<(MessageNumber, ProofKind)> {
        let is_risky = self.schedule.downloads.front().is_some_and(|it| it.is_risky);
        self.last_proof().filter(|_| is_risky)
    }

    /// The proof of what is not proven yet, one command at a time.
    fn last_proof(&self) -> Option<(MessageNumber, ProofKind)> {
        let last = self.unproven.last().filter(|_| !self.transaction.is_pipelining());
        last.map(|it| it.download.number()).zip(self.proofs.kind())
    }

    /// The size of a message for which there is no room. One of unknown size is asked for.
    fn without_room(&mut self, download: &Download) -> Option<u64> {
        let octets = download.listed.octets.or(self.sizes.get(&download.number()).copied());
        octets.filter(|octets| !self.room.take(*octets))
    }

    fn retrieve(&mut self, download: Download) -> Result<(), Error> {
        let number = download.number();
        let purpose = Purpose::Retrieve(Box::new(download));
        self.transaction.retr(number, purpose).map_err(Operation::Retrieve(number).failed())?;
        self.awaited += 1;
        if self.transaction.is_pipelining() {
            self.due.extend(self.proofs.kind().map(|kind| (number, kind)));
        }
        Ok(())
    }

    /// Reads the answer to the oldest command.
    fn answer(&mut self) -> Result<(), Error> {
        match self.transaction.oldest_mut() {
            Some(Purpose::Delete(_)) => {
                let reply = self.transaction.reply(&mut |_| ControlFlow::Continue(()));
                if let Some(reply) = reply.map_err(Operation::Commit.failed())? {
                    self.schedule.deletions.answered(reply);
                }
                Ok(())
            }
            Some(Purpose::Proof(number, kind)) => {
                let (number, kind) = (*number, *kind);
                self.awaited = self.awaited.saturating_sub(1);
                self.take_proof(number, kind)
            }
            Some(purpose @ Purpose::Retrieve(_)) => {
                let Purpose::Retrieve(download) = std::mem::replace(purpose, Purpose::Receive)
                else {
                    return Ok(());
                };
                self.awaited = self.awaited.saturating_sub(1);
                self.receive(*download)
            }
            Some(Purpose::Sizes) => {
                self.awaited = self.awaited.saturating_sub(1);
                self.take_sizes()
            }
            // What is not proven now never will be.
            Some(Purpose::Header(_) | Purpose::Receive) | None => Err(out_of_step(Operation::List)),
        }
    }

    /// Takes the answer to LIST.
    fn take_sizes(&mut self) -> Result<(), Error> {
        // Sizes are advice: refused, there are none.
        let scan = scan_or_refusal(&mut self.transaction)?.unwrap_or_default();
        self.sizes.extend(scan.into_iter().filter_map(|it| Some((it.number, it.octets?))));
        let downloads = self.schedule.downloads.iter().map(Download::number);
        let octets = downloads.filter_map(|number| self.sizes.get(&number));
        let octets = octets.fold(0u64, |sum, octets| sum.saturating_add(*octets));
        (self.context.observe)(FetchEvent::Sized { octets });
        Ok(())
    }

    /// Reads the answer to RETR, a message into its file in `tmp/`.
    fn receive(&mut self, download: Download) -> Result<(), Error> {
        let number = download.number();
        let octets = download.listed.octets.or(self.sizes.get(&number).copied());
        *self.sequence += 1;
        let (sequence, hash) = (*self.sequence, download.name_hash());
        let name = UniqueName { journal: self.journal, run: self.run, sequence, hash };
        let Context { maildir, observe, .. } = self.context;
        let mut writer = MessageWriter::new(maildir, name, octets, observe);
        writer.leaves_line_out = download.suspect.as_ref().is_some_and(|it| it.is_servers);
        let reply = self.transaction.reply(&mut |piece| writer.take(piece));
        let outcome = match reply {
            Ok(Some(Reply { tag: Purpose::Receive, command: Command::Retr(_), outcome })) => {
                outcome
            }
            Ok(_) => return Err(out_of_step(Operation::Retrieve(number))),
            Err(error) => {
                self.done.withhold_quit = true;
                self.done.lost = Some(download);
                if let Some(broken) = writer.error.take() {
                    return Err(broken);
                }
                if error.is_behind_message() {
                    let (message, marks) = writer.finish()?;
                    self.take_followed(message, &marks)?;
                }
                return Err(Operation::Retrieve(number).failed()(error));
            }
        };
        let answer = match outcome {
            Err(refusal) => RetrAnswer::Refused(refusal),
            Ok(()) => {
                let names_itself = names(self.transaction.status_text(), number);
                let (message, marks) = writer.finish()?;
                RetrAnswer::Message { message, marks, names_itself }
            }
        };
        self.take_answer(download, octets, answer)
    }

    /// Keeps an answer until its proof; one command at a time, asks for one when due.
    fn take_answer(
        &mut self,
        mut download: Download,
        octets: Option<u64>,
        answer: RetrAnswer,
    ) -> Result<(), Error> {
        let number = download.number();
        download.listed.octets = octets;
        self.unproven.push(Unproven { download, answer });
        if self.transaction.is_pipelining() {
            return Ok(());
        }
        let Some(kind) = self.proofs.kind() else {
            // This server cannot prove anything.
            return self.proven(number);
        };
        let is_due = self.proofs.cadence(&self.transaction) == Cadence::Each
            || self.schedule.downloads.is_empty()
            || self.unproven.is_batch()
            || self.unproven.refused_in_a_row() >= ROW
            || self.done.refusals.tells_a_quota(number);
        if is_due {
            self.due.push_back((number, kind));
        }
        Ok(())
    }
}
