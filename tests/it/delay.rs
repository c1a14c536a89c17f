//! How soon a server may be asked again: LOGIN-DELAY, `[IN-USE]`; and EXPIRE.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Security, Server};
use pop3get::cli::{self, Exit, Start, Streams};
use pop3get::fetch::Deletion;
use pop3get::protocol::Expire;
use pop3get::stop::Stop;

use crate::rfc1939::{letter, letters};
use crate::sandbox::{Pop3get, Ran, Sandbox, closed, server_facts, work};

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(3))
}

/// The journal, and behind it what is remembered of the server.
fn journal(sandbox: &Sandbox) -> String {
    let journal = sandbox.journal();
    fs::read_to_string(&journal).unwrap_or_default() + &server_facts(&journal)
}

/// The delay that is remembered with the last login.
fn logins(journal: &str) -> Vec<u64> {
    let logins = journal.lines().filter_map(|line| line.strip_prefix("login "));
    logins.map(|words| words.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}

/// Fills a journal with dead records.
fn fill(sandbox: &Sandbox) {
    let text = fs::read_to_string(sandbox.journal()).unwrap();
    let last = text.lines().last().unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    let append = format!("{}commit {} 2100 ", "settled 1\n".repeat(2100), last + 1);
    let text = text + &closed(&append);
    fs::write(sandbox.journal(), text).unwrap();
}

/// Lets the last login be long ago.
fn pass(sandbox: &Sandbox) {
    let path = sandbox.journal().with_file_name("server");
    let text = fs::read_to_string(&path).unwrap();
    let line = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        if words[0] == "login" { format!("login 1000 {}\n", words[2]) } else { format!("{line}\n") }
    };
    fs::write(path, text.lines().map(line).collect::<String>()).unwrap();
}

/// What a run with `-v` says at its end.
#[track_caller]
fn says(ran: &Ran, status: i32, sentence: &str) {
    assert_eq!((ran.status, &*ran.stdout), (Some(status), ""), "{ran:?}");
    assert!(ran.stderr.lines().any(|line| line.contains(sentence)), "{sentence:?}: {ran:?}");
}

#[test]
fn a_run_too_early_is_75_without_a_connection_and_said_only_with_v() {
    let (server, sandbox) = (server().login_delay(600).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let before = journal(&sandbox);
    assert_eq!(logins(&before), [600]);
    let ran = sandbox.plain(&server).run();
    assert_eq!((ran.status, &*ran.stderr), (Some(75), ""));
    let ran = sandbox.plain(&server).arg("-vv").run();
    says(&ran, 75, "the server wants 600s between two logins; the next may be in ");
    assert_eq!((server.sessions(), journal(&sandbox)), (1, before));
}

#[test]
fn a_delay_of_less_than_a_minute_is_waited_for() {
    let (server, sandbox) = (server().login_delay(2).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    server.maildrop("mrose").add("new", letter(4));
    let ran = sandbox.plain(&server).arg("-vv").run();
    assert_eq!((ran.status, sandbox.count(), server.sessions()), (Some(0), 4, 2), "{ran:?}");
    assert!(ran.stderr.contains("wants 2s between two logins; waiting for "), "{ran:?}");
    assert!(server.logins().iter().all(|login| login.ends_with("accepted")), "too early");
    assert_eq!(logins(&journal(&sandbox)), [2]);
}

#[test]
fn a_deadline_that_leaves_room_is_time_to_wait() {
    let (server, sandbox) = (server().login_delay(2).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let begun = Instant::now();
    let ran = sandbox.plain(&server).args(["--deadline", "1"]).run();
    assert_eq!((ran.status, server.sessions()), (Some(75), 1));
    assert!(begun.elapsed() < Duration::from_secs(1));
    server.maildrop("mrose").add("new", letter(4));
    let ran = sandbox.plain(&server).args(["--deadline", "20", "-vv"]).run();
    assert_eq!((ran.status, sandbox.count()), (Some(0), 4), "{ran:?}");
    assert!(ran.stderr.contains("wants 2s between two logins; waiting for 2s"), "{ran:?}");
    assert!(server.logins().iter().all(|login| login.ends_with("accepted")), "too early");
}

const READ_ONLY: [&[&str]; 4] = [&["--list"], &["--check"], &["--dry-run"], &["--show", "1"]];

/// Gmail announces 300 s and does not insist.
#[test]
fn read_only_runs_log_in_at_once_whatever_is_announced_and_write_nothing() {
    let server = server().capability_line("LOGIN-DELAY 600").start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).arg("--mark-seen").run().is_silent();
    let before = journal(&sandbox);
    assert_eq!(logins(&before), [600]);
    for (args, status) in READ_ONLY.iter().zip([0, 1, 0, 0]) {
        let ran = sandbox.plain(&server).args(*args).run();
        assert_eq!((ran.status, &*ran.stderr), (Some(status), ""), "{args:?}");
    }
    // Any other run waits.
    let ran = sandbox.plain(&server).arg("--mark-seen").run();
    assert_eq!((ran.status, &*ran.stderr), (Some(75), ""));
    assert_eq!((server.sessions(), journal(&sandbox)), (5, before));
}

#[test]
fn a_read_only_run_that_the_server_refuses_as_too_early_is_75() {
    let (server, sandbox) = (server().login_delay(600).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let before = journal(&sandbox);
    for args in READ_ONLY {
        let ran = sandbox.plain(&server).args(args).run();
        assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(75), "", ""), "{args:?}");
        says(&sandbox.plain(&server).args(args).arg("-vv").run(), 75, "[LOGIN-DELAY]");
    }
    assert_eq!((server.sessions(), journal(&sandbox)), (9, before));
}

/// A run in this process, in front of somebody.
fn on_a_terminal(sandbox: &Sandbox, server: &Server) -> (Exit, String) {
    let secret = sandbox.secret("secret", "secret\n");
    let address = format!("127.0.0.1:{}", server.address().port());
    let path = |name: &str| sandbox.path(name).into_os_string();
    let words = ["pop3get", "--config", "/dev/null", "--tls", "none", "-u", "mrose", "-s"];
    let mut arguments: Vec<_> = words.map(OsString::from).to_vec();
    arguments.push(address.into());
    arguments.extend(["-m".into(), path("Mail"), "--state-dir".into(), path("state")]);
    arguments.extend(["--password-file".into(), secret.into_os_string()]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams { out: &mut out, err: &mut err, terminal: true, columns: None };
    let exit = cli::run(arguments, streams, &Stop::default(), &Start::Thread(work));
    (exit, String::from_utf8(err).unwrap())
}

#[test]
fn a_run_on_a_terminal_tries_at_once_and_tells_that_it_waits() {
    let fault = Fault::first_logins_refused(1, "LOGIN-DELAY");
    let announces = server().capability_line("LOGIN-DELAY 600").start();
    let sandbox = Sandbox::new();
    for session in 1..=2 {
        let (exit, said) = on_a_terminal(&sandbox, &announces);
        assert_eq!((exit, announces.sessions()), (Exit::Ok, session), "{said}");
    }
    let insists = server().capability_line("LOGIN-DELAY 1").fault(fault).start();
    let (exit, said) = on_a_terminal(&Sandbox::new(), &insists);
    assert_eq!((exit, insists.sessions()), (Exit::Ok, 2), "{said}");
    assert!(said.contains("wants 1s between two logins; waiting for 1s\n"), "{said}");
}

#[test]
fn a_refusal_as_too_early_is_waited_for_once() {
    for (refused, status) in [(1, 0), (9, 75)] {
        let fault = Fault::first_logins_refused(refused, "LOGIN-DELAY");
        let server = server().capability_line("LOGIN-DELAY 1").fault(fault).start();
        let sandbox = Sandbox::new();
        let ran = sandbox.plain(&server).run();
        assert_eq!((ran.status, &*ran.stderr), (Some(status), ""), "{ran:?}");
        assert_eq!(server.sessions(), 2);
        assert_eq!(server.logins()[0], "PLAIN refused");
    }
}

/// `-ERR` to PASS, in the words of servers without response codes.
fn says_no(words: &str, connection: impl Into<Option<usize>>) -> Server {
    let refusal = Fault::reply("PASS", format!("-ERR {words}\r\n")).on(connection);
    server().without("SASL").fault(refusal).start()
}

/// RFC 1939 section 7, UW ipop3d 2007f, VPOP3, qpopper.
#[test]
fn a_maildrop_that_is_locked_in_words_is_75_and_no_wrong_password() {
    for words in [
        "maildrop already locked",
        "unable to lock maildrop",
        "Can't get lock.  Mailbox in use",
        "Mailbox Locked",
        "/var/mail/.mrose.pop lock busy!  Is another session active? (11)",
    ] {
        let (server, sandbox) = (says_no(words, None), Sandbox::new());
        let ran = sandbox.plain(&server).run();
        ran.fails(75, &format!("refused PASS: \"{words}\"\nhint: another session"));
        assert!(!ran.stderr.contains("password"), "{ran:?}");
        assert_eq!(server.sessions(), 1);
    }
}

#[test]
fn a_maildrop_that_is_locked_in_words_is_tried_once_more() {
    for (connection, status) in [(Some(1), 0), (None, 75)] {
        let (server, sandbox) = (says_no("maildrop already locked", connection), Sandbox::new());
        let ran = sandbox.plain(&server).args(["--retry-for", "8"]).run();
        assert_eq!((ran.status, server.sessions()), (Some(status), 2), "{ran:?}");
    }
}

#[test]
fn an_account_that_is_locked_is_never_tried_again() {
    for words in [
        "account locked",
        "mailbox locked: too many failed attempts",
        "mailbox is locked, change your password",
        "mailbox blocked",
    ] {
        let (server, sandbox) = (says_no(words, None), Sandbox::new());
        let ran = sandbox.plain(&server).args(["--retry-for", "60"]).run();
        ran.fails(77, &format!("{words}\"\nhint: check user name and password"));
        assert_eq!(server.sessions(), 1);
    }
}

#[test]
fn a_server_that_wants_no_login_for_a_while_is_75_without_a_word_of_the_password() {
    for words in ["too many attempts, try again in 15 minutes", "maximum number of connections"] {
        let (server, sandbox) = (says_no(words, None), Sandbox::new());
        let ran = sandbox.plain(&server).args(["--retry-for", "60"]).run();
        ran.fails(75, &format!("refused PASS: \"{words}\"\n"));
        assert!(!ran.stderr.contains("hint") && !ran.stderr.contains("password"), "{ran:?}");
        assert_eq!(server.sessions(), 1);
    }
}

#[test]
fn without_an_announcement_nothing_is_written_when_nothing_is_new() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let before = journal(&sandbox);
    assert!(!before.contains("login "));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(journal(&sandbox), before);
}

#[test]
fn a_delay_that_is_no_longer_announced_is_forgotten() {
    let old = server().login_delay(600).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&old).run().is_silent();
    pass(&sandbox);
    let server = server().start();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(logins(&journal(&sandbox)), [0; 0]);
    let before = journal(&sandbox);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(journal(&sandbox), before);
}

#[test]
fn after_a_login_the_delay_of_this_user_counts() {
    let server = server().announced_after_login("LOGIN-DELAY 7 USER").start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    assert_eq!(logins(&journal(&sandbox)), [7]);
}

#[test]
fn the_last_login_outlives_a_journal_made_new() {
    let server = server().capability_line("LOGIN-DELAY 600").start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().is_silent();
    fill(&sandbox);
    pass(&sandbox);
    server.maildrop("mrose").add("new", letter(4));
    sandbox.plain(&server).run().is_silent();
    assert!(journal(&sandbox).lines().count() < 20, "it was not made new");
    assert_eq!(logins(&journal(&sandbox)), [600]);
    says(&sandbox.plain(&server).arg("-vv").run(), 75, "wants 600s");
    assert_eq!(server.sessions(), 2);
}

/// mailutils says it behind a valid password.
#[test]
fn a_refusal_as_too_early_is_remembered_with_or_without_a_number() {
    for (announced, remembered, mode) in
        [(None, 60, "--keep"), (Some("LOGIN-DELAY 300"), 300, "--keep"), (None, 60, "--mark-seen")]
    {
        let mut server = server().fault(Fault::first_logins_refused(1, "LOGIN-DELAY"));
        if let Some(line) = announced {
            server = server.capability_line(line);
        }
        let (server, sandbox) = (server.start(), Sandbox::new());
        let ran = sandbox.plain(&server).args([mode, "--deadline", "9"]).run();
        assert_eq!((ran.status, &*ran.stderr), (Some(75), ""));
        assert_eq!(logins(&journal(&sandbox)), [remembered], "{mode}");
        let ran = sandbox.plain(&server).args(["-vv", "--deadline", "9"]).run();
        says(&ran, 75, &format!("wants {remembered}s between two logins"));
        assert_eq!(server.sessions(), 1);
    }
}

#[test]
fn a_session_lost_inside_a_message_is_not_followed_too_early() {
    // The first message breaks every session in which it is asked for. The delay
    // is announced, and not enforced.
    let fault = |connection| Fault::cut_after_sent(1100).on(connection);
    let large = [b"Subject: x\r\n\r\n".to_vec(), b"line\r\n".repeat(400)].concat();
    let server = Server::builder().user("mrose", "secret").message("large", large);
    let server = server.messages(letters(2)).capability_line("LOGIN-DELAY 600");
    let server = server.fault(fault(1)).fault(fault(2)).start();
    let sandbox = Sandbox::new();
    sandbox.plain(&server).run().fails(75, "cannot fetch message 1");
    assert_eq!((server.sessions(), sandbox.count()), (1, 0));
    let text = journal(&sandbox);
    let failed = text.lines().find(|line| line.starts_with("failed ")).unwrap();
    assert!(failed.ends_with(" large") && failed.contains(" !1,"), "{failed}");
    // Asked for last, it keeps nothing from arriving.
    pass(&sandbox);
    sandbox.plain(&server).run().fails(75, "cannot fetch message 1");
    assert_eq!((server.sessions(), sandbox.count()), (2, 2));
    pass(&sandbox);
    sandbox.plain(&server).run().is_silent();
    assert_eq!((server.sessions(), sandbox.count()), (3, 2), "it was asked for again");
}

/// A server whose maildrop is in use the first so many times.
fn in_use(times: usize) -> Server {
    server().fault(Fault::first_logins_refused(times, "IN-USE")).start()
}

fn took(run: Pop3get) -> (Ran, Duration) {
    let begun = Instant::now();
    (run.run(), begun.elapsed())
}

#[test]
fn in_use_is_75_once_and_never_a_wrong_password() {
    let (server, sandbox) = (in_use(9), Sandbox::new());
    let ran = sandbox.plain(&server).run();
    ran.fails(75, "[IN-USE]");
    assert!(ran.stderr.contains("hint: another session has the maildrop open"), "{ran:?}");
    assert!(!ran.stderr.contains("password"), "{ran:?}");
    assert_eq!(server.logins(), ["PLAIN refused"]);
    assert_eq!(sandbox.plain(&server).args(["--retry-for", "0"]).run().status, Some(75));
    assert_eq!(server.logins().len(), 2);
}

#[test]
fn in_use_twice_and_then_free_is_a_success() {
    let (server, sandbox) = (in_use(2), Sandbox::new());
    let run = sandbox.plain(&server).args(["--retry-for", "6", "-vv"]);
    let (ran, time) = took(run);
    assert_eq!((ran.status, sandbox.count()), (Some(0), 3), "{ran:?}");
    assert!(ran.stderr.contains("the maildrop is in use; again in 5s"), "{ran:?}");
    assert!(ran.stderr.contains("the maildrop is in use; again in 1s"), "{ran:?}");
    assert!((Duration::from_secs(6)..Duration::from_secs(9)).contains(&time), "{time:?}");
    assert_eq!(server.logins(), ["PLAIN refused", "PLAIN refused", "PLAIN accepted"]);
    let quits = (1..=2).filter(|at| server.commands_of(*at).last().unwrap() == "QUIT");
    assert_eq!(quits.count(), 2, "a refused session was not left");
}

#[test]
fn trying_again_stops_when_its_time_is_over_or_the_deadline_near() {
    for (args, sessions) in
        [(&["--retry-for", "1"][..], 2), (&["--retry-for", "60", "--deadline", "4"], 1)]
    {
        let (server, sandbox) = (in_use(9), Sandbox::new());
        let (ran, time) = took(sandbox.plain(&server).args(args));
        ran.fails(75, "[IN-USE]");
        assert_eq!(server.sessions(), sessions, "{args:?}");
        assert!(time < Duration::from_secs(3), "{time:?}");
    }
}

#[test]
fn only_in_use_is_tried_again() {
    for (code, status) in [("AUTH", 77), ("SYS/TEMP", 75), ("SYS/PERM", 69), ("LOGIN-DELAY", 75)] {
        let fault = Fault::login_refused(code);
        let (server, sandbox) = (server().fault(fault).start(), Sandbox::new());
        let (ran, time) =
            took(sandbox.plain(&server).args(["--retry-for", "9", "--deadline", "30"]));
        assert_eq!((ran.status, server.sessions()), (Some(status), 1), "{code}");
        assert!(time < Duration::from_secs(4), "{code}: {time:?}");
    }
}

#[test]
fn a_pause_is_no_shorter_than_the_announced_delay() {
    let fault = Fault::login_refused("IN-USE");
    let server = server().capability_line("LOGIN-DELAY 60").fault(fault).start();
    let sandbox = Sandbox::new();
    let (ran, time) = took(sandbox.plain(&server).args(["--retry-for", "59"]));
    ran.fails(75, "[IN-USE]");
    assert_eq!(server.sessions(), 1);
    assert!(time < Duration::from_secs(3), "{time:?}");
}

#[test]
fn retry_for_is_a_key_of_the_configuration_and_has_a_bound() {
    let (server, sandbox) = (in_use(1), Sandbox::new());
    let account = |seconds| {
        let port = server.address().port();
        format!(
            "[account.a]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\n\
             maildir = \"~/Mail\"\nretry-for = {seconds}\n"
        )
    };
    let run = || sandbox.pop3get(["a"]).env("POP3GET_PASSWORD", "secret").run();
    sandbox.configure(&account(86_401));
    run().fails(78, "retry-for is at most a day");
    sandbox.configure(&account(1));
    run().is_silent();
    assert_eq!((server.sessions(), sandbox.count()), (2, 3));
}

#[test]
fn a_check_tries_again_too() {
    let (server, sandbox) = (in_use(1), Sandbox::new());
    let ran = sandbox.plain(&server).args(["--check", "--retry-for", "1"]).run();
    ran.prints("3 new messages\n");
    assert_eq!(server.sessions(), 2);
}

/// Ends a run by SIGTERM while it waits, and sees that it dies of it soon.
#[track_caller]
fn dies_of_sigterm(run: Pop3get) {
    let mut child = run.start();
    thread::sleep(Duration::from_millis(700));
    assert_eq!(child.try_wait().unwrap(), None, "it does not wait");
    let kill = ["-s", "TERM", &child.id().to_string()].map(str::to_owned);
    assert!(Command::new("kill").args(kill).status().unwrap().success());
    let begun = Instant::now();
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_signal_ends_either_wait() {
    let (in_use, sandbox) = (in_use(9), Sandbox::new());
    dies_of_sigterm(sandbox.plain(&in_use).args(["--retry-for", "60"]));
    assert_eq!(in_use.sessions(), 1);
    let (server, sandbox) = (server().login_delay(30).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    dies_of_sigterm(sandbox.plain(&server).args(["--deadline", "60"]));
    assert_eq!(server.sessions(), 1);
}

#[test]
fn what_lives_longer_than_the_server_keeps_it() {
    let outlives = |deletion: Deletion, days| deletion.outlives(Expire { days, per_user: false });
    assert_eq!(outlives(Deletion::Keep, Some(30)), Some(30));
    assert_eq!(outlives(Deletion::Keep, Some(0)), Some(0));
    assert_eq!(outlives(Deletion::After(31), Some(30)), Some(30));
    assert_eq!(outlives(Deletion::After(30), Some(30)), None);
    assert_eq!(outlives(Deletion::Now, Some(0)), None);
    for deletion in [Deletion::Keep, Deletion::After(u32::MAX), Deletion::Now] {
        assert_eq!(outlives(deletion, None), None);
    }
}

#[test]
fn an_expire_shorter_than_our_retention_is_said_with_v() {
    const SAID: &str = "the server may remove messages";
    for (expire, args, said) in [
        ("30 USER", &["--delete-after", "31d"][..], Some("after 30 days, sooner than asked for")),
        ("30", &["--keep"], Some("after 30 days")),
        ("0", &[], Some("once they were fetched")),
        ("30", &["--delete-after", "30d"], None),
        ("0", &["--delete"], None),
        ("NEVER", &[], None),
    ] {
        let (server, sandbox) = (server().expire(expire).start(), Sandbox::new());
        let ran = sandbox.plain(&server).args(args).arg("-vv").run();
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(ran.stderr.contains(SAID), said.is_some(), "{expire} {args:?} {ran:?}");
        assert!(ran.stderr.contains(said.unwrap_or_default()), "{expire} {args:?} {ran:?}");
        sandbox.plain(&server).args(args).run().is_silent();
    }
}

/// Over TLS the second run asks for capabilities in one flight with its login. What
/// was announced before it counts where the server is silent behind it.
#[test]
fn a_flight_learns_the_delay_too() {
    let silent = Fault::nth_reply("CAPA", 2, "+OK\r\nPIPELINING\r\nUIDL\r\nTOP\r\n.\r\n");
    let server = server().login_delay(1).security(Security::ImplicitTls).fault(silent).start();
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("ca.pem"), server.ca_pem()).unwrap();
    let address = format!("localhost:{}", server.address().port());
    let args = ["-s", &*address, "-u", "mrose", "-m", "Mail", "--ca-file", "ca.pem"];
    let run = || {
        let run = sandbox.pop3get(args).args(["--early", "false"]);
        run.env("POP3GET_PASSWORD", "secret").run()
    };
    for seen in 1..=2 {
        run().is_silent();
        assert_eq!(logins(&journal(&sandbox)), vec![1; seen.min(1)]);
        thread::sleep(Duration::from_secs(1));
    }
    assert!(
        server
            .commands_of(2)
            .starts_with(&["CAPA".into(), "AUTH PLAIN AG1yb3NlAHNlY3JldA==".into()])
    );
}
