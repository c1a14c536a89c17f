//! What a person sees in a terminal, at several widths, and what a pipe gets.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;

use pop3_test_server::{Fault, Server};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use unicode_width::UnicodeWidthStr as _;

use crate::rfc1939::letters;
use crate::sandbox::{Pop3get, Sandbox};

/// A terminal of so many columns: both ends of it.
fn terminal(columns: u16) -> (OwnedFd, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(ours.as_fd(), size).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (ours, theirs.into())
}

/// Runs a command whose output is a terminal, and returns all that came there.
pub fn on_terminal(mut command: Command, columns: u16) -> (ExitStatus, String) {
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
    let status = child.wait().unwrap();
    (status, read.join().unwrap())
}

/// What a person sees, without colours.
#[track_caller]
fn seen(program: Pop3get, columns: u16) -> String {
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
