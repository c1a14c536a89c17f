//! How sessions end, and what the next one does: the same for a fetch and for every
//! read-only run.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Ran, Sandbox, server_facts};

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

/// TOP of message 2 that never ends, in every session.
fn endless_header() -> Fault {
    Fault::reply("TOP 2", "+OK\r\nSubject: no end\r\n")
}

#[test]
fn a_header_that_breaks_the_session_costs_a_list_that_header_alone() {
    for server in [server(3), server(3).without("PIPELINING")] {
        let (server, sandbox) = (server.fault(endless_header()).start(), Sandbox::new());
        let listed = sandbox.plain(&server).args(["--list", "--headers", "--timeout", "1"]).run();
        assert_eq!(listed.status, Some(0), "{listed:?}");
        let is_shown = |number| listed.stdout.contains(&format!("letter {number}"));
        assert_eq!([1, 2, 3].map(is_shown), [true, false, true], "{listed:?}");
        assert_eq!(listed.stdout.matches("uid-").count(), 3, "{listed:?}");
    }
}

#[test]
fn a_header_that_breaks_the_session_does_not_break_marking_or_a_dry_run() {
    // Numbers as unique-ids: headers say which message is which.
    let numbered = (1..=3).map(|number| Message::new(number.to_string(), letter(number)));
    let server = Server::builder().user("mrose", "secret").messages(numbered);
    let (server, sandbox) = (server.fault(endless_header()).start(), Sandbox::new());
    sandbox.plain(&server).args(["--mark-seen", "--timeout", "1"]).run().is_silent();
    for act in ["--check", "--dry-run"] {
        let ran = sandbox.plain(&server).args([act, "--timeout", "1"]).run();
        assert!(ran.stderr.is_empty() && ran.status < Some(2), "{ran:?}");
    }
    sandbox.plain(&server).args(["--timeout", "1"]).run();
    assert!(sandbox.mail().iter().all(|mail| *mail == stored(2)), "{:?}", sandbox.count());
}

#[test]
fn a_check_asks_one_command_at_a_time_where_several_are_answered_out_of_step() {
    let (server, sandbox) = (server(3), Sandbox::new());
    let server = server.fault(Fault::reply("STAT", "").on(1)).start();
    let checked = sandbox.plain(&server).args(["--check", "--timeout", "1"]).run();
    checked.prints("3 new messages\n");
    assert_eq!(server.sessions(), 2);
}

#[test]
fn a_renaming_survives_a_header_that_breaks_its_session() {
    let (server, sandbox) = (server(3).fault(endless_header()).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let run = |args: &[&str]| {
        sandbox.plain(&server).args(["--journal", "new", "--timeout", "1"]).args(args).run()
    };
    assert_eq!(run(&[]).status, Some(73));
    let renamed = run(&["--state", "rename", "mrose@127.0.0.1"]);
    assert_eq!(renamed.status, Some(0), "{renamed:?}");
    run(&[]).is_silent();
    assert_eq!(sandbox.count(), 3);
}

/// The messages that RETR named in a session, in order.
fn asked_for(server: &Server) -> Vec<String> {
    let commands = server.commands();
    let begun = commands.iter().rposition(|it| it.starts_with("USER") || it.starts_with("AUTH"));
    let asked = commands[begun.unwrap_or(0)..].iter();
    asked.filter_map(|command| command.strip_prefix("RETR ").map(str::to_owned)).collect()
}

#[test]
fn a_message_that_outlasts_the_deadline_is_asked_for_last_and_at_once() {
    let partial = Fault::reply("RETR 1", "+OK\r\nSubject: endless\r\n");
    let server = [1, 2, 3].into_iter().fold(server(4), |it, run| it.fault(partial.clone().on(run)));
    let (server, sandbox) = (server.without("PIPELINING").start(), Sandbox::new());
    for _ in 0..3 {
        let ran = sandbox.plain(&server).args(["--deadline", "1"]).run();
        ran.fails(75, "the deadline");
    }
    assert_eq!(sandbox.mail(), (2..=4).map(stored).collect::<Vec<_>>());
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 4);
}

#[test]
fn a_header_that_broke_a_session_is_not_asked_for_in_the_next_run() {
    let numbered = (1..=3).map(|number| Message::new(number.to_string(), letter(number)));
    let server = Server::builder().user("mrose", "secret").messages(numbered);
    let (server, sandbox) = (server.fault(endless_header()).start(), Sandbox::new());
    sandbox.plain(&server).args(["--mark-seen", "--timeout", "1"]).run().is_silent();
    assert_eq!(server.sessions(), 2);
    sandbox.plain(&server).args(["--mark-seen", "--timeout", "1"]).run().is_silent();
    assert_eq!(server.sessions(), 3);
}

#[test]
fn a_server_that_refuses_to_delete_is_said_once_a_day_and_fails_no_run() {
    let refusals = [Fault::quit_fails(), Fault::reply("DELE 1", "-ERR read only\r\n")];
    for fault in refusals {
        let (server, sandbox) = (server(2).fault(fault).start(), Sandbox::new());
        let first = sandbox.plain(&server).arg("--delete").run();
        assert_eq!(first.status, Some(0), "{first:?}");
        assert!(first.stderr.contains("the server refuses to delete messages"), "{first:?}");
        assert_eq!(first.stderr.lines().count(), 1, "{first:?}");
        sandbox.plain(&server).arg("--delete").run().is_silent();
        assert_eq!(sandbox.count(), 2);
        assert!(!server.maildrop("mrose").is_empty());
        // A day later.
        let path = sandbox.journal().with_file_name("server");
        let facts = server_facts(&sandbox.journal());
        let said = facts.lines().find(|line| line.starts_with("said not-deleted ")).unwrap();
        fs::write(path, facts.replace(said, "said not-deleted 1000000")).unwrap();
        let later = sandbox.plain(&server).arg("--delete").run();
        assert!(later.stderr.contains("the server refuses to delete messages"), "{later:?}");
    }
}

#[test]
fn a_quota_is_asked_about_at_other_messages_and_counts_as_refusals_in_the_third_run() {
    let fault = Fault::reply("RETR", "-ERR Download exceed. msg=7\r\n");
    let server = [1, 2, 3].into_iter().fold(server(9), |it, run| it.fault(fault.clone().on(run)));
    let (server, sandbox) = (server.without("PIPELINING").start(), Sandbox::new());
    let mut asked = Vec::new();
    for _ in 0..2 {
        sandbox.plain(&server).run().fails(75, "the server sends no more messages");
        asked.push(asked_for(&server));
    }
    // Three, and the last one that is wanted.
    assert_eq!(asked, [["1", "2", "3", "9"], ["4", "5", "6", "3"]]);
    let third = sandbox.plain(&server).run();
    third.fails(65, "the server refuses all messages, as in the runs before: 9 in a row");
    assert_eq!(third.stderr.lines().count(), 1, "{third:?}");
    assert_eq!(asked_for(&server).len(), 9);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 9);
}

#[test]
fn unique_ids_that_are_refused_for_days_can_be_done_without() {
    let (server, sandbox) = (server(3), Sandbox::new());
    let server =
        (2..=9).fold(server, |it, run| it.fault(Fault::reply("UIDL", "-ERR no\r\n").on(run)));
    let server = server.start();
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").push(Message::new("uid-4", letter(4)));
    for _ in 0..3 {
        let ran = sandbox.plain(&server).arg("--rekey").run();
        ran.fails(75, "the server refuses to list unique-ids");
    }
    // The first of these runs was two days ago.
    let path = sandbox.journal().with_file_name("server");
    let facts = server_facts(&sandbox.journal());
    let line = facts.lines().find(|line| line.starts_with("no-unique-ids ")).unwrap();
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    words[3] = (words[3].parse::<u64>().unwrap() - 2 * 86_400).to_string();
    fs::write(path, facts.replace(line, &words.join(" "))).unwrap();
    let ran = sandbox.plain(&server).run();
    ran.fails(76, "the server has not listed unique-ids for days");
    assert!(ran.stderr.contains("\nhint: nothing was fetched; --rekey "), "{ran:?}");
    sandbox.plain(&server).arg("--rekey").run().is_silent();
    assert_eq!(sandbox.count(), 4);
    sandbox.plain(&server).arg("--delete").run().is_silent();
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (4, 0));
    // UIDL is answered again.
    server.maildrop("mrose").push(Message::new("uid-5", letter(5)));
    sandbox.plain(&server).run().is_silent();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 5);
    sandbox.plain(&server).run().is_silent();
    assert!(!server_facts(&sandbox.journal()).contains("no-unique-ids"));
}

#[test]
fn a_login_that_was_refused_as_too_early_is_waited_for_in_every_mode() {
    let refusal = Fault::login_refused("LOGIN-DELAY").on(2);
    let (server, sandbox) = (server(1).fault(refusal).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    // A minute, as it gives no delay: longer than the deadline.
    for act in [&[][..], &["--check"], &["--list"]] {
        let ran = sandbox.plain(&server).args(["--deadline", "5"]).args(act).run();
        assert_eq!(ran.status, Some(75), "{ran:?}");
    }
    assert_eq!(server.sessions(), 2);
}

/// The program with a limit to the size of its files.
fn limited(sandbox: &Sandbox, server: &Server, octets: usize) -> Ran {
    let program = sandbox.plain(server).command();
    let mut command = Command::new("prlimit");
    command.arg(format!("--fsize={octets}")).arg(program.get_program()).args(program.get_args());
    command.env_clear().current_dir(program.get_current_dir().unwrap());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

#[test]
fn a_message_for_which_there_is_no_room_is_left_out_and_the_others_arrive() {
    let large = [letter(9), b"a line\r\n".repeat(20_000)].concat();
    for pipelining in [true, false] {
        let server = Server::builder().user("mrose", "secret").messages(letters(2));
        let server = server.message("large", large.clone()).message("uid-4", letter(4));
        let server = server.message("large-2", large.clone());
        let server = if pipelining { server } else { server.without("PIPELINING") };
        let (server, sandbox) = (server.start(), Sandbox::new());
        for _ in 0..2 {
            let ran = limited(&sandbox, &server, 100_000);
            ran.fails(74, "no room for 2 messages");
            assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
            assert_eq!(sandbox.mail(), [1, 2, 4].map(stored));
        }
        assert!(asked_for(&server).is_empty());
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), 5);
    }
}

#[test]
fn a_window_that_will_not_move_is_said_when_it_is_marked_and_once_when_nothing_else_is_there() {
    let server = server(3).capability_line("X-GOOGLE-RICO").start();
    let sandbox = Sandbox::new();
    let marked = sandbox.plain(&server).arg("--mark-seen").run();
    assert!(marked.stderr.contains("newer mail may never be listed"), "{marked:?}");
    sandbox.plain(&server).run().is_silent();
    let sandbox = Sandbox::new();
    let large = sandbox.plain(&server).args(["--max-size", "1"]).run();
    assert!(large.stderr.contains("newer mail may never be listed"), "{large:?}");
    let again = sandbox.plain(&server).args(["--max-size", "1"]).run();
    assert!(!again.stderr.contains("newer mail"), "{again:?}");
    // Something else is there: if it comes to that again, it is said again.
    sandbox.plain(&server).run().is_silent();
    assert!(!server_facts(&sandbox.journal()).contains("only-seen"));
}

/// Runs that all end early, until the mail is here; how much each one brought.
fn ended_early(server: &Server, sandbox: &Sandbox, all: usize) -> Vec<usize> {
    let mut counts = Vec::new();
    while counts.last() != Some(&all) && counts.len() < 12 {
        let ran = sandbox.plain(server).args(["--deadline", "1"]).run();
        assert!(matches!(ran.status, Some(0 | 75)), "{ran:?}");
        counts.push(sandbox.count());
    }
    counts
}

#[test]
fn runs_that_all_end_inside_a_message_bring_all_mail_one_command_at_a_time() {
    // The first messages come at once; then each session stalls.
    let server = server(20).without("PIPELINING").fault(Fault::stall_after_sent(1_300));
    let (server, sandbox) = (server.start(), Sandbox::new());
    let counts = ended_early(&server, &sandbox, 20);
    assert!(counts.last() == Some(&20) && counts.len() > 2, "{counts:?}");
    let mut all: Vec<_> = (1..=20).map(stored).collect();
    all.sort();
    assert_eq!(sandbox.mail(), all);
}

#[test]
fn a_run_that_ends_early_keeps_what_came_in_its_first_seconds_one_command_at_a_time() {
    let trickle = Fault::trickle(Duration::from_millis(1));
    let body = "x".repeat(60) + "\r\n";
    let message = |number| {
        Message::new(format!("u{number}"), format!("A: {number}\r\n\r\n{}", body.repeat(5)))
    };
    let server = Server::builder().user("mrose", "secret").messages((1..=25).map(message));
    let server = server.without("PIPELINING").fault(trickle).start();
    let sandbox = Sandbox::new();
    let ran = sandbox.plain(&server).args(["--deadline", "5"]).run();
    ran.fails(75, "the deadline");
    assert!(sandbox.count() > 0, "{ran:?}: {:?}", asked_for(&server));
}
