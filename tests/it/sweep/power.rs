//! The power cut: what was not synced may be lost, in any combination.
//!
//! A run is traced. After each of its calls the disk may hold what POSIX allows:
//! a file's unsynced content absent, cut in half or zeroes; an unsynced entry of
//! a directory absent or old; a rename is one operation. Such states are made on
//! real directories, a run follows on each, and every message has to be there
//! once. Tried are: all and nothing of what was pending, each with up to two
//! deviations; where that is too many, the commit's choice.

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::Path;
use std::time::Duration;

use pop3_test_server::Server;
use pop3get::fetch::{AccountRun, Clock, Deletion, Options, Place, Policy, Rekey, Renewal};
use pop3get::journal::{Hooks, Mailbox};
use pop3get::secret::Secret;
use pop3get::session::{Credentials, LoginMechanism};

use super::trace::{DIRECTORIES, Disk, Op, of_worker, operations};
use super::{FILE_BY_FILE, Random, mail, messages, seed, strace, sweep, whole};
use crate::sandbox::{Sandbox, left_in_tmp, session_options};

const MESSAGES: usize = 25;

/// A state of the disk, and whether the server has been told to delete.
struct State {
    files: BTreeMap<String, Vec<u8>>,
    quit: Quit,
    what: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quit {
    NotYet,
    Sent,
    Answered,
}

/// The traced run's operations, from directories that are there already.
fn traced(wish: &[&str], more: &[&str]) -> Vec<Op> {
    let server = Server::builder().user("mrose", "secret").messages(messages(MESSAGES)).start();
    let sandbox = Sandbox::new();
    for directory in DIRECTORIES {
        fs::create_dir(sandbox.path(directory)).unwrap();
    }
    let output = sandbox.path("trace");
    let names = "trace=?open,openat,close,write,pwrite64,ftruncate,fsync,fdatasync,syncfs,fstatfs,rename,renameat2,unlinkat,sendto,recvfrom,clone,clone3,?vfork";
    let wishes = [&["-xx", "-s", "1000000", "-e", names], wish].concat();
    let mut command = strace(&sandbox, &server, &wishes, &output);
    assert!(command.args(more).status().unwrap().success());
    let home = sandbox.path("");
    operations(&of_worker(&fs::read_to_string(output).unwrap()), home.to_str().unwrap())
}

/// Which pending things a state deviates in, and how.
pub(super) fn choices(
    pending: usize,
    random: &mut Random,
    most: usize,
) -> Vec<Vec<(usize, usize)>> {
    let mut choices = vec![vec![]];
    choices.extend((0..pending).flat_map(|at| (0..3).map(move |how| vec![(at, how)])));
    let pairs = pending * pending.saturating_sub(1) / 2 * 9;
    if choices.len() + pairs <= most {
        for first in 0..pending {
            for second in first + 1..pending {
                choices.extend((0..9).map(|how| vec![(first, how / 3), (second, how % 3)]));
            }
        }
    }
    while choices.len() > most {
        choices.swap_remove(random.below(choices.len()));
    }
    choices
}

/// Every state to try, from every point of the trace.
fn states(ops: &[Op], random: &mut Random, most: usize) -> Vec<State> {
    let mut disk = Disk::default();
    let mut states = Vec::new();
    let mut quit = Quit::NotYet;
    for (at, op) in ops.iter().enumerate() {
        match op {
            Op::Sent(octets) if octets.ends_with(b"QUIT\r\n") => quit = Quit::Sent,
            Op::Received if quit == Quit::Sent => quit = Quit::Answered,
            Op::Sent(_) | Op::Received => continue,
            op => disk.apply(op),
        }
        let pending = disk.pending();
        for all in [true, false] {
            for deviations in choices(pending, random, most) {
                let files = disk.after_power_cut(all, &deviations);
                let what = format!("after {at} {op:?}, all {all}, but {deviations:?}");
                states.push(State { files, quit, what });
            }
        }
    }
    states
}

/// Makes the state on a real disk, in memory where there is one.
pub(super) fn materialise(files: &BTreeMap<String, Vec<u8>>) -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    let home = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
    let home = home.unwrap();
    for directory in DIRECTORIES {
        fs::create_dir(home.path().join(directory)).unwrap();
    }
    for (path, content) in files {
        fs::write(home.path().join(path), content).unwrap();
    }
    home
}

/// One run in this process; an error or a held message is a failure.
fn run(home: &Path, server: &Server, deletion: Deletion, what: &str) {
    let place = Place {
        maildir: home.join("Mail"),
        state: home.join("state"),
        mailbox: Mailbox::new(b"mrose", "127.0.0.1", 995),
        hooks: Hooks::default(),
    };
    let options = Options {
        renewal: Renewal::default(),
        session: session_options(server.address().port(), LoginMechanism::User),
        policy: Policy { deletion, ..Policy::default() },
        rekey: Rekey::Stop,
        most_open: 20,
        retry_for: Duration::ZERO,
        at_once: false,
        clock: Clock::starting(Duration::from_secs(1_800_000_000)),
    };
    let password = Secret::new(b"secret".to_vec());
    let credentials = Credentials::new(b"mrose".to_vec(), password, LoginMechanism::User).unwrap();
    let local = AccountRun::open(&place, &|_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
    let outcome = local.fetch(&options, &credentials, &|_| {});
    outcome.result.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(outcome.summary.held, 0, "{what}: held though nobody meddled");
}

fn try_state(state: &State, deletion: Deletion) {
    // Asked to delete, the server may have done it before its answer was read.
    let left: &[bool] = match state.quit {
        Quit::NotYet => &[true],
        Quit::Sent => &[true, false],
        Quit::Answered => &[false],
    };
    for left in left.iter().map(|left| *left || deletion == Deletion::Keep) {
        let server = Server::builder().user("mrose", "secret");
        let server = if left { server.messages(messages(MESSAGES)) } else { server }.start();
        let home = materialise(&state.files);
        run(home.path(), &server, deletion, &state.what);
        let maildir = home.path().join("Mail");
        assert!(crate::sandbox::mail(&maildir) == mail(MESSAGES), "{}: not each once", state.what);
        assert_eq!(left_in_tmp(&maildir), 0, "{}", state.what);
        let left = server.maildrop("mrose").len();
        assert_eq!(left, if deletion == Deletion::Keep { MESSAGES } else { 0 }, "{}", state.what);
    }
}

fn power_sweep(wish: &[&str], more: &[&str], deletion: Deletion) {
    sweep_trace(&traced(wish, more), deletion);
}

fn sweep_trace(ops: &[Op], deletion: Deletion) {
    let seed = seed();
    let mut random = Random(seed);
    let syncs = ops.iter().filter(|op| matches!(op, Op::Sync(_) | Op::SyncDirectory(_))).count();
    assert!(syncs > MESSAGES || ops.contains(&Op::SyncWhole), "only {syncs} syncs were traced");
    let mut states = states(ops, &mut random, if whole() { 24 } else { 6 });
    let most = if whole() { 5000 } else { 400 };
    while states.len() > most {
        states.swap_remove(random.below(states.len()));
    }
    assert!(states.len() >= 400, "only {} states", states.len());
    eprintln!("{} states after a power cut, seed {seed:x}", states.len());
    sweep(states, |state| try_state(&state, deletion));
}

#[test]
fn a_power_cut_while_keeping_loses_and_doubles_nothing() {
    power_sweep(FILE_BY_FILE, &[], Deletion::Keep);
}

#[test]
fn a_power_cut_while_deleting_loses_and_doubles_nothing() {
    power_sweep(FILE_BY_FILE, &["--delete"], Deletion::Now);
}

/// The same where one call makes a whole batch durable. Elsewhere this is the
/// sweep above once more.
#[test]
fn a_power_cut_between_syncs_of_the_whole_file_system_loses_and_doubles_nothing() {
    power_sweep(&[], &["--delete"], Deletion::Now);
}

/// The messages of the second batch wait while the first one is renamed, so the call that
/// syncs the second one syncs the new names of the first one, too. That call costs nothing
/// here, so that each batch prefers it.
#[test]
fn a_power_cut_before_the_new_names_of_a_batch_are_synced_with_the_next_loses_nothing() {
    let free = "inject=syncfs:retval=0";
    let slow = "inject=rename,renameat2:delay_enter=300000:when=1";
    let trace = || traced(&["-e", free, "-e", slow], &["--delete"]);
    let mut ops = trace();
    if !ops.contains(&Op::SyncWhole) {
        return eprintln!("skipped: no sync of a whole file system here");
    }
    let of_new = |op: &&Op| match op {
        Op::SyncDirectory(synced) => synced == "Mail/new",
        Op::Rename(_, to) => to.starts_with("Mail/new/"),
        op => **op == Op::SyncWholeBegun,
    };
    let is_behind = |ops: &[Op]| {
        let calls: Vec<_> = ops.iter().filter(of_new).collect();
        calls.windows(2).any(|pair| matches!(pair, [Op::Rename(..), Op::SyncWholeBegun]))
    };
    // On a machine that stands still the second batch may come too late.
    for _ in 0..5 {
        if !is_behind(&ops) {
            ops = trace();
        }
    }
    assert!(is_behind(&ops), "each batch synced its new names: {ops:?}");
    sweep_trace(&ops, Deletion::Now);
}

/// The harness sees what it is for: with any one sync left out of the trace,
/// some state loses or doubles a message.
#[test]
fn each_missing_sync_is_found() {
    let file_by_file = traced(FILE_BY_FILE, &["--delete"]);
    let together = traced(&[], &["--delete"]);
    let is = |op: &Op, path: &str| match op {
        Op::Sync(synced) if path.ends_with('/') => synced.starts_with(path),
        Op::SyncDirectory(synced) => synced == path,
        Op::SyncWhole => path == "everything",
        _ => false,
    };
    let mut cases = vec![
        (&file_by_file, "Mail/tmp/"),
        (&file_by_file, "Mail/new"),
        (&file_by_file, "state/"),
        (&together, "Mail/new"),
        (&together, "state/"),
    ];
    if together.contains(&Op::SyncWhole) {
        cases.push((&together, "everything"));
    } else {
        eprintln!("no sync of a whole file system here: it is none that is known for it");
    }
    for (whole, sync) in cases {
        let ops: Vec<_> = whole.iter().filter(|op| !is(op, sync)).cloned().collect();
        assert!(ops.len() < whole.len(), "{sync} is never synced");
        let random = &mut Random(7);
        let mut states = states(&ops, random, 8);
        // In no order: the states that show it may all be late in the trace.
        let found = iter::from_fn(|| {
            let at = random.below(states.len().max(1));
            (!states.is_empty()).then(|| states.swap_remove(at))
        })
        .any(|state| std::panic::catch_unwind(|| try_state(&state, Deletion::Now)).is_err());
        assert!(found, "nobody misses the sync of {sync}");
    }
}
