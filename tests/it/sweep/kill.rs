//! Killed at every system call, and run again: each message once, byte-exact,
//! nothing gone from the server that is not here.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use pop3_test_server::Server;

use super::{calls, mail, messages, points, sample, strace, sweep};
use crate::sandbox::{Sandbox, left_in_tmp};

/// What a run does to the world outside of its memory.
const CALLS: &str = "openat,connect,sendto,recvfrom,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,flock";

const MESSAGES: usize = 30;

fn server() -> Server {
    // Lock-step: as many calls on the socket as there can be.
    let server = Server::builder().user("mrose", "secret").without("PIPELINING");
    server.messages(messages(MESSAGES)).start()
}

/// Kills a run at one call, looks, and lets a plain run follow.
fn killed_at(name: &str, nth: usize, more: &[&str]) {
    let (server, sandbox) = (server(), Sandbox::new());
    let inject = format!("inject={name}:signal=KILL:when={nth}");
    let trace = format!("trace={name}");
    let wishes = ["-e", &*trace, "-e", &*inject];
    let died =
        strace(&sandbox, &server, &wishes, Path::new("/dev/null")).args(more).status().unwrap();
    assert_eq!(died.signal(), Some(9), "{name} {nth}: {died}");
    let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state")).args(more);
    again.run().is_silent();
    assert!(sandbox.mail() == mail(MESSAGES), "{name} {nth}: not each once");
    assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{name} {nth}");
    let left = if more.is_empty() { MESSAGES } else { 0 };
    assert_eq!(server.maildrop("mrose").len(), left, "{name} {nth}");
}

fn kill_sweep(more: &[&str]) {
    let sandbox = Sandbox::new();
    let home = sandbox.path("").display().to_string();
    let mut calls = calls(&sandbox, &server(), CALLS, more);
    // Libraries and the resolver's files are opened before anything matters.
    calls.retain(|call| call.name != "openat" || call.line.contains(&home));
    let all = points(&calls);
    assert!(all.len() >= 200, "only {} points were found", all.len());
    let tried = sample(all, 60);
    eprintln!("killed at {} points", tried.len());
    sweep(tried, |(name, nth)| killed_at(&name, nth, more));
}

#[test]
fn killed_at_every_system_call_while_keeping() {
    kill_sweep(&[]);
}

#[test]
fn killed_at_every_system_call_while_deleting() {
    kill_sweep(&["--delete"]);
}

/// A run killed in its recovery is recovered by the next one.
#[test]
fn killed_while_recovering_from_a_kill() {
    let killed_once = || {
        let (server, sandbox) = (server(), Sandbox::new());
        let wishes = ["-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=14"];
        let died = strace(&sandbox, &server, &wishes, Path::new("/dev/null")).status().unwrap();
        assert_eq!(died.signal(), Some(9));
        (server, sandbox)
    };
    let (server, sandbox) = killed_once();
    let all = points(&calls(&sandbox, &server, "pwrite64,fsync,fdatasync,renameat2,unlinkat", &[]));
    assert!(all.len() >= 25, "only {} points were found", all.len());
    sweep(sample(all, 30), |(name, nth)| {
        let (server, sandbox) = killed_once();
        let inject = format!("inject={name}:signal=KILL:when={nth}");
        let trace = format!("trace={name}");
        let wishes = ["-e", &*trace, "-e", &*inject];
        let died = strace(&sandbox, &server, &wishes, Path::new("/dev/null")).status().unwrap();
        assert_eq!(died.signal(), Some(9), "{name} {nth}");
        let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
        again.run().is_silent();
        assert!(sandbox.mail() == mail(MESSAGES), "{name} {nth}: not each once");
        assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{name} {nth}");
    });
}

/// A run that was fetched before, its journal so full of dead records that this
/// run makes it new.
fn about_to_compact() -> (Server, Sandbox) {
    let (server, sandbox) = (server(), Sandbox::new());
    let state = sandbox.path("state");
    sandbox.plain(&server).arg("--state-dir").arg(&state).run().is_silent();
    let path = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    let path = path.into_iter().find(|path| path.extension().is_some_and(|it| it == "seen"));
    let (path, mut text) = (path.clone().unwrap(), std::fs::read_to_string(path.unwrap()).unwrap());
    let last = text.lines().last().unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    let append = "settled 1\n".repeat(1100) + &format!("commit {} 1100 ", last + 1);
    text += &format!("{append}{:08x}\n", crc32fast::hash(append.as_bytes()));
    std::fs::write(path, text).unwrap();
    server.maildrop("mrose").replace(messages(MESSAGES + 1));
    (server, sandbox)
}

#[test]
fn killed_while_making_the_journal_new() {
    let (server, sandbox) = about_to_compact();
    let traced = calls(&sandbox, &server, "pwrite64,fsync,fdatasync,rename,renameat2,sendto", &[]);
    assert!(traced.iter().any(|call| call.name == "rename" && call.line.contains(".seen~")));
    sweep(sample(points(&traced), 40), |(name, nth)| {
        let (server, sandbox) = about_to_compact();
        let inject = format!("inject={name}:signal=KILL:when={nth}");
        let trace = format!("trace={name}");
        let wishes = ["-e", &*trace, "-e", &*inject];
        let died = strace(&sandbox, &server, &wishes, Path::new("/dev/null")).status().unwrap();
        assert_eq!(died.signal(), Some(9), "{name} {nth}");
        for _ in 0..2 {
            let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
            again.run().is_silent();
            assert!(sandbox.mail() == mail(MESSAGES + 1), "{name} {nth}: not each once");
        }
    });
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
    sweep(sample(all, 40), |(name, nth)| {
        let (server, sandbox) = (server(), Sandbox::new());
        let inject = format!("inject={name}:signal=TERM:when={nth}");
        let trace = format!("trace={name}");
        let wishes = ["-e", &*trace, "-e", &*inject];
        let ended = strace(&sandbox, &server, &wishes, Path::new("/dev/null")).output().unwrap();
        assert_eq!(ended.status.signal(), Some(15), "{name} {nth}: {ended:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{name} {nth}");
        assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{name} {nth}");
        let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
        again.run().is_silent();
        assert!(sandbox.mail() == mail(MESSAGES), "{name} {nth}: not each once");
    });
}

/// Two accounts deliver into one Maildir. Either is killed; the other one runs
/// before it recovers, and touches nothing of it.
#[test]
fn a_neighbours_run_touches_nothing_of_a_killed_one() {
    let cases: Vec<_> = ["fdatasync", "renameat2", "pwrite64", "write"]
        .into_iter()
        .flat_map(|name| [2usize, 5, 9].map(|nth| (name, nth)))
        .filter(|(name, nth)| *name != "pwrite64" || *nth < 5)
        .collect();
    sweep(cases, |(name, nth)| {
        let (server, sandbox) = (server(), Sandbox::new());
        let other = Server::builder().user("jpostel", "secret").messages(messages(5)).start();
        let run = |server: &Server, user: &str| {
            let run = sandbox.plain(server).args(["-u", user]).arg("--state-dir");
            run.arg(sandbox.path("state")).run().is_silent();
        };
        let inject = format!("inject={name}:signal=KILL:when={nth}");
        let trace = format!("trace={name}");
        let wishes = ["-e", &*trace, "-e", &*inject];
        let died = strace(&sandbox, &server, &wishes, Path::new("/dev/null")).status().unwrap();
        assert_eq!(died.signal(), Some(9), "{name} {nth}");
        run(&other, "jpostel");
        run(&server, "mrose");
        let mut both = [mail(MESSAGES), mail(5)].concat();
        both.sort();
        assert!(sandbox.mail() == both, "{name} {nth}: not each once");
        assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{name} {nth}");
    });
}
