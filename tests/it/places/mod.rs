//! Places that refuse something: containers, limits, odd file systems, the homes of
//! other users.
//!
//! Some need root, unshare or strace, and say so in one line where it is missing.

mod leftovers; // what a first run leaves behind
mod made_here; // what a run made itself, and may remove

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use pop3_test_server::{Builder, Fault, Message, Server};

use crate::rfc1939::{letter, letters, stored};
use crate::sandbox::{Ran, Sandbox};
use crate::sweep::strace;

fn server(count: usize) -> Builder {
    Server::builder().user("mrose", "secret").messages(letters(count))
}

fn ran(output: Output) -> Ran {
    let text = |octets| String::from_utf8(octets).unwrap();
    let Output { status, stdout, stderr } = output;
    Ran { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A user that nobody is.
const SOMEBODY: u32 = 61234;

/// The program as somebody who is not root, in a home of their own, run by these
/// words, with what it needs to fetch mrose's mail in clear.
fn as_somebody(sandbox: &Sandbox, server: &Server) -> Command {
    as_user(sandbox, server, SOMEBODY, &[])
}

/// The same as this user, within limits.
fn as_user(sandbox: &Sandbox, server: &Server, user: u32, limits: &[&str]) -> Command {
    let program = sandbox.path("pop3get");
    // By another process: one that this one starts meanwhile would hold it open to write.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_pop3get")).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(&program);
    if is_root() {
        give_away(&sandbox.path(""), user);
        command = Command::new("prlimit");
        let id = user.to_string();
        command.args(limits).args(["--core=0", "--", "setpriv", "--reuid", &id, "--regid", &id]);
        command.arg("--clear-groups").arg(&program);
    }
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", sandbox.path("")).env("POP3GET_PASSWORD", "secret");
    let address = format!("127.0.0.1:{}", server.address().port());
    command.args(["--tls", "none", "-s", &*address, "-u", "mrose", "-m", "Mail"]);
    command.args(["--journal", "mrose@127.0.0.1"]);
    command.current_dir(sandbox.path(""));
    command
}

/// Gives a directory with all in it to another user.
fn give_away(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path(), user);
        }
    }
}

fn make_maildir(path: &Path) {
    for name in ["tmp", "new", "cur"] {
        fs::create_dir_all(path.join(name)).unwrap();
    }
}

/// The names in a directory.
fn names(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_limit_on_the_size_of_files_is_74_in_one_sentence() {
    let large = |uid: &str| Message::new(uid, b"line\r\n".repeat(2000));
    let messages = ["a", "b", "c"].map(large);
    let server = Server::builder().user("mrose", "secret").messages(messages).start();
    let sandbox = Sandbox::new();
    let mut command = Command::new("prlimit");
    command.args(["--fsize=2000", "--", env!("CARGO_BIN_EXE_pop3get"), "--tls", "none"]);
    let address = format!("127.0.0.1:{}", server.address().port());
    command.args(["--journal", "mrose@127.0.0.1", "-s", &address, "-u", "mrose", "-m"]);
    command.arg(sandbox.maildir());
    command.env_clear().env("HOME", sandbox.path("")).env("POP3GET_PASSWORD", "secret");
    let ran = ran(command.output().unwrap());
    ran.fails(74, "no room for 3 messages of 12000 octets or more");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert_eq!((sandbox.count(), server.maildrop("mrose").len()), (0, 3));
    assert_eq!(crate::sandbox::left_in_tmp(&sandbox.maildir()), 0);
}

#[test]
fn a_directory_that_cannot_be_written_is_found_before_the_network() {
    for name in ["new", "tmp"] {
        let (server, sandbox) = (server(1).start(), Sandbox::new());
        make_maildir(&sandbox.maildir());
        let mut command = as_somebody(&sandbox, &server);
        let locked = sandbox.maildir().join(name);
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
        let ran = ran(command.output().unwrap());
        ran.fails(73, &format!("/Mail/{name}: Permission denied"));
        assert!(ran.stderr.contains("\nhint: run pop3get as the owner"), "{ran:?}");
        assert_eq!(server.sessions(), 0);
    }
}

#[test]
fn the_first_process_of_a_container_ends_by_a_signal_as_a_shell_would_say_it() {
    // One signal ends a run tidily, two end it at once.
    for signals in [1, 2] {
        let (server, sandbox) =
            (server(2).fault(Fault::stall_at_command(3)).start(), Sandbox::new());
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", env!("CARGO_BIN_EXE_pop3get")]);
        let address = format!("127.0.0.1:{}", server.address().port());
        command.args(["--tls", "none", "-s", &address, "-u", "mrose", "-m"]).arg(sandbox.maildir());
        command.env("HOME", sandbox.path("")).env("POP3GET_PASSWORD", "secret");
        if !is_root() {
            return eprintln!("skipped: unshare --pid needs root");
        }
        let mut unshare = command.spawn().unwrap();
        assert!(server.wait_for_commands(3, Duration::from_secs(30)));
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let child = fs::read_to_string(children).unwrap().trim().to_owned();
        for _ in 0..signals {
            // The second one may come when all is over.
            let _ = Command::new("kill").args(["-TERM", &child]).output().unwrap();
        }
        assert_eq!(unshare.wait().unwrap().code(), Some(143));
    }
}

/// What strace is told to make of some calls on some paths.
fn refused(server: &Server, sandbox: &Sandbox, wishes: &[&str], paths: &[&str]) -> (Ran, String) {
    let trace = sandbox.path("trace");
    let paths: Vec<_> = paths.iter().map(|path| sandbox.path(path).display().to_string()).collect();
    let paths = paths.iter().flat_map(|path| ["-P", path]);
    let wishes: Vec<_> = wishes.iter().copied().chain(paths).collect();
    let mut command = strace(sandbox, server, &wishes, &trace);
    let ran = ran(command.arg("-v").output().unwrap());
    (ran, fs::read_to_string(trace).unwrap())
}

/// Seccomp profiles of containers answer with either.
#[test]
fn where_syncfs_is_refused_files_are_synced_one_by_one() {
    for error in ["ENOSYS", "EPERM"] {
        let (server, sandbox) = (server(30).start(), Sandbox::new());
        let wish = format!("inject=syncfs:error={error}");
        let wishes = ["-e", "trace=syncfs,fdatasync", "-e", &wish];
        let (ran, trace) = refused(&server, &sandbox, &wishes, &[]);
        assert_eq!((ran.status, sandbox.count()), (Some(0), 30), "{ran:?}");
        if !trace.contains("syncfs") {
            return eprintln!("skipped: no ext4, XFS or Btrfs here to call syncfs on");
        }
        assert_eq!(trace.matches("syncfs").count(), 1, "{trace}");
        assert!(trace.matches("fdatasync").count() >= 30, "{trace}");
    }
}

#[test]
fn a_directory_that_refuses_its_sync_is_passed_over_and_said_with_v() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    make_maildir(&sandbox.maildir());
    fs::create_dir(sandbox.path("state")).unwrap();
    let wishes = ["-e", "trace=fsync", "-e", "inject=fsync:error=EINVAL"];
    let paths = ["Mail", "Mail/tmp", "Mail/new", "state"];
    let (ran, trace) = refused(&server, &sandbox, &wishes, &paths);
    assert_eq!((ran.status, sandbox.count()), (Some(0), 2), "{ran:?} {trace}");
    assert!(trace.contains("INJECTED"), "{trace}");
    for place in ["Mail/new", "state"] {
        let place = sandbox.path(place).display().to_string();
        let sentence = format!("the file system of {place} cannot sync a directory: a power cut");
        assert!(ran.stderr.contains(&sentence), "{ran:?}");
    }
}

#[test]
fn a_message_that_cannot_be_moved_is_named_by_the_place_it_should_have() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let wishes = ["-e", "trace=renameat2", "-e", "inject=renameat2:error=EACCES"];
    let (ran, _) = refused(&server, &sandbox, &wishes, &[]);
    assert_eq!(ran.status, Some(74), "{ran:?}");
    let sentence = format!("cannot move a message to {}/new/", sandbox.maildir().display());
    assert!(ran.stderr.contains(&sentence), "{ran:?}");
}

/// Any other error says that something is lost.
#[test]
fn a_directory_whose_sync_fails_otherwise_ends_the_run() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    make_maildir(&sandbox.maildir());
    let wishes = ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO"];
    let (ran, _) = refused(&server, &sandbox, &wishes, &["Mail/new"]);
    assert_eq!(ran.status, Some(74), "{ran:?}");
}

#[test]
fn a_state_directory_without_locks_is_named_with_the_way_out() {
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS"] {
        let (server, sandbox) = (server(1).start(), Sandbox::new());
        let wish = format!("inject=flock:error={error}");
        let wishes = ["-e", "trace=flock", "-e", &wish];
        let (ran, _) = refused(&server, &sandbox, &wishes, &["state/mrose@127.0.0.1/lock"]);
        ran.fails(73, "mrose@127.0.0.1/lock: its file system has no locks (");
        let hint = "\nhint: keep the journals on a local disk: --state-dir DIR\n";
        assert!(ran.stderr.ends_with(hint), "{ran:?}");
        assert_eq!(server.sessions(), 0);
    }
}

#[test]
fn a_maildir_without_locks_is_locked_in_the_state_directory() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let wishes = ["-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"];
    let (ran, trace) = refused(&server, &sandbox, &wishes, &["Mail/.pop3get.lock"]);
    assert!(trace.contains("INJECTED"), "{trace}");
    assert_eq!((ran.status, sandbox.count()), (Some(0), 1), "{ran:?}");
    // It keeps out other runs of this user.
    let held = File::open(sandbox.path("state/maildirs.lock")).unwrap();
    held.lock().unwrap();
    let lock = sandbox.path("Mail/.pop3get.lock").display().to_string();
    let wishes = [&wishes[..], &["-P", &lock]].concat();
    let mut again = strace(&sandbox, &server, &wishes, &sandbox.path("trace"));
    let ran = self::ran(again.args(["--deadline", "1"]).output().unwrap());
    ran.fails(75, "another run holds the lock ");
    assert!(ran.stderr.contains("state/maildirs.lock"), "{ran:?}");
}

#[test]
fn where_no_process_starts_nothing_is_connected() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let wishes = ["-e", "trace=clone,clone3", "-e", "inject=clone,clone3:error=EAGAIN"];
    let (ran, trace) = refused(&server, &sandbox, &wishes, &[]);
    assert!(trace.contains("INJECTED"), "{trace}");
    assert_eq!(ran.status, Some(75), "{ran:?}");
    let sentence = ": cannot start a worker: Resource temporarily unavailable";
    assert!(ran.stderr.contains(sentence), "{ran:?}");
    assert_eq!(server.sessions(), 0);
}

/// The limit counts processes and threads, the worker's too. Root has none, and other
/// users have processes already.
#[test]
fn with_too_few_threads_nothing_is_connected_and_with_enough_all_mail_arrives() {
    if !is_root() {
        return eprintln!("skipped: only root can become a user without processes");
    }
    let mut sentences = Vec::new();
    for most in 1.. {
        let (server, sandbox) = (server(3).start(), Sandbox::new());
        // A user of this test's own: other tests run processes of theirs.
        let mut command = as_user(&sandbox, &server, SOMEBODY + 1, &[&format!("--nproc={most}")]);
        let ran = ran(command.output().unwrap());
        if ran.status == Some(0) {
            assert_eq!(sandbox.count(), 3);
            break;
        }
        assert_eq!((ran.status, server.sessions()), (Some(75), 0), "{most} {ran:?}");
        assert!(most < 20, "{ran:?}");
        sentences.push(ran.stderr);
    }
    for sentence in [": cannot start a worker: ", ": cannot start a thread: "] {
        assert!(sentences.iter().any(|said| said.contains(sentence)), "{sentences:?}");
    }
}

#[test]
fn a_home_that_cannot_be_written_leads_to_state_dir() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    make_maildir(&sandbox.maildir());
    fs::create_dir(sandbox.path("locked")).unwrap();
    let run = |home: &Path, state: Option<&str>| {
        let mut command = as_somebody(&sandbox, &server);
        fs::set_permissions(sandbox.path("locked"), fs::Permissions::from_mode(0o500)).unwrap();
        command.env("HOME", home);
        if let Some(state) = state {
            command.env("STATE_DIRECTORY", format!("{}:/other", sandbox.path(state).display()));
        }
        ran(command.output().unwrap())
    };
    let mut homes = vec![sandbox.path("locked"), sandbox.path("locked/gone")];
    if is_root() {
        // Where the user nobody and many containers have theirs.
        homes.extend(["/".into(), "/nonexistent".into(), "/proc/1".into()]);
    }
    for home in homes {
        let refused = run(&home, None);
        refused.fails(73, "cannot make /");
        let hint = "\nhint: keep the journals where they can be written: --state-dir DIR, \
                    or $STATE_DIRECTORY\n";
        assert!(refused.stderr.ends_with(hint), "{refused:?}");
        assert_eq!(server.sessions(), 0);
    }
    // As systemd says with StateDirectory=.
    run(&sandbox.path("locked"), Some("var")).is_silent();
    assert_eq!(sandbox.count(), 1);
    assert!(names(&sandbox.path("var")).contains(&"mrose@127.0.0.1".to_owned()));
}

/// Neither a variable nor the system's list of users says where it is.
#[test]
fn a_user_without_a_home_is_led_to_state_dir() {
    if !is_root() {
        return eprintln!("skipped: only root can become a user that the system does not know");
    }
    for home in [None, Some("")] {
        let (server, sandbox) = (server(1).start(), Sandbox::new());
        let run = |state: &[&str]| {
            let mut command = as_somebody(&sandbox, &server);
            command.env_remove("HOME");
            command.envs(home.map(|home| ("HOME", home))).args(state);
            ran(command.output().unwrap())
        };
        let refused = run(&[]);
        refused.fails(64, "there is no home directory to keep the state in");
        let hint = "\nhint: use --state-dir DIR, or $STATE_DIRECTORY\n";
        assert!(refused.stderr.ends_with(hint), "{refused:?}");
        assert_eq!(server.sessions(), 0);
        run(&["--state-dir", "var"]).is_silent();
        assert_eq!(sandbox.count(), 1);
    }
}

#[test]
fn a_file_system_that_is_mounted_to_be_read_leads_to_state_dir() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    make_maildir(&sandbox.maildir());
    let wishes = ["-e", "trace=mkdir,mkdirat", "-e", "inject=mkdir,mkdirat:error=EROFS"];
    let (ran, trace) = refused(&server, &sandbox, &wishes, &[]);
    assert!(trace.contains("INJECTED"), "{trace}");
    ran.fails(73, "Read-only file system");
    assert!(ran.stderr.contains("--state-dir DIR, or $STATE_DIRECTORY\n"), "{ran:?}");
    assert_eq!(server.sessions(), 0);
}

#[test]
fn a_command_and_a_mailbox_of_another_kind_are_no_names_of_maildirs() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    for name in ["|/bin/false", "!Mail", "|"] {
        let ran = sandbox.plain(&server).args(["-m", name]).run();
        ran.fails(64, &format!("{name:?} is no name of a Maildir"));
        assert!(ran.stderr.contains("\nhint: no command is run; a directory"), "{ran:?}");
    }
    sandbox.plain(&server).args(["-m", "./|odd"]).run().is_silent();
    assert_eq!(crate::sandbox::mail(&sandbox.path("|odd")).len(), 1);
}

#[test]
fn a_link_in_place_of_a_directory_of_the_maildir_is_not_followed() {
    for name in ["tmp", "new", "cur"] {
        let (server, sandbox) = (server(1).start(), Sandbox::new());
        make_maildir(&sandbox.maildir());
        let (place, elsewhere) = (sandbox.maildir().join(name), sandbox.path("elsewhere"));
        fs::rename(&place, &elsewhere).unwrap();
        symlink(&elsewhere, &place).unwrap();
        let ran = sandbox.plain(&server).run();
        ran.fails(
            73,
            &format!("/Mail/{name} has to be a directory; a link is not followed\nhint: "),
        );
        assert_eq!((server.sessions(), names(&elsewhere).len()), (0, 0));
        // The Maildir itself may be reached by one.
        fs::remove_file(&place).unwrap();
        fs::rename(&elsewhere, &place).unwrap();
        symlink(sandbox.maildir(), sandbox.path("Link")).unwrap();
        sandbox.plain(&server).args(["-m", "Link"]).run().is_silent();
        assert_eq!(sandbox.count(), 1);
    }
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_fifo_in_place_of_a_file_ends_the_run_at_once() {
    let state = ".local/state/pop3get/mrose@127.0.0.1";
    for name in [
        "Mail/.pop3get",
        "Mail/.pop3get.lock",
        &format!("{state}/journal"),
        &format!("{state}/lock"),
    ] {
        let (server, sandbox) = (server(1).start(), Sandbox::new());
        sandbox.plain(&server).run().is_silent();
        fs::remove_file(sandbox.path(name)).unwrap();
        make_fifo(&sandbox.path(name));
        let began = Instant::now();
        for more in [&[][..], &["--state", "mark", "x"], &["--refetch"], &["--check"]] {
            let ran = sandbox.plain(&server).args(more).run();
            // A read-only run takes no lock.
            if more != ["--check"] || !name.ends_with("lock") {
                assert!(matches!(ran.status, Some(73 | 74)), "{name} {more:?} {ran:?}");
                assert!(ran.stderr.contains("it is no regular file"), "{name} {more:?} {ran:?}");
            }
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{name}");
    }
}

#[test]
fn a_fifo_by_the_name_of_a_message_is_no_message() {
    let (server, sandbox) = (server(2).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let new = sandbox.maildir().join("new");
    let message = new.join(&names(&new)[0]);
    fs::remove_file(&message).unwrap();
    make_fifo(&message);
    // Repair reads the headers of what the journal lacks.
    fs::remove_file(sandbox.journal()).unwrap();
    let ran = sandbox.plain(&server).args(["--state", "repair"]).run();
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

#[test]
fn the_lock_of_a_maildir_is_waited_for_until_the_deadline_or_a_signal() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    let lock = File::open(sandbox.path("Mail/.pop3get.lock")).unwrap();
    lock.lock().unwrap();
    for more in [&[][..], &["--state", "mark", "x"]] {
        let began = Instant::now();
        let ran = sandbox.plain(&server).args(["--deadline", "1"]).args(more).run();
        ran.fails(75, "/Mail/.pop3get.lock");
        assert!(began.elapsed() >= Duration::from_secs(1), "{more:?}");
    }
    let began = Instant::now();
    let mut run = sandbox.plain(&server).start();
    // The signal comes when the worker waits for the lock.
    wait_until_caught(run.id(), 15);
    wait_until_caught(child_of(run.id()), 15);
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
    let ended = run.wait().unwrap();
    assert_eq!(ended.signal(), Some(15), "{ended:?}");
    let mut run = sandbox.plain(&server).start();
    wait_until_caught(run.id(), 15);
    drop(lock);
    assert!(run.wait().unwrap().success());
    // Without any of this it is half a minute.
    assert!(began.elapsed() < Duration::from_secs(25));
}

/// The first child of a process, once it has one.
fn child_of(process: u32) -> u32 {
    let tasks = format!("/proc/{process}/task");
    loop {
        // Any thread may have started it.
        for task in fs::read_dir(&tasks).unwrap() {
            let children = fs::read_to_string(task.unwrap().path().join("children"));
            if let Some(child) = children.unwrap_or_default().split_whitespace().next() {
                return child.parse().unwrap();
            }
        }
        thread::yield_now();
    }
}

/// Waits until a process has a handler for a signal.
fn wait_until_caught(process: u32, signal: u32) {
    loop {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        if u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal - 1) & 1 == 1 {
            return;
        }
        thread::yield_now();
    }
}

#[test]
fn root_leaves_nothing_in_the_home_of_another_user() {
    if !is_root() {
        return eprintln!("skipped: only root can be refused for being root");
    }
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    let home = sandbox.path("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let run = |maildir: &str| sandbox.plain(&server).env("HOME", &home).args(["-m", maildir]).run();
    // As with `sudo` that keeps HOME: a Maildir of the user, or one of root.
    let refused = run("home/Mail");
    refused.fails(73, "home/Mail belongs to another user");
    assert!(refused.stderr.ends_with("\nhint: run pop3get as that user\n"), "{refused:?}");
    let refused = run("Mail");
    refused.fails(73, "/pop3get/mrose@127.0.0.1 is in a directory of another user");
    assert!(refused.stderr.contains("\nhint: run pop3get as that user, or"), "{refused:?}");
    assert_eq!(names(&home), [""; 0]);
    assert!(!sandbox.maildir().exists());
    assert_eq!(server.sessions(), 0);
    sandbox.plain(&server).run().is_silent();
    assert_eq!(fs::metadata(sandbox.maildir()).unwrap().uid(), 0);
}

#[test]
fn directories_made_for_a_start_that_fails_are_removed_again() {
    let (server, sandbox) = (server(1).start(), Sandbox::new());
    fs::write(sandbox.path("file"), "").unwrap();
    fs::create_dir(sandbox.path("deep")).unwrap();
    let ran = sandbox.plain(&server).args(["--state-dir", "file/state"]).run();
    ran.fails(73, "/file/state: Not a directory");
    assert!(!sandbox.maildir().exists());
    // What was there stays, and so does what holds anything.
    make_maildir(&sandbox.maildir());
    let _ = sandbox.plain(&server).args(["--state-dir", "file/state"]).run();
    assert_eq!(names(&sandbox.maildir()), ["cur", "new", "tmp"]);
    sandbox.plain(&server).run().is_silent();
    let _ = sandbox.plain(&server).args(["--state-dir", "file/state"]).run();
    assert_eq!(sandbox.mail(), [stored(1)]);
    server.maildrop("mrose").add("new", letter(2));
    sandbox.plain(&server).run().is_silent();
    assert_eq!(sandbox.count(), 2);
}
