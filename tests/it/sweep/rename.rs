//! A renaming that is killed, or cut off from power, has happened or has not: the
//! mailbox has its journal under one of its two names, and nothing arrives twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use pop3_test_server::Server;

use super::kill::killed_at;
use super::power::{choices, materialise};
use super::trace::{DIRECTORIES, Disk, Op, of_worker, operations};
use super::{
    FILE_BY_FILE, Random, calls, mail, messages, points, sample, seed, strace,
    strace_without_maildir, sweep, whole,
};
use crate::sandbox::{Ran, Sandbox};

const MESSAGES: usize = 5;

const OLD: &str = "mrose@127.0.0.1";
const NEW: &str = "renamed";
const RENAME: &[&str] = &["--journal", NEW, "--state", "rename", OLD];

/// Fetched under the old name.
fn prepared() -> (Server, Sandbox) {
    let server = Server::builder().user("mrose", "secret").messages(messages(MESSAGES)).start();
    let sandbox = Sandbox::new();
    run(&server, &sandbox.path("."), &["--journal", OLD]).is_silent();
    (server, sandbox)
}

fn run(server: &Server, home: &Path, args: &[&str]) -> Ran {
    let (state, elsewhere) = (home.join("state"), Sandbox::new());
    let run = elsewhere.plain(server).arg("-m").arg(home.join("Mail"));
    run.arg("--state-dir").arg(state).args(args).run()
}

/// What a kill left is one or the other, and a second try completes it.
fn check(server: &Server, home: &Path, what: &str) {
    let first = run(server, home, &["--journal", NEW]);
    if first.status == Some(73) {
        assert!(first.stderr.contains(&format!("as those of {OLD};")), "{what}: {first:?}");
        let old = run(server, home, &["--journal", OLD]);
        assert_eq!(old.status, Some(0), "{what}: {old:?}");
        let again = run(server, home, RENAME);
        assert_eq!(again.stdout, "renamed\n", "{what}: {again:?}");
    } else {
        assert_eq!(first.status, Some(0), "{what}: {first:?}");
    }
    let old = run(server, home, &["--journal", OLD]);
    assert_eq!(old.status, Some(73), "{what}: {old:?}");
    assert!(old.stderr.contains(&format!("as those of {NEW};")), "{what}: {old:?}");
    let last = run(server, home, &["--journal", NEW, "--delete"]);
    assert_eq!(last.status, Some(0), "{what}: {last:?}");
    assert!(crate::sandbox::mail(&home.join("Mail")) == mail(MESSAGES), "{what}: not each once");
    assert!(server.maildrop("mrose").is_empty(), "{what}: what was settled is so no more");
    assert!(!home.join("state").join(NEW).join("renaming").exists(), "{what}");
}

#[test]
fn a_renaming_killed_at_any_system_call_has_happened_or_has_not() {
    let (server, sandbox) = prepared();
    let names = "write,pwrite64,fsync,fdatasync,rename,renameat2,unlink,flock,sendto";
    let calls = calls(&sandbox, &server, names, RENAME);
    let all = points(&calls);
    assert!(all.len() >= 25, "only {} points were found", all.len());
    assert!(calls.iter().any(|call| call.name == "rename" && call.line.contains("journal\"")));
    killed_at(sample(all, 30), &[], RENAME, &prepared, &|server, sandbox, what| {
        check(server, &sandbox.path("."), what);
    });
}

const SPOOLED: &str = "pipe:cat >>taken; exit 75";

/// A Maildir of the new name.
const MAILDIR: &[&str] = &["-m", "Mail"];

/// Fetched under the old name, without a Maildir, and not handed over yet. With a Maildir the
/// new name has a journal, which knows nothing.
fn waiting(place: &[&str]) -> (Server, Sandbox) {
    let server = Server::builder().user("mrose", "secret").messages(messages(MESSAGES)).start();
    let sandbox = Sandbox::new();
    let ran = bare(&server, &sandbox, &["--journal", OLD, "--handover", "pipe:exit 75"]);
    assert_eq!(ran.status, Some(75), "{ran:?}");
    if place == MAILDIR {
        server.maildrop("mrose").replace([]);
        let ran = bare(&server, &sandbox, &[&["--journal", NEW], place].concat());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        server.maildrop("mrose").replace(messages(MESSAGES));
    }
    (server, sandbox)
}

fn bare(server: &Server, sandbox: &Sandbox, args: &[&str]) -> Ran {
    let address = format!("127.0.0.1:{}", server.address().port());
    let run = sandbox.pop3get(["--tls", "none", "-s", &*address, "-u", "mrose"]);
    let run = run.args(["--timeout", "5"]).env("POP3GET_PASSWORD", "secret");
    run.arg("--state-dir").arg(sandbox.path("state")).args(args).run()
}

/// All messages are handed over once under the new name, and none is fetched again.
fn check_spooled(server: &Server, sandbox: &Sandbox, place: &[&str], what: &str) {
    let rename = [&["--handover", SPOOLED], place, RENAME].concat();
    let again = bare(server, sandbox, &rename);
    let is_renamed = again.status == Some(0) && again.stdout == "renamed\n";
    assert!(is_renamed || again.status == Some(64), "{what}: {again:?}");
    let taken = sandbox.path("taken");
    let line = format!("pipe:cat >>{}", taken.display());
    let hand_over = [&["--journal", NEW, "--handover", &line], place].concat();
    let handed = bare(server, sandbox, &hand_over);
    assert_eq!(handed.status, Some(0), "{what}: {handed:?}");
    let text = fs::read_to_string(taken).unwrap_or_default();
    for number in 1..=MESSAGES {
        let line = format!("Message-ID: <{number}>\n");
        assert_eq!(text.matches(&line).count(), 1, "{what}: {number} in {text}");
    }
    let asked = server.commands().iter().filter(|it| it.starts_with("RETR")).count();
    assert_eq!(asked, MESSAGES, "{what}: fetched again");
    for mailbox in [OLD, NEW] {
        let spool = sandbox.path("state").join(mailbox).join("spool/new");
        assert!(fs::read_dir(spool).map_or(0, Iterator::count) == 0, "{what}: left");
    }
    assert!(!sandbox.path("state").join(NEW).join("renaming").exists(), "{what}");
}

#[test]
fn a_mailbox_with_a_spool_gets_another_name_and_its_messages_come_along() {
    let (server, sandbox) = waiting(&[]);
    let dry = bare(&server, &sandbox, &[&["--handover", SPOOLED, "-n"], RENAME].concat());
    assert_eq!((dry.status, &*dry.stdout), (Some(0), "it is the same mailbox\n"), "{dry:?}");
    check_spooled(&server, &sandbox, &[], "whole");
}

#[test]
fn a_renaming_with_a_spool_killed_at_any_system_call_loses_nothing() {
    let names = ["write", "fsync", "fdatasync", "rename", "renameat2", "unlink", "flock", "sendto"];
    let points = names.into_iter().flat_map(|name| (1..=12).map(move |nth| (name, nth)));
    let points = points.flat_map(|(name, nth)| [(name, nth, &[][..]), (name, nth, MAILDIR)]);
    let points = sample(points.collect(), 40);
    let died = AtomicUsize::new(0);
    sweep(points, |(name, nth, place)| {
        let (server, sandbox) = waiting(place);
        let trace = format!("trace={name}");
        let inject = format!("inject={name}:signal=KILL:when={nth}");
        let wishes = ["-e", &*trace, "-e", &*inject];
        let mut run = strace_without_maildir(&sandbox, &server, &wishes, Path::new("/dev/null"));
        run.current_dir(sandbox.path("."));
        let ran = run.args(["--handover", SPOOLED]).args(place).args(RENAME).output().unwrap();
        let is_dead = !ran.status.success();
        died.fetch_add(usize::from(is_dead), Ordering::Relaxed);
        check_spooled(&server, &sandbox, place, &format!("{name} {nth} {place:?}"));
    });
    let died = died.into_inner();
    eprintln!("spool renamed, killed at {died} points");
    assert!(died >= 8, "only {died} died");
}

/// All files below a directory, by path from there.
pub(super) fn files(home: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for directory in DIRECTORIES {
        for entry in fs::read_dir(home.join(directory)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(home).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_renaming_cut_off_from_power_has_happened_or_has_not() {
    let (server, sandbox) = prepared();
    fs::create_dir(sandbox.path("state").join(NEW)).unwrap();
    let before = files(&sandbox.path(""));
    let output = sandbox.path("trace");
    let names = "trace=?open,openat,close,write,pwrite64,ftruncate,fsync,fdatasync,syncfs,fstatfs,rename,renameat2,unlink,unlinkat,clone,clone3,?vfork";
    let wishes = [&["-xx", "-s", "1000000", "-e", names], FILE_BY_FILE].concat();
    assert!(strace(&sandbox, &server, &wishes, &output).args(RENAME).status().unwrap().success());
    let trace = of_worker(&fs::read_to_string(output).unwrap());
    let ops = operations(&trace, sandbox.path("").to_str().unwrap());
    assert!(ops.iter().any(|op| matches!(op, Op::Rename(_, to) if to == "state/renamed/journal")));
    let (mut random, mut disk) = (Random(seed()), Disk::holding(before));
    let mut states = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        disk.apply(op);
        for all in [true, false] {
            for deviations in choices(disk.pending(), &mut random, if whole() { 24 } else { 4 }) {
                let what = format!("after {at} {op:?}, all {all}, but {deviations:?}");
                states.push((disk.after_power_cut(all, &deviations), what));
            }
        }
    }
    assert!(states.len() >= 60, "only {} states", states.len());
    sweep(states, |(files, what)| {
        let server = Server::builder().user("mrose", "secret").messages(messages(MESSAGES)).start();
        check(&server, materialise(&files).path(), &what);
    });
}
