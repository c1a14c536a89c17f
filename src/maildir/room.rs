//! How large a message may be.

use std::os::fd::AsFd;

use rustix::fs::{StatVfs, fstatvfs};
use rustix::process::{Resource, getrlimit};

/// The size in octets of the largest file that can be made in this directory now, as far
/// as the system tells: what is free, and what a file may have (RLIMIT_FSIZE).
pub(super) fn room_in(directory: impl AsFd) -> u64 {
    let free = fstatvfs(directory).ok().as_ref().and_then(free);
    let most = getrlimit(Resource::Fsize).current;
    free.unwrap_or(u64::MAX).min(most.unwrap_or(u64::MAX))
}

/// What is free for us; `None` where the file system does not count its blocks.
fn free(found: &StatVfs) -> Option<u64> {
    (found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize))
}
