//! Machines that crash, on real file systems: `tests/run --all crash`.
//!
//! A file system in an image is shut down while the program fetches, by its own
//! ioctl; the program is killed or meets the errors; the image is mounted again,
//! and the next run follows. Each message has to be there once, octet for octet,
//! and what is gone from the server was on the disk. The control: with syncs that
//! do nothing the same harness finds losses.
//!
//! When the crash comes is drawn by `POP3GET_SEED`; `POP3GET_CRASHES` says how
//! many there are for each file system.

mod disk; // an image, mounted and shut down

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Message, Server};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::rfc1939::{letter, stored};
use crate::sandbox::{left_in_tmp, mail};
use crate::sweep::{Random, seed};
use disk::{Disk, EXT4_ORDERED, EXT4_WRITEBACK, Kind, Log, XFS};

/// Where the tools of file systems are; `tests/run` says so where it can.
fn tools() -> PathBuf {
    std::env::var_os("POP3GET_FILESYSTEMS").unwrap().into()
}

/// Whether `tests/run` has found that file systems can be mounted here. If not, it
/// has said why.
fn can_crash() -> bool {
    std::env::var_os("POP3GET_FILESYSTEMS").is_some()
}

fn crashes() -> usize {
    let count = std::env::var("POP3GET_CRASHES");
    count.map_or(120, |count| count.parse().expect("POP3GET_CRASHES is a number"))
}

const MESSAGES: usize = 40;

/// From less than a block to several.
fn lines(number: usize) -> usize {
    number * number * 4
}

fn messages() -> impl Iterator<Item = Message> {
    (1..=MESSAGES).map(|number| {
        let octets = [letter(number), b"line\r\n".repeat(lines(number))].concat();
        Message::new(format!("uid-{number}"), octets)
    })
}

/// A message as it is stored.
fn message(number: usize) -> Vec<u8> {
    [stored(number), b"line\n".repeat(lines(number))].concat()
}

/// What the program's syncs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syncs {
    /// What they promise.
    Schedule,
    /// Nothing, and they say that all is well.
    DoNothing,
}

/// One crash: where, and how it is drawn.
struct Crash<'a> {
    disk: &'a Disk,
    /// Durable before the run begins.
    home: PathBuf,
    syncs: Syncs,
    delete: bool,
    log: Log,
    /// After the start of the run.
    after: Duration,
    /// The program is killed, or else ends by the errors that it meets.
    kill: bool,
}

/// What a crash has done, once the next run is through.
#[derive(Debug, Default)]
struct Damage {
    /// Neither on the server nor in the Maildir.
    lost: Vec<usize>,
    /// In the Maildir more than once.
    twice: Vec<usize>,
    /// Gone from the server, and whole in none of the Maildir's folders when the
    /// image was mounted again.
    deleted_unsaved: Vec<usize>,
    /// Anything else that should not be.
    odd: Vec<String>,
    /// The run had not ended by itself when the crash came.
    in_mid_run: bool,
    /// The next run found some messages and not all.
    in_part: bool,
}

impl Damage {
    fn is_none(&self) -> bool {
        let lists = [&self.lost, &self.twice, &self.deleted_unsaved];
        lists.iter().all(|list| list.is_empty()) && self.odd.is_empty()
    }
}

impl Crash<'_> {
    fn maildir(&self) -> PathBuf {
        self.home.join("Mail")
    }

    /// The program on its way to fetch, in a process group of its own.
    fn fetch(&self, server: &Server, syncs: Syncs) -> Command {
        let mut command = Command::new("prlimit");
        // Few files open at once: several commits in a run.
        command.arg("--nofile=72:72");
        if syncs == Syncs::DoNothing {
            let strace = std::env::var_os("POP3GET_STRACE").unwrap_or_else(|| "strace".into());
            command.arg(strace).args(["-f", "-qq", "-o", "/dev/null"]);
            command.args(["-e", "trace=fsync,fdatasync,syncfs"]);
            command.args(["-e", "inject=fsync,fdatasync,syncfs:retval=0"]);
        }
        command.arg(env!("CARGO_BIN_EXE_pop3get"));
        let address = format!("127.0.0.1:{}", server.address().port());
        command.args(["--tls", "none", "-s", &*address, "-u", "mrose", "--timeout", "20"]);
        command.arg("-m").arg(self.maildir()).arg("--state-dir").arg(self.home.join("state"));
        command.args(self.delete.then_some("--delete"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.disk.path(".")).env("POP3GET_PASSWORD", "secret");
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn happen(&self) -> Damage {
        let server = Server::builder().user("mrose", "secret").messages(messages()).start();
        let mut damage = Damage::default();
        fs::create_dir(&self.home).unwrap();
        fs::File::open(&self.home).unwrap().sync_all().unwrap();
        fs::File::open(self.disk.mount_point()).unwrap().sync_all().unwrap();

        let mut run = self.fetch(&server, self.syncs).spawn().unwrap();
        thread::sleep(self.after);
        damage.in_mid_run = run.try_wait().unwrap().is_none();
        self.disk.shut_down(self.log);
        if self.kill {
            let _ = kill_process_group(Pid::from_child(&run), Signal::KILL);
        }
        let ended = end(&mut run);
        // A session whose client is gone lets the maildrop go.
        await_unlocked(&server);
        self.disk.unmount();
        self.disk.mount();

        self.look(&server, &mut damage);
        self.run_again(&server, &mut damage);
        if !damage.is_none() {
            damage.odd.push(format!("the run before ended with {ended}"));
        }
        damage
    }

    /// The disk as the crash left it.
    fn look(&self, server: &Server, damage: &mut Damage) {
        let mut on_disk = BTreeSet::new();
        for folder in ["tmp", "new", "cur"] {
            let entries = fs::read_dir(self.maildir().join(folder)).into_iter().flatten();
            on_disk.extend(entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()));
        }
        let on_server = server.maildrop("mrose").uids();
        for number in 1..=MESSAGES {
            let is_gone = !on_server.contains(&format!("uid-{number}"));
            if is_gone && !on_disk.contains(&message(number)) {
                damage.deleted_unsaved.push(number);
            }
        }
        let stored = mail(&self.maildir()).len();
        damage.in_part = stored > 0 && stored < MESSAGES;
    }

    /// The next run repairs everything, and the one after it finds nothing to do.
    fn run_again(&self, server: &Server, damage: &mut Damage) {
        for _ in 0..2 {
            let ran = self.fetch(server, Syncs::Schedule).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stderr);
            if ran.status.code() != Some(0) || !said.is_empty() {
                damage.odd.push(format!("{}: {said}", ran.status));
            }
        }
        let mut mail = mail(&self.maildir());
        let on_server = server.maildrop("mrose").uids();
        for number in 1..=MESSAGES {
            let message = message(number);
            let before = mail.len();
            mail.retain(|octets| *octets != message);
            match before - mail.len() {
                0 if on_server.contains(&format!("uid-{number}")) => {
                    damage.odd.push(format!("{number} stays on the server"));
                }
                0 => damage.lost.push(number),
                1 => {}
                _ => damage.twice.push(number),
            }
        }
        if !mail.is_empty() {
            damage.odd.push(format!("{} files are no message", mail.len()));
        }
        if left_in_tmp(&self.maildir()) > 0 {
            damage.odd.push("something is left in tmp".into());
        }
        if self.delete != on_server.is_empty() {
            damage.odd.push(format!("{} messages are on the server", on_server.len()));
        }
    }
}

/// How a run ended, and what it said.
fn end(run: &mut Child) -> String {
    let status = run.wait().unwrap();
    let mut said = String::new();
    let stderr = run.stderr.take().unwrap();
    let _ = std::io::Read::read_to_string(&mut { stderr }, &mut said);
    format!("{status}: {said}")
}

fn await_unlocked(server: &Server) {
    let since = Instant::now();
    while server.maildrop("mrose").is_locked() {
        assert!(since.elapsed() < Duration::from_secs(60), "the maildrop is never let go");
        thread::yield_now();
    }
}

/// Crashes a file system again and again, each time in a directory of its own.
fn crash(kind: Kind, syncs: Syncs, count: usize) -> Vec<Damage> {
    let disk = Disk::new(kind);
    let mut random = Random(seed() ^ kind.options.len() as u64);
    let whole = whole_run(&disk, syncs);
    // A tenth of the crashes fall behind the end of the run. Without syncs it is
    // half of them: the server deletes at the end only.
    let most = match syncs {
        Syncs::Schedule => whole * 10 / 9,
        Syncs::DoNothing => whole * 2,
    };
    let most = usize::try_from(most.as_micros()).unwrap();
    (1..=count)
        .map(|nth| {
            let crash = Crash {
                disk: &disk,
                home: disk.mount_point().join(nth.to_string()),
                syncs,
                // What the server still has is never lost.
                delete: syncs == Syncs::DoNothing || random.below(2) == 0,
                log: if random.below(2) == 0 { Log::Dropped } else { Log::Flushed },
                after: Duration::from_micros(random.below(most) as u64),
                kill: random.below(2) == 0,
            };
            let damage = crash.happen();
            let Crash { delete, log, after, kill, .. } = crash;
            let how = format!("{nth}: {log:?} after {after:?}, delete {delete}, kill {kill}");
            let is_fine = syncs == Syncs::DoNothing || damage.is_none();
            assert!(is_fine, "seed {:x}, {} {how}: {damage:#?}", seed(), kind.options);
            // Room for the next one.
            fs::remove_dir_all(&crash.home).unwrap();
            damage
        })
        .collect()
}

/// How long a run takes that nothing happens to.
fn whole_run(disk: &Disk, syncs: Syncs) -> Duration {
    let home = disk.mount_point().join("whole");
    let (log, after) = (Log::Dropped, Duration::ZERO);
    let crash = Crash { disk, home, syncs, delete: true, log, after, kill: false };
    fs::create_dir(&crash.home).unwrap();
    let server = Server::builder().user("mrose", "secret").messages(messages()).start();
    let begin = Instant::now();
    let ran = crash.fetch(&server, syncs).output().unwrap();
    let took = begin.elapsed();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(mail(&crash.maildir()).len(), MESSAGES);
    fs::remove_dir_all(&crash.home).unwrap();
    took
}

/// Runs [`inside`] for one of [`KINDS`] in a mount namespace of its own. A mount in
/// everybody's namespace is copied into each one that another test makes meanwhile,
/// and there it outlives our unmounting: shut down, it would be mounted again. What
/// is left mounted ends with the namespace.
fn in_a_namespace(kind: &str, syncs: Syncs) {
    if !can_crash() {
        return;
    }
    let mut command = Command::new("unshare");
    command.arg("--mount").arg(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::inside", "--ignored", "--nocapture"]);
    let output = command.env(INSIDE, format!("{kind} {syncs:?}")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    eprint!("{said}");
    assert!(output.status.success() && said.contains(" crashes, "), "{output:?}");
}

/// Names the kind of file system that [`inside`] is to crash, and what syncs do.
const INSIDE: &str = "POP3GET_TEST_CRASH";

const KINDS: &[(&str, Kind)] =
    &[("ext4", EXT4_ORDERED), ("ext4-writeback", EXT4_WRITEBACK), ("xfs", XFS)];

#[test]
#[ignore = "runs in a process that the tests below start"]
fn inside() {
    let Ok(what) = std::env::var(INSIDE) else { return };
    let (name, syncs) = what.split_once(' ').unwrap();
    let (_, kind) = KINDS.iter().find(|(kind, _)| *kind == name).unwrap();
    match syncs {
        "Schedule" => no_crash_loses_or_doubles(*kind),
        _ => syncs_that_do_nothing_are_found(*kind),
    }
}

fn no_crash_loses_or_doubles(kind: Kind) {
    let count = crashes();
    let damages = crash(kind, Syncs::Schedule, count);
    let mid_run = damages.iter().filter(|damage| damage.in_mid_run).count();
    let in_part = damages.iter().filter(|damage| damage.in_part).count();
    eprintln!(
        "{} {}: {count} crashes, {mid_run} in mid-run, {in_part} with part of the mail there: \
         0 lost, 0 twice",
        kind.mkfs[0], kind.options
    );
    // There has to have been something to survive.
    assert!(mid_run * 4 >= count && in_part * 20 >= count, "{mid_run} and {in_part} of {count}");
}

/// The harness finds what it is for, or it is broken.
fn syncs_that_do_nothing_are_found(kind: Kind) {
    // Half of them fall before the server has deleted: there is nothing to lose.
    let count = crashes().div_ceil(4).max(20);
    let damages = crash(kind, Syncs::DoNothing, count);
    let lost: usize = damages.iter().map(|damage| damage.lost.len()).sum();
    let unsaved: usize = damages.iter().map(|damage| damage.deleted_unsaved.len()).sum();
    eprintln!(
        "{} {}: {count} crashes, syncs do nothing: {lost} messages lost, {unsaved} of them gone \
         from the server before they were on the disk",
        kind.mkfs[0], kind.options
    );
    assert!(lost > 0 && unsaved > 0, "nobody misses the syncs: {damages:#?}");
}

#[test]
fn a_crash_on_ext4_loses_and_doubles_nothing() {
    in_a_namespace("ext4", Syncs::Schedule);
}

#[test]
fn a_crash_on_ext4_that_orders_nothing_loses_and_doubles_nothing() {
    in_a_namespace("ext4-writeback", Syncs::Schedule);
}

#[test]
fn a_crash_on_xfs_loses_and_doubles_nothing() {
    in_a_namespace("xfs", Syncs::Schedule);
}

#[test]
fn syncs_that_do_nothing_are_found_on_ext4() {
    in_a_namespace("ext4", Syncs::DoNothing);
}

#[test]
fn syncs_that_do_nothing_are_found_on_ext4_that_orders_nothing() {
    in_a_namespace("ext4-writeback", Syncs::DoNothing);
}

#[test]
fn syncs_that_do_nothing_are_found_on_xfs() {
    in_a_namespace("xfs", Syncs::DoNothing);
}
