//! The system calls that no worker makes.

/// Refuses them, for this thread and those that it starts from now on; else why not.
/// `socket_files` leaves those free.
#[cfg(all(
    target_os = "linux",
    not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))
))]
pub(super) fn enforce(_: bool) -> Result<(), String> {
    Err("this system has none".into())
}

/// Refuses them, for this thread and those that it starts from now on; else why not.
/// `socket_files` leaves those free.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
pub(super) fn enforce(socket_files: bool) -> Result<(), String> {
    let filter = filter(socket_files).map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&filter).map_err(|error| error.to_string())
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
fn filter(socket_files: bool) -> Result<seccompiler::BpfProgram, seccompiler::BackendError> {
    use std::collections::BTreeMap;

    use seccompiler::{
        SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    let by_socket_file = SeccompRule::new(vec![SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        u64::from(libc::AF_UNIX.unsigned_abs()),
    )?])?;
    // Without a rule a call is refused whatever its arguments are.
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_io_uring_setup,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_ptrace,
        libc::SYS_socketpair,
    ]
    .map(|call| (call, Vec::new()))
    .into();
    if !socket_files {
        rules.insert(libc::SYS_socket, vec![by_socket_file]);
    }
    if cfg!(target_arch = "x86_64") {
        // The same calls of the x32 interface, which some kernels have.
        const X32: i64 = 0x4000_0000;
        let shared = rules.clone().into_iter().map(|(call, rules)| (X32 + call, rules));
        rules.extend(shared.collect::<Vec<_>>());
        rules.extend([520, 521, 539, 540, 545].map(|call| (X32 + call, Vec::new())));
    }
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture())?.try_into()
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn architecture() -> seccompiler::TargetArch {
    seccompiler::TargetArch::aarch64
}

#[cfg(all(target_os = "linux", target_arch = "riscv64"))]
fn architecture() -> seccompiler::TargetArch {
    seccompiler::TargetArch::riscv64
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn architecture() -> seccompiler::TargetArch {
    seccompiler::TargetArch::x86_64
}
