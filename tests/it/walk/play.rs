//! Plays a walk: the built program against the maildrop, step by step.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::generate::{Finish, Walk};
use super::oracle::{Oracle, Violation};
use super::program::{Program, Ran};
use super::promise::{Kept, Promise};
use super::site::{Entry, Server, Site};
use super::step::{
    Act, Change, Clock, Fault, Ids, Journal, Keeping, Owner, Run, Sizes, Step, Style, Top, View,
};

/// How many steps were played in this process.
pub static STEPS: AtomicUsize = AtomicUsize::new(0);

const DAY: u64 = 86_400;

struct Player {
    program: Program,
    site: Site,
    /// What the machine's clock shows, if it is not right.
    wrong_clock: Option<u64>,
    /// The last run that writes was killed.
    was_killed: bool,
    /// The journal is older than the Maildir until a run has looked at both.
    was_put_back: bool,
    journal_copies: HashMap<PathBuf, Vec<u8>>,
    /// Tells what is played.
    aloud: bool,
}

/// Plays the steps in order; the first violation ends the walk.
pub fn play(walk: &Walk, aloud: bool) -> Result<(), Violation> {
    let mut player = Player::new(aloud);
    for step in &walk.steps {
        if aloud {
            eprintln!("- {step:?}");
        }
        STEPS.fetch_add(1, Ordering::Relaxed);
        player.step(step);
        player.verdict()?;
    }
    player.finish(walk.finish);
    player.verdict()
}

impl Player {
    fn new(aloud: bool) -> Self {
        let program = Program::new();
        let oracle = Oracle::new(&program.home().join("Mail"), 1_750_000_000);
        let site = Site::new(oracle);
        Self {
            program,
            site,
            wrong_clock: None,
            was_killed: false,
            was_put_back: false,
            journal_copies: HashMap::new(),
            aloud,
        }
    }

    fn verdict(&mut self) -> Result<(), Violation> {
        self.site.oracle.violations.drain(..).next().map_or(Ok(()), Err)
    }

    fn step(&mut self, step: &Step) {
        let len = self.site.maildrop.len();
        let at = |which: u8| which as usize % len.max(1);
        match step {
            Step::Arrive(kind) => self.site.arrive(*kind, None),
            Step::ArriveMany { kind, many } => {
                (0..*many).for_each(|_| self.site.arrive(*kind, None));
            }
            Step::ArriveAgain { which } if len > 0 => {
                let mail = self.site.maildrop[at(*which)].mail;
                self.site.put(mail, None);
            }
            Step::ArriveUnder { kind, uid } => {
                let uid = self.site.old_uid(*uid);
                self.site.arrive(*kind, uid);
            }
            Step::Expunge { which } if len > 0 => _ = self.site.maildrop.remove(at(*which)),
            Step::ArriveAgain { .. } | Step::Expunge { .. } => {}
            Step::ExpungeAll => self.site.maildrop.clear(),
            Step::Renumber => self.site.renumber(),
            Step::Rotate { by } if len > 0 => self.site.maildrop.rotate_left(at(*by)),
            Step::Rotate { .. } => {}
            Step::Server(change) => self.site.change(*change),
            Step::Clock(clock) => self.clock(*clock),
            Step::Owner { does, which } => self.owner(*does, *which),
            Step::Journal(journal) => self.journal(*journal),
            Step::Run(run) if run.act == Act::CheckAndFetch => _ = self.check_and_fetch(run),
            Step::Run(run) => _ = self.run(run),
        }
    }

    fn clock(&mut self, clock: Clock) {
        let mut passes = 0;
        match clock {
            Clock::Minutes(minutes) => passes = u64::from(minutes) * 60,
            Clock::Days(days) => passes = u64::from(days) * DAY,
            Clock::SetTo(at) => {
                self.wrong_clock = Some(at);
                self.site.oracle.jumps += 1;
            }
            Clock::Right if self.wrong_clock.take().is_some() => self.site.oracle.jumps += 1,
            Clock::Right => {}
        }
        self.site.oracle.now += passes;
        self.wrong_clock = self.wrong_clock.map(|wrong| wrong + passes);
    }

    fn owner(&mut self, does: Owner, which: u8) {
        let mail = self.program.home().join("Mail");
        let files = |folder: &str| {
            let entries = fs::read_dir(mail.join(folder)).into_iter().flatten();
            let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            // Names have the run's own chance in them: the oldest first is steady.
            paths.sort_by_key(|path| fs::read(path).unwrap());
            paths
        };
        let files =
            if does == Owner::Reads { files("new") } else { [files("new"), files("cur")].concat() };
        let Some(path) = files.get(which as usize % files.len().max(1)) else { return };
        let name = path.file_name().unwrap().to_str().unwrap();
        let base = name.split(":2,").next().unwrap();
        let cur = |flags: &str| mail.join("cur").join(format!("{base}:2,{flags}"));
        match does {
            Owner::Reads => fs::rename(path, cur("")).unwrap(),
            Owner::Flags => fs::rename(path, cur("FS")).unwrap(),
            Owner::Removes => {
                self.site.oracle.removed(base);
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// The journals that there are: a file each, or a directory of a mailbox.
    fn journals(&self) -> Vec<PathBuf> {
        let state = self.program.home().join(".local/state/pop3get");
        let mut found = Vec::new();
        for entry in fs::read_dir(state).into_iter().flatten() {
            let path = entry.unwrap().path();
            let inner = path.join("journal");
            found.extend([path, inner].into_iter().filter(|path| {
                path.extension().is_some_and(|it| it == "seen")
                    || path.ends_with("journal") && path.is_file()
            }));
        }
        found
    }

    fn journal(&mut self, does: Journal) {
        if does != Journal::Copied {
            self.site.forget_fetches();
        }
        for path in self.journals() {
            match does {
                Journal::Copied => {
                    _ = self.journal_copies.insert(path.clone(), fs::read(path).unwrap());
                }
                Journal::Lost => {
                    fs::remove_file(&path).unwrap();
                    self.site.oracle.lose_journal();
                }
                Journal::PutBack => {
                    if let Some(copy) = self.journal_copies.get(&path) {
                        fs::write(&path, copy).unwrap();
                        self.was_put_back = true;
                        self.site.oracle.orders.put_back();
                        self.site.oracle.lose_journal();
                    }
                }
            }
        }
    }
}

impl Player {
    /// What a command asks of the program, told to the oracle first.
    fn args(&mut self, run: &Run) -> Vec<String> {
        let len = self.site.maildrop.len().max(1);
        let uid = |which: u8, site: &Site| {
            let at = which as usize % len;
            let entry = site.maildrop.get(at)?;
            Some(if site.server.ids == Ids::Numbers {
                (at + 1).to_string()
            } else {
                entry.uid.clone()
            })
        };
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut args = match run.act {
            Act::Fetch(_) => Vec::new(),
            Act::RetryFailed(_) => words(&["--retry-failed"]),
            Act::Rekey(_) => words(&["--rekey"]),
            Act::Refetch => {
                self.site.oracle.refetch();
                words(&["--refetch", "--yes"])
            }
            Act::MarkSeen => {
                self.site.oracle.mark_seen(&self.site.maildrop);
                words(&["--mark-seen"])
            }
            // The names that the program makes up are not known here.
            Act::Forget { .. } | Act::Mark { .. } | Act::Order { .. } | Act::Undelete { .. }
                if self.site.server.ids == Ids::None =>
            {
                words(&["--list"])
            }
            Act::Forget { which } => {
                let uid = uid(which, &self.site).unwrap_or_else(|| "nothing".into());
                self.site.oracle.forget(&uid);
                words(&["--state", "forget", &uid])
            }
            Act::Mark { which } => {
                let uid = uid(which, &self.site).unwrap_or_else(|| "nothing".into());
                self.site.oracle.mark(&uid);
                words(&["--state", "mark", &uid])
            }
            Act::Order { which } => {
                let uid = uid(which, &self.site).unwrap_or_else(|| "nothing".into());
                self.site.oracle.orders.give(&uid);
                words(&["--state", "delete", &uid, "--yes"])
            }
            Act::Undelete { which } => {
                let uid = uid(which, &self.site).unwrap_or_else(|| "nothing".into());
                words(&["--state", "undelete", &uid])
            }
            Act::Repair => words(&["--state", "repair"]),
            Act::List => words(&["--list"]),
            Act::Check | Act::CheckAndFetch => words(&["--check"]),
            Act::DryRun => words(&["--dry-run"]),
        };
        match run.act.keeping() {
            Keeping::Keep => {}
            Keeping::Delete => args.push("--delete".into()),
            Keeping::After(days) => args.extend(words(&["--delete-after", &format!("{days}d")])),
        }
        args.extend(run.limit.map(|limit| format!("--limit={limit}")));
        args.extend(run.max_size.map(|size| format!("--max-size={size}")));
        args
    }

    fn run(&mut self, run: &Run) -> Ran {
        let args = self.args(run);
        // In each session, or at each command of one.
        let persists = |fault: &Fault| fault.session.is_none() || fault.nth.is_none();
        let is_stray = |fault: &Fault| persists(fault) && fault.does.shifts_answers();
        self.site.oracle.strays_persist |= run.faults.iter().any(is_stray);
        let read = |path: PathBuf| (fs::read(&path).unwrap(), path);
        let before: Vec<_> = self.journals().into_iter().map(read).collect();
        let listed = self.site.unique_ids();
        let ran = self.program.run(&mut self.site, run, args, self.wrong_clock);
        self.site.oracle.look();
        self.site.oracle.orders.given();
        let has_fetched = matches!(run.act, Act::Fetch(_)) && ran.status.success();
        self.was_put_back &= !has_fetched;
        self.was_killed = ran.killed || self.was_killed && run.act.is_read_only();
        let is_whole = run.faults.is_empty() && run.view == View::All && ran.status.success();
        if matches!(run.act, Act::Fetch(_)) && is_whole {
            self.site.note_fetch();
            self.site.oracle.orders.carried_out(&listed);
        }
        if let (Act::Undelete { .. } | Act::Forget { .. }, true) = (run.act, ran.status.success()) {
            let uid = ran.args.get(2).map(String::as_str).unwrap_or_default();
            self.site.oracle.orders.taken_back(uid);
        }
        if run.act.is_read_only() && self.journals().into_iter().map(read).ne(before) {
            self.site.oracle.violations.push(Violation::LookWrites);
        }
        if self.aloud {
            let (new, kept) = self.site.oracle.counts();
            eprintln!(
                "  {:?} {} killed {} stderr {:?} stdout {:?}; {new} messages, {kept} files, {} on the server",
                ran.args,
                ran.status,
                ran.killed,
                ran.stderr,
                ran.stdout,
                self.site.maildrop.len()
            );
        }
        if let Some(violation) = ran.bad_end() {
            self.site.oracle.violations.push(violation);
        }
        ran
    }

    /// What `--check` and `--dry-run` count is what a fetch delivers, and what `--list` calls
    /// new is delivered, if nothing goes wrong.
    fn check_and_fetch(&mut self, run: &Run) -> Option<Ran> {
        let plain = |act| Run { act, view: run.view, ..Run::plain(act) };
        if self.site.server.delay.is_some() {
            // It would take too long until the fetch may come.
            return None;
        }
        let (was_killed, was_put_back) = (self.was_killed, self.was_put_back);
        let [listed, planned, checked] =
            [Act::List, Act::DryRun, Act::Check].map(|act| self.run(&plain(act)));
        let promise = Promise::of(&listed, &planned, &checked);
        let looked = [&listed, &planned, &checked];
        // A look that could not be had promises nothing.
        let are_told = looked.iter().all(|ran| matches!(ran.status.code(), Some(0 | 1)));
        let (_, before) = self.site.oracle.counts();
        let there = self.site.maildrop.len();
        let fetched = self.run(&plain(Act::Fetch(Keeping::Keep)));
        let (_, after) = self.site.oracle.counts();
        // One whose header says too little, that several have, or that RETR does not show,
        // is new until it was compared whole.
        let is_anonymous = |it: &Entry| {
            self.site.mail[it.mail].is_anonymous() || self.site.oracle.is_double(it.mail)
        };
        let Server { top, sizes, .. } = self.site.server;
        let top_lies = matches!(top, Top::ChangingHeader | Top::OtherHeader);
        let is_unclear = top_lies || was_put_back || self.site.maildrop.iter().any(is_anonymous);
        // What an interrupted run has committed is delivered, and its files come later.
        let kept = Kept {
            files: after - before,
            deleted: there - self.site.maildrop.len(),
            is_unclear,
            was_killed,
            is_unsteady: top == Top::ChangingHeader || sizes == Sizes::Changing || !are_told,
        };
        if fetched.status.success()
            && let Some(what) = promise.broken(kept)
        {
            self.site.oracle.violations.push(Violation::BrokenPromise(what));
        }
        Some(fetched)
    }

    /// The faults are over: everything arrives within three runs a day apart, if
    /// a person gives the commands that hints name.
    fn finish(&mut self, finish: Finish) {
        if finish.heals {
            self.site.change(Change::Sizes(Sizes::True));
            self.site.change(Change::Top(Top::Honest));
            self.site.change(Change::Style(Style::Octets));
        }
        self.clock(Clock::Right);
        for nth in 0..3 {
            self.clock(Clock::Minutes(24 * 60 + 5));
            STEPS.fetch_add(1, Ordering::Relaxed);
            let looks = nth == 0 && finish.keeping == Keeping::Keep;
            let looked = if looks { self.check_and_fetch(&Run::plain(Act::List)) } else { None };
            let fetch = || self.run(&Run::plain(Act::Fetch(finish.keeping)));
            let ran = looked.unwrap_or_else(fetch);
            if let Some(act) = ran.hinted(finish.keeping) {
                self.clock(Clock::Minutes(20));
                self.run(&Run::plain(act));
                if act == Act::Repair {
                    // A person gives the command for the sake of the fetch.
                    self.run(&Run::plain(Act::Fetch(finish.keeping)));
                }
            }
        }
        let maildrop: Vec<_> = self.site.maildrop.iter().map(|entry| entry.mail).collect();
        self.site.oracle.nothing_is_owed(maildrop.into_iter());
    }
}

impl Run {
    /// A run in which nothing goes wrong.
    fn plain(act: Act) -> Self {
        let (limit, max_size, faults, kill) = (None, None, Vec::new(), None);
        Self { act, limit, max_size, view: View::All, faults, kill }
    }
}

impl Act {
    /// Whether nothing may change on either side.
    fn is_read_only(self) -> bool {
        matches!(self, Self::List | Self::Check | Self::DryRun)
    }

    /// What happens to messages on the server.
    pub fn keeping(self) -> Keeping {
        match self {
            Self::Fetch(keeping) | Self::RetryFailed(keeping) | Self::Rekey(keeping) => keeping,
            _ => Keeping::Keep,
        }
    }
}
