//! How much a server may list, and what is made of listings that do not agree.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::jobs::children;
use crate::rfc1939::{letter, letters};
use crate::sandbox::Sandbox;

fn server(messages: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(messages))
}

/// A whole listing of so many lines.
fn listing(lines: usize, rest: impl Fn(usize) -> String) -> String {
    let mut text = String::from("+OK\r\n");
    for number in 1..=lines {
        write!(text, "{number} {}\r\n", rest(number)).unwrap();
    }
    text + ".\r\n"
}

#[test]
fn a_message_that_uidl_alone_lists_is_none() {
    let uidl = listing(5, |number| format!("uid-{number}"));
    for pipelining in [true, false] {
        let mut builder = server(3).fault(Fault::reply("UIDL", &*uidl));
        if !pipelining {
            builder = builder.without("PIPELINING");
        }
        let (server, sandbox) = (builder.start(), Sandbox::new());
        let ran = sandbox.plain(&server).arg("-vvv").run();
        assert_eq!((ran.status, sandbox.count()), (Some(0), 3), "{ran:?}");
        assert!(ran.stderr.contains("lists messages by UIDL that STAT and LIST"), "{ran:?}");
        assert!(!server.commands().iter().any(|it| it == "RETR 4"), "{:?}", server.commands());
        // The next run is like this one.
        sandbox.plain(&server).run().is_silent();
        let checked = sandbox.plain(&server).arg("--check").run();
        assert_eq!(checked.stdout, "0 new messages\n", "{checked:?}");
    }
}

/// LIST has more messages than STAT counts, as UIDL has: LIST decides.
#[test]
fn a_message_that_uidl_and_list_have_arrives_whatever_stat_counts() {
    let server = server(3).fault(Fault::reply("STAT", "+OK 2 240\r\n")).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 3);
}

#[test]
fn a_listing_of_too_many_octets_is_refused_in_one_sentence() {
    let long = "x".repeat(8000);
    for keyword in ["UIDL", "LIST"] {
        let text = listing((64 << 20) / 8000, |number| format!("{number} {long}"));
        let (server, sandbox) =
            (server(1).fault(Fault::reply(keyword, text)).start(), Sandbox::new());
        let ran = sandbox.plain(&server).run();
        assert_eq!((ran.status, sandbox.count()), (Some(76), 0), "{ran:?}");
        let said =
            format!("{keyword}: a listing without end: more than 2000000 messages or 64 MiB");
        assert!(ran.stderr.contains(&said) && ran.stderr.lines().count() == 1, "{ran:?}");
    }
}

#[test]
fn a_unique_id_of_any_length_that_fits_a_line_is_known_again() {
    // RFC 1939 section 7 allows 70 octets.
    let ids = [70, 71, 128, 255, 256, 4096, 8000].map(|octets| "x".repeat(octets));
    let each = ids.iter().zip(1..).map(|(id, number)| Message::new(id.clone(), letter(number)));
    let server = Server::builder().user("mrose", "secret").messages(each).start();
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        sandbox.plain(&server).run().is_silent();
        assert_eq!(sandbox.count(), ids.len());
    }
    let journal = fs::read_to_string(sandbox.journal()).unwrap();
    assert!(ids.iter().all(|id| journal.contains(&format!(" {id}"))), "{journal}");
    let fetched = server.commands().iter().filter(|it| it.starts_with("RETR")).count();
    assert_eq!(fetched, ids.len());
}

#[test]
fn a_unique_id_that_fits_no_line_ends_the_session_and_is_not_dropped_in_silence() {
    for octets in [9_000, 70_000] {
        let text = listing(2, |number| if number == 1 { "x".repeat(octets) } else { "b".into() });
        let (server, sandbox) =
            (server(2).fault(Fault::reply("UIDL", text)).start(), Sandbox::new());
        let ran = sandbox.plain(&server).run();
        assert_eq!((ran.status, sandbox.count()), (Some(76), 0), "{ran:?}");
        assert!(ran.stderr.contains("UIDL: a response line of more than 8192 octets"), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
}

/// The most memory that a process has had so far, in MiB.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}

/// A server of so many messages. A number is left out, so that all sizes are asked for.
fn huge(messages: usize) -> Builder {
    let skip = |text: String| text.replacen("\r\n1 ", &format!("\r\n{} ", messages + 1), 1);
    let uidl = skip(listing(messages, |number| format!("{number:040}")));
    let sizes = skip(listing(messages, |_| "100".to_owned()));
    let stat = format!("+OK {messages} {}\r\n", 100 * messages);
    let builder = server(1).without("PIPELINING").fault(Fault::reply("UIDL", uidl));
    builder.fault(Fault::reply("STAT", stat)).fault(Fault::nth_reply("LIST", 1, sizes))
}

/// The worker holds what it will fetch when it asks for the first message.
#[test]
fn a_million_unique_ids_cost_a_worker_a_bounded_amount_of_memory() {
    const MOST: u64 = 360;
    // CAPA, AUTH, UIDL, STAT, CAPA, LIST; then the proof of the first message.
    let builder = huge(1_000_000).fault(Fault::stall_at_command(7));
    let (server, sandbox) = (builder.start(), Sandbox::new());
    let mut run = sandbox.plain(&server).args(["--timeout", "120"]).start();
    assert!(server.wait_for_commands(7, Duration::from_secs(120)), "{:?}", server.commands());
    let (supervisor, worker) = (peak(run.id()), peak(children(&run)[0]));
    run.kill().unwrap();
    run.wait().unwrap();
    eprintln!("a million unique-ids: worker {worker} MiB, supervisor {supervisor} MiB");
    let commands = server.commands();
    assert!(commands[5] == "LIST" && commands[6].starts_with("LIST "), "{commands:?}");
    assert!(worker <= MOST, "{worker} MiB");
    assert!(supervisor <= 30, "{supervisor} MiB");
}

/// The supervisor's memory is looked at while the last lines wait to be read. A million
/// rows cost ten times of what a hundred thousand do.
#[test]
fn a_listing_that_is_printed_costs_the_supervisor_a_bounded_amount_of_memory_for_each_row() {
    const MESSAGES: usize = 100_000;
    // More than a pipe and the buffers before it hold.
    const UNREAD: usize = 10_000;
    let (server, sandbox) = (huge(MESSAGES).start(), Sandbox::new());
    for (args, most) in [(&["--list"][..], 40), (&["--list", "--json"], 24)] {
        let list = sandbox.plain(&server).args(["--timeout", "120"]).args(args);
        let mut run = list.command().stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
        let read = lines.by_ref().take(MESSAGES - UNREAD).count();
        let supervisor = peak(run.id());
        let unread: Vec<_> = lines.collect();
        assert!(run.wait().unwrap().success());
        eprintln!("{MESSAGES} messages, {args:?}: supervisor {supervisor} MiB");
        // A head and a total, or the events of the run.
        assert!(read + unread.len() > MESSAGES && unread.len() < UNREAD + 10, "{unread:?}");
        assert!(supervisor <= most, "{args:?}: {supervisor} MiB");
    }
}
