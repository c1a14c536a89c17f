//! What a first run leaves behind: a journal with its first record, and nothing where it
//! fails before.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use pop3_test_server::{Fault, Message, Server};

use crate::sandbox::Sandbox;

use super::{make_maildir, names, server};

/// Every file and directory below a path, without the path.
fn tree(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            found.push(entry.strip_prefix(path).unwrap().to_str().unwrap().to_owned());
            if entry.is_dir() {
                folders.push(entry);
            }
        }
    }
    found.sort();
    found
}

/// A port that refuses connections.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const STATE: &str = ".local/state/pop3get";

#[test]
fn a_first_run_that_fails_leaves_its_health_and_nothing_else() {
    let sandbox = Sandbox::new();
    let address = format!("127.0.0.1:{}", closed_port());
    let run = |more: &[&str]| {
        let run = sandbox.pop3get(["--tls", "none", "-s", &address, "-u", "mrose", "-m", "Mail"]);
        run.args(more).env("POP3GET_PASSWORD", "secret").run()
    };
    // Acts have no health.
    for act in ["--mark-seen", "--check", "--dry-run"] {
        assert_eq!(run(&[act]).status, Some(75), "{act}");
        assert_eq!(tree(&sandbox.path("")), [""; 0], "{act}");
    }
    assert_eq!(run(&[]).status, Some(75));
    let health = format!("{STATE}/health/mrose@{address}");
    assert_eq!(
        tree(&sandbox.path("")),
        [".local", ".local/state", STATE, &format!("{STATE}/health"), &health]
    );
}

#[test]
fn a_first_run_with_a_wrong_password_leaves_no_journal_and_no_maildir() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    let run = || sandbox.plain(&server).env("POP3GET_PASSWORD", "wrong").run();
    assert_eq!(run().status, Some(77));
    assert!(!sandbox.maildir().exists());
    assert_eq!(names(&sandbox.path(STATE)), ["health"]);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 2);
}

#[test]
fn the_journal_is_made_when_there_is_something_to_record() {
    // At USER, and at the first RETR.
    for (command, is_made) in [(2, false), (9, true)] {
        let stalling = server(2).fault(Fault::stall_at_command(command)).start();
        let sandbox = Sandbox::new();
        let mut run = sandbox.plain(&stalling).start();
        assert!(stalling.wait_for_commands(command, Duration::from_secs(30)));
        let key = sandbox.path(STATE).join("mrose@127.0.0.1");
        assert!(key.join("lock").exists());
        assert_eq!(key.join("journal").exists(), is_made, "{command}");
        assert_eq!(names(&sandbox.maildir()).contains(&".pop3get".to_owned()), is_made);
        run.kill().unwrap();
        run.wait().unwrap();
        // The worker notices.
        File::open(key.join("lock")).unwrap().lock().unwrap();
        let server = server(2).start();
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 2);
        assert_eq!(crate::sandbox::left_in_tmp(&sandbox.maildir()), 0);
    }
}

#[test]
fn directories_that_were_there_before_stay() {
    let sandbox = Sandbox::new();
    let address = format!("127.0.0.1:{}", closed_port());
    let run = || {
        let run = sandbox.pop3get(["--tls", "none", "-s", &address, "-u", "mrose", "-m", "Mail"]);
        assert_eq!(run.env("POP3GET_PASSWORD", "secret").run().status, Some(75));
    };
    fs::create_dir(sandbox.maildir()).unwrap();
    run();
    assert_eq!(names(&sandbox.maildir()), [""; 0]);
    make_maildir(&sandbox.maildir());
    fs::create_dir_all(sandbox.path(STATE).join(format!("mrose@{address}"))).unwrap();
    run();
    assert_eq!(names(&sandbox.maildir()), ["cur", "new", "tmp"]);
    assert!(sandbox.path(STATE).join(format!("mrose@{address}")).is_dir());
}

/// Accounts that share a Maildir, which the first run makes.
fn share(sandbox: &Sandbox, server: &Server, users: &[&str]) {
    let port = server.address().port();
    let account = |user: &&str| {
        format!(
            "[account.{user}]\nserver = \"127.0.0.1:{port}\"\nuser = \"{user}\"\n\
             maildir = \"~/Mail\"\ntls = \"none\"\njournal = \"{user}\"\n\
             password-command = \"echo secret\"\n"
        )
    };
    sandbox.configure(&users.iter().map(account).collect::<String>());
}

#[test]
fn a_maildir_that_accounts_share_is_removed_when_all_of_them_failed() {
    let server = server(2).start();
    let run = |sandbox: &Sandbox| sandbox.pop3get(["--jobs-per-host", "3"]).run();
    for _ in 0..5 {
        let sandbox = Sandbox::new();
        share(&sandbox, &server, &["nobody", "somebody", "stranger"]);
        assert_eq!(run(&sandbox).status, Some(77));
        assert!(!sandbox.maildir().exists());
        // One that can log in.
        share(&sandbox, &server, &["mrose", "nobody", "stranger"]);
        assert_eq!(run(&sandbox).status, Some(77));
        assert_eq!(sandbox.count(), 2);
    }
}

#[test]
fn first_runs_beside_each_other_name_their_journals_in_one_maildir() {
    let users = ["a", "b", "c", "d"];
    let mut builder = Server::builder();
    for user in users {
        // Messages of their own: else the later ones would be those of the first one again.
        let message = |n| Message::new(format!("{user}-{n}"), crate::rfc1939::letter(n));
        builder = builder.user(user, "secret").messages((1..=3).map(message));
    }
    let (server, sandbox) = (builder.start(), Sandbox::new());
    share(&sandbox, &server, &users);
    let run = || sandbox.pop3get(["--jobs-per-host", "4"]).run();
    run().is_silent();
    assert_eq!(sandbox.count(), 12);
    let marker = fs::read_to_string(sandbox.maildir().join(".pop3get")).unwrap();
    assert_eq!(marker.matches("\njournal ").count(), 4, "{marker}");
    run().is_silent();
    assert_eq!(sandbox.count(), 12);
}
