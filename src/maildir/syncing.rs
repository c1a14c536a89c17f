//! Where one call may make a whole batch durable.

use std::fs::File;

/// File systems whose syncfs(2) writes and commits all that was written to them,
/// and waits for the disk's own cache: ext4 (and ext3, which is the same driver),
/// XFS, Btrfs. `f_type` in statfs(2).
const HONEST: [u32; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

/// syncfs(2) reports errors of writing from this Linux on; before, a message
/// that was lost would have counted as safe.
const REPORTS: (u32, u32) = (5, 8);

/// Whether syncfs(2) is as good there as a sync of each file and directory.
pub(super) fn syncs_whole(directory: &File) -> bool {
    let uname = rustix::system::uname();
    let reports = uname.release().to_str().is_ok_and(|release| version(release) >= REPORTS);
    let is_honest = |kind| HONEST.iter().any(|honest| i64::from(*honest) == kind);
    reports && rustix::fs::fstatfs(directory).is_ok_and(|it| is_honest(it.f_type))
}

/// `6.1.0-18-amd64` is 6.1; what cannot be read is old.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_new_enough_by_its_first_two_numbers() {
        assert!(version("5.8.0") >= REPORTS);
        assert!(version("6.1.0-18-amd64") >= REPORTS);
        assert!(version("5.10.0+") >= REPORTS);
        for old in ["5.7.19", "4.19.0-27", "", "linux", "5", "99999999999.1"] {
            assert!(version(old) < REPORTS, "{old}");
        }
    }
}
