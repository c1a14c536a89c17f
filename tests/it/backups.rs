//! State and Maildir that were put back from backups, or moved elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use pop3_test_server::Server;

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Sandbox, mail};

const STATE: &str = ".local/state/pop3get";

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

fn all(numbers: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = numbers.into_iter().map(stored).collect();
    all.sort();
    all
}

/// Three messages are fetched, state and Maildir backed up, and two more fetched.
fn backed_up() -> (Server, Sandbox) {
    let server = Server::builder().user("mrose", "secret").messages(letters(3)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    copy(&sandbox.path(STATE), &sandbox.path("backup/state"));
    copy(&sandbox.maildir(), &sandbox.path("backup/Mail"));
    server.maildrop("mrose").add("uid-4", letter(4));
    server.maildrop("mrose").add("uid-5", letter(5));
    sandbox.plain(&server).run().is_silent();
    (server, sandbox)
}

/// A sixth message comes, and three runs see what there is.
fn run_on(server: &Server, sandbox: &Sandbox) {
    server.maildrop("mrose").add("uid-6", letter(6));
    for _ in 0..3 {
        sandbox.plain(server).run().is_silent();
    }
}

#[test]
fn an_older_state_beside_a_newer_maildir_doubles_nothing() {
    let (server, sandbox) = backed_up();
    copy(&sandbox.path("backup/state"), &sandbox.path(STATE));
    run_on(&server, &sandbox);
    assert_eq!(sandbox.mail(), all(1..=6));
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.mail(), server.maildrop("mrose").len()), (all(1..=6), 0));
}

#[test]
fn an_older_maildir_beside_a_newer_state_is_completed_by_refetch_missing() {
    let (server, sandbox) = backed_up();
    copy(&sandbox.path("backup/Mail"), &sandbox.maildir());
    run_on(&server, &sandbox);
    assert_eq!(sandbox.mail(), all([1, 2, 3, 6]));
    sandbox.plain(&server).args(["--refetch-missing", "--yes"]).run().is_silent();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.mail(), all(1..=6));
}

#[test]
fn an_older_state_with_the_older_maildir_fetches_what_both_lack() {
    let (server, sandbox) = backed_up();
    copy(&sandbox.path("backup/state"), &sandbox.path(STATE));
    copy(&sandbox.path("backup/Mail"), &sandbox.maildir());
    run_on(&server, &sandbox);
    assert_eq!(sandbox.mail(), all(1..=6));
}

#[test]
fn another_user_goes_on_with_files_of_his_own_and_touches_none_of_others() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: only root can run the program as another user");
        return;
    }
    let (server, sandbox) = backed_up();
    server.maildrop("mrose").add("uid-6", letter(6));
    fs::set_permissions(sandbox.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    let home = sandbox.path("theirs");
    copy(&sandbox.path(STATE), &home.join("state"));
    copy(&sandbox.maildir(), &home.join("Mail"));
    let run = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(env!("CARGO_BIN_EXE_pop3get")).args(["--tls", "none", "-u", "mrose"]);
        command.arg("-s").arg(format!("127.0.0.1:{}", server.address().port()));
        command.arg("-m").arg(home.join("Mail")).arg("--state-dir").arg(home.join("state"));
        command.args(["--journal", "mrose@127.0.0.1"]);
        command.env_clear().env("POP3GET_PASSWORD", "secret").env("HOME", &home);
        command.output().unwrap()
    };
    // Files of root's.
    let ran = run();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(matches!(ran.status.code(), Some(73 | 74 | 77)), "{ran:?}");
    assert!(said.contains("ermission denied"), "{said}");
    assert_eq!(mail(&home.join("Mail")), all(1..=5));
    let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(&home).status().unwrap();
    assert!(owned.success());
    for _ in 0..2 {
        let ran = run();
        assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    }
    assert_eq!(mail(&home.join("Mail")), all(1..=6));
}

#[test]
fn state_and_maildir_go_on_elsewhere() {
    let (server, sandbox) = backed_up();
    // As on another machine, for another user, under another path.
    let (other, moved) = (Sandbox::new(), "srv/mail/rose");
    copy(&sandbox.path(STATE), &other.path("var/state"));
    copy(&sandbox.maildir(), &other.path(moved));
    server.maildrop("mrose").add("uid-6", letter(6));
    let run = |args: &[&str]| {
        let run = other.plain(&server).args(["-m", moved, "--state-dir", "var/state"]);
        run.args(args).run()
    };
    for _ in 0..2 {
        run(&[]).is_silent();
    }
    assert_eq!(mail(&other.path(moved)), all(1..=6));
    // Without its state a Maildir is not filled; repair makes a journal of its names.
    fs::remove_dir_all(other.path("var/state")).unwrap();
    run(&[]).fails(73, "its journal is not here");
    assert_eq!(run(&["--state", "repair"]).status, Some(0));
    for _ in 0..2 {
        run(&[]).is_silent();
    }
    assert_eq!(mail(&other.path(moved)), all(1..=6));
    run(&["--delete"]).is_silent();
    assert_eq!((mail(&other.path(moved)), server.maildrop("mrose").len()), (all(1..=6), 0));
}
