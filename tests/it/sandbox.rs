//! A home of its own for each test, and the built program in it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use pop3get::connection::{self, Ahead, Roots, Security};
use pop3get::protocol::Leniencies;
use pop3get::session::{ChannelBinding, Early, LoginMechanism, Options, Pipelining};
use pop3get::stop::Stop;
use pop3get::worker;
use tempfile::TempDir;

/// A worker on a thread of this process, not closed in; for [`Start::Thread`].
///
/// [`Start::Thread`]: pop3get::cli::Start::Thread
pub fn work(channel: UnixStream) {
    let process = worker::Process { build: String::new(), confined: None, stop: Stop::default() };
    // How it went is the supervisor's to say.
    let _ = worker::serve(channel, &mut std::io::sink(), &process);
}

/// A temporary home with a place for a Maildir and for state.
pub struct Sandbox {
    home: TempDir,
}

/// The program, about to run.
pub struct Pop3get {
    command: Command,
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn maildir(&self) -> PathBuf {
        self.path("Mail")
    }

    /// The program with a home and nothing else of this machine's environment.
    pub fn pop3get<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Pop3get {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop3get"));
        command.env_clear().env("HOME", self.home.path()).env("TZ", "UTC");
        command.current_dir(self.home.path()).args(args).stdin(Stdio::null());
        Pop3get { command }
    }

    /// Writes the configuration file at its default place.
    pub fn configure(&self, text: &str) {
        let directory = self.path(".config/pop3get");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config.toml"), text).unwrap();
    }

    /// A file that only its owner may read.
    pub fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The contents of every message in `new/` and `cur/` of the usual Maildir,
    /// sorted; `tmp/` has to be empty.
    pub fn mail(&self) -> Vec<Vec<u8>> {
        mail(&self.maildir())
    }

    /// How many messages there are.
    pub fn count(&self) -> usize {
        self.mail().len()
    }

    /// The journal of the one mailbox there is, made or not.
    pub fn journal(&self) -> PathBuf {
        let state = self.path(".local/state/pop3get");
        let mut found = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
        found.find(|path| path.join("lock").exists()).unwrap().join("journal")
    }
}

/// What is remembered of a server beside this journal.
pub fn server_facts(journal: &Path) -> String {
    fs::read_to_string(journal.with_file_name("server")).unwrap_or_default()
}

/// An append to a journal, up to its commit's checksum, with that.
pub fn closed(append: &str) -> String {
    format!("{append}{:08x}\n", crc32fast::hash(append.as_bytes()))
}

/// Notes in a journal that its server's TOP shows other headers than RETR.
pub fn distrust_top(journal: &Path) {
    let text = fs::read_to_string(journal).unwrap();
    let last = text.lines().last().unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    let append = closed(&format!("top-differs\ncommit {} 1 ", last + 1));
    fs::write(journal, text + &append).unwrap();
}

/// Reads a Maildir with another program's eyes: the `maildir` crate's.
pub fn mail(path: &Path) -> Vec<Vec<u8>> {
    if !path.exists() {
        return Vec::new();
    }
    let maildir = maildir::Maildir::from(path.to_path_buf());
    let entries = maildir.list_new().chain(maildir.list_cur());
    let mut mail: Vec<_> = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    mail.sort();
    mail
}

/// What is left in `tmp/`.
pub fn left_in_tmp(path: &Path) -> usize {
    fs::read_dir(path.join("tmp")).map_or(0, Iterator::count)
}

impl Pop3get {
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// What would be run.
    pub fn command(self) -> Command {
        self.command
    }

    /// The same with another file of the program.
    pub fn command_of(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().args(self.command.get_args());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.command.get_current_dir().unwrap()).stdin(Stdio::null());
        command
    }

    pub fn run(mut self) -> Ran {
        let Output { status, stdout, stderr } = self.command.output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        Ran { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    pub fn start(mut self) -> Child {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

impl Ran {
    /// Status 0 and not a word.
    #[track_caller]
    pub fn is_silent(&self) {
        assert_eq!((self.status, &*self.stdout, &*self.stderr), (Some(0), "", ""), "{self:?}");
    }

    /// This status, this sentence in what it says, and nothing on stdout.
    #[track_caller]
    pub fn fails(&self, status: i32, sentence: &str) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.stderr.contains(sentence), "{sentence:?} is not in {self:?}");
        assert!(self.stderr.starts_with("pop3get: "), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
    }

    /// What `--check` answers when nothing is new.
    #[track_caller]
    pub fn fails_to_find(&self) {
        assert_eq!((self.status, &*self.stdout), (Some(1), "0 new messages\n"), "{self:?}");
    }

    /// Status 0 and this on stdout.
    #[track_caller]
    pub fn prints(&self, text: &str) {
        assert_eq!((self.status, &*self.stderr), (Some(0), ""), "{self:?}");
        assert_eq!(self.stdout, text);
    }
}

impl Sandbox {
    /// The program with all it needs to fetch mrose's mail in clear from a test
    /// server on this machine.
    pub fn plain(&self, server: &pop3_test_server::Server) -> Pop3get {
        let server = format!("127.0.0.1:{}", server.address().port());
        let args = ["--tls", "none", "-s", &*server, "-u", "mrose", "-m", "Mail", "--timeout", "5"];
        // One mailbox, whatever port its server has today.
        let args = args.into_iter().chain(["--journal", "mrose@127.0.0.1"]);
        self.pop3get(args).env("POP3GET_PASSWORD", "secret")
    }
}

impl Pop3get {
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }
}

/// The way to a server in clear on this machine, for sessions in this process.
pub fn session_options(port: u16, mechanism: LoginMechanism) -> Options {
    let connection = connection::Options {
        host: "127.0.0.1".into(),
        port,
        security: Security::Plain,
        roots: Roots::Webpki,
        pins: Vec::new(),
        identity: None,
        proxy: None,
        family: None,
        speaks_first: false,
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        stop: Stop::default(),
    };
    Options {
        connection,
        ahead: Ahead::default(),
        mechanism,
        channel_binding: ChannelBinding::default(),
        pace: Pipelining::Announced,
        early: Early::Never,
        sizes: false,
        allow_plaintext_password: false,
        strict: false,
        another_follows: false,
        known: Leniencies::default(),
    }
}
