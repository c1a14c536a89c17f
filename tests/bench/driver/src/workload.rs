//! What is measured, and the goals of the design.

use std::time::Duration;

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
    /// How many times the floor with its syncfs pop3get may take.
    pub(crate) goal: f64,
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
    let tenth = if quick { 10 } else { 1 };
    let near = Duration::ZERO;
    let large = 300 / tenth;
    let of = |name, title, mail, count: usize, task, round_trip, goal| Workload {
        name,
        title: format!("{count} {title}"),
        mail,
        count,
        task,
        round_trip,
        goal,
    };
    let (fetch, small) = (Task::Fetch, Mail::Small);
    let mut all = vec![
        of("small", "messages of 2–8 KiB", small, 10_000 / tenth, fetch, near, 1.3),
        of("far", "", small, 1_000 / tenth, Task::New(1_000 / tenth), FAR, 1.2),
        of("delete", "fetched and deleted at 40 ms", small, 200 / tenth, Task::Delete, FAR, 1.2),
        of(
            "mixed",
            "of log-normal sizes up to 5 MiB",
            Mail::Mixed,
            2_000 / tenth,
            fetch,
            near,
            1.2,
        ),
        of("large", "", Mail::Large(large * 1_000_000), 3, fetch, near, 1.05),
        of("some-new", "", Mail::Tiny, 10_000 / tenth, Task::New(10), FAR, 1.1),
        of("none-new", "", Mail::Tiny, 100_000 / tenth, Task::New(0), FAR, 1.1),
    ];
    for workload in &mut all {
        let count = workload.count;
        match workload.name {
            "far" => workload.title = format!("{count} of 2–8 KiB at 40 ms"),
            "large" => workload.title = format!("{count} of {large} MB"),
            "some-new" => workload.title = format!("10 new among {count} at 40 ms"),
            "none-new" => workload.title = format!("nothing new among {count} at 40 ms"),
            _ => {}
        }
    }
    all
}
