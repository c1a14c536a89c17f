//! Walks of a maildrop with its server, other clients, its owner and the clock,
//! each driven by a seed. The built program runs in them as in life; after every
//! step it is known which message may be where.
//!
//! A walk is a list of steps (`step`), made from its seed (`generate`). Mail
//! arrives and goes, the server changes, the clock is set, the owner moves files
//! in the Maildir, and the program runs, with faults on the wire, killed or not.
//! The oracle (`oracle`) demands that no message is lost, none is stored twice,
//! none is deleted from the server before its file is there, and each file has
//! the octets of its message. At the end the faults are over, and whatever is
//! still on the server has to arrive within three runs a day apart, if a person
//! gives the commands that the hints name.
//!
//! A walk that fails is made small (`shrink`) and printed with its seed.
//!
//! | variable | what it does |
//! | --- | --- |
//! | `POP3GET_WALK` | plays this seed alone, and tells each step and run |
//! | `POP3GET_WALKS` | plays so many walks |
//! | `POP3GET_WALK_FIRST` | begins with this seed |
//! | `POP3GET_WALK_LENGTH` | makes each walk so many steps long |
//! | `POP3GET_WALK_CLASSES` | switches on these classes only: `cuts,kills`, `all,-strays` |
//! | `POP3GET_WALK_FINDINGS` | ends after so many walks that fail |
//! | `POP3GET_WALK_PROGRAM` | runs this executable |
//!
//! `tests/run` plays 300 walks, always the same; `tests/run --all` plays 5,000
//! new ones, and prints the first seed.
//!
//! # Classes
//!
//! What always happens: mail arrives, with equal sizes, dots, first lines like
//! status lines; other clients delete; the owner reads, flags and removes files;
//! runs keep, delete at once or after days, have limits; minutes and days pass.
//!
//! | class | what happens besides |
//! | --- | --- |
//! | `again` | a message arrives twice |
//! | `clock` | the clock is set to 1970, to 2099, and right again |
//! | `cuts` | the connection is cut anywhere |
//! | `journal` | the journal is lost, or an older one is put back |
//! | `kills` | the program is killed at a wire step |
//! | `listings` | LIST and UIDL leave messages out, are empty, in another order |
//! | `logins` | greeting and login are refused, with every code; LOGIN-DELAY |
//! | `marks` | `--mark-seen`, `--state mark`, `forget` and `repair` |
//! | `no-uidl` | the server has no UIDL |
//! | `numbers` | message-numbers are the unique-ids |
//! | `orders` | `--state delete` and `--state undelete` |
//! | `quit` | QUIT removes nothing, or some and says `-ERR` |
//! | `refetch` | `--refetch` |
//! | `refusals` | any other command but UIDL is refused, with every code |
//! | `renumber` | all messages get new unique-ids; `--rekey` |
//! | `reuse` | a unique-id is used again |
//! | `short` | RETR ends long before the end of the message |
//! | `sizes` | sizes are wrong, change, are 0 or absent |
//! | `stalls` | the server falls silent |
//! | `strays` | an answer is missing, comes twice, a line too many comes |
//! | `styles` | `+OK 3 120` to RETR; `LIST n` is refused or lists all |
//! | `top` | TOP is missing, differs, breaks off, hangs up |
//! | `twins` | messages without Message-ID, with one header and size |
//! | `uidl` | UIDL is refused, with every code |
//! | `views` | a session shows only a part of the maildrop |
//!
//! # What no walk shows
//!
//! Time passes at one speed, except that it is twenty times as fast in runs with
//! faults on the wire: waits for a silent server would take most of the time.

mod class; // what happens in a walk, switched on one by one
mod generate; // from a seed to steps
mod mail; // messages with a token each
mod oracle; // what may be where
mod orders; // what a person wants deleted
mod play; // the program against the maildrop
mod program; // how a run is started, watched and judged
mod promise; // what read-only runs say of the next fetch
mod random; // numbers from a seed
mod server; // the server of one run
mod session; // one POP3 session, and what goes wrong in it
mod shrink; // makes a counterexample small
mod site; // the maildrop, and how it is shown
mod step; // what can happen

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use class::Classes;
use generate::Walk;
use oracle::Violation;

const LENGTH: u64 = 20;

/// The value of a variable, which has to be a number.
fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// Which walks are played.
struct Plan {
    on: Classes,
    length: usize,
    first: u64,
    walks: u64,
    findings: u64,
}

impl Plan {
    fn chosen() -> Self {
        let words = std::env::var("POP3GET_WALK_CLASSES");
        let is_long = std::env::var_os("POP3GET_SWEEP").is_some_and(|sweep| sweep == "all");
        let new = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        Self {
            on: Classes::named(words.as_deref().unwrap_or("all")),
            length: number("POP3GET_WALK_LENGTH").unwrap_or(LENGTH) as usize,
            first: number("POP3GET_WALK_FIRST").unwrap_or_else(|| if is_long { new() } else { 1 }),
            walks: number("POP3GET_WALKS").unwrap_or(if is_long { 5000 } else { 300 }),
            findings: number("POP3GET_WALK_FINDINGS").unwrap_or(3),
        }
    }

    fn walk(&self, seed: u64) -> Walk {
        Walk::of(seed, self.on, self.length)
    }

    /// What is wrong in a walk, and the shortest walk that shows it.
    fn report(&self, seed: u64, violation: Violation, aloud: bool) -> String {
        let walk = self.walk(seed);
        let mut text = format!(
            "POP3GET_WALK={seed} POP3GET_WALK_LENGTH={} POP3GET_WALK_CLASSES={}: {violation:?}\n",
            self.length, self.on
        );
        let (small, found) = shrink::shrink(&walk, violation);
        let _ = writeln!(text, "{} steps, shrunk to {found:?}", walk.steps.len());
        for step in &small.steps {
            let _ = writeln!(text, "  {step:?}");
        }
        if aloud {
            eprintln!("the shortest walk that shows it:");
            let _ = play::play(&small, true);
        }
        text + &format!("  {:?}\n", small.finish)
    }

    /// Plays all walks on two threads; what is wrong in them.
    fn play(&self) -> Vec<String> {
        let (next, found) = (AtomicU64::new(self.first), AtomicU64::new(0));
        let try_next = || {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let is_left = found.load(Ordering::Relaxed) < self.findings;
            (seed < self.first + self.walks && is_left).then_some(seed)
        };
        let work = || {
            let mut reports = Vec::new();
            while let Some(seed) = try_next() {
                if let Err(violation) = play::play(&self.walk(seed), false) {
                    found.fetch_add(1, Ordering::Relaxed);
                    reports.push(self.report(seed, violation, false));
                }
            }
            reports
        };
        thread::scope(|scope| {
            let both = [scope.spawn(work), scope.spawn(work)];
            both.into_iter().flat_map(|one| one.join().unwrap()).collect()
        })
    }
}

#[test]
fn whatever_happens_each_message_arrives_once() {
    let plan = Plan::chosen();
    if let Some(seed) = number("POP3GET_WALK") {
        let walk = plan.walk(seed);
        eprintln!("classes {}", walk.classes);
        let played = play::play(&walk, true);
        assert_eq!(played, Ok(()), "{}", plan.report(seed, played.clone().unwrap_err(), true));
        return;
    }
    eprintln!("{} walks from seed {}, classes {}", plan.walks, plan.first, plan.on);
    let begun = Instant::now();
    let reports = plan.play();
    let steps = play::STEPS.load(Ordering::Relaxed);
    eprintln!("{steps} steps in {:.1} s", begun.elapsed().as_secs_f32());
    assert!(reports.is_empty(), "\n{}", reports.join("\n"));
    assert!(steps as u64 >= plan.walks * 3, "walks were not played");
}
