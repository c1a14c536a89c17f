//! What the program costs before it does anything: counted, not timed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::sandbox::Sandbox;
use crate::sweep::whole;

/// A start of the program needs 118 of them on Linux 6.18 with glibc 2.36.
const MOST_SYSTEM_CALLS: usize = 200;

/// Of the release binary, stripped.
const MOST_OCTETS: u64 = 6_000_000;

#[test]
fn a_start_needs_few_system_calls() {
    let (sandbox, strace) = (Sandbox::new(), std::env::var_os("POP3GET_STRACE"));
    let trace = sandbox.path("trace");
    let mut command = Command::new(strace.unwrap_or_else(|| "strace".into()));
    // Cargo's own search path for libraries costs calls that no user has.
    command.env_remove("LD_LIBRARY_PATH").args(["-f", "-qq", "-o"]).arg(&trace);
    let ran = command.args([env!("CARGO_BIN_EXE_pop3get"), "--version"]).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let calls = fs::read_to_string(trace).unwrap();
    let count = calls.lines().count();
    assert!(count > 10 && count <= MOST_SYSTEM_CALLS, "{count} system calls:\n{calls}");
}

/// It is built for this, which takes minutes: only with `tests/run --all`.
#[test]
fn the_release_binary_is_small() {
    if !whole() {
        return;
    }
    let target = Path::new(env!("CARGO_BIN_EXE_pop3get")).parent().unwrap().parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--locked", "--package", "pop3get", "--bins"]);
    cargo.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(cargo.status().unwrap().success());
    let octets = fs::metadata(target.join("release/pop3get")).unwrap().len();
    eprintln!("the release binary has {octets} octets");
    assert!(octets <= MOST_OCTETS, "the release binary has {octets} octets");
}
