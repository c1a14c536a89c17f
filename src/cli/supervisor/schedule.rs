//! Whose turn it is: pure, without a clock.
//!
//! # Invariants
//!
//! * At most `jobs` accounts run at once, and at most `per_host` of one server.
//! * Two accounts of one mailbox never run at once; one that waits keeps its mailbox.
//! * An account that waits needs no job meanwhile; its turn comes before that of an
//!   account that has not begun.

use std::num::NonZeroUsize;
use std::time::Instant;

/// Where an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AccountState {
    /// It has not begun.
    New,
    /// It has a job.
    Running,
    /// Its worker waits until then, without a job.
    Waiting(Instant),
    /// It has ended.
    Ended,
}

/// What an account needs for itself.
#[derive(Clone, Debug)]
struct Entry {
    /// Accounts of one server have the same number.
    host: usize,
    /// Accounts of one mailbox have the same number.
    mailbox: usize,
    state: AccountState,
}

/// The accounts of a run, in their order.
#[derive(Clone, Debug)]
pub(super) struct JobSchedule {
    jobs: usize,
    per_host: usize,
    entries: Vec<Entry>,
}

/// What to do for the account whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Start its worker.
    Start(usize),
    /// Let its worker go on.
    GoOn(usize),
}

impl JobSchedule {
    pub(super) fn new(jobs: NonZeroUsize, per_host: NonZeroUsize) -> Self {
        Self { jobs: jobs.get(), per_host: per_host.get(), entries: Vec::new() }
    }

    /// Adds an account, by the numbers of its host and of its mailbox.
    pub(super) fn add(&mut self, host: usize, mailbox: usize) {
        self.entries.push(Entry { host, mailbox, state: AccountState::New });
    }

    /// The next account that may run or go on, if there is one; it has a job from now on.
    pub(super) fn next(&mut self, now: Instant) -> Option<Turn> {
        let runs = |entry: &&Entry| entry.state == AccountState::Running;
        if self.entries.iter().filter(runs).count() >= self.jobs {
            return None;
        }
        let is_due = |entry: &Entry| match entry.state {
            AccountState::Waiting(until) => until <= now && self.has_room(entry),
            _ => false,
        };
        if let Some(at) = self.entries.iter().position(is_due) {
            self.set(at, AccountState::Running);
            return Some(Turn::GoOn(at));
        }
        let is_ready = |entry: &Entry| {
            entry.state == AccountState::New
                && self.has_room(entry)
                && !self.is_taken(entry.mailbox)
        };
        let at = self.entries.iter().position(is_ready)?;
        self.set(at, AccountState::Running);
        Some(Turn::Start(at))
    }

    fn has_room(&self, entry: &Entry) -> bool {
        let is_there = |it: &&Entry| it.state == AccountState::Running && it.host == entry.host;
        self.entries.iter().filter(is_there).count() < self.per_host
    }

    fn is_taken(&self, mailbox: usize) -> bool {
        let has = |it: &Entry| matches!(it.state, AccountState::Running | AccountState::Waiting(_));
        self.entries.iter().any(|it| it.mailbox == mailbox && has(it))
    }

    fn set(&mut self, at: usize, state: AccountState) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.state = state;
        }
    }

    /// Takes the job of an account until its time has come.
    pub(super) fn wait(&mut self, at: usize, until: Instant) {
        self.set(at, AccountState::Waiting(until));
    }

    /// An account has ended.
    pub(super) fn end(&mut self, at: usize) {
        self.set(at, AccountState::Ended);
    }

    /// The accounts of the same host that have not begun.
    pub(super) fn new_ones_of_host(&self, at: usize) -> Vec<usize> {
        let host = self.host(at);
        let entries = self.entries.iter().enumerate();
        let is_one = |it: &Entry| Some(it.host) == host && it.state == AccountState::New;
        entries.filter(|(_, it)| is_one(it)).map(|(at, _)| at).collect()
    }

    fn host(&self, at: usize) -> Option<usize> {
        self.entries.get(at).map(|it| it.host)
    }

    /// Whether another account of the same mailbox has not begun.
    pub(super) fn has_another_of_mailbox(&self, at: usize) -> bool {
        let mailbox = self.entries.get(at).map(|it| it.mailbox);
        self.entries.iter().any(|it| Some(it.mailbox) == mailbox && it.state == AccountState::New)
    }

    /// Whether an account of the same host has not ended.
    pub(super) fn has_more_of_host(&self, at: usize) -> bool {
        let host = self.host(at);
        self.entries.iter().any(|it| Some(it.host) == host && it.state != AccountState::Ended)
    }

    /// Whether all accounts have ended.
    pub(super) fn is_over(&self) -> bool {
        self.entries.iter().all(|it| it.state == AccountState::Ended)
    }

    /// Whether a worker is there.
    pub(super) fn has_workers(&self) -> bool {
        self.entries
            .iter()
            .any(|it| matches!(it.state, AccountState::Running | AccountState::Waiting(_)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn schedule(jobs: usize, per_host: usize, accounts: &[(usize, usize)]) -> JobSchedule {
        let number = |it| NonZeroUsize::new(it).unwrap();
        let mut schedule = JobSchedule::new(number(jobs), number(per_host));
        accounts.iter().for_each(|(host, mailbox)| schedule.add(*host, *mailbox));
        schedule
    }

    fn turns(schedule: &mut JobSchedule, now: Instant) -> Vec<Turn> {
        std::iter::from_fn(|| schedule.next(now)).collect()
    }

    #[test]
    fn no_more_run_than_there_are_jobs_and_jobs_for_one_host() {
        let now = Instant::now();
        let mut all = schedule(3, 2, &[(0, 0), (0, 1), (0, 2), (1, 3), (1, 4)]);
        assert_eq!(turns(&mut all, now), [Turn::Start(0), Turn::Start(1), Turn::Start(3)]);
        all.end(3);
        assert_eq!(turns(&mut all, now), [Turn::Start(4)]);
        all.end(0);
        assert_eq!(turns(&mut all, now), [Turn::Start(2)]);
        [1, 2, 4].into_iter().for_each(|at| all.end(at));
        assert!(all.is_over() && !all.has_workers());
    }

    #[test]
    fn two_accounts_of_one_mailbox_never_run_at_once() {
        let now = Instant::now();
        let mut all = schedule(9, 9, &[(0, 0), (0, 0), (0, 1)]);
        assert_eq!(turns(&mut all, now), [Turn::Start(0), Turn::Start(2)]);
        assert!(all.has_another_of_mailbox(0) && !all.has_another_of_mailbox(2));
        all.wait(0, now + Duration::from_secs(9));
        assert_eq!(turns(&mut all, now), []);
        all.end(0);
        assert_eq!(turns(&mut all, now), [Turn::Start(1)]);
        assert!(!all.has_another_of_mailbox(1));
    }

    #[test]
    fn an_account_that_waits_frees_its_job_and_comes_first_when_its_time_has_come() {
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(9));
        let mut all = schedule(1, 1, &[(0, 0), (0, 1), (0, 2)]);
        assert_eq!(turns(&mut all, now), [Turn::Start(0)]);
        all.wait(0, later);
        assert_eq!(turns(&mut all, now), [Turn::Start(1)]);
        assert_eq!(turns(&mut all, later), []);
        all.end(1);
        assert_eq!(turns(&mut all, later), [Turn::GoOn(0)]);
        all.end(0);
        assert_eq!(turns(&mut all, later), [Turn::Start(2)]);
    }
}
