//! A hand-over by LMTP, whatever is killed and wherever the connection is cut: no message
//! is lost, one at most comes twice, and then it is said.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use pop3_test_server::{LmtpFault, LmtpServer, Server};

use super::{calls, mail, messages, points, sample, strace, sweep};
use crate::sandbox::{Ran, Sandbox};

const MESSAGES: usize = 6;

const RECIPIENTS: [&str; 2] = ["a@x", "b@x"];

const EXTENSIONS: &[&str] = &["PIPELINING", "SIZE"];

fn server() -> Server {
    Server::builder().user("mrose", "secret").messages(messages(MESSAGES)).start()
}

fn options(target: &LmtpServer) -> Vec<String> {
    let mut options = vec!["--handover".to_owned(), target.target()];
    options.extend(RECIPIENTS.iter().flat_map(|it| ["--rcpt".to_owned(), (*it).to_owned()]));
    options
}

fn run(server: &Server, sandbox: &Sandbox, target: &LmtpServer) -> Ran {
    let run = sandbox.plain(server).arg("--state-dir").arg(sandbox.path("state"));
    run.args(options(target)).arg("-vv").run()
}

/// What the target has in the end, and whether what came twice was said. Returns how
/// many messages did.
fn check(sandbox: &Sandbox, target: &LmtpServer, last: &Ran, what: &str) -> usize {
    assert!(sandbox.mail() == mail(MESSAGES), "{what}: not each once");
    let mut times: BTreeMap<(Vec<u8>, String), usize> = BTreeMap::new();
    for it in target.taken() {
        *times.entry((it.message, it.recipient)).or_default() += 1;
    }
    assert_eq!(times.len(), MESSAGES * RECIPIENTS.len(), "{what}: lost");
    let twice = times.iter().filter(|(_, times)| **times > 1).map(|((message, _), _)| message);
    let twice: std::collections::BTreeSet<_> = twice.collect();
    let marks = last.stderr.lines().filter(|line| line.ends_with(" again")).count();
    assert!(twice.len() <= 1 && times.values().all(|times| *times <= 2), "{what}: too often");
    assert!(marks <= 1 && twice.len() <= marks, "{what}: not said: {last:?}");
    twice.len()
}

#[test]
fn killed_at_every_system_call_each_message_is_taken_and_one_at_most_twice() {
    const CALLS: &str = "execve,clone3,openat,unlink,write,pwrite64,fsync,fdatasync,rename,\
                         renameat2,recvfrom,sendto,read,connect,wait4,flock";
    let (sandbox, target) = (Sandbox::new(), LmtpServer::start(EXTENSIONS, &[]));
    let typed = options(&target);
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    let all = points(&calls(&sandbox, &server(), CALLS, &typed));
    assert!(all.len() >= 150, "only {} points were found", all.len());
    let points = sample(all, 40);
    let (tried, twice) = (points.len(), AtomicUsize::new(0));
    sweep(points, |(name, nth)| {
        let (server, sandbox) = (server(), Sandbox::new());
        let target = LmtpServer::start(EXTENSIONS, &[]);
        let (trace, inject) =
            (format!("trace={name}"), format!("inject={name}:signal=KILL:when={nth}"));
        let wishes = ["-e", &*trace, "-e", &*inject];
        let mut killed = strace(&sandbox, &server, &wishes, Path::new("/dev/null"));
        let ran = killed.args(options(&target)).output().unwrap();
        let what = format!("{name} {nth}: {ran:?}");
        let again = run(&server, &sandbox, &target);
        assert_eq!(again.status, Some(0), "{what}: {again:?}");
        twice.fetch_add(check(&sandbox, &target, &again, &what), Ordering::Relaxed);
        let before = target.taken().len();
        assert_eq!(run(&server, &sandbox, &target).status, Some(0), "{what}");
        assert_eq!(target.taken().len(), before, "{what}: a third time");
    });
    eprintln!("lmtp, killed at {tried} points: lost 0, twice {}", twice.into_inner());
}

#[test]
fn cut_after_every_octet_each_message_is_taken_and_one_at_most_twice() {
    type Cut = fn(usize) -> LmtpFault;
    let (server_, sandbox) = (server(), Sandbox::new());
    let target = LmtpServer::start(EXTENSIONS, &[]);
    assert_eq!(run(&server_, &sandbox, &target).status, Some(0));
    let lines: usize = target.commands().iter().map(|line| line.len() + 2).sum();
    let whole: usize = target.taken().iter().map(|it| it.message.len()).sum();
    let received = lines + whole / RECIPIENTS.len() + 3 * MESSAGES;
    let cuts: [(Cut, usize); 2] =
        [(LmtpFault::cut_after_received, received), (LmtpFault::cut_after_sent, 900)];
    let points = cuts.into_iter().flat_map(|(cut, octets)| (1..octets).map(move |at| (cut, at)));
    let points = sample(points.collect(), 60);
    let (tried, twice) = (points.len(), AtomicUsize::new(0));
    sweep(points, |(cut, at)| {
        let (server, sandbox) = (server(), Sandbox::new());
        let fault = cut(at).on(1);
        let what = format!("{fault:?}");
        let target = LmtpServer::start(EXTENSIONS, &[fault]);
        // The run itself goes on in another connection, where that is sure to be right.
        let mut last = run(&server, &sandbox, &target);
        if last.status != Some(0) {
            assert_eq!(last.status, Some(75), "{what}: {last:?}");
            last = run(&server, &sandbox, &target);
        }
        assert_eq!(last.status, Some(0), "{what}: {last:?}");
        twice.fetch_add(check(&sandbox, &target, &last, &what), Ordering::Relaxed);
    });
    eprintln!("lmtp, cut at {tried} octets: lost 0, twice {}", twice.into_inner());
}
