//! Many accounts at once: how many, in which order they speak, and a server that is gone.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::letter;
use crate::sandbox::{Sandbox, mail};
use crate::sweep::whole;

/// The processes that a process has started, by whichever of its threads.
pub fn children(of: &Child) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{}/task", of.id())).unwrap();
    let paths = tasks.map(|task| task.unwrap().path().join("children"));
    let texts: Vec<_> = paths.map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    texts.iter().flat_map(|text| text.split_whitespace()).map(|id| id.parse().unwrap()).collect()
}

/// A server with users u0, u1 … who have a message each.
fn server(users: usize) -> Builder {
    (0..users).fold(Server::builder(), |server, user| {
        let letter = Message::new(format!("uid-{user}"), letter(user + 1));
        server.user(&format!("u{user}"), "secret").messages([letter])
    })
}

/// An account of each user, with a Maildir of its own.
fn accounts(users: usize, address: SocketAddr) -> String {
    let mut text = "[defaults]\ntls = \"none\"\npassword-file = \"~/password\"\n".to_owned();
    for user in 0..users {
        write!(
            text,
            "[account.a{user}]\nserver = \"{address}\"\nuser = \"u{user}\"\nmaildir = \"~/m{user}\"\n"
        )
        .unwrap();
    }
    text
}

fn sandbox(configuration: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.secret("password", "secret");
    sandbox.configure(configuration);
    sandbox
}

fn delivered(sandbox: &Sandbox, users: usize) -> usize {
    (0..users).map(|user| mail(&sandbox.path(&format!("m{user}"))).len()).sum()
}

/// The way to a server, on which every connection waits at first and is counted.
struct Gate {
    address: SocketAddr,
    most: Arc<AtomicUsize>,
}

impl Gate {
    fn before(server: &Server, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, target) = (listener.local_addr().unwrap(), server.address());
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&most);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (now, most) = (Arc::clone(&now), Arc::clone(&counted));
                thread::spawn(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(delay);
                    relay(&client, &TcpStream::connect(target).unwrap());
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, most }
    }
}

/// Passes octets on in both directions, to the end.
fn relay(client: &TcpStream, server: &TcpStream) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut &*server, &mut &*client);
    let _ = client.shutdown(Shutdown::Both);
    up.join().unwrap();
}

#[test]
fn two_hundred_accounts_of_one_server_are_fetched_eight_at_a_time() {
    const USERS: usize = 200;
    let server = server(USERS).start();
    let gate = Gate::before(&server, Duration::ZERO);
    let text = format!("jobs = 20\n{}", accounts(USERS, gate.address));
    let sandbox = sandbox(&text);
    sandbox.pop3get(["--jobs-per-host", "8"]).run().is_silent();
    assert_eq!(delivered(&sandbox, USERS), USERS);
    assert_eq!(server.sessions(), USERS);
    let most = gate.most.load(Ordering::SeqCst);
    assert!((2..=8).contains(&most), "{most} at once");
    sandbox.pop3get(["--jobs-per-host", "8"]).run().is_silent();
    assert_eq!(delivered(&sandbox, USERS), USERS);
}

#[test]
fn accounts_of_a_slow_server_are_fetched_side_by_side() {
    const USERS: usize = 30;
    let (delay, limit) = if whole() {
        (Duration::from_secs(1), Duration::from_secs(9))
    } else {
        (Duration::from_millis(300), Duration::from_secs(6))
    };
    let server = server(USERS).start();
    let gate = Gate::before(&server, delay);
    let sandbox = sandbox(&accounts(USERS, gate.address));
    let begun = Instant::now();
    sandbox.pop3get(["--jobs", "4", "--jobs-per-host", "4"]).run().is_silent();
    let lasted = begun.elapsed();
    eprintln!("{USERS} accounts, {delay:?} to greet: {lasted:?}");
    assert!(lasted < limit, "{lasted:?}");
    assert_eq!((delivered(&sandbox, USERS), gate.most.load(Ordering::SeqCst)), (USERS, 4));
}

#[test]
fn without_options_two_accounts_of_a_server_and_four_of_all_run_at_once() {
    let (one, other) = (server(6).start(), server(6).start());
    let delay = Duration::from_millis(200);
    let gates = [Gate::before(&one, delay), Gate::before(&other, delay)];
    let more = accounts(6, gates[1].address).replace("[account.a", "[account.b");
    let more = more.replace("~/m", "~/n").split_once("[account").unwrap().1.to_owned();
    let sandbox = sandbox(&format!("{}[account{more}", accounts(6, gates[0].address)));
    sandbox.pop3get([""; 0]).run().is_silent();
    assert_eq!(delivered(&sandbox, 6), 6);
    assert_eq!(gates.map(|gate| gate.most.load(Ordering::SeqCst)), [2, 2]);
}

#[test]
fn two_accounts_of_one_mailbox_never_run_at_once() {
    let server = server(1).start();
    let gate = Gate::before(&server, Duration::from_millis(100));
    let text = accounts(1, gate.address);
    let again = text.split_once("[account").unwrap().1.replace("a0", "b").replace("m0", "m1");
    let sandbox = sandbox(&format!("{text}[account{again}journal = \"again\"\n"));
    sandbox.pop3get([""; 0]).run().is_silent();
    assert_eq!((delivered(&sandbox, 2), gate.most.load(Ordering::SeqCst)), (2, 1));
}

/// A port on which nobody listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_once_and_said_in_one_line_for_all_others() {
    let server = server(1).start();
    let gone = accounts(9, nowhere());
    let good = accounts(1, server.address()).split_once("[account").unwrap().1.to_owned();
    let good = good.replace("a0", "good").replace("m0", "good");
    let sandbox = sandbox(&format!("{gone}[account{good}"));
    let ran = sandbox.pop3get(["--jobs-per-host", "1"]).run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines[0].starts_with("pop3get: a0: cannot connect to 127.0.0.1:"), "{ran:?}");
    let others =
        "could not be reached; 8 other accounts were not fetched: a1, a2, a3, a4, a5, a6, a7, a8";
    assert!(lines[1].ends_with(others), "{ran:?}");
    assert_eq!(mail(&sandbox.path("good")).len(), 1);
    // They count as failed runs.
    let health = sandbox.path(".local/state/pop3get/health");
    let failing = fs::read_dir(health).unwrap().map(|it| fs::read_to_string(it.unwrap().path()));
    assert_eq!(failing.filter(|it| it.as_ref().unwrap().contains("\"status\":75")).count(), 9);
}

#[test]
fn off_a_terminal_accounts_report_in_the_order_of_the_file() {
    let server = server(4).start();
    let text = accounts(4, server.address());
    // The first one is the slowest.
    let slow = Gate::before(&server, Duration::from_millis(500));
    let text = text.replacen(&server.address().to_string(), &slow.address.to_string(), 1);
    let sandbox = sandbox(&text.replace("\"u2\"", "\"nobody\""));
    let ran = sandbox.pop3get(["--check"]).run();
    assert_eq!(ran.stdout, "a0: 1 new message\na1: 1 new message\na3: 1 new message\n");
    assert_eq!(ran.status, Some(77), "{ran:?}");
    // With -v they report as they come.
    let ran = sandbox.pop3get(["--check", "-v"]).run();
    assert!(ran.stdout.ends_with("a0: 1 new message\n"), "{ran:?}");
}

#[test]
fn a_held_lock_ends_its_account_alone_before_its_password_is_asked_for() {
    let server = server(2).start();
    let text = accounts(2, server.address());
    let sandbox = sandbox(&text);
    sandbox.pop3get([""; 0]).run().is_silent();
    let asked = sandbox.path("asked").display().to_string();
    let command = format!(
        "password-command = \"echo $POP3GET_USER $POP3GET_ACCOUNT >>{asked}; echo secret\""
    );
    sandbox.configure(&text.replace("password-file = \"~/password\"", &command));
    let port = server.address().port();
    let lock = sandbox.path(&format!(".local/state/pop3get/u0@127.0.0.1:{port}/lock"));
    let lock = fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    let ran = sandbox.pop3get(["-v"]).run();
    assert_eq!(ran.status, Some(75), "{ran:?}");
    assert!(ran.stderr.contains("a0: another run holds the lock"), "{ran:?}");
    assert_eq!(fs::read_to_string(Path::new(&asked)).unwrap(), "u1 a1\n");
    assert_eq!(server.sessions(), 3);
}

#[test]
fn an_account_that_waits_for_its_server_frees_its_job() {
    let hasty = server(1).login_delay(4).start();
    let other = server(2).start();
    let more = accounts(2, other.address()).replace("[account.a", "[account.b");
    let more = more.replace("~/m", "~/n").split_once("[account").unwrap().1.to_owned();
    let text = accounts(1, hasty.address());
    let sandbox = sandbox(&format!("jobs = 1\n{text}[account{more}"));
    sandbox.pop3get(["a0"]).run().is_silent();
    let run = sandbox.pop3get([""; 0]).start();
    // Both others are fetched while the first one waits.
    assert!(other.wait_for_commands(8, Duration::from_secs(30)));
    assert_eq!(hasty.sessions(), 1);
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!((hasty.sessions(), other.sessions()), (2, 2));
}

#[test]
fn each_level_says_more() {
    let server = server(1).start();
    let sandbox = sandbox(&accounts(1, server.address()));
    let ran = sandbox.pop3get(["-v"]).run();
    let line = ran.stderr.strip_prefix("a0: 1 delivered (").unwrap_or_default();
    assert!(line.contains("), 0 deleted, 0 failed, ") && line.ends_with(" s\n"), "{ran:?}");
    let state = sandbox.path(".local/state/pop3get");
    fs::remove_dir_all(state).unwrap();
    fs::remove_dir_all(sandbox.path("m0")).unwrap();
    let ran = sandbox.pop3get(["-vv"]).run();
    assert!(ran.stderr.contains("uid-0") && ran.stderr.contains("a0: sandbox: "), "{ran:?}");
    assert!(!ran.stderr.contains("> QUIT"), "{ran:?}");
    let ran = sandbox.pop3get(["-vvv"]).run();
    assert!(ran.stderr.contains("a0: > QUIT\n"), "{ran:?}");
    assert!(ran.stderr.lines().all(|line| line.starts_with("a0: ")), "{ran:?}");
}

#[test]
fn an_account_whose_turn_comes_after_the_deadline_waited_for_no_password() {
    let (silent, server) = (server(1).fault(Fault::stall_before_greeting()).start(), server(2));
    let server = server.start();
    let text = accounts(2, server.address());
    let sandbox =
        sandbox(&text.replacen(&server.address().to_string(), &silent.address().to_string(), 1));
    let ran = sandbox.pop3get(["--jobs", "1", "--deadline", "1"]).run();
    ran.fails(75, "a1: the deadline passed before the account's turn came");
    assert_eq!(delivered(&sandbox, 2), 0);
}
