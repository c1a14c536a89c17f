//! How sessions end, and what the next one does: the same for a fetch and for every
//! look into the maildrop.

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::Sandbox;

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
        let looked = sandbox.plain(&server).args(["--list", "--headers", "--timeout", "1"]).run();
        assert_eq!(looked.status, Some(0), "{looked:?}");
        let is_shown = |number| looked.stdout.contains(&format!("letter {number}"));
        assert_eq!([1, 2, 3].map(is_shown), [true, false, true], "{looked:?}");
        assert_eq!(looked.stdout.matches("uid-").count(), 3, "{looked:?}");
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
        let looked = sandbox.plain(&server).args([act, "--timeout", "1"]).run();
        assert!(looked.stderr.is_empty() && looked.status < Some(2), "{looked:?}");
    }
    sandbox.plain(&server).args(["--timeout", "1"]).run();
    assert!(sandbox.mail().iter().all(|mail| *mail == stored(2)), "{:?}", sandbox.count());
}

#[test]
fn a_look_asks_one_command_at_a_time_where_several_are_answered_out_of_step() {
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
