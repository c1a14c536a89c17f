//! What a person types and reads; what a script sees.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStderr, ChildStdout, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Message, Server};
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};

use crate::rfc1939::{letter, letters};
use crate::sandbox::{Pop3get, Sandbox};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

fn account(server: &Server, more: &str) -> String {
    let port = server.address().port();
    format!("server = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\n{more}\n")
}

#[test]
fn a_list_says_number_size_state_and_unique_id() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    sandbox.plain(&server).args(["--limit", "1"]).run().is_silent();
    let ran = sandbox.plain(&server).arg("--list").run();
    ran.prints(
        "NUMBER  SIZE  STATE      UNIQUE-ID\n\
         \x20    1    52  delivered  uid-1\n\
         \x20    2    52  new        uid-2\n\
         2 messages, 104 B; 1 new, 1 delivered\n",
    );
}

#[test]
fn a_list_with_headers_decodes_and_defuses_them() {
    let hostile = "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\nSubject: =?utf-8?B?G1sybQ==?= hi\r\n\r\n";
    let server = Server::builder().user("mrose", "secret").message("u", hostile).start();
    let ran = Sandbox::new().plain(&server).args(["--list", "--headers"]).run();
    assert!(ran.stdout.contains("2026-11-22 10:00  J\u{fc}rgen <j@example.org>"), "{ran:?}");
    assert!(ran.stdout.contains("\u{fffd}[2m hi") && !ran.stdout.contains('\x1b'), "{ran:?}");
}

#[test]
fn check_answers_with_its_status() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    sandbox.plain(&server).arg("--check").run().prints("1 new message\n");
    sandbox.plain(&server).run().is_silent();
    let ran = sandbox.plain(&server).arg("--check").run();
    assert_eq!((ran.status, &*ran.stdout), (Some(1), "0 new messages\n"));
}

#[test]
fn looking_writes_nothing() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    for args in
        [&["--list"][..], &["--check"], &["--dry-run"], &["--show", "1"], &["--list", "--headers"]]
    {
        let ran = sandbox.plain(&server).args(args).run();
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{ran:?}");
    }
    assert_eq!(fs::read_dir(sandbox.path(".")).unwrap().count(), 0);
}

#[test]
fn a_dry_run_says_what_a_fetch_then_does() {
    let (server, sandbox) = (server(3).start(), Sandbox::new());
    sandbox.plain(&server).args(["--limit", "1"]).run().is_silent();
    let ran =
        sandbox.plain(&server).args(["--dry-run", "-v", "--delete", "--max-size", "20"]).run();
    let lines: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines[1..],
        [
            "delete 1 52 it is safe here and may go uid-1",
            "leave 2 52 too large uid-2",
            "leave 3 52 too large uid-3",
            "nothing to fetch; 1 message to delete from the server; 2 messages left alone"
        ]
    );
}

#[test]
fn show_prints_one_message_or_its_top() {
    let server = server(2).start();
    let sandbox = Sandbox::new();
    sandbox
        .plain(&server)
        .args(["--show", "2"])
        .run()
        .prints("Subject: letter 2\nMessage-ID: <2>\n\n.dot\nbody 2\n");
    let top = sandbox.plain(&server).args(["--show", "uid:uid-1", "--lines", "1"]).run();
    top.prints("Subject: letter 1\nMessage-ID: <1>\n\n.dot\n");
    sandbox.plain(&server).args(["--show", "3"]).run().fails(64, "there is no message 3");
}

/// Messages of another mailbox, with the unique-ids of the first one.
fn others() -> impl Iterator<Item = Message> {
    (1..=3).map(|number| Message::new(format!("uid-{number}"), letter(number + 10)))
}

#[test]
fn accounts_of_the_file_are_fetched_one_after_another() {
    let (server, sandbox) =
        (server(2).user("jpostel", "other").messages(others()).start(), Sandbox::new());
    let (home, secret) = (sandbox.path("").display().to_string(), sandbox.secret("pw", "other\n"));
    sandbox.configure(&format!(
        "[defaults]\nmaildir = \"{home}Mail\"\n[account.home]\n{}\n[account.work]\n{}",
        account(&server, "password-command = \"echo secret\""),
        account(&server, &format!("password-file = \"{}\"", secret.display()))
            .replace("mrose", "jpostel"),
    ));
    sandbox.pop3get(["work"]).run().is_silent();
    assert_eq!(sandbox.count(), 3);
    sandbox.pop3get::<&str>([]).run().is_silent();
    assert_eq!(sandbox.count(), 5);
    let ran = sandbox.pop3get(["--check"]).run();
    assert_eq!(
        (ran.status, &*ran.stdout),
        (Some(1), "home: 0 new messages\nwork: 0 new messages\n")
    );
    sandbox.pop3get(["nowhere"]).run().fails(64, "there is no account \"nowhere\"");
}

#[test]
fn one_failing_account_keeps_no_other_from_being_fetched() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    sandbox.configure(&format!(
        "[account.a]\n{}\n[account.b]\n{}",
        account(&server, "maildir = \"~/Mail\"\npassword-command = \"echo wrong\""),
        account(
            &server,
            "maildir = \"~/Mail\"\njournal = \"b\"\npassword-command = \"echo secret\""
        ),
    ));
    let ran = sandbox.pop3get::<&str>([]).run();
    ran.fails(77, "pop3get: a: cannot log in to 127.0.0.1");
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn an_unknown_key_is_refused_with_file_and_line() {
    let sandbox = Sandbox::new();
    sandbox.configure("[account.a]\nserver = \"h\"\nusr = \"x\"\n");
    let ran = sandbox.pop3get::<&str>([]).run();
    ran.fails(
        78,
        ".config/pop3get/config.toml:3: [account.a]: `usr` is no key\nhint: did you mean `user`?",
    );
    sandbox
        .pop3get(["--config", "none.toml"])
        .run()
        .fails(78, "none.toml: cannot read the configuration: No such file");
}

#[test]
fn a_configuration_that_is_no_file_is_refused_at_once() {
    let sandbox = Sandbox::new();
    let pipe = sandbox.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, why) in [("/dev/zero", "it is larger than 1 MiB"), ("pipe", "it is a pipe")] {
        let ran = sandbox.pop3get(["--config", path]).run();
        ran.fails(78, &format!("cannot read the configuration: {why}"));
    }
    fs::write(sandbox.path("large"), vec![b'#'; (1 << 20) + 1]).unwrap();
    sandbox.pop3get(["--config", "large"]).run().fails(78, "it is larger than 1 MiB");
}

#[test]
fn a_line_of_the_configuration_that_is_not_utf_8_is_named() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("latin"), b"[account.a]\nserver = \"x\"\nuser = \"caf\xe9\"\n").unwrap();
    let ran = sandbox.pop3get(["--config", "latin"]).run();
    ran.fails(78, "latin:3: the line is not UTF-8");
    let utf_16: Vec<u8> = "[account.a]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(sandbox.path("wide"), [&b"\xff\xfe"[..], &utf_16].concat()).unwrap();
    sandbox.pop3get(["--config", "wide"]).run().fails(78, "wide:1: the line is not UTF-8");
}

#[test]
fn a_wrong_command_line_is_64_and_one_sentence() {
    let sandbox = Sandbox::new();
    for (args, sentence) in [
        (
            &["--sever", "x"][..],
            "unexpected argument '--sever' found\nhint: a similar argument exists: '--server'",
        ),
        (&["--list", "--check"], "the argument '--list' cannot be used with '--check'"),
        (&["--bogus"], "unexpected argument '--bogus' found\nhint: see pop3get -h"),
        (&["--headers"], "the following required arguments were not provided: --list"),
        (&["--delete", "--keep", "-s", "h"], "cannot be used with"),
        (&["--timeout", "0", "-s", "h"], "invalid value '0' for '--timeout <DURATION>'"),
        (&["-s", "h"], "h: no user is named\nhint: use --user NAME"),
        (&["-s", "h:x", "-u", "u"], "\"h:x\" is no server"),
        (&["-s", "h", "-u", "u"], "no Maildir is named"),
        (&["-s", "h", "account"], "give either --server or ACCOUNT"),
        (&["pops://u:p@h"], "a password does not belong into a URL"),
        (&["--mark-seen"], "no account is named"),
    ] {
        sandbox.pop3get(args).run().fails(64, sentence);
    }
}

#[test]
fn without_a_password_and_a_terminal_nothing_hangs() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let server = format!("127.0.0.1:{}", server.address().port());
    // setsid takes the terminal away that the tests may have been started from.
    let mut command = std::process::Command::new("setsid");
    command.arg("-w").arg(env!("CARGO_BIN_EXE_pop3get"));
    command.args(["-s", &*server, "-u", "mrose", "-m", "Mail", "--tls", "none"]);
    let output = command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", sandbox.path("."));
    let output = output.current_dir(sandbox.path(".")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(
        said.contains(
            "no password is given, and there is no terminal to ask on\nhint: use --password-command"
        ),
        "{said}"
    );
}

#[test]
fn the_conversation_is_shown_without_the_secret() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let ran = sandbox.plain(&server).args(["-vvv", "--auth", "user"]).run();
    for line in ["> USER mrose\n", "> PASS ..\n", "< +OK", "> RETR 1\n", "> QUIT\n"] {
        assert!(ran.stderr.contains(line), "{line}: {ran:?}");
    }
    assert!(!ran.stderr.contains("secret"), "{ran:?}");
    let ran = sandbox.plain(&server).arg("-vvv").run();
    assert!(ran.stderr.contains("> AUTH PLAIN ..\n"), "{ran:?}");
    assert!(!ran.stderr.contains("AG1yb3NlAHNlY3JldA"), "{ran:?}");
    let ran = sandbox.plain(&server).args(["-vv", "--delete"]).run();
    assert!(ran.stderr.contains(": deleted message uid-1\n"), "{ran:?}");
}

#[test]
fn a_secret_that_would_break_the_line_is_refused_before_connecting() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let ran = sandbox.plain(&server).env("POP3GET_PASSWORD", "a\r\nDELE 1").run();
    ran.fails(64, "the password cannot be sent: it contains a control character");
    let ran = sandbox.plain(&server).args(["-u", "a\nb"]).run();
    ran.fails(64, "the user name cannot be sent");
    assert_eq!(server.sessions(), 0);
}

#[test]
fn files_and_directories_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let message =
        fs::read_dir(sandbox.maildir().join("new")).unwrap().next().unwrap().unwrap().path();
    for file in [message, sandbox.journal(), sandbox.maildir().join(".pop3get")] {
        assert_eq!(mode(file), 0o600);
    }
    for directory in
        [sandbox.maildir(), sandbox.maildir().join("new"), sandbox.path(".local/state/pop3get")]
    {
        assert_eq!(mode(directory), 0o700);
    }
}

#[test]
fn a_signal_ends_the_run_tidily_and_the_next_one_has_the_rest() {
    use std::os::unix::process::ExitStatusExt as _;
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let fault = pop3_test_server::Fault::stall_after_sent(1200).on(1);
        let (server, sandbox) = (server(40).fault(fault).start(), Sandbox::new());
        let mut child = sandbox.plain(&server).start();
        assert!(server.wait_for_commands(6, Duration::from_secs(10)));
        thread::sleep(Duration::from_millis(300));
        let kill = ["-s", name, &child.id().to_string()].map(str::to_owned);
        assert!(std::process::Command::new("kill").args(kill).status().unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        assert_eq!(crate::sandbox::left_in_tmp(&sandbox.maildir()), 0);
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 40);
    }
}

#[test]
fn a_state_directory_is_made_with_all_that_leads_to_it() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    sandbox.plain(&server).args(["--state-dir", "a/b/c"]).run().is_silent();
    assert!(sandbox.path("a/b/c/mrose@127.0.0.1/journal").exists());
    let sentence = format!("there is no directory {} to", sandbox.path("no").display());
    sandbox.plain(&server).args(["-m", "no/Mail"]).run().fails(73, &sentence);
}

/// As nohup has it.
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    let script = format!(
        "trap '' HUP; {} --tls none -s 127.0.0.1:{} -u mrose -m Mail --password-command 'kill -HUP $PPID; echo secret'",
        env!("CARGO_BIN_EXE_pop3get"),
        server.address().port()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(sandbox.path("."));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", sandbox.path("."));
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), sandbox.count()), (Some(0), 2), "{output:?}");
}

/// A pager that shows its first page, a terminal after Ctrl-S.
#[test]
fn a_signal_ends_a_run_whose_output_nothing_reads() {
    let server = talkative();
    for args in [&["--list"][..], &["--list", "--json"], &["--dry-run", "-vv"]] {
        let sandbox = Sandbox::new();
        let (mut child, _out, _err) = unread(sandbox.plain(&server).args(args));
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(ended(&mut child).signal(), Some(15), "{args:?}");
    }
}

#[test]
fn a_deadline_ends_a_run_whose_output_nothing_reads_and_nothing_is_lost() {
    let server = talkative();
    for args in [&["--list"][..], &["--dry-run", "-vv"], &["--json", "-vv"], &["-vv"]] {
        let sandbox = Sandbox::new();
        let run = sandbox.plain(&server).args(args).args(["--deadline", "3"]);
        let (mut child, _out, _err) = unread(run);
        let status = ended(&mut child);
        // All may have come where only what is said of it is stuck.
        let is_done = sandbox.count() == MANY && status.code() == Some(0);
        assert!(status.code() == Some(75) || is_done, "{args:?}: {status:?}");
        if sandbox.count() > 0 {
            sandbox.plain(&server).run().is_silent();
            assert_eq!(sandbox.count(), MANY, "{args:?}");
        }
        assert_eq!(crate::sandbox::left_in_tmp(&sandbox.maildir()), 0, "{args:?}");
    }
}

const MANY: usize = 3000;

/// A server of which a run with `-vv` says more than a pipe takes.
fn talkative() -> Server {
    let messages = (0..MANY).map(|number| Message::new(format!("{number}-{}", "u".repeat(60)), ""));
    Server::builder().user("mrose", "secret").messages(messages).start()
}

/// How long a process may take to fill its pipe, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a program, and returns when it has filled a pipe that nothing reads.
fn unread(program: Pop3get) -> (Child, ChildStdout, ChildStderr) {
    let mut command = program.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let is_full = || {
        let waits = |count: u64| count > 60_000;
        waits(ioctl_fionread(&out).unwrap()) || waits(ioctl_fionread(&err).unwrap())
    };
    let end = Instant::now() + PATIENCE;
    while !is_full() && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(is_full());
    (child, out, err)
}

/// How a process ends that must not wait for its reader.
fn ended(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait().unwrap()
}
