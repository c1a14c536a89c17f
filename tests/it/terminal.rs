//! What a person sees in a terminal, at several widths, and what a pipe gets.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use pop3_test_server::{Fault, Server};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use unicode_width::UnicodeWidthStr as _;

use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Sandbox};

/// A terminal of so many columns: both ends of it.
pub fn terminal(columns: u16) -> (OwnedFd, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(ours.as_fd(), size).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (ours, theirs.into())
}

/// Runs a command whose output is a terminal, and returns all that came there.
pub fn on_terminal(command: Command, columns: u16) -> (ExitStatus, String) {
    on_terminal_with(command, columns, |_| {})
}

/// The same, while something is done to the process of this id.
fn on_terminal_with(
    mut command: Command,
    columns: u16,
    act: impl FnOnce(u32),
) -> (ExitStatus, String) {
    let (ours, theirs) = terminal(columns);
    command.env("TERM", "xterm");
    command.stdout(theirs.try_clone().unwrap()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    // Our copies of the other end keep it open.
    drop(command);
    let read = thread::spawn(move || {
        let (mut text, mut piece, mut ours) = (Vec::new(), [0; 4096], File::from(ours));
        // The end of a terminal is an error.
        while let Ok(read @ 1..) = ours.read(&mut piece) {
            text.extend_from_slice(&piece[..read]);
        }
        String::from_utf8(text).unwrap().replace("\r\n", "\n")
    });
    act(child.id());
    let status = child.wait().unwrap();
    (status, read.join().unwrap())
}

/// What a person sees, without colours.
#[track_caller]
pub fn seen(program: Pop3get, columns: u16) -> String {
    let (status, text) = on_terminal(program.env("NO_COLOR", "1").command(), columns);
    assert_eq!(status.code(), Some(0), "{text}");
    text
}

const LONG: &str = "From: =?utf-8?Q?J=C3=BCrgen?= of the very long names <juergen.of.the.very.long.names@mail.example.org>\r\nSubject: \u{30c6}\u{30b9}\u{30c8} Re: A subject that is longer than most windows,\r\n\tfolded by a tab, with much to say\r\nDate: Mon, 22 Nov 2026 10:00:00\r\n\r\nx\r\n";
const SHORT: &str = "From: a@b\r\nSubject: hi\r\nDate: what\r\n\r\nx\r\n";

fn letterbox() -> Server {
    let server = Server::builder().user("mrose", "secret");
    server.message("0000001a5f3c2b1d", LONG).message("0000001b5f3c2b1d", SHORT).start()
}

/// Compares a text with tests/golden/NAME.txt; `BLESS=1` writes that file.
#[track_caller]
pub fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} is\n{text}\nand not\n{expected}");
}

#[test]
fn a_list_fits_every_window() {
    let (server, sandbox) = (letterbox(), Sandbox::new());
    let list = || sandbox.plain(&server).args(["--list", "--headers"]);
    for columns in [40, 80, 120, 300] {
        golden(&format!("list-headers-{columns}"), &seen(list(), columns));
    }
    for columns in (40..=300).step_by(7) {
        for text in [seen(list(), columns), seen(sandbox.plain(&server).arg("--list"), columns)] {
            let widest = text.lines().map(|line| line.width()).max().unwrap();
            assert!(widest <= usize::from(columns), "{columns}: {widest}\n{text}");
            assert_eq!(text.lines().count(), 4, "{text}");
        }
    }
}

#[test]
fn a_list_that_goes_into_a_pipe_has_its_full_width() {
    let (server, sandbox) = (letterbox(), Sandbox::new());
    let ran = sandbox.plain(&server).args(["--list", "--headers"]).run();
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
    golden("list-headers-pipe", &ran.stdout);
}

#[test]
fn a_list_totals_its_states_and_new_shows_only_what_is_new() {
    let fault = Fault::reply("RETR 2", "-ERR no such thing\r\n");
    let server = Server::builder().user("mrose", "secret").messages(letters(6)).fault(fault);
    let (server, sandbox) = (server.start(), Sandbox::new());
    sandbox.plain(&server).args(["--limit", "3"]).run().fails(65, "message 2");
    sandbox.plain(&server).args(["--mark-seen", "--uid", "uid-6"]).run();
    golden("list-states-80", &seen(sandbox.plain(&server).arg("--list"), 80));
    golden("list-new-80", &seen(sandbox.plain(&server).args(["--list", "--new"]), 80));
    let asked = server.commands().len();
    seen(sandbox.plain(&server).args(["--list", "--new", "--headers"]), 80);
    let commands = server.commands();
    let tops: Vec<_> = commands[asked..].iter().filter(|it| it.starts_with("TOP")).collect();
    assert_eq!(tops, ["TOP 2 0", "TOP 4 0", "TOP 5 0"]);
}

#[test]
fn states_have_colours_where_they_are_wanted() {
    let (server, sandbox) = (letterbox(), Sandbox::new());
    let list = |more: &[&str]| sandbox.plain(&server).arg("--list").args(more);
    let green = "\x1b[32mnew\x1b[0m";
    let (_, text) = on_terminal(list(&[]).command(), 80);
    assert!(text.contains(green), "{text:?}");
    for plain in [list(&[]).env("NO_COLOR", "1").command(), list(&["--color", "never"]).command()] {
        assert!(!on_terminal(plain, 80).1.contains('\x1b'));
    }
    assert!(!list(&[]).run().stdout.contains('\x1b'));
    assert!(list(&["--color=always"]).env("NO_COLOR", "1").run().stdout.contains(green));
}

#[test]
fn a_server_that_refuses_list_has_its_maildrop_listed() {
    let fault = Fault::reply("LIST", "-ERR not here\r\n");
    let server = Server::builder().user("mrose", "secret").messages(letters(2)).fault(fault);
    let (server, sandbox) = (server.start(), Sandbox::new());
    golden("list-refused", &sandbox.plain(&server).args(["--list", "--headers"]).run().stdout);
}

#[test]
fn a_dry_run_totals_what_would_be_done_and_tells_what_is_left_alone_on_demand() {
    let server = Server::builder().user("mrose", "secret").messages(letters(4)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).args(["--limit", "2"]).run().is_silent();
    let dry = |more: &[&str]| sandbox.plain(&server).arg("--dry-run").args(more).run().stdout;
    golden("dry-run", &dry(&[]));
    golden("dry-run-delete", &dry(&["--delete", "--limit", "1"]));
    golden("dry-run-v", &dry(&["-v"]));
    let text = seen(sandbox.plain(&server).args(["--dry-run", "-v"]), 40);
    // The lines that -v adds name the server's port.
    let table = text.lines().filter(|line| !line.starts_with("mrose@"));
    golden("dry-run-40", &table.map(|line| format!("{line}\n")).collect::<String>());
    sandbox.plain(&server).run().is_silent();
    assert_eq!(dry(&[]), "nothing to fetch; 4 messages left alone (-v shows why)\n");
}

#[test]
fn a_run_says_where_mail_went_at_first_and_how_many_messages_wait() {
    let server = Server::builder().user("mrose", "secret").messages(letters(5)).start();
    let sandbox = Sandbox::new();
    let run = |more: &[&str]| seen(sandbox.plain(&server).args(more), 120);
    let first = run(&["--limit", "2", "--progress", "never"]);
    let who = format!("mrose@127.0.0.1:{}", server.address().port());
    assert_eq!(
        first,
        format!(
            "{who}: 2 messages delivered into Mail, 94 B; 3 messages wait for the next run (--limit)\n"
        )
    );
    let second = run(&["--limit", "2", "--progress", "never"]);
    assert_eq!(
        second,
        format!("{who}: 2 messages delivered, 94 B; 1 message waits for the next run (--limit)\n")
    );
    // What is too large is one line for all, on a terminal and off it.
    let ran = Sandbox::new().plain(&server).args(["--max-size", "20"]).run();
    assert_eq!(
        ran.stderr,
        format!(
            "pop3get: {who}: 5 messages (260 B) are larger than --max-size and stay on the server; see --list --headers\n"
        )
    );
}

#[test]
fn a_person_is_told_how_many_messages_count_as_seen_and_cron_is_not() {
    let server = Server::builder().user("mrose", "secret").messages(letters(3)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).args(["--message", "1"]).run().is_silent();
    let who = format!("mrose@127.0.0.1:{}", server.address().port());
    let mark = |more: &[&str]| sandbox.plain(&server).arg("--mark-seen").args(more);
    let text = seen(mark(&[]), 120);
    assert_eq!(text, format!("{who}: 2 messages marked as seen; 1 message known already\n"));
    assert_eq!(seen(mark(&[]), 120), format!("{who}: 3 messages known already\n"));
    assert_eq!(seen(mark(&["-q"]), 120), "");
    mark(&[]).run().is_silent();
    let ran = mark(&["-v"]).run();
    assert_eq!(ran.stderr, format!("{who}: 3 messages known already\n"));
}

#[test]
fn a_wait_of_more_than_a_second_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let args = ["--tls", "none", "-s", &server, "-u", "m", "-m", "Mail", "--connect-timeout", "2"];
    let program = Sandbox::new();
    let command = program.pop3get(args).env("POP3GET_PASSWORD", "x").command();
    let (status, text) = on_terminal(command, 80);
    assert_eq!(status.code(), Some(75), "{text}");
    assert!(text.contains(&format!("connecting to {server}\u{2026}")), "{text}");
    let stalled = Fault::stall_at_command(2);
    let server = Server::builder().user("mrose", "secret").messages(letters(1)).fault(stalled);
    let (server, sandbox) = (server.start(), Sandbox::new());
    let run = sandbox.plain(&server).args(["--auth", "user", "--timeout", "2"]);
    let (_, text) = on_terminal(run.command(), 80);
    assert!(text.contains("logging in to 127.0.0.1"), "{text}");
    let quiet = sandbox.plain(&server).args(["--auth", "user", "--timeout", "2", "-q"]);
    assert!(!on_terminal(quiet.command(), 80).1.contains("logging in to"), "{text}");
}

#[test]
fn an_interrupted_run_says_that_the_next_one_goes_on() {
    let fault = Fault::stall_after_sent(1200).on(1);
    let server = Server::builder().user("mrose", "secret").messages(letters(40)).fault(fault);
    let (server, sandbox) = (server.start(), Sandbox::new());
    let interrupt = |id: u32| {
        assert!(server.wait_for_commands(6, Duration::from_secs(10)));
        let kill = ["-s", "INT", &id.to_string()].map(str::to_owned);
        assert!(Command::new("kill").args(kill).status().unwrap().success());
    };
    let (_, text) = on_terminal_with(sandbox.plain(&server).command(), 80, interrupt);
    let last = text.lines().last().unwrap();
    assert!(last.contains(": interrupted; "), "{text}");
    assert!(last.ends_with("delivered; the next run goes on from here"), "{text}");
}

#[test]
fn an_interrupted_read_only_run_speaks_of_no_delivery() {
    for args in [&["--list"][..], &["--check"], &["--show", "1"], &["--dry-run"], &["--mark-seen"]]
    {
        let server = Server::builder().user("mrose", "secret").messages(letters(2));
        let server = server.fault(Fault::stall_at_command(2)).start();
        let sandbox = Sandbox::new();
        let interrupt = |id: u32| {
            assert!(server.wait_for_commands(2, Duration::from_secs(10)));
            let kill = ["-s", "INT", &id.to_string()].map(str::to_owned);
            assert!(Command::new("kill").args(kill).status().unwrap().success());
        };
        let run = sandbox.plain(&server).args(args).args(["--progress", "never"]);
        let (_, text) = on_terminal_with(run.command(), 80, interrupt);
        assert!(text.ends_with(": interrupted\n"), "{args:?}: {text}");
        assert!(!text.contains("delivered") && !text.contains("next run"), "{args:?}: {text}");
    }
}

#[test]
fn a_shown_message_steers_no_terminal_and_is_exact_in_a_pipe() {
    let message = "Subject: x\r\n\r\n\x1b[31mred\x1b[0m\ttab \u{fc}\r\n";
    let server = Server::builder().user("mrose", "secret").message("u", message).start();
    let (server, sandbox) = (server, Sandbox::new());
    let show = || sandbox.plain(&server).args(["--show", "1"]);
    assert_eq!(show().run().stdout, "Subject: x\n\n\x1b[31mred\x1b[0m\ttab \u{fc}\n");
    let text = seen(show(), 80);
    assert_eq!(text, "Subject: x\n\n\u{fffd}[31mred\u{fffd}[0m\ttab \u{fc}\n");
}

#[test]
fn the_short_help_is_printed_by_h_and_every_option_by_help() {
    let ran = Sandbox::new().pop3get(["-h"]).run();
    golden("short-help", &ran.stdout);
    let long = Sandbox::new().pop3get(["--help"]).run().stdout;
    assert!(long.contains("--channel-binding") && long.contains("\nExamples:\n"), "{long}");
}

#[test]
fn a_maildir_that_does_not_fit_is_named_with_the_whole_command_that_helps() {
    let server = Server::builder().user("mrose", "secret").messages(letters(2)).start();
    let sandbox = Sandbox::new();
    let port = server.address().port();
    let account = |maildir: &str| {
        format!(
            "[account.work]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/{maildir}\"\n"
        )
    };
    let run = |maildir: &str, more: &[&str]| {
        sandbox.configure(&account(maildir));
        sandbox.pop3get(["work"]).args(more).env("POP3GET_PASSWORD", "secret").run()
    };
    run("Mail", &[]).is_silent();
    let (old, other) = (sandbox.path("Mail"), sandbox.path("Other"));
    let ran = run("Other", &[]);
    ran.fails(73, &format!("has deliveries that the Maildir {} knows nothing of", other.display()));
    let hint = format!(
        "hint: its mail went into {}: name that one with --maildir; if you have moved the mail into this one: pop3get work --state repair (--dry-run says what it does); messages that are not in it are held then, neither fetched again nor deleted\n",
        old.display()
    );
    assert!(ran.stderr.ends_with(&hint), "{ran:?}");
    // A read-only run is helped by the other Maildir alone.
    let ran = run("Other", &["--check"]);
    let hint =
        format!("hint: its mail went into {}: name that one with --maildir\n", old.display());
    assert!(ran.stderr.ends_with(&hint), "{ran:?}");
    let ran = run("Mail", &["--state-dir", "elsewhere"]);
    ran.fails(73, &format!("the Maildir {} was filled before", old.display()));
    assert!(ran.stderr.contains("pop3get work --state-dir elsewhere --state repair\n"), "{ran:?}");
}

#[test]
fn the_maildir_that_is_named_now_is_not_called_the_one_of_before() {
    let server = Server::builder().user("mrose", "secret").messages(letters(2)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    fs::remove_file(sandbox.path("Mail/.pop3get")).unwrap();
    let ran = sandbox.plain(&server).run();
    ran.fails(73, "has deliveries that the Maildir");
    let hint = "hint: name the Maildir that its mail went into with --maildir; if you have";
    assert!(ran.stderr.contains(hint), "{ran:?}");
}
