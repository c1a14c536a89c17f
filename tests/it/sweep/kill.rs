//! Killed at every system call, and run again: each message once, byte-exact,
//! nothing gone from the server that is not here.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use pop3_test_server::Server;

use super::{
    FILE_BY_FILE, OPENS, calls, is_ours, mail, messages, opens, points, sample, strace, sweep,
    wished_calls,
};
use crate::sandbox::{Sandbox, closed, left_in_tmp};

/// What a run does to the world outside of its memory, opening of files aside.
const CALLS: &str = "connect,sendto,recvfrom,write,pwrite64,ftruncate,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,unlinkat,flock";

const MESSAGES: usize = 30;

fn server() -> Server {
    // Lock-step: as many calls on the socket as there can be.
    let server = Server::builder().user("mrose", "secret").without("PIPELINING");
    server.messages(messages(MESSAGES)).start()
}

/// Where batches end depends on the clock, so that a call which one run makes
/// may be missing in another: that point is tried again, and not counted if the
/// call is never reached.
const TRIES: usize = 4;

/// Whether supervisor or worker were killed. A supervisor takes its worker along, and
/// says of a worker that it was killed.
fn is_killed(ran: &Output) -> bool {
    let said = String::from_utf8_lossy(&ran.stderr);
    ran.status.signal() == Some(9)
        || ran.status.code() == Some(75) && said.contains("its worker was killed")
}

/// Kills runs at these calls, in whichever of the two processes comes to them, each in a place of its own that `prepare` makes,
/// and lets `check` look at what a kill left. Returns how many died.
pub(super) fn killed_at(
    points: Vec<(String, usize)>,
    wish: &[&str],
    more: &[&str],
    prepare: &(impl Fn() -> (Server, Sandbox) + Sync),
    check: &(impl Fn(&Server, &Sandbox, &str) + Sync),
) {
    let (tried, died) = (points.len(), AtomicUsize::new(0));
    sweep(points, |(name, nth)| {
        let inject = format!("inject={name}:signal=KILL:when={nth}");
        let trace = format!("trace={name},fstatfs");
        let wishes = [&["-e", &*trace, "-e", &*inject], wish].concat();
        for _ in 0..TRIES {
            let (server, sandbox) = prepare();
            let mut run = strace(&sandbox, &server, &wishes, Path::new("/dev/null"));
            let ran = run.args(more).output().unwrap();
            if is_killed(&ran) {
                died.fetch_add(1, Ordering::Relaxed);
                check(&server, &sandbox, &format!("{name} {nth}"));
                return;
            }
            assert!(ran.status.success(), "{name} {nth}: {ran:?}");
        }
        eprintln!("not reached: {name} {nth}");
    });
    let died = died.into_inner();
    eprintln!("killed at {died} points of {tried}");
    // Calls are counted by thread, and threads take turns: one point may be missed.
    assert!(died + 1 >= tried || died * 100 >= tried * 95, "only {died} of {tried} runs died");
}

/// A plain run after a kill: each message once, nothing left over.
fn run_again(server: &Server, sandbox: &Sandbox, more: &[&str], count: usize, what: &str) {
    let again = sandbox.plain(server).arg("--state-dir").arg(sandbox.path("state")).args(more);
    again.run().is_silent();
    assert!(sandbox.mail() == mail(count), "{what}: not each once");
    assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{what}");
}

fn kill_sweep(wish: &[&str], more: &[&str]) {
    let sandbox = Sandbox::new();
    let home = sandbox.path("").display().to_string();
    let names = format!("{OPENS},{CALLS}");
    let mut calls = wished_calls(wish, &sandbox, &server(), &names, more);
    // Libraries and the resolver's files are opened before anything matters.
    calls.retain(|call| !opens(&call.name) || is_ours(&call.line, &home));
    let all = points(&calls);
    assert!(all.len() >= 200, "only {} points were found", all.len());
    let prepare = || (server(), Sandbox::new());
    killed_at(sample(all, 60), wish, more, &prepare, &|server, sandbox, what| {
        run_again(server, sandbox, more, MESSAGES, what);
        let left = if more.is_empty() { MESSAGES } else { 0 };
        assert_eq!(server.maildrop("mrose").len(), left, "{what}");
    });
}

#[test]
fn killed_at_every_system_call_while_keeping() {
    kill_sweep(&[], &[]);
}

#[test]
fn killed_at_every_system_call_while_deleting() {
    kill_sweep(FILE_BY_FILE, &["--delete"]);
}

/// A run killed in its recovery is recovered by the next one.
#[test]
fn killed_while_recovering_from_a_kill() {
    let killed_once = || {
        let (server, sandbox) = (server(), Sandbox::new());
        let wishes = ["-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=14"];
        let died = strace(&sandbox, &server, &wishes, Path::new("/dev/null")).output().unwrap();
        assert!(is_killed(&died), "there are 30 renames: {died:?}");
        (server, sandbox)
    };
    // Batches end by the clock: what each of some runs calls, others call, too.
    let found = || {
        let (server, sandbox) = killed_once();
        points(&calls(&sandbox, &server, "pwrite64,fsync,fdatasync,syncfs,renameat2", &[]))
    };
    let others = [found(), found(), found()];
    let mut all = found();
    all.retain(|point| others.iter().all(|other| other.contains(point)));
    // 17 renames are left, at least.
    assert!(all.len() > 17, "only {} points were found", all.len());
    killed_at(sample(all, 30), &[], &[], &killed_once, &|server, sandbox, what| {
        run_again(server, sandbox, &[], MESSAGES, what);
    });
}

/// A run that was fetched before, its journal so full of dead records that this
/// run makes it new.
fn about_to_compact() -> (Server, Sandbox) {
    let (server, sandbox) = (server(), Sandbox::new());
    let state = sandbox.path("state");
    sandbox.plain(&server).arg("--state-dir").arg(&state).run().is_silent();
    let path = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    let path = path.into_iter().map(|path| path.join("journal")).find(|path| path.exists());
    let (path, mut text) = (path.clone().unwrap(), fs::read_to_string(path.unwrap()).unwrap());
    let last = text.lines().last().unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    let append = "settled 1\n".repeat(1100) + &format!("commit {} 1100 ", last + 1);
    text += &closed(&append);
    fs::write(path, text).unwrap();
    server.maildrop("mrose").replace(messages(MESSAGES + 1));
    (server, sandbox)
}

#[test]
fn killed_while_making_the_journal_new() {
    let (server, sandbox) = about_to_compact();
    let traced = calls(&sandbox, &server, "pwrite64,fsync,fdatasync,rename,renameat2,sendto", &[]);
    assert!(traced.iter().any(|call| call.name == "rename" && call.line.contains("journal~")));
    killed_at(
        sample(points(&traced), 40),
        &[],
        &[],
        &about_to_compact,
        &|server, sandbox, what| {
            run_again(server, sandbox, &[], MESSAGES + 1, what);
            run_again(server, sandbox, &[], MESSAGES + 1, what);
        },
    );
}

/// Told to end at any call, it ends by that signal or is done; nothing is left
/// in tmp, and the next run has the rest.
#[test]
fn terminated_at_every_system_call() {
    let all = points(&calls(
        &Sandbox::new(),
        &server(),
        "sendto,recvfrom,write,fdatasync,renameat2",
        &[],
    ));
    assert!(all.len() >= 100, "only {} points were found", all.len());
    let points = sample(all, 40);
    let (tried, told, terminated) = (points.len(), AtomicUsize::new(0), AtomicUsize::new(0));
    sweep(points, |(name, nth)| {
        for _ in 0..TRIES {
            if let Some(is_terminated) = terminate_at(&name, nth) {
                told.fetch_add(1, Ordering::Relaxed);
                terminated.fetch_add(usize::from(is_terminated), Ordering::Relaxed);
                return;
            }
        }
    });
    let (told, terminated) = (told.into_inner(), terminated.into_inner());
    assert!(told * 100 >= tried * 80, "only {told} of {tried} points were reached");
    assert!(terminated * 100 >= told * 90, "only {terminated} of {told} runs were ended");
}

/// Tells a run to end at a call. Whether that ended it; `None` if the run never came to
/// the call.
fn terminate_at(name: &str, nth: usize) -> Option<bool> {
    let (server, sandbox) = (server(), Sandbox::new());
    let (inject, trace) =
        (format!("inject={name}:signal=TERM:when={nth}"), format!("trace={name}"));
    let wishes = ["-e", &*trace, "-e", &*inject];
    let output = sandbox.path("trace");
    // So the answer to QUIT is waited for, and no run is over before the signal counts.
    let run = &mut strace(&sandbox, &server, &wishes, &output);
    let ended = run.arg("--strict").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    // A signal to the supervisor ends it by that signal; one to the worker alone is said.
    let by_signal = ended.status.signal() == Some(15);
    // Two threads may come to the same call: a second signal ends a process at once.
    let is_told = said.contains("interrupted") || said.contains("its worker was killed");
    let is_said = ended.status.code() == Some(75) && is_told;
    assert!(by_signal || is_said || ended.status.success(), "{name} {nth}: {ended:?}");
    // The supervisor may come to the same call while it says so.
    assert!(said.is_empty() || is_told, "{name} {nth}: {said}");
    assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{name} {nth}");
    run_again(&server, &sandbox, &[], MESSAGES, &format!("{name} {nth}"));
    let was_reached = fs::read_to_string(output).unwrap().contains("--- SIGTERM ");
    assert!(was_reached || ended.status.success(), "{name} {nth}: {ended:?}");
    was_reached.then_some(by_signal || is_said)
}

/// Two accounts with a state directory each deliver into one Maildir. One is
/// killed; the other one runs before it recovers, and touches nothing of it.
#[test]
fn a_neighbours_run_touches_nothing_of_a_killed_one() {
    let cases: Vec<_> = ["fdatasync", "renameat2", "pwrite64", "write"]
        .into_iter()
        .flat_map(|name| [2usize, 5, 9].map(|nth| (name, nth)))
        .filter(|(name, nth)| *name != "pwrite64" || *nth < 5)
        .collect();
    let cases = cases.into_iter().map(|(name, nth)| (name.to_owned(), nth)).collect();
    killed_at(
        cases,
        FILE_BY_FILE,
        &[],
        &|| (server(), Sandbox::new()),
        &|server, sandbox, what| {
            let other = Server::builder().user("jpostel", "secret").messages(messages(5)).start();
            let run = |server: &Server, user: &str, state: &str| {
                let run = sandbox.plain(server).args([
                    "-u",
                    user,
                    "--journal",
                    &format!("{user}@127.0.0.1"),
                ]);
                run.arg("--state-dir").arg(sandbox.path(state)).run().is_silent();
            };
            run(&other, "jpostel", "another-state");
            run(server, "mrose", "state");
            let mut both = [mail(MESSAGES), mail(5)].concat();
            both.sort();
            assert!(sandbox.mail() == both, "{what}: not each once");
            assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{what}");
        },
    );
}
