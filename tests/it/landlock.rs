//! What the sandbox takes away, and what it leaves.
//!
//! Where the kernel has no Landlock of use, each test says so in one line and has
//! shown only that everything works without.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use pop3_test_server::{Builder, LmtpServer, Security, Server};
use pop3get::channel::event::Landlock;
use pop3get::worker::{Allowed, Enforced, enforce};

use crate::rfc1939::letters;
use crate::sandbox::{Ran, Sandbox};

/// Names the directory in which [`inside`] is to find itself closed in.
const ROOM: &str = "POP3GET_TEST_ROOM";

/// Says why nothing was closed in. The kernel is asked without the program's help,
/// so that a program which no longer asks for the sandbox fails here.
#[track_caller]
fn cannot(why: &str) {
    assert!(!kernel_can(), "this kernel has Landlock of use, and the program says: {why}");
    eprintln!("skipped: {why}");
}

/// Whether this kernel can close a process in: ABI 2 lets it rename files, too.
#[cfg(target_os = "linux")]
fn kernel_can() -> bool {
    use landlock::{ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset};
    use landlock::{RulesetAttr as _, RulesetError};

    let ask = || -> Result<(), RulesetError> {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        ruleset.handle_access(AccessFs::from_all(ABI::V2))?.create()?;
        Ok(())
    };
    ask().is_ok()
}

#[cfg(not(target_os = "linux"))]
fn kernel_can() -> bool {
    false
}

/// Runs a test in a process of its own, with a path in its environment: what is closed
/// stays closed.
fn passes_inside(test: &str, variable: &str, path: &Path) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    let output = command.env(variable, path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    match said.lines().find_map(|line| line.strip_prefix("none: ")) {
        Some(why) => cannot(why),
        None => assert!(said.contains("closed and tried"), "{said}"),
    }
}

#[test]
fn a_forbidden_open_fails_and_all_that_delivery_does_works() {
    let room = Sandbox::new();
    for (name, text) in [("readable", "r"), ("secret", "s"), ("Mail/tmp/1", "m")] {
        fs::create_dir_all(room.path(name).parent().unwrap()).unwrap();
        fs::write(room.path(name), text).unwrap();
    }
    fs::create_dir(room.path("Mail/new")).unwrap();
    passes_inside("landlock::inside", ROOM, &room.path("."));
}

#[test]
#[ignore = "runs in a process that the test above starts"]
#[allow(clippy::print_stdout, reason = "the test above reads it")]
fn inside() {
    let Some(room) = std::env::var_os(ROOM) else { return };
    let path = |name| Path::new(&room).join(name);
    let (read, write) = (vec![path("readable")], vec![path("Mail")]);
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (allowed_port, other_port) = (listen(), listen());
    let address = |listener: &TcpListener| listener.local_addr().unwrap();
    let ports = Some(vec![address(&allowed_port).port()]);
    let allowed = Allowed { read, write, socket_files: false, ports };
    let Enforced { files, calls } = enforce(&allowed);
    let denied = ErrorKind::PermissionDenied;
    match calls {
        Some(why) => println!("no seccomp: {why}"),
        None => {
            #[cfg(target_os = "linux")]
            assert_eq!(not_refused(), [] as [&str; 0]);
            assert_eq!(UnixDatagram::unbound().unwrap_err().kind(), denied);
            assert_eq!(UnixStream::connect(path("socket")).unwrap_err().kind(), denied);
        }
    }
    TcpStream::connect(address(&allowed_port)).unwrap();
    let Landlock::Holds { abi } = files else { return println!("none: {files:?}") };
    if abi >= 6 {
        let parent = rustix::process::getppid().unwrap();
        assert_eq!(rustix::process::test_kill_process(parent), Err(rustix::io::Errno::PERM));
    }
    rustix::process::test_kill_process(rustix::process::getpid()).unwrap();
    if abi >= 4 {
        assert_eq!(TcpStream::connect(address(&other_port)).unwrap_err().kind(), denied);
        assert_eq!(TcpListener::bind("127.0.0.1:0").unwrap_err().kind(), denied);
    }
    let look = |name| fs::read(path(name)).map_err(|error| error.kind());
    assert_eq!(look("readable"), Ok(b"r".to_vec()));
    assert_eq!(look("secret"), Err(denied));
    assert_eq!(look("/etc/passwd"), Err(denied));
    assert_eq!(fs::read_dir(path(".")).map(|_| ()).unwrap_err().kind(), denied);
    for forbidden in ["readable", "secret", "another"] {
        assert_eq!(fs::write(path(forbidden), "x").unwrap_err().kind(), denied, "{forbidden}");
    }
    assert_eq!(fs::remove_file(path("secret")).unwrap_err().kind(), denied);
    assert!(fs::rename(path("Mail/tmp/1"), path("1")).is_err());
    assert_eq!(Command::new("/bin/true").status().unwrap_err().kind(), denied);
    // A thread that is started now.
    let other = path("secret");
    let found = thread::spawn(move || fs::read(other).unwrap_err().kind()).join().unwrap();
    assert_eq!(found, denied);
    fs::rename(path("Mail/tmp/1"), path("Mail/new/1")).unwrap();
    fs::write(path("Mail/tmp/2"), "m").unwrap();
    fs::write(path("Mail/tmp/2"), "").unwrap();
    fs::File::open(path("Mail/new")).unwrap().sync_all().unwrap();
    fs::remove_file(path("Mail/tmp/2")).unwrap();
    fs::create_dir(path("Mail/cur")).unwrap();
    println!("closed and tried");
}

/// Tries the system calls that the filter refuses to every worker; those that are not
/// refused. Without a filter each succeeds, or fails otherwise than with EPERM.
#[cfg(target_os = "linux")]
fn not_refused() -> Vec<&'static str> {
    use std::io::{Error, IoSlice, IoSliceMut};

    use nix::errno::Errno;
    use nix::fcntl::{AT_FDCWD, AtFlags};
    use nix::sys::ptrace;
    use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
    use nix::unistd::{Pid, execve, execveat};

    const PROGRAM: &std::ffi::CStr = c"/there is no such program";
    const NONE: [&std::ffi::CStr; 0] = [];
    let errno = |error: Error| Errno::from_raw(error.raw_os_error().unwrap());
    let (this, held, mut read) = (Pid::this(), [1_u8; 8], [0; 8]);
    let remote = [RemoteIoVec { base: held.as_ptr().addr(), len: held.len() }];
    let calls = [
        ("execve", execve(PROGRAM, &NONE, &NONE).map(drop)),
        ("execveat", execveat(AT_FDCWD, PROGRAM, &NONE, &NONE, AtFlags::empty()).map(drop)),
        ("io_uring_setup", io_uring::IoUring::new(2).map(drop).map_err(errno)),
        (
            "process_vm_readv",
            process_vm_readv(this, &mut [IoSliceMut::new(&mut read)], &remote).map(drop),
        ),
        ("process_vm_writev", process_vm_writev(this, &[IoSlice::new(&[])], &[]).map(drop)),
        // Of a process that is not traced: ESRCH.
        ("ptrace", ptrace::cont(this, None)),
        ("socketpair", UnixStream::pair().map(drop).map_err(errno)),
    ];
    let reached = calls.into_iter().filter(|(_, result)| *result != Err(Errno::EPERM));
    reached.map(|(name, _)| name).collect()
}

/// Names a socket file; an abstract socket has the same name.
#[cfg(target_os = "linux")]
const SOCKET: &str = "POP3GET_TEST_SOCKET";

/// The hand-over to `lmtp:/socket` is the one worker whose system calls may make such
/// sockets.
#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_may_use_a_socket_file_reaches_no_abstract_socket() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener};

    let room = Sandbox::new();
    let path = room.path("socket");
    let name = SocketAddr::from_abstract_name(path.as_os_str().as_encoded_bytes()).unwrap();
    let _both = (UnixListener::bind(&path).unwrap(), UnixListener::bind_addr(&name).unwrap());
    passes_inside("landlock::inside_by_socket_file", SOCKET, &path);
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "runs in a process that the test above starts"]
#[allow(clippy::print_stdout, reason = "the test above reads it")]
fn inside_by_socket_file() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;

    let Some(path) = std::env::var_os(SOCKET) else { return };
    let name = SocketAddr::from_abstract_name(path.as_encoded_bytes()).unwrap();
    UnixStream::connect_addr(&name).unwrap();
    let Enforced { files, .. } = enforce(&Allowed { socket_files: true, ..Allowed::default() });
    UnixStream::connect(&path).unwrap();
    let Landlock::Holds { abi } = files else { return println!("none: {files:?}") };
    if abi >= 6 {
        let refused = UnixStream::connect_addr(&name).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    }
    println!("closed and tried");
}

fn server() -> Builder {
    let server = Server::builder().user("mrose", "secret").messages(letters(2));
    server.user("jpostel", "secret").messages(letters(3))
}

/// Whether this run was closed in; why not is said once.
fn was_closed(ran: &Ran) -> bool {
    let line = ran.stderr.lines().find_map(|line| line.split_once("sandbox: "));
    let (_, held) = line.unwrap_or_else(|| panic!("nothing is said of a sandbox: {ran:?}"));
    if let Some(why) = held.strip_prefix("none: ").or(held.strip_prefix("seccomp alone: ")) {
        cannot(why);
        return false;
    }
    true
}

#[test]
fn a_fetch_says_where_it_can_write_and_a_list_that_it_cannot() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let listed = sandbox.plain(&server).args(["-vv", "--list"]).run();
    let fetched = sandbox.plain(&server).args(["-vv", "--delete"]).run();
    assert_eq!((listed.status, fetched.status, sandbox.count()), (Some(0), Some(0), 2));
    assert_eq!(server.maildrop("mrose").len(), 0);
    if was_closed(&listed) && was_closed(&fetched) {
        assert!(listed.stderr.contains(": files can be written nowhere\n"), "{listed:?}");
        let state = sandbox.path(".local/state/pop3get").display().to_string();
        let maildir = sandbox.maildir().display().to_string();
        let written = format!(": files can be written in {state}, {maildir} alone\n");
        assert!(fetched.stderr.contains(&written), "{fetched:?}");
    }
}

/// Each worker reaches the port of its own server and DNS, that of a hand-over the port of
/// its target. Where a library is preloaded, it may reach any: torsocks has a port of its own.
#[test]
fn a_worker_is_bound_to_the_ports_that_it_needs() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let target = LmtpServer::start(&[], &[]);
    let port = server.address().port();
    let lmtp = target.target();
    let ran = sandbox.plain(&server).args(["-vv", "--handover", &*lmtp, "--rcpt", "a@b"]).run();
    assert_eq!((ran.status, target.taken().len()), (Some(0), 2), "{ran:?}");
    if !was_closed(&ran) || !ran.stderr.contains("Landlock ABI ") || !knows_ports(&ran) {
        return;
    }
    assert!(ran.stderr.contains(&format!("TCP to 53 and {port} alone")), "{ran:?}");
    let preloaded = sandbox.plain(&server).env("LD_PRELOAD", "/nowhere.so").arg("-vv").run();
    assert!(preloaded.status == Some(0) && !preloaded.stderr.contains("TCP to "), "{preloaded:?}");
}

/// Whether Landlock's interface is of a version that knows ports.
fn knows_ports(ran: &Ran) -> bool {
    let abi = ran.stderr.split_once("Landlock ABI ").and_then(|(_, rest)| rest.split_once(','));
    abi.is_some_and(|(abi, _)| abi.parse::<i32>().unwrap() >= 4)
}

/// The kernels of others, as strace plays them.
#[test]
fn a_kernel_without_it_is_no_failure_and_named() {
    for (wish, why) in [
        ("error=ENOSYS", "this kernel has no Landlock"),
        ("error=EOPNOTSUPP", "Landlock is switched off in this kernel"),
        ("retval=1", "Landlock ABI 1 does not let files be delivered"),
    ] {
        let (server, sandbox) = (server().start(), Sandbox::new());
        let wish = format!("inject=landlock_create_ruleset:{wish}");
        let wishes = ["-e", "trace=landlock_create_ruleset,landlock_restrict_self", "-e", &*wish];
        let trace = sandbox.path("trace");
        let mut run = crate::sweep::strace(&sandbox, &server, &wishes, &trace);
        let output = run.arg("-vv").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let (_, named) = said.split_once("sandbox: ").unwrap();
        assert!(output.status.success() && named.contains(why), "{said}");
        assert_eq!(sandbox.count(), 2);
        let trace = fs::read_to_string(trace).unwrap();
        assert!(trace.contains("INJECTED") && !trace.contains("landlock_restrict_self"), "{trace}");
    }
}

/// The version of this kernel's Landlock; 0 where it is missing or switched off.
fn own_version() -> u32 {
    let (server, sandbox) = (server().start(), Sandbox::new());
    let said = sandbox.plain(&server).arg("-vv").run().stderr;
    let version = said.split_once("sandbox: Landlock ABI ").and_then(|(_, it)| it.split_once(','));
    version.map_or(0, |(version, _)| version.parse().unwrap())
}

/// What each version of Landlock cannot do is left out, and nothing else.
#[test]
fn an_older_landlock_holds_what_it_knows_and_the_mail_arrives() {
    // A kernel can play the versions before its own.
    for abi in 2..=own_version().min(6) {
        let (server, sandbox) = (server().start(), Sandbox::new());
        let wish = format!("inject=landlock_create_ruleset:retval={abi}:when=1");
        let wishes = ["-e", "trace=landlock_create_ruleset", "-e", &*wish];
        let trace = sandbox.path("trace");
        let mut run = crate::sweep::strace(&sandbox, &server, &wishes, &trace);
        let output = run.arg("-vv").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && sandbox.count() == 2, "{said}");
        let (_, line) = said.split_once(&format!("sandbox: Landlock ABI {abi}, ")).unwrap();
        let (line, _) = line.split_once(": files can be written in ").unwrap();
        assert_eq!(line.contains("TCP to "), abi >= 4, "{abi}: {said}");
        assert_eq!(line.contains("no signals"), abi >= 6, "{abi}: {said}");
    }
}

#[test]
fn what_touches_no_network_is_not_closed_in() {
    let (server, sandbox) = (server().start(), Sandbox::new());
    sandbox.plain(&server).run().is_silent();
    for args in [&["--state", "list"][..], &["--generate", "man"], &["--version"]] {
        let ran = sandbox.plain(&server).args(args).arg("-vv").run();
        assert!(ran.status == Some(0) && !ran.stderr.contains("sandbox"), "{ran:?}");
    }
}

/// One account of several, which differ in all that has to stay open.
fn account(name: &str, server: &Server, more: &str) -> String {
    let port = server.address().port();
    format!("[account.{name}]\nserver = \"localhost:{port}\"\nuser = \"mrose\"\n{more}\n")
}

/// Each account has a worker, which is closed in alone: what one account needs stays
/// shut to the other one.
#[test]
fn each_account_is_closed_in_with_what_is_its_own() {
    let (plain, tls) = (server().start(), server().security(Security::ImplicitTls).start());
    let cases = [
        ("a Maildir that is not there", &plain, "maildir = \"~/boxes/Mail\""),
        ("a state directory that is not there", &plain, "state-dir = \"~/deep/er/state\""),
        ("authorities of its own", &tls, "ca-file = \"~/ca.pem\""),
        ("a password command", &plain, "password-command = \"cat ~/secret\""),
    ];
    for (what, server, differs) in cases {
        let sandbox = Sandbox::new();
        fs::write(sandbox.path("ca.pem"), tls.ca_pem()).unwrap();
        sandbox.secret("secret", "secret\n");
        sandbox.secret(".netrc", "machine localhost login jpostel password secret\n");
        fs::create_dir_all(sandbox.path("boxes")).unwrap();
        let how = if differs.starts_with("ca-file") { "implicit" } else { "none" };
        let maildir = if differs.starts_with("maildir") { "" } else { "maildir = \"~/A\"\n" };
        let second = format!("tls = \"{how}\"\n{maildir}{differs}");
        let first = "tls = \"none\"\nmaildir = \"~/B\"\npassword-command = \"cat ~/secret\"";
        let second = account("second", server, &second).replace("mrose", "jpostel");
        sandbox.configure(&[account("first", &plain, first), second].concat());
        let ran = sandbox.pop3get(["-vv"]).run();
        assert_eq!(ran.status, Some(0), "{what}: {ran:?}");
        assert_eq!(ran.stderr.matches("sandbox: ").count(), 2, "{what}: {ran:?}");
        if !was_closed(&ran) {
            continue;
        }
        for (account, own) in [("first", "B"), ("second", "A Mail")] {
            let (_, line) = ran.stderr.split_once(&format!("{account}: sandbox: ")).unwrap();
            let (_, places) = line.split_once(": files can be written in ").unwrap();
            let (places, _) = places.split_once(" alone\n").unwrap();
            // Never what these are made in: boxes, deep, the home directory.
            for place in places.split(", ") {
                let (_, name) = place.rsplit_once('/').unwrap();
                let is_own = own.split(' ').any(|own| own == name);
                assert!(is_own || ["pop3get", "state"].contains(&name), "{what}: {place}");
            }
        }
    }
}
