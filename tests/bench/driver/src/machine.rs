//! What it was measured on, and with.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::args::Options;

/// What a whole run leaves on the disk before it is removed, and some room.
const NEEDED_GIB: u64 = 8;
const GIB: u64 = 1 << 30;

/// # Panics
///
/// If the disk is too full for what was asked for.
pub(crate) fn check_space(options: &Options) {
    let disk = rustix::fs::statvfs(&options.work).expect("a file system has numbers");
    let (free, needed) =
        (disk.f_bavail * disk.f_frsize, NEEDED_GIB * u64::from(options.rounds) / 3);
    let needed = if options.quick { needed / 10 } else { needed };
    assert!(free / GIB > needed, "{needed} GiB must be free at {}", options.work.display());
}

/// A sentence or two.
pub(crate) fn describe(options: &Options) -> String {
    let processor = field("/proc/cpuinfo", "model name");
    let memory = field("/proc/meminfo", "MemTotal");
    let memory = memory.split(' ').next().and_then(|kib| kib.parse::<u64>().ok());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = field_of("/etc/os-release", "PRETTY_NAME", '=').replace('"', "");
    let mut programs = vec![said(Command::new(&options.pop3get).arg("--version"))];
    if let Some(root) = &options.mpop {
        let mut mpop = Command::new(root.join("usr/bin/mpop"));
        let mpop = said(mpop.arg("--version").env("LD_LIBRARY_PATH", root.join("lib")));
        programs.push(mpop.replace(" version", ""));
    }
    programs.push(format!("Dovecot {}", dovecot()));
    format!(
        "{cores} cores ({processor}), {} GiB, {system}, Linux {}, {}; {}.",
        memory.unwrap_or_default().div_ceil(1 << 20),
        kernel.trim(),
        file_system(&options.work),
        programs.join(", "),
    )
}

fn dovecot() -> String {
    let root = std::env::var("POP3GET_DOVECOT").unwrap_or_default();
    let root = Path::new(if root == "system" { "/" } else { &root });
    let mut dovecot = Command::new(root.join("usr/sbin/dovecot"));
    said(dovecot.arg("--version").env("LD_LIBRARY_PATH", root.join("lib")))
}

/// The first line that a program prints, up to what is in brackets.
fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    let output = String::from_utf8_lossy(&output);
    output.lines().next().and_then(|line| line.split(" (").next()).unwrap_or_default().to_owned()
}

fn field(file: &str, name: &str) -> String {
    field_of(file, name, ':')
}

fn field_of(file: &str, name: &str, separator: char) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut fields = text.lines().filter_map(|line| line.split_once(separator));
    let found = fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    found.unwrap_or("unknown").to_owned()
}

/// The type of the file system that a path is on, by the longest mount point.
fn file_system(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        })
        .filter(|(place, _)| path.starts_with(place))
        .max_by_key(|(place, _)| place.len());
    mount.map_or("unknown", |(_, kind)| kind).to_owned()
}
