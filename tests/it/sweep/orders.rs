//! `--state delete`, killed or cut off from power: a person's order is there whole or not
//! at all, and nothing but the message that it names is ever deleted.

use std::fs;
use std::path::Path;

use pop3_test_server::Server;

use super::kill::killed_at;
use super::power::{choices, materialise};
use super::rename::files;
use super::trace::{Disk, of_worker, operations};
use super::{
    FILE_BY_FILE, Random, calls, mail, messages, points, sample, seed, strace, sweep, whole,
};
use crate::sandbox::{Ran, Sandbox};

const MESSAGES: usize = 5;

const ORDER: &[&str] = &["--state", "delete", "--uid", "uid-2", "--yes"];

fn run(server: &Server, home: &Path, args: &[&str]) -> Ran {
    let elsewhere = Sandbox::new();
    let run = elsewhere.plain(server).arg("-m").arg(home.join("Mail"));
    run.arg("--state-dir").arg(home.join("state")).args(args).run()
}

/// Everything fetched and kept.
fn fetched() -> (Server, Sandbox) {
    let server = Server::builder().user("mrose", "secret").messages(messages(MESSAGES)).start();
    let sandbox = Sandbox::new();
    run(&server, &sandbox.path("."), &[]).is_silent();
    (server, sandbox)
}

/// The same, and a message ordered to be deleted.
fn ordered() -> (Server, Sandbox) {
    let (server, sandbox) = fetched();
    assert_eq!(run(&server, &sandbox.path("."), ORDER).status, Some(0));
    (server, sandbox)
}

fn left(server: &Server) -> Vec<String> {
    server.maildrop("mrose").uids()
}

const ALL: [&str; MESSAGES] = ["uid-1", "uid-2", "uid-3", "uid-4", "uid-5"];
const OTHERS: [&str; MESSAGES - 1] = ["uid-1", "uid-3", "uid-4", "uid-5"];

/// Whatever was left: the others stay on the server and here, and the order can be given
/// again and is carried out.
fn check(server: &Server, home: &Path, (is_cut, what): (bool, &str)) {
    assert!(left(server) == ALL || left(server) == OTHERS, "{what}: {:?}", left(server));
    let was_gone = left(server) == OTHERS;
    let ran = run(server, home, &[]);
    // The power may take the order's end away, and leave the message gone.
    let is_told =
        is_cut && was_gone && ran.stderr.contains("uid-2 cannot be deleted by your order");
    assert!(ran.status == Some(0) && (is_told || ran.stderr.is_empty()), "{what}: {ran:?}");
    assert!(left(server) == ALL || left(server) == OTHERS, "{what}: {:?}", left(server));
    if left(server) == ALL {
        let again = run(server, home, ORDER);
        assert_eq!(again.status, Some(0), "{what}: {again:?}");
        run(server, home, &[]).is_silent();
    }
    assert_eq!(left(server), OTHERS, "{what}");
    assert!(crate::sandbox::mail(&home.join("Mail")) == mail(MESSAGES), "{what}: not each once");
    run(server, home, &["--delete"]).is_silent();
    assert!(left(server).is_empty(), "{what}");
    assert!(crate::sandbox::mail(&home.join("Mail")) == mail(MESSAGES), "{what}: not each once");
}

type Prepared = (fn() -> (Server, Sandbox), &'static [&'static str]);

/// The command that gives the order, and the fetch that carries it out.
const RUNS: [Prepared; 2] = [(fetched, ORDER), (ordered, &[])];

#[test]
fn an_order_killed_at_any_system_call_deletes_nothing_else() {
    for (prepared, args) in RUNS {
        let (server, sandbox) = prepared();
        let names = "write,pwrite64,fsync,fdatasync,rename,unlink,flock,sendto,recvfrom";
        let all = points(&calls(&sandbox, &server, names, args));
        assert!(all.len() >= 25, "only {} points were found", all.len());
        killed_at(sample(all, 20), &[], args, &prepared, &|server, sandbox, what| {
            check(server, &sandbox.path("."), (false, what));
        });
    }
}

#[test]
fn an_order_cut_off_from_power_deletes_nothing_else() {
    for (prepared, args) in RUNS {
        let (server, sandbox) = prepared();
        let before = files(&sandbox.path(""));
        let output = sandbox.path("trace");
        let names = "trace=?open,openat,close,write,pwrite64,ftruncate,fsync,fdatasync,syncfs,fstatfs,rename,renameat2,unlink,unlinkat,clone,clone3,?vfork";
        let wishes = [&["-xx", "-s", "1000000", "-e", names], FILE_BY_FILE].concat();
        assert!(strace(&sandbox, &server, &wishes, &output).args(args).status().unwrap().success());
        let is_deleted = left(&server) == OTHERS;
        let trace = of_worker(&fs::read_to_string(output).unwrap());
        let ops = operations(&trace, sandbox.path("").to_str().unwrap());
        let (mut random, mut disk) = (Random(seed()), Disk::holding(before));
        let mut states = Vec::new();
        for (at, op) in ops.iter().enumerate() {
            disk.apply(op);
            for all in [true, false] {
                for deviations in choices(disk.pending(), &mut random, if whole() { 24 } else { 3 })
                {
                    let what = format!("after {at} {op:?}, all {all}, but {deviations:?}");
                    states.push((disk.after_power_cut(all, &deviations), what));
                }
            }
        }
        assert!(states.len() >= 4, "only {} states", states.len());
        sweep(states, |(files, what)| {
            // Whether or not the server has heard of it by then.
            for is_gone in if is_deleted { &[false, true][..] } else { &[false] } {
                let server = Server::builder().user("mrose", "secret");
                let server = server.messages(messages(MESSAGES)).start();
                if *is_gone {
                    server.maildrop("mrose").remove("uid-2");
                }
                check(&server, materialise(&files).path(), (true, &what));
            }
        });
    }
}
