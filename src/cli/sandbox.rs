//! The sandbox: what a server sends is handled by a process that can open next
//! to no file.
//!
//! Landlock takes away all files but those in [`AllowedPaths`], from this thread and
//! every thread that it starts. It is closed once, as late as the local doors and
//! the passwords allow and before the first octet of a server: an account's
//! journal and Maildir are open and its password is known. What accounts after it will
//! need stays open too: their directories, and the files that their passwords come from.
//!
//! A `password-command` needs everything. So as long as an account that comes
//! later in the run has one, nothing is closed; behind the last of them it is.
//!
//! # Invariants
//!
//! * Its absence is no failure, and never changes what a run does; `-v` says what
//!   held, or why nothing did.
//! * Nothing can be executed, nothing can be written outside of the Maildirs and
//!   state directories, and where a run only looks, nothing can be written at all.
//! * Landlock goes by the files that are there when it closes. One that is
//!   replaced later, as a resolv.conf in /etc may be, cannot be opened any more: the
//!   next run can.
//!
//! # Not here
//!
//! * Sockets: the resolver's name servers and the accounts' ports are many, and what
//!   is written nowhere and read nowhere is not worth much to send.
//! * Kernels whose Landlock has no ABI 2: they forbid every rename between
//!   directories, and delivery is one.
//! * Whether there is a sandbox at all: `main.rs` hands [`enforce`] in, tests in one process do not.

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;

use crate::cli::config::account::Account;
use crate::cli::password::lookup;
use crate::journal::make_state_directory;
use crate::maildir::Maildir;

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

/// The same by variables.
const VARIABLES: &[&str] = &["SSL_CERT_DIR", "SSL_CERT_FILE", "TZDIR"];

/// What can still be opened once the sandbox is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedPaths {
    /// Files and directories that can be read, with all below them; what is not
    /// there is no matter.
    pub read: Vec<PathBuf>,
    /// Directories in which files can be made, written, moved and removed. Each has
    /// to be there: better no sandbox than one that shuts the Maildir out.
    pub write: Vec<PathBuf>,
    /// Whether somebody may be asked on the terminal.
    pub terminal: bool,
}

/// What came of it.
#[derive(Debug)]
pub enum SandboxStatus {
    /// It could not be closed.
    #[cfg(target_os = "linux")]
    Failed(Refused),
    /// Landlock holds, by this version of its interface.
    Landlock {
        /// The version.
        abi: i32,
    },
    /// This is a system without Landlock.
    Missing,
    /// Landlock is there and was not switched on when the system started.
    Off,
    /// It could not let messages be delivered.
    TooOld,
}

/// Why it could not be closed.
#[cfg(target_os = "linux")]
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A directory that has to stay open could not be opened.
    #[error(transparent)]
    Directory(#[from] landlock::PathFdError),
    /// The kernel did not take the rules.
    #[error(transparent)]
    Rules(#[from] landlock::RulesetError),
}

impl fmt::Display for SandboxStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(target_os = "linux")]
            Self::Failed(error) => write!(f, "none: {error}"),
            Self::Landlock { abi } => write!(f, "Landlock ABI {abi}"),
            Self::Missing => f.write_str("none: this kernel has no Landlock"),
            Self::Off => f.write_str("none: Landlock is switched off in this kernel"),
            Self::TooOld => f.write_str("none: Landlock ABI 1 does not let files be delivered"),
        }
    }
}

/// The act that closes it, from `main.rs`; none in a process that goes on to do
/// something else.
pub type Enforcer<'r> = Option<&'r dyn Fn(&AllowedPaths) -> SandboxStatus>;

/// The sandbox of a run, open at first.
pub(crate) struct Sandbox<'r> {
    enforce: Cell<Enforcer<'r>>,
    /// Nothing is to be written.
    looks: bool,
}

impl<'r> Sandbox<'r> {
    pub(crate) fn new(enforce: Enforcer<'r>, looks: bool) -> Self {
        Self { enforce: Cell::new(enforce), looks }
    }

    /// Closes it, if it is open and no account that comes later needs it open.
    /// Returns what to say about it.
    pub(crate) fn enforce(&self, account: &Account, later: &[&Account]) -> Option<String> {
        let enforce = self.enforce.get()?;
        if later.iter().any(|account| account.settings.password_command.is_some()) {
            return Some("sandbox: none yet: another password-command has to run".into());
        }
        self.enforce.set(None);
        if !self.looks {
            [account].iter().chain(later).for_each(|account| make_places(account));
        }
        let allowed = self.allowed(account, later);
        let held = enforce(&allowed);
        let SandboxStatus::Landlock { .. } = held else { return Some(format!("sandbox: {held}")) };
        let places: Vec<_> = allowed.write.iter().map(|it| it.display().to_string()).collect();
        let places = match &*places {
            [] => "nowhere".into(),
            places => format!("in {} alone", places.join(", ")),
        };
        Some(format!("sandbox: {held}: files can be written {places}"))
    }

    fn allowed(&self, account: &Account, later: &[&Account]) -> AllowedPaths {
        let fixed = [RESOLVER, ROOTS, REST].concat().into_iter().map(PathBuf::from);
        // SSL_CERT_DIR may name several.
        let variable = |name| {
            std::env::split_paths(&std::env::var_os(name).unwrap_or_default()).collect::<Vec<_>>()
        };
        let named = VARIABLES.iter().flat_map(variable).filter(|path| !path.as_os_str().is_empty());
        let mut read: Vec<_> = fixed.chain(named).collect();
        let mut write = Vec::new();
        for account in [account].into_iter().chain(later.iter().copied()) {
            read.extend(account.settings.ca_file.clone());
            let places = account.place().map(|place| place.maildir);
            match self.looks {
                true => read.extend(places.into_iter().chain([account.state.clone()])),
                false => {
                    let places = places.into_iter().chain([account.state.clone()]);
                    write.extend(places.filter(|place| place.exists()));
                }
            }
        }
        read.extend(later.iter().flat_map(|account| lookup::files(account)));
        for paths in [&mut read, &mut write] {
            paths.sort();
            paths.dedup();
        }
        AllowedPaths {
            read,
            write,
            terminal: later.iter().any(|account| lookup::may_prompt(account)),
        }
    }
}

/// Makes the Maildir and the state directory of an account: Landlock knows only what
/// is there, and would have to leave their parents open, such as the home directory.
/// Why one cannot be made is said when the account has its turn.
fn make_places(account: &Account) {
    if let Ok(place) = account.place() {
        let _ = Maildir::make(&place.maildir);
        let _ = make_state_directory(&place.state);
    }
}

/// Takes everything away from this thread, and from those that it starts from now on,
/// but what is granted.
#[cfg(not(target_os = "linux"))]
pub fn enforce(_: &AllowedPaths) -> SandboxStatus {
    SandboxStatus::Missing
}

/// Takes everything away from this thread, and from those that it starts from now on,
/// but what is granted.
#[cfg(target_os = "linux")]
pub fn enforce(allowed: &AllowedPaths) -> SandboxStatus {
    use landlock::{LandlockStatus, RulesetStatus};

    let status = match apply(allowed) {
        Ok(status) => status,
        Err(error) => return SandboxStatus::Failed(error),
    };
    match (status.ruleset, status.landlock) {
        (_, LandlockStatus::NotEnabled) => SandboxStatus::Off,
        (_, LandlockStatus::NotImplemented) => SandboxStatus::Missing,
        (RulesetStatus::NotEnforced, _) => SandboxStatus::TooOld,
        (_, LandlockStatus::Available { effective_abi, kernel_abi }) => {
            SandboxStatus::Landlock { abi: kernel_abi.unwrap_or(effective_abi as i32) }
        }
    }
}

#[cfg(target_os = "linux")]
fn apply(allowed: &AllowedPaths) -> Result<landlock::RestrictionStatus, Refused> {
    use landlock::{
        ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, make_bitflags, path_beneath_rules,
    };

    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let write = make_bitflags!(AccessFs::{
        MakeDir | MakeReg | Refer | RemoveFile | Truncate | WriteFile
    });
    let terminal = make_bitflags!(AccessFs::{IoctlDev | ReadFile | WriteFile});
    let paths = if allowed.terminal { &["/dev/tty"][..] } else { &[] };
    let written = |path| Ok::<_, Refused>(PathBeneath::new(PathFd::new(path)?, read | write));
    let closed = Ruleset::default()
        // Nothing at all without it: from tmp to new is from one directory to another.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        // ABI 9 counts the resolver's sockets as files.
        .handle_access(AccessFs::from_all(ABI::V5))?
        .create()?
        .add_rules(path_beneath_rules(&allowed.read, read))?
        .add_rules(path_beneath_rules(paths, terminal))?
        .add_rules(allowed.write.iter().map(written))?
        .restrict_self()?;
    Ok(closed)
}
