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
