//! A command after a delivery, whatever is killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use pop3_test_server::Server;

use super::{calls, mail, messages, points, sample, strace, sweep};
use crate::sandbox::Sandbox;

const MESSAGES: usize = 12;

fn server() -> Server {
    Server::builder().user("mrose", "secret").messages(messages(MESSAGES)).start()
}

fn line(sandbox: &Sandbox) -> String {
    format!("tr '\\0' '\\n' >>{}", sandbox.path("ran").display())
}

/// A run with these options, killed at one of its system calls.
fn killed(
    sandbox: &Sandbox,
    server: &Server,
    (name, nth): (&str, usize),
    options: &[&str],
) -> Output {
    let (trace, inject) =
        (format!("trace={name}"), format!("inject={name}:signal=KILL:when={nth}"));
    let wishes = ["-e", &*trace, "-e", &*inject];
    let mut run = strace(sandbox, server, &wishes, Path::new("/dev/null"));
    run.args(options).output().unwrap()
}

/// Supervisor, worker and command are killed at each call, and the run is repeated: the
/// command has seen each message at least once.
#[test]
fn killed_at_every_system_call_the_command_runs_at_least_once() {
    const CALLS: &str =
        "execve,clone3,openat,unlink,write,pwrite64,fsync,fdatasync,renameat2,recvfrom,read";
    let sandbox = Sandbox::new();
    let all = points(&calls(&sandbox, &server(), CALLS, &["--exec", &line(&sandbox)]));
    assert!(all.len() >= 150, "only {} points were found", all.len());
    sweep(sample(all, 60), |(name, nth)| {
        let (server, sandbox) = (server(), Sandbox::new());
        let line = line(&sandbox);
        let ran = killed(&sandbox, &server, (&name, nth), &["--exec", &line]);
        let what = format!("{name} {nth}: {ran:?}");
        let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
        again.args(["--exec", &*line]).run().is_silent();
        assert!(sandbox.mail() == mail(MESSAGES), "{what}: not each once");
        let seen = fs::read_to_string(sandbox.path("ran")).unwrap_or_default();
        let seen: BTreeSet<_> = seen.lines().collect();
        for entry in fs::read_dir(sandbox.maildir().join("new")).unwrap() {
            let path = entry.unwrap().path();
            assert!(seen.contains(path.to_str().unwrap()), "{what}: {path:?} was not seen");
        }
        let third = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
        third.args(["--exec", "exit 9"]).run().is_silent();
    });
}

#[test]
fn what_a_run_recovers_is_shown_to_the_command_though_it_was_configured_later() {
    let (server, sandbox) = (server(), Sandbox::new());
    let wishes = ["-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=3"];
    let killed = strace(&sandbox, &server, &wishes, Path::new("/dev/null")).output().unwrap();
    assert!(!killed.status.success(), "{killed:?}");
    server.maildrop("mrose").replace([]);
    let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
    again.args(["--exec", &*line(&sandbox)]).run().is_silent();
    let seen = fs::read_to_string(sandbox.path("ran")).unwrap();
    assert_eq!((seen.lines().count(), sandbox.count()), (MESSAGES, MESSAGES));
}

/// Supervisor, worker and command are killed at each call while messages are handed
/// over, and the run is repeated: none is lost, and at most one has come twice, the
/// second time marked.
#[test]
fn killed_at_every_system_call_each_message_is_handed_over_and_one_at_most_twice() {
    const CALLS: &str = "execve,clone3,openat,unlink,write,pwrite64,fsync,fdatasync,rename,\
                         renameat2,recvfrom,sendto,read,waitid,wait4,flock";
    let line = |sandbox: &Sandbox| {
        let seen = sandbox.path("seen");
        format!("pipe:echo \"$POP3GET_ID ${{POP3GET_AGAIN:-0}}\" >>{}", seen.display())
    };
    let sandbox = Sandbox::new();
    let all = points(&calls(&sandbox, &server(), CALLS, &["--handover", &line(&sandbox)]));
    assert!(all.len() >= 200, "only {} points were found", all.len());
    eprintln!("{} points", all.len());
    let points = sample(all, 60);
    let (tried, twice) = (points.len(), AtomicUsize::new(0));
    sweep(points, |(name, nth)| {
        let (server, sandbox) = (server(), Sandbox::new());
        let line = line(&sandbox);
        let ran = killed(&sandbox, &server, (&name, nth), &["--handover", &line]);
        let what = format!("{name} {nth}: {ran:?}");
        let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
        again.args(["--handover", &*line]).run().is_silent();
        assert!(sandbox.mail() == mail(MESSAGES), "{what}: not each once");
        let seen = fs::read_to_string(sandbox.path("seen")).unwrap_or_default();
        let (again, first): (Vec<_>, Vec<_>) = seen.lines().partition(|line| line.ends_with(" 1"));
        let ids: BTreeSet<_> = seen.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(ids.len(), MESSAGES, "{what}: {seen}");
        // The command that was killed may not have come to write.
        assert!(again.len() <= 1 && first.len() <= MESSAGES, "{what}: {seen}");
        twice.fetch_add(seen.lines().count() - MESSAGES, Ordering::Relaxed);
        let third = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state"));
        third.args(["--handover", "pipe:exit 9"]).run().is_silent();
    });
    eprintln!("killed at {tried} points: handed over twice {}", twice.into_inner());
}
