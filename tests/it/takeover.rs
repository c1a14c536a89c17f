//! Taking over from other fetchers: their real programs fetch from a Dovecot, and
//! this one goes on where they ended. `tests/run --all takeover` brings them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pop3_test_server::Server;

use crate::dovecot::{Dovecot, Maildrop};
use crate::rfc1939::{letters, stored};
use crate::sandbox::Sandbox;

/// Another fetcher: its configuration, how it is started, and the file that it keeps.
struct Fetcher {
    name: &'static str,
    configuration: fn(&Site<'_>) -> String,
    arguments: fn(&Path) -> Vec<String>,
    state: fn(&Path) -> PathBuf,
}

/// What a configuration names.
struct Site<'s> {
    home: &'s Path,
    port: u16,
    user: &'s str,
    password: &'s str,
}

const FETCHERS: [Fetcher; 4] = [
    Fetcher {
        name: "mpop",
        configuration: |Site { home, port, user, password }| {
            let home = home.display();
            format!(
                "account a\nhost 127.0.0.1\nport {port}\nuser {user}\npassword {password}\n\
                 auth user\ntls off\nkeep on\ndelivery maildir {home}/Theirs\n"
            )
        },
        arguments: |home| words(&["-C", &format!("{}/configuration", home.display()), "a"]),
        state: |home| home.join(".mpop_uidls/mpop_at_127.0.0.1"),
    },
    Fetcher {
        name: "fetchmail",
        configuration: |Site { home, port, user, password }| {
            let home = home.display();
            format!(
                "poll 127.0.0.1 protocol pop3 port {port} uidl\n\
                 user \"{user}\" password \"{password}\" keep sslproto \"\"\n\
                 mda \"/bin/sh -c 'cat >{home}/Theirs/new/$$'\"\n"
            )
        },
        arguments: |home| {
            let home = home.display().to_string();
            words(&["-f", &format!("{home}/configuration")])
        },
        state: |home| home.join(".fetchids"),
    },
    Fetcher {
        name: "getmail",
        // It loses the end of a command that is faster than itself (6.18.11), and waits for it.
        configuration: |Site { home, port, user, password }| {
            let home = home.display();
            format!(
                "[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\nport = {port}\n\
                 username = {user}\npassword = {password}\n[destination]\n\
                 type = MDA_external\npath = /bin/sh\nallow_root_commands = true\n\
                 arguments = (\"-c\", \"sleep 0.1; cat >{home}/Theirs/new/$$\")\n[options]\nread_all = false\ndelete = false\n"
            )
        },
        arguments: |home| {
            let home = home.display().to_string();
            words(&["--getmaildir", &home, "--rcfile", &format!("{home}/configuration")])
        },
        state: |home| {
            let entries = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
            let is_it = |path: &PathBuf| path.to_str().unwrap().contains("/oldmail-");
            entries.into_iter().find(is_it).unwrap()
        },
    },
    Fetcher {
        name: "fdm",
        configuration: |Site { home, port, user, password }| {
            let home = home.display();
            format!(
                "set lock-file \"{home}/lock\"\n\
                 action \"keep\" maildir \"{home}/Theirs\"\n\
                 account \"a\" pop3 server \"127.0.0.1\" port {port} user \"{user}\" \
                 pass \"{password}\" new-only cache \"{home}/cache\" no-apop keep\n\
                 match all action \"keep\"\n"
            )
        },
        arguments: |home| words(&["-f", &format!("{}/configuration", home.display()), "fetch"]),
        state: |home| home.join("cache"),
    },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Who runs the tests.
fn who() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A command that nobody runs, in a home that is made theirs.
fn as_nobody(program: &Path, sandbox: &Path, home: &Path) -> Command {
    fs::set_permissions(sandbox, fs::Permissions::from_mode(0o755)).unwrap();
    let owned = Command::new("chown").args(["-R", "nobody"]).arg(home).status().unwrap();
    assert!(owned.success());
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--clear-groups"]).arg(program);
    command
}

fn letter(number: usize) -> Vec<u8> {
    format!("Subject: letter {number}\nMessage-ID: <{number}@example.org>\n\nNumber {number}.\n")
        .into_bytes()
}

impl Fetcher {
    /// Fetches what is there, and keeps it on the server.
    fn fetch(&self, programs: &Path, sandbox: &Sandbox, dovecot: &Dovecot, maildrop: &Maildrop) {
        let home = sandbox.path("theirs");
        for folder in ["Theirs/tmp", "Theirs/new", "Theirs/cur"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        let (user, password) = (&*maildrop.name, &*maildrop.password);
        let site = Site { home: &home, port: dovecot.pop_port(), user, password };
        let configuration = home.join("configuration");
        fs::write(&configuration, (self.configuration)(&site)).unwrap();
        fs::set_permissions(&configuration, fs::Permissions::from_mode(0o600)).unwrap();
        let program = programs.join(self.name);
        let mut command = match self.name {
            // Root's fdm wants a user of its own, which only its package makes.
            "fdm" if who() == "root" => as_nobody(&program, &sandbox.path(""), &home),
            _ => Command::new(program),
        };
        let ran = command.args((self.arguments)(&home)).env("HOME", &home).output().unwrap();
        assert!(ran.status.success(), "{}: {ran:?}", self.name);
        maildrop.await_unlocked();
    }

    fn has(&self, sandbox: &Sandbox) -> usize {
        crate::sandbox::mail(&sandbox.path("theirs/Theirs")).len()
    }

    fn state(&self, sandbox: &Sandbox) -> PathBuf {
        (self.state)(&sandbox.path("theirs"))
    }
}

/// An account, as the man page asks for one.
fn configure(sandbox: &Sandbox, dovecot: &Dovecot, Maildrop { name, .. }: &Maildrop) {
    let port = dovecot.pop_port();
    sandbox.configure(&format!(
        "[account.home]\nserver = \"127.0.0.1:{port}\"\nuser = {name:?}\ntls = \"none\"\nmaildir = \"~/Mail\"\n"
    ));
}

/// Where the other programs are; `None` where they were not brought.
fn programs() -> Option<PathBuf> {
    std::env::var_os("POP3GET_FETCHERS").map(PathBuf::from)
}

#[test]
fn what_another_fetcher_has_fetched_is_not_fetched_again() {
    let Some(programs) = programs() else {
        eprintln!("only with --all: the other fetchers were not brought");
        return;
    };
    let dovecot = Dovecot::start();
    for fetcher in FETCHERS {
        let (name, sandbox) = (fetcher.name, Sandbox::new());
        let maildrop = dovecot.user(name);
        maildrop.add_many((0..100).map(letter));
        fetcher.fetch(&programs, &sandbox, &dovecot, &maildrop);
        assert_eq!(fetcher.has(&sandbox), 100, "{name}");
        let file = fetcher.state(&sandbox).to_str().unwrap().to_owned();
        configure(&sandbox, &dovecot, &maildrop);
        let run = |words: &[&str]| {
            let ran = sandbox.pop3get(words).env("POP3GET_PASSWORD", &maildrop.password).run();
            maildrop.await_unlocked();
            ran
        };
        // The man page's steps, word for word.
        let listed = run(&["--list", "home"]);
        assert!(listed.stdout.contains("\n100 messages, "), "{name}: {listed:?}");
        let dry = run(&["--import-seen", &file, "--dry-run", "home"]);
        dry.prints("100 of 100 messages known to it\n");
        run(&["--check", "home"]).prints("100 new messages\n");
        let import = run(&["--import-seen", &file, "home"]);
        import.prints("100 of 100 messages known to it\n");
        let dry = run(&["--dry-run", "home"]);
        dry.prints("nothing to fetch; 100 messages left alone (-v shows why)\n");
        run(&["home"]).is_silent();
        run(&["home", "--delete"]).is_silent();
        assert_eq!((sandbox.count(), maildrop.len()), (0, 100), "{name}");
        maildrop.add_many((100..105).map(letter));
        run(&["home"]).is_silent();
        let mut new: Vec<_> = (100..105).map(letter).collect();
        new.sort();
        assert_eq!(sandbox.mail(), new, "{name}");
    }
}

/// As each program writes it for two of three messages, one of them gone from the server.
const FILES: [(&str, &str); 6] = [
    ("mpop", "# mpop\n#\n 1 elsewhere mrose\nother\n 2 127.0.0.1 mrose\nuid-1\nuid-9\n"),
    ("mpop", " 2 127.0.0.1 mrose\nuid-1 1795923218\nuid-9 1795923218\n"),
    ("fetchmail", "jpostel@127.0.0.1 uid-2\nmrose@127.0.0.1 uid-1\nmrose@127.0.0.1 uid-9\n"),
    ("getmail", "uid-1\x001795923218\nuid-9\x001795923218\n"),
    ("fdm", "5 uid-1\n5 uid-9\n"),
    (
        "thunderbird",
        "# POP3 State File\n# This is a generated file!  Do not edit.\n\n\
         *127.0.0.1 mrose\nk uid-1 1795923218\nk uid-9 1795923218\nb uid-3 1795923218\n",
    ),
];

#[test]
fn the_file_of_each_fetcher_says_what_is_not_fetched_and_never_deleted() {
    for (name, text) in FILES {
        let server = Server::builder().user("mrose", "secret").messages(letters(3)).start();
        let sandbox = Sandbox::new();
        fs::write(sandbox.path("file"), text).unwrap();
        let import =
            |more: &[&str]| sandbox.plain(&server).args(["--import-seen", "file"]).args(more).run();
        import(&["-n"]).prints("1 of 3 messages known to it\n");
        assert!(!sandbox.path(".local/state/pop3get").exists(), "{name}");
        import(&[]).prints("1 of 3 messages known to it\n");
        sandbox.plain(&server).arg("--delete").run().is_silent();
        assert_eq!(sandbox.mail(), [stored(2), stored(3)], "{name}");
        assert_eq!(server.maildrop("mrose").uids(), ["uid-1"], "{name}");
        let listed = sandbox.plain(&server).args(["--state", "list"]).run();
        // A dash of getmail's may be a slash: only what is listed is certain.
        let certain = if name == "getmail" { 1 } else { 2 };
        assert_eq!(listed.stdout.matches("imported").count(), certain, "{name}: {listed:?}");
    }
}

#[test]
fn a_file_of_no_fetcher_and_one_without_the_account_are_refused_before_anything_is_made() {
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).start();
    let sandbox = Sandbox::new();
    let import = || sandbox.plain(&server).args(["--import-seen", "file"]).run();
    import().fails(64, "cannot read");
    fs::write(sandbox.path("file"), "Subject: hello\n").unwrap();
    import().fails(64, "is no file of mpop, fetchmail, getmail, fdm or Thunderbird");
    fs::write(sandbox.path("file"), "jpostel@127.0.0.1 uid-1\n").unwrap();
    import().fails(64, "it knows: jpostel@127.0.0.1");
    assert_eq!(server.sessions(), 0);
    assert!(!sandbox.maildir().exists());
}
