//! A renaming that is killed, or cut off from power, has happened or has not: the
//! mailbox has its journal under one of its two names, and nothing arrives twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pop3_test_server::Server;

use super::kill::killed_at;
use super::power::{choices, materialise};
use super::trace::{DIRECTORIES, Disk, Op, of_worker, operations};
use super::{
    FILE_BY_FILE, Random, calls, mail, messages, points, sample, seed, strace, sweep, whole,
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
