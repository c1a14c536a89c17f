//! Supervisor and worker: a worker that lies, one that is killed, and a supervisor
//! that is.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Server};
use pop3get::cli::{self, Exit, Start, Streams};
use pop3get::stop::Stop;

use crate::jobs::children;
use crate::rfc1939::letters;
use crate::sandbox::{Sandbox, mail};

pub const HELLO: &str =
    concat!("{\"hello\":{\"version\":\"", env!("CARGO_PKG_VERSION"), "\",\"build\":\"\"}}\n");
pub const END: &str = "{\"end\":{\"failure\":null}}\n";

/// What a run says whose worker does as told, and how it ends.
pub fn lied_to(worker: fn(UnixStream), options: &[&str]) -> (Exit, String) {
    let sandbox = Sandbox::new();
    let home = sandbox.path("").display().to_string();
    let words = ["pop3get", "--config", "/dev/null", "-u", "mrose", "-s", "127.0.0.1:1"];
    let mut arguments: Vec<_> = words.map(OsString::from).to_vec();
    let password = sandbox.secret("password", "secret").display().to_string();
    for (option, value) in [("-m", "Mail"), ("--state-dir", "state")] {
        arguments.extend([option.into(), format!("{home}{value}").into()]);
    }
    if !options.contains(&"--password-command") {
        arguments.extend(["--password-file".into(), password.into()]);
    }
    arguments.extend(options.iter().map(OsString::from));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams { out: &mut out, err: &mut err, terminal: false, columns: None };
    let begun = Instant::now();
    let exit = cli::run(arguments, streams, &Stop::default(), &Start::Thread(worker));
    assert!(begun.elapsed() < Duration::from_secs(15), "{options:?}");
    let said = [out, err].concat();
    (exit, String::from_utf8(said).unwrap())
}

/// Sends what is to be sent, and reads what comes until there is no more.
fn send(mut channel: UnixStream, octets: &[u8]) {
    // The other side may have heard enough.
    let _ = channel.write_all(octets);
    let _ = channel.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    let _ = channel.read_to_end(&mut heard);
}

#[track_caller]
fn is_70(worker: fn(UnixStream), why: &str) {
    let (exit, said) = lied_to(worker, &[]);
    assert_eq!(exit, Exit::Software, "{said}");
    assert!(said.contains(why) && !said.contains(steers), "{said}");
}

/// Whether a character steers a terminal.
pub fn steers(c: char) -> bool {
    c.is_control() && c != '\n'
}

#[test]
fn a_worker_that_sends_no_frame_is_ended() {
    is_70(|it| send(it, b"hello\n"), "its first frame was no hello");
    is_70(|it| send(it, &[HELLO.as_bytes(), b"{\"event\":"].concat()), "malformed");
    is_70(|it| send(it, &[HELLO.as_bytes(), b"\n"].concat()), "malformed");
    is_70(
        |it| send(it, &[HELLO.as_bytes(), b"{\"event\":{\"event\":\"again\",\"x\":1}}\n"].concat()),
        "malformed",
    );
    is_70(|it| send(it, &[HELLO.as_bytes(), &b"[".repeat(60_000), b"\n"].concat()), "malformed");
    is_70(|it| send(it, &[HELLO.as_bytes(), &b"x".repeat(70_000)].concat()), "too long");
    is_70(
        |it| send(it, &[HELLO.as_bytes(), &b" ".repeat(1 << 20), END.as_bytes()].concat()),
        "too long",
    );
}

#[test]
fn a_worker_that_says_the_right_thing_at_the_wrong_time_is_ended() {
    is_70(|it| send(it, END.as_bytes()), "its first frame was no hello");
    is_70(|it| send(it, HELLO.repeat(2).as_bytes()), "a second hello");
    is_70(|it| send(it, [HELLO, END, END].concat().as_bytes()), "after its last one");
    is_70(|it| send(it, [HELLO, END, HELLO].concat().as_bytes()), "after its last one");
    is_70(|it| send(it, HELLO.as_bytes()), "without a result");
}

#[test]
fn a_worker_gets_no_secret_that_is_not_its_to_ask_for() {
    const SECRET: &str = "{\"secret\":{}}\n";
    // It has the password already.
    is_70(|it| send(it, [HELLO, SECRET].concat().as_bytes()), "not its to ask for");
    let ask = |it| send(it, [HELLO, SECRET].concat().as_bytes());
    for options in [&["--state", "mark", "x"][..], &["--state", "repair"]] {
        let (exit, said) = lied_to(ask, options);
        assert!(exit == Exit::Software && said.contains("not its to ask for"), "{said}");
    }
    let again = |it| send(it, [HELLO, SECRET, SECRET].concat().as_bytes());
    let (exit, said) = lied_to(again, &["--password-command", "echo secret"]);
    assert!(exit == Exit::Software && said.contains("not its to ask for"), "{said}");
}

#[test]
fn a_worker_gets_another_token_once_after_the_first_one_and_no_other_password() {
    const FIRST: &str = "{\"secret\":{}}\n";
    const REFUSED: &str = "{\"secret\":{\"refused\":true}}\n";
    let command = ["--password-command", "echo \"${POP3GET_REFUSED-first}\" >&2; echo secret"];
    let token = ["--auth", "xoauth2"];
    let refused = |it| send(it, [HELLO, FIRST, REFUSED].concat().as_bytes());
    let without_first = |it| send(it, [HELLO, REFUSED].concat().as_bytes());
    let twice = |it| send(it, [HELLO, FIRST, REFUSED, REFUSED].concat().as_bytes());
    let with_token = [command, token].concat();
    let is_refused = |worker: fn(UnixStream), options: &[&str]| {
        let (exit, said) = lied_to(worker, options);
        assert!(exit == Exit::Software && said.contains("not its to ask for"), "{said}");
    };
    is_refused(refused, &command);
    is_refused(without_first, &with_token);
    is_refused(twice, &with_token);
}

/// Only a mark in the state directory leads to the command, and a worker's words are no
/// part of it.
#[test]
fn a_worker_cannot_make_a_command_run() {
    const DELIVERED: &str = "{\"event\":{\"event\":\"message\",\"kind\":\"delivered\",\"number\":1,\
                             \"unique-id\":{\"text\":\"x\"},\"octets\":9,\"file\":\"; touch ran\"}}\n";
    let tell = |it| send(it, [HELLO, DELIVERED, END].concat().as_bytes());
    let (exit, said) = lied_to(tell, &["--exec", "echo ran; cat; exit 7"]);
    assert_eq!((exit, &*said), (Exit::Ok, ""));
}

#[test]
fn a_worker_hands_nothing_over_that_is_not_its_to_hand_over() {
    const HAND_OVER: &str = "{\"hand-over\":{\"directory\":{\"text\":\"new\"},\"name\":{\"text\":\"x\"},\
                             \"unique-id\":{\"text\":\"x\"},\"again\":false}}\n";
    let ask = |it| send(it, [HELLO, HAND_OVER].concat().as_bytes());
    for options in [&[][..], &["--list"], &["--state", "repair"], &["--handover", "pipe:echo ran"]]
    {
        let (exit, said) = lied_to(ask, options);
        assert!(exit == Exit::Software && said.contains("not its to hand over"), "{said}");
    }
}

/// Does nothing as the worker of a fetch, and reads the settings as that of a hand-over.
fn in_a_hand_over(channel: UnixStream, lie: impl FnOnce(BufReader<UnixStream>, UnixStream)) {
    let mut reader = BufReader::new(channel.try_clone().unwrap());
    let mut writer = channel.try_clone().unwrap();
    writer.write_all(HELLO.as_bytes()).unwrap();
    let mut settings = String::new();
    reader.read_line(&mut settings).unwrap();
    if settings.contains("\"command\":{\"hand-over\":{}}") {
        return lie(reader, writer);
    }
    send(channel, END.as_bytes());
}

/// A request to hand a file over, as JSON has it.
fn hand_over(directory: &str, name: &str, unique_id: &str) -> String {
    let text = |text: &str| format!("{{\"text\":{}}}", serde_json::to_string(text).unwrap());
    format!(
        "{{\"hand-over\":{{\"directory\":{},\"name\":{},\"unique-id\":{},\"again\":false}}}}\n",
        text(directory),
        text(name),
        text(unique_id),
    )
}

/// The Maildir of a run whose hand-over's worker lies, and files beside it.
fn filled(sandbox: &Sandbox) {
    for directory in ["Mail/new", "Mail/cur", "Mail/tmp", "Mail/.Work/cur", "other/cur"] {
        fs::create_dir_all(sandbox.path(directory)).unwrap();
        fs::write(sandbox.path(directory).join("a"), "in a Maildir").unwrap();
    }
    fs::write(sandbox.path("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(sandbox.path("secret"), sandbox.path("Mail/new/link")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("other"), sandbox.path("Mail/.Other")).unwrap();
}

/// `pipe:cat`, what it was shown and what is said, where the hand-over's worker lies so.
fn lied_to_in_a_hand_over(worker: fn(UnixStream)) -> (Exit, String, String) {
    let sandbox = Sandbox::new();
    filled(&sandbox);
    let home = sandbox.path("").display().to_string();
    let words = ["pop3get", "--config", "/dev/null", "-u", "mrose", "-s", "127.0.0.1:1"];
    let mut arguments: Vec<_> = words.map(OsString::from).to_vec();
    let password = sandbox.secret("password", "secret").display().to_string();
    let line = format!("pipe:cat >>{home}shown; echo \" $POP3GET_UID\" >>{home}shown");
    let maildir = format!("{home}Mail");
    for (option, value) in [("-m", &maildir), ("--handover", &line)] {
        arguments.extend([option.into(), value.into()]);
    }
    let state = format!("{home}state");
    arguments.extend(["--state-dir", &state, "--password-file", &password].map(OsString::from));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams { out: &mut out, err: &mut err, terminal: false, columns: None };
    let exit = cli::run(arguments, streams, &Stop::default(), &Start::Thread(worker));
    let shown = fs::read_to_string(sandbox.path("shown")).unwrap_or_default();
    assert!(!sandbox.path("ran").exists());
    (exit, String::from_utf8([out, err].concat()).unwrap(), shown)
}

/// Each answer that the supervisor gives.
fn answers(reader: BufReader<UnixStream>) -> impl Iterator<Item = String> {
    let lines = reader.lines().map_while(Result::ok);
    lines.filter(|line| line.contains("gone") || line.contains("handed"))
}

#[test]
fn a_worker_hands_over_no_file_outside_of_its_maildir() {
    fn lie(channel: UnixStream) {
        in_a_hand_over(channel, |reader, mut writer| {
            let mut answers = answers(reader);
            for (directory, name) in [
                ("new", "../../secret"),
                ("new", "link"),
                ("new", ".."),
                ("new", ""),
                ("new", "a\0"),
                ("new", "/etc/passwd"),
                ("tmp", "a"),
                ("", "new/a"),
                ("/new", "a"),
                ("..", "secret"),
                ("../other/cur", "a"),
                ("other/cur", "a"),
                (".Other/cur", "a"),
                (".Work", "cur"),
                (".Work/cur/..", "a"),
            ] {
                writer.write_all(hand_over(directory, name, "x").as_bytes()).unwrap();
                let answer = answers.next().unwrap();
                assert!(answer.contains("gone"), "{directory} {name}: {answer}");
            }
            // What is in its Maildir is its own, and a unique-id is no command.
            let evil = "$(touch ran); touch ran\n`touch ran`";
            writer.write_all(hand_over(".Work/cur", "a", evil).as_bytes()).unwrap();
            assert!(answers.next().unwrap().contains("handed"));
            send(writer, END.as_bytes());
        });
    }
    let (exit, said, shown) = lied_to_in_a_hand_over(lie);
    let uid = "%24(touch%20ran);%20touch%20ran%0A%60touch%20ran%60";
    assert_eq!((exit, &*said), (Exit::Ok, ""));
    assert!(shown.starts_with("in a Maildir ") && shown.lines().count() == 1, "{shown}");
    assert!(!shown.contains("touch ran") && shown.contains("ran"), "{shown} {uid}");
}

#[test]
fn a_worker_hands_no_message_over_twice() {
    fn lie(channel: UnixStream) {
        in_a_hand_over(channel, |reader, mut writer| {
            let mut answers = answers(reader);
            writer.write_all(hand_over("new", "a", "x").as_bytes()).unwrap();
            assert!(answers.next().unwrap().contains("handed"));
            send(writer, hand_over("cur", "a", "x").as_bytes());
        });
    }
    let (exit, said, shown) = lied_to_in_a_hand_over(lie);
    assert!(exit == Exit::Software && said.contains("it hands a message over twice"), "{said}");
    assert_eq!(shown, "in a Maildir x\n");
}

#[test]
fn a_hand_over_that_is_malformed_or_of_another_kind_ends_its_worker() {
    fn lie(channel: UnixStream, frame: &str) {
        in_a_hand_over(channel, |_, writer| send(writer, frame.as_bytes()));
    }
    let wrong: [fn(UnixStream); 5] = [
        |it| lie(it, "{\"hand-over\":{}}\n"),
        |it| lie(it, &hand_over("new", "a", "x").replace("again", "line\":\"touch ran\",\"again")),
        |it| lie(it, &hand_over("new", &"a".repeat(70_000), "x")),
        |it| lie(it, "{\"secret\":{}}\n"),
        |it| lie(it, "{\"confirm\":{\"question\":\"delete\",\"messages\":1}}\n"),
    ];
    for worker in wrong {
        let (exit, said, shown) = lied_to_in_a_hand_over(worker);
        assert_eq!((exit, &*shown), (Exit::Software, ""), "{said}");
        assert!(!said.contains(steers), "{said}");
    }
}

#[test]
fn a_worker_asks_a_person_nothing_that_is_not_its_to_ask() {
    const DELETE: &str = "{\"confirm\":{\"question\":\"delete\",\"messages\":1}}\n";
    const REFETCH: &str =
        "{\"confirm\":{\"question\":\"refetch\",\"messages\":1,\"octets\":null}}\n";
    is_70(|it| send(it, [HELLO, DELETE].concat().as_bytes()), "not its to ask");
    is_70(|it| send(it, [HELLO, REFETCH].concat().as_bytes()), "not its to ask");
    let ask = |it| send(it, [HELLO, REFETCH].concat().as_bytes());
    for options in [&["--state", "repair"][..], &["--list"], &["--check"], &["--mark-seen"]] {
        let (exit, said) = lied_to(ask, options);
        assert!(exit == Exit::Software && said.contains("not its to ask"), "{said}");
    }
}

/// Asks whether to fetch again, and ends well if the answer is yes.
fn ask_to_refetch(mut channel: UnixStream) {
    const REFETCH: &str =
        "{\"confirm\":{\"question\":\"refetch\",\"messages\":3,\"octets\":null}}\n";
    channel.write_all([HELLO, REFETCH].concat().as_bytes()).unwrap();
    let lines = BufReader::new(channel.try_clone().unwrap()).lines().map_while(Result::ok);
    let is_yes = lines.skip_while(|line| !line.ends_with('}') || line.contains("\"settings\""));
    let mut is_yes = is_yes.skip_while(|line| line.contains("\"secret\""));
    if is_yes.next().is_some_and(|line| line.ends_with("{\"answer\":{\"yes\":true}}")) {
        send(channel, END.as_bytes());
    } else {
        drop(channel);
    }
}

#[test]
fn yes_answers_the_question_of_a_worker() {
    let (exit, said) = lied_to(ask_to_refetch, &["--refetch", "--yes"]);
    assert_eq!((exit, &*said), (Exit::Ok, ""));
}

#[test]
fn nothing_that_a_worker_says_steers_the_terminal() {
    const LINES: &str = concat!(
        "{\"event\":{\"event\":\"message\",\"kind\":\"skipped\",\"unique-id\":{\"text\":\"a\\u009b2J\\u001b[m\\u202e\"},\"octets\":1,\"state\":\"too-large\"}}\n",
        "{\"event\":{\"event\":\"lenient\",\"name\":\"\\u001b\",\"clause\":\"\\r\"}}\n",
        "{\"end\":{\"failure\":{\"operation\":null,\"kind\":\"disk\",\"text\":\"\\u001b]0;x\\u0007\\n\",\"others\":[]}}}\n",
    );
    let (exit, said) = lied_to(|it| send(it, [HELLO, LINES].concat().as_bytes()), &["-vvv"]);
    assert_eq!(exit, Exit::Io, "{said}");
    assert!(!said.contains(steers) && !said.contains('\u{202e}'), "{said}");
    assert_eq!(said.lines().count(), 3, "{said}");
}

/// What each command is given, and whether it reaches a server.
const COMMANDS: [(&[&str], bool); 20] = [
    (&[], true),
    (&["--rekey"], true),
    (&["--refetch", "--yes"], true),
    (&["--refetch-missing", "--yes"], true),
    (&["--list"], true),
    (&["--check"], true),
    (&["--dry-run"], true),
    (&["--probe"], true),
    (&["--show", "1"], true),
    (&["--mark-seen"], true),
    (&["--import-seen", "file"], true),
    (&["--state", "delete", "--message", "1", "--yes"], true),
    (&["--state", "rename", "other"], true),
    (&["--state", "forget", "x"], false),
    (&["--state", "mark", "x"], false),
    (&["--state", "repair"], false),
    (&["--state", "separate"], false),
    (&["--state", "duplicates"], false),
    (&["--state", "handover", "again"], false),
    (&["--state", "export", "refused"], false),
];

#[test]
fn no_command_lets_a_worker_ask_for_what_is_not_its_to_ask_for() {
    const WAIT: &str = "{\"wait\":{\"millis\":9}}\n";
    type Lie = (fn(UnixStream), &'static str);
    let lies: [Lie; 5] = [
        (|it| send(it, HELLO.repeat(2).as_bytes()), "a second hello"),
        // It has the password already, or needs none; and it is no token.
        (|it| send(it, [HELLO, "{\"secret\":{}}\n"].concat().as_bytes()), "not its to ask for"),
        (
            |it| send(it, [HELLO, "{\"secret\":{\"refused\":true}}\n"].concat().as_bytes()),
            "not its to ask for",
        ),
        (
            |it| send(it, [HELLO, &hand_over("new", "x", "x")].concat().as_bytes()),
            "not its to hand over",
        ),
        (|it| send(it, [HELLO, END, WAIT].concat().as_bytes()), "after its last one"),
    ];
    let wait: fn(UnixStream) = |it| send(it, [HELLO, WAIT].concat().as_bytes());
    for (command, needs_server) in COMMANDS {
        let waits = (wait, "it waits where there is nothing to wait for");
        let waits = Some(waits).filter(|_| !needs_server);
        for (worker, why) in lies.into_iter().chain(waits) {
            let (exit, said) = lied_to(worker, command);
            assert_eq!(exit, Exit::Software, "{command:?}, {why}: {said}");
            assert!(said.contains(why) && !said.contains(steers), "{command:?}, {why}: {said}");
        }
    }
}

#[test]
fn a_worker_that_says_nothing_is_ended_after_10_s() {
    let begun = Instant::now();
    is_70(|it| drop((thread::sleep(Duration::from_secs(12)), it)), "said nothing");
    assert!(begun.elapsed() < Duration::from_secs(12));
}

#[test]
fn a_worker_of_another_build_is_told_nothing() {
    fn other(mut channel: UnixStream) {
        channel.write_all(HELLO.replace("\"build\":\"\"", "\"build\":\"x\"").as_bytes()).unwrap();
        let mut heard = Vec::new();
        let _ = channel.read_to_end(&mut heard);
        assert_eq!(heard, b"");
    }
    let (exit, said) = lied_to(other, &[]);
    assert!(exit == Exit::Temporary && said.contains("was replaced while it ran"), "{said}");
}

#[test]
fn worker_is_no_command_for_people() {
    let ran = Sandbox::new().pop3get(["--worker", "x"]).run();
    assert_eq!((ran.status, &*ran.stdout, &*ran.stderr), (Some(64), "", ""));
}

fn server() -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(3))
}

#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_supervisor_that_is_killed_takes_its_worker_along() {
    let stalled = server().fault(Fault::stall_at_command(2).on(1)).start();
    let sandbox = Sandbox::new();
    let mut run = sandbox.plain(&stalled).args(["--timeout", "60"]).start();
    assert!(stalled.wait_for_commands(2, Duration::from_secs(30)));
    let workers = children(&run);
    assert_eq!(workers.len(), 1);
    run.kill().unwrap();
    run.wait().unwrap();
    let worker = format!("/proc/{}/exe", workers[0]);
    until("the worker goes on", || fs::read_link(&worker).is_err());
    sandbox.plain(&stalled).run().is_silent();
    assert_eq!(sandbox.count(), 3);
}

#[test]
fn a_worker_that_is_killed_hurts_its_account_alone() {
    let stalled = server().fault(Fault::stall_at_command(2).on(1)).start();
    let (other, sandbox) = (server().start(), Sandbox::new());
    let account = |name: &str, server: &Server| {
        let port = server.address().port();
        format!(
            "[account.{name}]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/{name}\"\nstate-dir = \"~/state-{name}\"\npassword-command = \"echo secret\"\n"
        )
    };
    sandbox.configure(&[account("a", &stalled), account("b", &other)].concat());
    let mut run = sandbox.pop3get([""; 0]).command();
    let run = run.stderr(Stdio::piped()).spawn().unwrap();
    assert!(stalled.wait_for_commands(2, Duration::from_secs(30)));
    let worker = children(&run)[0].to_string();
    assert!(Command::new("kill").args(["-9", &worker]).status().unwrap().success());
    let ended = run.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(said, "pop3get: a: its worker was killed; perhaps memory ran out\n");
    assert_eq!(ended.status.code(), Some(75));
    assert_eq!(mail(&sandbox.path("b")).len(), 3);
}

/// The file is gone when the second account has its turn; the program starts itself
/// all the same, or says that it cannot.
#[test]
fn a_program_whose_file_is_removed_while_it_runs_goes_on() {
    let stalled = server().fault(Fault::stall_at_command(2).on(1)).start();
    let (other, sandbox) = (server().start(), Sandbox::new());
    let program = sandbox.path("program");
    fs::copy(env!("CARGO_BIN_EXE_pop3get"), &program).unwrap();
    let account = |name: &str, server: &Server| {
        let port = server.address().port();
        format!(
            "[account.{name}]\nserver = \"127.0.0.1:{port}\"\nuser = \"mrose\"\ntls = \"none\"\nmaildir = \"~/{name}\"\nstate-dir = \"~/state-{name}\"\npassword-command = \"echo secret\"\ntimeout = 2\n"
        )
    };
    sandbox.configure(&[account("a", &stalled), account("b", &other)].concat());
    let mut run = sandbox.pop3get([""; 0]).command_of(&program);
    let run = run.stderr(Stdio::piped()).spawn().unwrap();
    assert!(stalled.wait_for_commands(2, Duration::from_secs(30)));
    fs::remove_file(&program).unwrap();
    let ended = run.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(Path::new("/proc/self/exe").exists());
    assert_eq!(mail(&sandbox.path("b")).len(), 3, "{said}");
}
