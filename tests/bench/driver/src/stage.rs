//! The server, the maildrops, and every contender in its turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Options;
use crate::check::{self, Expected};
use crate::contender::{self, Account, Contender, Job};
use crate::dovecot::{self, Dovecot, Maildrop};
use crate::measure::{self, Run};
use crate::proxy::Proxy;
use crate::workload::{Server, Task, Workload};

/// What was read is not marked, so that all rounds are equal.
const CONFIGURATION: &str = "pop3_no_flag_updates = yes\n";
/// Below so many files, a removal does not slow ext4 down.
const FEW: usize = 100;

pub(crate) struct Stage<'a> {
    options: &'a Options,
    /// It offers PLAIN alone.
    plain: Dovecot,
    scram: Dovecot,
}

/// All runs of a workload.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) workload: Workload,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) contender: Contender,
    pub(crate) runs: Vec<Run>,
    pub(crate) syncs: Option<u64>,
}

impl Row {
    pub(crate) fn median(&self, of: impl FnMut(&Run) -> f64) -> f64 {
        measure::median(&mut self.runs.iter().map(of).collect::<Vec<_>>())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.median(|run| run.seconds)
    }
}

impl Outcome {
    pub(crate) fn row(&self, contender: Contender) -> Option<&Row> {
        self.rows.iter().find(|row| row.contender == contender)
    }

    /// How many times its floor a contender takes.
    pub(crate) fn ratio(&self, contender: Contender) -> Option<f64> {
        let floor = self.row(self.workload.floor)?.seconds();
        Some(self.row(contender)?.seconds() / floor)
    }
}

/// A workload on the stage.
struct Scene<'a> {
    options: &'a Options,
    dovecot: &'a Dovecot,
    workload: &'a Workload,
    expected: Expected,
    /// Each run that deletes has one of its own.
    maildrop: Maildrop,
    proxy: Option<Proxy>,
    directory: PathBuf,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        let start = |mechanisms: &str| {
            let extra_configuration = format!("auth_mechanisms = {mechanisms}\n{CONFIGURATION}");
            Dovecot::start_with(&dovecot::Options { extra_configuration })
        };
        Self { options, plain: start("plain"), scram: start("plain scram-sha-1 scram-sha-256") }
    }

    pub(crate) fn plain(&self) -> &Dovecot {
        &self.plain
    }

    pub(crate) fn play(&self, workload: Workload) -> Outcome {
        eprintln!("{}: {}", workload.name, workload.title);
        let dovecot = if workload.server == Server::Scram { &self.scram } else { &self.plain };
        let scene = Scene::set(self.options, dovecot, &workload);
        let rows = scene.rounds();
        if workload.count < FEW {
            fs::remove_dir_all(&scene.directory).expect("our own directory can be removed");
        }
        Outcome { workload, rows }
    }
}

impl<'a> Scene<'a> {
    fn set(options: &'a Options, dovecot: &'a Dovecot, workload: &'a Workload) -> Self {
        let directory = options.work.join(workload.name);
        fs::create_dir(&directory).expect("a new directory");
        let (maildrop, mut expected) = (dovecot.user(workload.name), Expected::default());
        let (first, _) = workload.numbers();
        let mut messages = workload.mail.messages(workload.count);
        let mut add = |message: Vec<u8>| {
            maildrop.add(&message);
            expected.add(&message);
        };
        messages.by_ref().take(first - 1).for_each(&mut add);
        if let Task::Delete | Task::Fetch = workload.task {
            messages.by_ref().for_each(&mut add);
        }
        let proxy = workload.is_far().then(|| {
            Proxy::start(
                server_port(options, dovecot, workload),
                workload.round_trip,
                workload.server == Server::LockStep,
            )
        });
        let mut scene = Self { options, dovecot, workload, expected, maildrop, proxy, directory };
        scene.warm_up(&scene.maildrop);
        if let Task::New(_) = workload.task {
            scene.prepare();
            for message in messages {
                scene.maildrop.add(&message);
                scene.expected.add(&message);
            }
            scene.warm_up(&scene.maildrop);
        }
        scene
    }

    /// Every contender runs, then every one again, each time another one first.
    fn rounds(&self) -> Vec<Row> {
        let all = Contender::all(self.options);
        let mut rows: Vec<Row> =
            all.iter().map(|&contender| Row { contender, runs: Vec::new(), syncs: None }).collect();
        // First, and not measured: these runs are the rehearsal too, after which
        // the file system has got over whatever was removed from it before.
        for row in &mut rows {
            row.syncs = self.rehearse(row.contender);
        }
        for round in 0..self.options.rounds as usize {
            let turns = rows.len();
            for turn in 0..turns {
                let row = rows.get_mut((round + turn) % turns).expect("one of them");
                row.runs.push(self.run(row.contender, round));
            }
        }
        rows
    }

    fn run(&self, contender: Contender, round: usize) -> Run {
        let directory = self.directory.join(format!("{contender:?}-{round}"));
        let (command, own) = self.ready(contender, &directory);
        // What the one before has left for the disk to do.
        rustix::fs::sync();
        if let Some(proxy) = &self.proxy {
            proxy.take();
        }
        let mut run = measure::run(command, &directory.join("errors"));
        if let Some(proxy) = &self.proxy {
            (run.round_trips, run.octets) = proxy.take();
        }
        eprintln!("    {:<14} {:8.3} s", contender.name(), run.seconds);
        self.check(contender, &directory, own.as_ref());
        if self.workload.count < FEW {
            fs::remove_dir_all(&directory).expect("our own directory can be removed");
        }
        run
    }

    /// A run that counts only how often something was synced, if it can be.
    fn rehearse(&self, contender: Contender) -> Option<u64> {
        let directory = self.directory.join(format!("{contender:?}-rehearsal"));
        let (command, _) = self.ready(contender, &directory);
        let errors = directory.join("errors");
        let Some(strace) = &self.options.strace else {
            measure::run(command, &errors);
            return None;
        };
        let syncs = measure::syncs(strace, &command, &directory.join("counts"), &errors);
        if self.workload.count < FEW {
            fs::remove_dir_all(&directory).expect("our own directory can be removed");
        }
        Some(syncs)
    }

    /// A command in a fresh directory, and the maildrop of its own if it needs one.
    fn ready(&self, contender: Contender, directory: &Path) -> (Command, Option<Maildrop>) {
        fs::create_dir(directory).expect("a new directory");
        let delete = self.workload.task == Task::Delete;
        let own = delete.then(|| {
            let place = directory.file_name().unwrap_or_default().to_string_lossy();
            // Dovecot takes names in small letters.
            let maildrop =
                self.dovecot.user(&format!("{}-{place}", self.workload.name).to_lowercase());
            if !contender.state().is_empty() {
                self.meet(contender, &maildrop, directory);
            }
            maildrop.add_many(self.workload.mail.messages(self.workload.count));
            self.warm_up(&maildrop);
            maildrop
        });
        let account = self.account(own.as_ref().unwrap_or(&self.maildrop), self.port());
        let numbers = self.workload.numbers();
        let file_octets = self.expected.mean_octets();
        let directory = directory.to_owned();
        let job = Job { account, delete, numbers, file_octets, directory };
        let command = contender.command(self.options, &job);
        if let Task::New(_) = self.workload.task {
            for name in contender.state() {
                copy(&self.prepared(contender).join(name), &job.directory.join(name));
            }
        }
        (command, own)
    }

    /// Whoever remembers a server has had a message of it, and in a second run has tried
    /// what the first one has seen.
    fn meet(&self, contender: Contender, maildrop: &Maildrop, directory: &Path) {
        for _ in 0..2 {
            maildrop.add_many(self.workload.mail.messages(1));
            let account = self.account(maildrop, self.port());
            let (numbers, directory) = ((1, 1), directory.to_owned());
            let job = Job { account, delete: true, numbers, file_octets: 1, directory };
            let command = contender.command(self.options, &job);
            measure::run(command, &job.directory.join("errors"));
            for file in fs::read_dir(job.directory.join("Mail/new")).expect("a Maildir") {
                fs::remove_file(file.expect("it can be listed").path()).expect("our own file");
            }
        }
    }

    fn check(&self, contender: Contender, directory: &Path, own: Option<&Maildrop>) {
        let (maildir, fetched) = (directory.join("Mail"), self.workload.fetched());
        match contender {
            Contender::Pop3get => self.expected.last(fetched).check(&maildir),
            Contender::Mpop => assert_eq!(check::count(&maildir), fetched, "mpop's Maildir"),
            Contender::Floor | Contender::Durable => {}
        }
        assert!(own.is_none_or(Maildrop::is_empty), "{contender:?} has left something there");
    }

    /// The proxy's where there is one: what a contender has found out about a
    /// server before, it knows by host and port.
    fn port(&self) -> u16 {
        let direct = || server_port(self.options, self.dovecot, self.workload);
        self.proxy.as_ref().map_or_else(direct, Proxy::port)
    }

    fn account(&self, maildrop: &Maildrop, port: u16) -> Account {
        let is_clear = is_clear(self.options, self.workload);
        let ca_file = (!is_clear).then(|| self.dovecot.ca_file().to_owned());
        let (user, password) = (maildrop.name.clone(), maildrop.password.clone());
        Account { port, ca_file, user, password }
    }

    fn warm_up(&self, maildrop: &Maildrop) {
        let port = server_port(self.options, self.dovecot, self.workload);
        let account = self.account(maildrop, port);
        let (numbers, directory) = ((1, maildrop.len()), self.directory.clone());
        let job = Job { account, delete: false, numbers, file_octets: 0, directory };
        measure::run(contender::warm_up(&job), &self.directory.join("errors"));
    }

    /// Where a contender has fetched everything that is not new.
    fn prepared(&self, contender: Contender) -> PathBuf {
        self.directory.join(format!("{contender:?}-prepared"))
    }

    fn prepare(&self) {
        for contender in Contender::all(self.options) {
            if contender.state().is_empty() {
                continue;
            }
            let directory = self.prepared(contender);
            fs::create_dir(&directory).expect("a new directory");
            let account = self.account(&self.maildrop, self.port());
            let (numbers, file_octets) = ((1, 0), 1);
            let job =
                Job { account, delete: false, numbers, file_octets, directory: directory.clone() };
            // What the first run has seen of the server, the second one tries.
            for _ in 0..2 {
                let command = contender.command(self.options, &job);
                measure::run(command, &directory.join("errors"));
            }
            if contender == Contender::Pop3get {
                self.expected.check(&directory.join("Mail"));
            }
        }
    }
}

/// Whether there is no TLS.
fn is_clear(options: &Options, workload: &Workload) -> bool {
    options.plain || workload.server == Server::LockStep
}

fn server_port(options: &Options, dovecot: &Dovecot, workload: &Workload) -> u16 {
    if is_clear(options, workload) { dovecot.pop_port() } else { dovecot.pops_port() }
}

/// Copies a file, or a directory of files, to where none is.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).expect("a new directory");
        for entry in fs::read_dir(from).expect("our own directory") {
            let entry = entry.expect("it can be listed");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("our own file can be copied");
    }
}
