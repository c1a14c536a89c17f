//! A command after a delivery, whatever is killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use pop3_test_server::Server;

use super::{calls, mail, messages, points, sample, strace, strace_without_maildir, sweep};
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

/// Likewise without a Maildir: each message leaves the spool for the command, or goes
/// along into a Maildir that is named later.
#[test]
fn killed_at_every_system_call_nothing_is_lost_from_the_spool() {
    const CALLS: &str = "openat,unlink,write,pwrite64,fsync,fdatasync,rename,renameat2,sendto";
    let line = |sandbox: &Sandbox| {
        let seen = sandbox.path("seen");
        format!("pipe:echo \"$POP3GET_ID ${{POP3GET_AGAIN:-0}}\" >>{}", seen.display())
    };
    let sandbox = Sandbox::new();
    let all = points(&calls(&sandbox, &server(), CALLS, &["--handover", &line(&sandbox)]));
    assert!(all.len() >= 100, "only {} points were found", all.len());
    let points = sample(all, 40);
    eprintln!("spool: killed at {} points", points.len());
    sweep(points, |(name, nth)| {
        let (server, sandbox) = (server(), Sandbox::new());
        let line = line(&sandbox);
        let (trace, inject) =
            (format!("trace={name}"), format!("inject={name}:signal=KILL:when={nth}"));
        let wishes = ["-e", &*trace, "-e", &*inject];
        let mut run = strace_without_maildir(&sandbox, &server, &wishes, Path::new("/dev/null"));
        let ran = run.args(["--handover", &*line]).output().unwrap();
        let what = format!("{name} {nth}: {ran:?}");
        let seen = || fs::read_to_string(sandbox.path("seen")).unwrap_or_default();
        let before = seen().lines().count();
        let goes_along = nth % 2 == 0;
        let again = || {
            let address = format!("127.0.0.1:{}", server.address().port());
            let run = sandbox.pop3get(["--tls", "none", "-s", &*address, "-u", "mrose"]);
            let run = run.args(["--journal", "mrose@127.0.0.1"]).env("POP3GET_PASSWORD", "secret");
            let run = run.arg("--state-dir").arg(sandbox.path("state"));
            if goes_along { run.arg("-m").arg(sandbox.maildir()) } else { run }
        };
        again().args(["--handover", &*line]).run().is_silent();
        let text = seen();
        let ids: BTreeSet<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
        let marked = text.lines().filter(|line| line.ends_with(" 1")).count();
        assert_eq!(ids.len(), MESSAGES, "{what}: {text}");
        assert!(marked <= 1 && text.lines().count() <= MESSAGES + marked, "{what}: {text}");
        let spool = sandbox.path("state/mrose@127.0.0.1/spool");
        let left = if spool.exists() { crate::sandbox::mail(&spool).len() } else { 0 };
        assert_eq!(left, 0, "{what}: left in the spool");
        let along = if goes_along { sandbox.count() } else { 0 };
        assert!(!goes_along || along + before >= MESSAGES, "{what}: {along} and {before}");
        again().args(["--handover", "pipe:exit 9"]).run().is_silent();
    });
}
