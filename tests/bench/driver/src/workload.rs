//! What is measured, and the goals of the design.

use std::time::Duration;

use crate::contender::Contender;
use crate::mail::Mail;

const FAR: Duration = Duration::from_millis(40);

#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) mail: Mail,
    /// The messages of the maildrop.
    pub(crate) count: usize,
    pub(crate) task: Task,
    pub(crate) round_trip: Duration,
    pub(crate) server: Server,
    /// What it is measured against.
    pub(crate) floor: Contender,
    /// How many times that floor pop3get may take, if there is a goal.
    pub(crate) goal: Option<f64>,
}

/// What the server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// PLAIN, over TLS.
    Plain,
    /// SCRAM-SHA-256 beside PLAIN, over TLS.
    Scram,
    /// PLAIN, and no PIPELINING; in clear, so that the proxy can hide it.
    LockStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// All of them, deleted from the server.
    Delete,
    /// All of them, which stay there.
    Fetch,
    /// Only the last so many: the others were fetched before.
    New(usize),
}

impl Workload {
    /// The message-numbers to fetch.
    pub(crate) fn numbers(&self) -> (usize, usize) {
        match self.task {
            Task::Delete | Task::Fetch => (1, self.count),
            Task::New(new) => (self.count - new + 1, self.count),
        }
    }

    pub(crate) fn fetched(&self) -> usize {
        let (first, last) = self.numbers();
        last + 1 - first
    }

    pub(crate) fn is_far(&self) -> bool {
        !self.round_trip.is_zero()
    }
}

pub(crate) fn names() -> String {
    let names: Vec<_> = all(false).iter().map(|workload| workload.name).collect();
    names.join(", ")
}

/// All of them, or a tenth of each.
pub(crate) fn all(quick: bool) -> Vec<Workload> {
    use Task::{Delete, Fetch, New};
    let tenth = if quick { 10 } else { 1 };
    let (near, large) = (Duration::ZERO, 300 / tenth);
    let of = |name, (mail, count), task, round_trip, goal| {
        let count: usize = count;
        let floor = match task {
            New(new) if new + 1 < count => Contender::Floor,
            _ => Contender::Durable,
        };
        let server = Server::Plain;
        let title = String::new();
        Workload { name, title, mail, count, task, round_trip, server, floor, goal }
    };
    let small = |count: usize| (Mail::Small, count / tenth);
    let tiny = |count: usize| (Mail::Tiny, count / tenth);
    let mut all = vec![
        of("small", small(10_000), Fetch, near, Some(1.15)),
        of("small-delete", small(10_000), Delete, near, Some(1.2)),
        of("far-first", small(1_000), Fetch, FAR, None),
        // One more: a server is remembered once a message of it was fetched.
        of("far", (Mail::Small, 1_000 / tenth + 1), New(1_000 / tenth), FAR, Some(1.05)),
        of("delete", small(200), Delete, FAR, Some(1.05)),
        of("mixed", (Mail::Mixed, 2_000 / tenth), Fetch, near, Some(0.95)),
        of("large", (Mail::Large(large * 1_000_000), 3), Fetch, near, Some(0.9)),
        of("lock-step", small(100), Fetch, FAR, None),
        of("some-new", tiny(10_000), New(10), FAR, Some(0.9)),
        of("some-new-scram", tiny(10_000), New(10), FAR, Some(1.0)),
        of("none-new", tiny(100_000), New(0), FAR, Some(0.85)),
        of("none-new-scram", tiny(100_000), New(0), FAR, Some(0.95)),
    ];
    for workload in &mut all {
        let count = workload.count;
        if workload.name.ends_with("-scram") {
            workload.server = Server::Scram;
        }
        workload.title = match workload.name {
            "small" => format!("{count} messages of 2–8 KiB, first run"),
            "small-delete" => format!("{count} fetched and deleted"),
            "far-first" => format!("{count} of 2–8 KiB at 40 ms, first run"),
            "far" => format!("{} of 2–8 KiB at 40 ms, remembered", workload.fetched()),
            "delete" => format!("{count} fetched and deleted at 40 ms, remembered"),
            "mixed" => format!("{count} of log-normal sizes up to 5 MiB"),
            "large" => format!("{count} of {large} MB"),
            "lock-step" => {
                workload.server = Server::LockStep;
                format!("{count} at 40 ms without PIPELINING")
            }
            "some-new" => format!("10 new among {count} at 40 ms, PLAIN"),
            "some-new-scram" => format!("10 new among {count} at 40 ms, SCRAM"),
            "none-new" => format!("nothing new among {count} at 40 ms, PLAIN"),
            _ => format!("nothing new among {count} at 40 ms, SCRAM"),
        };
    }
    all
}
