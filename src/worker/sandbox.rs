//! The sandbox: what a server sends is handled by a process that can open next to no
//! file and start no program.
//!
//! Landlock takes away all files but those in [`Allowed`], and TCP to all ports but those
//! in it (from Linux 6.7 on), signals to other processes and their abstract sockets (from
//! Linux 6.12 on), from this thread and every thread that it starts. It is closed once, as soon as
//! the lock is held and the Maildir open, and before the first octet of a server. Seccomp
//! refuses the system calls that start a program, look into another process, or reach one
//! by a socket file: through one a session bus or a container daemon could be asked to
//! start something.
//!
//! # Invariants
//!
//! * Its absence is no failure, and never changes what a run does; `-vv` says what
//!   holds, or why nothing does.
//! * Nothing can be executed, nothing can be written outside of one account's
//!   Maildir and state directory, and where a run only looks, nothing can be written
//!   at all.
//! * Landlock goes by the files that are there when it closes. One that is
//!   replaced later, as a resolv.conf in /etc may be, cannot be opened any more: the
//!   next run can.
//!
//! # Not here
//!
//! * UDP, and addresses: the name servers of the resolver are many. TCP is bound to ports
//!   from ABI 4 on (Linux 6.7), and not at all where a library is preloaded: torsocks and
//!   proxychains connect to ports of their own.
//! * Kernels whose Landlock has no ABI 2: they forbid every rename between
//!   directories, and delivery is one.
//! * nscd and systemd-resolved by their sockets: the resolver of the C library goes
//!   on to its own name servers where it cannot open these.
//! * Whether there is a sandbox at all: `main.rs` asks for it, tests in one process
//!   do not.

use std::path::{Path, PathBuf};

use crate::channel::command::WorkerCommand;
use crate::channel::event::{Landlock, Sandbox};
use crate::channel::handover::{LmtpJob, LmtpTarget};
use crate::channel::octets::Octets;
use crate::connection::Roots;

use super::options::WorkerAccount;

/// What the resolver of the C library reads: its files, the modules that
/// nsswitch.conf names and what those look at. Sockets need no leave.
const RESOLVER: &[&str] = &[
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/mdns.allow",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/gnu/store",
    "/lib",
    "/lib64",
    "/nix/store",
    "/run/NetworkManager",
    "/run/netconfig",
    "/run/nscd",
    "/run/resolvconf",
    "/run/systemd/machines",
    "/run/systemd/resolve",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/var/lib/libvirt/dnsmasq",
];

/// Where certificate authorities are kept, all of them public.
const ROOTS: &[&str] = &[
    "/etc/ca-certificates",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/share/pki",
    "/var/lib/ca-certificates",
];

/// Dates in this machine's time zone; randomness where the kernel's call fails.
const REST: &[&str] = &["/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo"];

/// Variables that name files or directories to be read, for `main.rs`.
pub const VARIABLES: &[&str] = &["SSL_CERT_DIR", "SSL_CERT_FILE", "TZDIR"];

/// DNS, for answers that do not fit into UDP.
const DNS: u16 = 53;

/// What the worker's environment says, for the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The files and directories that [`VARIABLES`] name.
    pub named: Vec<PathBuf>,
    /// A library is loaded before all others and may connect elsewhere.
    pub is_preloaded: bool,
}

/// What can still be opened and reached once the sandbox is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Files and directories that can be read, with all below them; what is not
    /// there is no matter.
    pub read: Vec<PathBuf>,
    /// Directories in which files can be made, written, moved and removed. Each has
    /// to be there: better no sandbox than one that shuts the Maildir out.
    pub write: Vec<PathBuf>,
    /// Whether socket files may be connected to.
    pub socket_files: bool,
    /// The ports that TCP may connect to; `None` is any.
    pub ports: Option<Vec<u16>>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// The half of the files.
    pub files: Landlock,
    /// The half of the system calls; why it does not hold.
    pub calls: Option<String>,
}

/// From this ABI of Landlock on it knows ports.
const KNOWS_PORTS: i32 = 4;

/// The last thing before the threads and the network.
pub(super) fn close(account: &WorkerAccount, surroundings: &Surroundings) -> Sandbox {
    let allowed = allowed(account, surroundings);
    let Enforced { files, calls } = enforce(&allowed);
    let write = allowed.write.iter().map(|path| Octets::from(&**path)).collect();
    let knows_ports = matches!(files, Landlock::Holds { abi } if abi >= KNOWS_PORTS);
    Sandbox { files, write, ports: allowed.ports.filter(|_| knows_ports), calls }
}

/// The ports of server or proxy and of the LMTP target, as far as a command reaches them,
/// and that of DNS.
fn ports(command: &WorkerCommand, server: u16, lmtp: Option<&LmtpJob>) -> Vec<u16> {
    let server = command.needs_server().then_some(server);
    let lmtp = match lmtp {
        Some(LmtpJob { target: LmtpTarget::Host { port, .. }, .. }) => Some(*port),
        _ => None,
    };
    let lmtp = lmtp.filter(|_| *command == WorkerCommand::HandOver {});
    let mut ports: Vec<u16> = server.into_iter().chain(lmtp).chain([DNS]).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn allowed(account: &WorkerAccount, surroundings: &Surroundings) -> Allowed {
    let Surroundings { named, is_preloaded } = surroundings;
    let fixed = [RESOLVER, ROOTS, REST].concat().into_iter().map(PathBuf::from);
    let mut read: Vec<_> = fixed.chain(named.iter().cloned()).collect();
    let mut write = Vec::new();
    if let Roots::File(path) = &account.session.connection.roots {
        read.push(path.clone());
    }
    let maildir = account.maildir.as_deref();
    if account.job.command.is_read_only() {
        read.extend(maildir.map(Path::to_path_buf).into_iter().chain([account.state.clone()]));
    } else {
        // Both were made when the local side was opened.
        let places = maildir.into_iter().chain([&*account.state]);
        write.extend(places.filter(|place| place.exists()).map(Path::to_path_buf));
    }
    for paths in [&mut read, &mut write] {
        paths.sort();
        paths.dedup();
    }
    let lmtp = account.job.lmtp.as_ref().map(|lmtp| &lmtp.target);
    let is_handover = account.job.command == (WorkerCommand::HandOver {});
    let socket_files = is_handover && matches!(lmtp, Some(LmtpTarget::Socket { .. }));
    let connection = &account.session.connection;
    let server = connection.proxy.as_ref().map_or(connection.port, |proxy| proxy.port);
    let ports = || ports(&account.job.command, server, account.job.lmtp.as_ref());
    let ports = (!is_preloaded).then(ports);
    Allowed { read, write, socket_files, ports }
}

/// Takes everything away from this thread, and from those that it starts from now on,
/// but what is allowed.
#[cfg(not(target_os = "linux"))]
pub fn enforce(_: &Allowed) -> Enforced {
    let why = "this system has none".to_owned();
    Enforced { files: Landlock::Missing {}, calls: Some(why) }
}

/// Takes everything away from this thread, and from those that it starts from now on,
/// but what is allowed.
#[cfg(target_os = "linux")]
pub fn enforce(allowed: &Allowed) -> Enforced {
    use landlock::{LandlockStatus, RulesetStatus};

    let files = match restrict_files(allowed) {
        Err(error) => Landlock::Failed { why: error.to_string() },
        Ok(status) => match (status.ruleset, status.landlock) {
            (_, LandlockStatus::NotEnabled) => Landlock::Off {},
            (_, LandlockStatus::NotImplemented) => Landlock::Missing {},
            (RulesetStatus::NotEnforced, _) => Landlock::TooOld {},
            (_, LandlockStatus::Available { effective_abi, kernel_abi }) => {
                Landlock::Holds { abi: kernel_abi.unwrap_or(effective_abi as i32) }
            }
        },
    };
    Enforced { files, calls: super::seccomp::enforce(allowed.socket_files).err() }
}

/// Why it could not be closed.
#[cfg(target_os = "linux")]
#[derive(Debug, thiserror::Error)]
enum LandlockError {
    /// A directory that has to stay open could not be opened.
    #[error(transparent)]
    Directory(#[from] landlock::PathFdError),
    /// The kernel did not take the rules.
    #[error(transparent)]
    Rules(#[from] landlock::RulesetError),
}

#[cfg(target_os = "linux")]
fn restrict_files(allowed: &Allowed) -> Result<landlock::RestrictionStatus, LandlockError> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, NetPort, PathBeneath,
        PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, Scope, make_bitflags,
        path_beneath_rules,
    };

    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let write = make_bitflags!(AccessFs::{
        MakeDir | MakeReg | Refer | RemoveFile | Truncate | WriteFile
    });
    let written = |path| Ok::<_, LandlockError>(PathBeneath::new(PathFd::new(path)?, read | write));
    let connect = |port| Ok::<_, LandlockError>(NetPort::new(port, AccessNet::ConnectTcp));
    let ruleset = Ruleset::default()
        // Nothing at all without it: from tmp to new is from one directory to another.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        // ABI 9 counts the resolver's sockets as files.
        .handle_access(AccessFs::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?;
    let ruleset = match allowed.ports {
        Some(_) => ruleset.handle_access(AccessNet::from_all(ABI::V4))?,
        None => ruleset,
    };
    let ports = allowed.ports.iter().flatten().copied();
    let closed = ruleset
        .create()?
        .add_rules(path_beneath_rules(&allowed.read, read))?
        .add_rules(allowed.write.iter().map(written))?
        .add_rules(ports.map(connect))?
        .restrict_self()?;
    Ok(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_reaches_the_ports_that_it_needs() {
        let target = LmtpTarget::Host { host: "localhost".into(), port: 24 };
        let lmtp = LmtpJob { target, recipients: vec!["a@b".parse().unwrap()], patience: 1 };
        let socket = LmtpTarget::Socket { path: Octets::from(Path::new("/run/lmtp")) };
        let by_socket = LmtpJob { target: socket, ..lmtp.clone() };
        assert_eq!(ports(&WorkerCommand::Check {}, 995, Some(&lmtp)), [53, 995]);
        assert_eq!(ports(&WorkerCommand::Check {}, 53, None), [53]);
        assert_eq!(ports(&WorkerCommand::HandOver {}, 995, Some(&lmtp)), [24, 53]);
        assert_eq!(ports(&WorkerCommand::HandOver {}, 995, Some(&by_socket)), [53]);
        assert_eq!(ports(&WorkerCommand::HandOver {}, 995, None), [53]);
    }
}
