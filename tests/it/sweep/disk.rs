//! The disk fails: ENOSPC and EIO at each write, sync, rename and open. The
//! server takes what was retrieved when it hears QUIT, so that a QUIT too early
//! would lose mail for good.

use std::fs;

use pop3_test_server::{Fault, Server};

use super::{
    Call, FILE_BY_FILE, OPENS, is_ours, mail, messages, opens, sample, strace, sweep, wished_calls,
};
use crate::sandbox::{Sandbox, left_in_tmp};

const MESSAGES: usize = 12;

fn server() -> Server {
    let server = Server::builder().user("mrose", "secret").fault(Fault::retrieved_vanish());
    server.messages(messages(MESSAGES)).start()
}

/// The calls that touch the Maildir or the state, each with an error that they
/// can meet.
fn faults(calls: &[Call], home: &str) -> Vec<(String, usize, &'static str)> {
    let mut faults = Vec::new();
    for Call { name, nth, line } in calls {
        let errors: &[&str] = match &**name {
            // Files by path only: libraries and the resolver's are not ours.
            name if opens(name) && (!is_ours(line, home) || line.contains("/.config/")) => &[],
            name if opens(name) => &["ENOSPC", "EIO"],
            "write" | "pwrite64" => &["ENOSPC", "EIO"],
            "fsync" | "fdatasync" | "syncfs" | "ftruncate" => &["EIO"],
            "rename" | "renameat2" | "unlinkat" => &["EIO"],
            _ => &[],
        };
        faults.extend(errors.iter().map(|error| (name.clone(), *nth, *error)));
    }
    faults.sort();
    faults.dedup();
    faults
}

fn failed_at(name: &str, nth: usize, error: &str, wish: &[&str], more: &[&str]) {
    let (server, sandbox) = (server(), Sandbox::new());
    let inject = format!("inject={name}:error={error}:when={nth}");
    let trace = format!("trace={name},fstatfs");
    let output = sandbox.path("trace");
    let wishes = [&["-e", &*trace, "-e", &*inject], wish].concat();
    let ran = strace(&sandbox, &server, &wishes, &output).args(more).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    let what = format!("{name} {nth} {error}: {said:?}");
    // Repaired in the run itself, a message without room, or the disk's statuses.
    match ran.status.code() {
        Some(0) => assert_eq!(said, "", "{what}"),
        // The sentence itself may be what could not be written.
        Some(65 | 71..=74) if name == "write" && said.is_empty() => {}
        Some(65 | 71..=74) => {
            assert!(said.starts_with("pop3get: ") && said.ends_with('\n'), "{what}");
        }
        // Nothing was connected.
        Some(78) if said.contains("/.config/pop3get/") => {}
        other => panic!("{other:?} {what}"),
    }
    let again = sandbox.plain(&server).arg("--state-dir").arg(sandbox.path("state")).args(more);
    again.arg("--retry-failed").run().is_silent();
    assert!(sandbox.mail() == mail(MESSAGES), "{what}: not each once");
    assert_eq!(left_in_tmp(&sandbox.maildir()), 0, "{what}");
}

fn disk_sweep(wish: &[&str], more: &[&str]) {
    let sandbox = Sandbox::new();
    let names = "write,pwrite64,fsync,fdatasync,syncfs,ftruncate,rename,renameat2,unlinkat";
    let names = format!("{OPENS},{names}");
    let traced = wished_calls(wish, &sandbox, &server(), &names, more);
    let home = fs::canonicalize(sandbox.path(".")).unwrap();
    let all = faults(&traced, home.to_str().unwrap());
    assert!(all.len() >= 80, "only {} points were found", all.len());
    let tried = sample(all, 60);
    eprintln!("failed at {} points", tried.len());
    sweep(tried, |(name, nth, error)| failed_at(&name, nth, error, wish, more));
}

#[test]
fn every_disk_error_while_keeping_loses_and_doubles_nothing() {
    disk_sweep(FILE_BY_FILE, &[]);
}

#[test]
fn every_disk_error_while_deleting_loses_and_doubles_nothing() {
    disk_sweep(&[], &["--delete"]);
}

#[test]
fn a_failed_sync_of_the_journal_ends_the_session_without_quit() {
    let (server, sandbox) = (server(), Sandbox::new());
    let all = wished_calls(FILE_BY_FILE, &sandbox, &server, "fdatasync", &["--delete"]);
    // The journal's first sync follows those of the batch's files.
    let nth = all.iter().map(|call| call.nth).max().unwrap();
    assert!(nth > MESSAGES);
    let (server, sandbox) = (self::server(), Sandbox::new());
    let inject = format!("inject=fdatasync:error=EIO:when={}", MESSAGES + 1);
    let wishes = [&["-e", "trace=fdatasync,fstatfs", "-e", &*inject], FILE_BY_FILE].concat();
    let output = sandbox.path("trace");
    let ran = strace(&sandbox, &server, &wishes, &output).arg("--delete").output().unwrap();
    assert_eq!(ran.status.code(), Some(74), "{ran:?}");
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("cannot sync ") && said.contains("Input/output error"), "{said}");
    assert!(!server.commands().iter().any(|line| line == "QUIT"), "{:?}", server.commands());
    assert_eq!(server.maildrop("mrose").len(), MESSAGES);
}

/// A disk that is really full, where this system lets us make one.
#[test]
fn a_full_disk_is_74_and_what_fits_later_arrives() {
    let (server, sandbox) = (server(), Sandbox::new());
    let full = sandbox.path("full");
    fs::create_dir(&full).unwrap();
    let run = |script: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-r", "-m", "sh", "-c", script]).env("POP3GET_PASSWORD", "secret");
        command.env("FULL", &full).env("HOME", sandbox.path(".")).output().unwrap()
    };
    let mount = "mount -t tmpfs -o size=28k none $FULL";
    let probe = run(mount);
    if !probe.status.success() {
        eprintln!("skipped: no tmpfs of our own here: {}", String::from_utf8_lossy(&probe.stderr));
        return;
    }
    let fetch = format!(
        "{} --tls none -s 127.0.0.1:{} -u mrose -m $FULL/Mail --state-dir $FULL/state -q",
        env!("CARGO_BIN_EXE_pop3get"),
        server.address().port()
    );
    // The server lets all go that was retrieved when it hears QUIT, so what arrives
    // in the second run shows that none was sent in the first one.
    let ran = run(&format!(
        "{mount} && mkdir $FULL/Mail || exit; {fetch}; echo $?
        mount -o remount,size=1m $FULL; {fetch}; echo $?; cat $FULL/Mail/new/* | wc -c"
    ));
    let said = String::from_utf8(ran.stderr).unwrap();
    let octets = mail(MESSAGES).concat().len();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("74\n0\n{octets}\n"), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
}
