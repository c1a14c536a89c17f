//! What is known of a file system that makes batches durable.

use std::fs::File;

/// `f_type` in statfs(2).
const EXT4: u32 = 0xef53;
const XFS: u32 = 0x5846_5342;
const BTRFS: u32 = 0x9123_683e;

/// syncfs(2) reports errors of writing since Linux 5.8 and those of the file
/// system's own commit since 5.17; before, what was lost would have counted as
/// safe.
const REPORTS: (u32, u32) = (5, 17);

/// How a file system keeps what is written to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    /// syncfs(2) writes and commits all, and waits for the disk's own cache: it is
    /// as good as a sync of each file and directory.
    pub(super) syncs_whole: bool,
    /// Blocks are given to a file only when it is written back, and a failure then
    /// (a damaged bitmap) may be told to nobody but the kernel's log: what is
    /// synced and has too few blocks was lost.
    pub(super) counts_blocks: bool,
}

impl Kind {
    pub(super) fn of(directory: &File) -> Self {
        let Ok(found) = rustix::fs::fstatfs(directory) else { return Self::default() };
        let uname = rustix::system::uname();
        let reports = uname.release().to_str().is_ok_and(|release| version(release) >= REPORTS);
        let is = |kind: u32| found.f_type == i64::from(kind);
        Self { syncs_whole: reports && (is(EXT4) || is(XFS) || is(BTRFS)), counts_blocks: is(EXT4) }
    }
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
        assert!(version("5.17.0") >= REPORTS);
        assert!(version("6.1.0-18-amd64") >= REPORTS);
        assert!(version("5.19.0+") >= REPORTS);
        for old in ["5.16.19", "5.8.0", "4.19.0-27", "", "linux", "5", "99999999999.1"] {
            assert!(version(old) < REPORTS, "{old}");
        }
    }
}
