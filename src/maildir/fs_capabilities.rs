//! What is known of a file system that makes batches durable, and the calls that
//! only Linux has.

use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;

/// How a file system keeps what is written to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FsCapabilities {
    /// syncfs(2) writes and commits all, and waits for the disk's own cache: it is
    /// as good as a sync of each file and directory.
    pub(super) syncs_whole: bool,
    /// Blocks are given to a file only when it is written back, and a failure then
    /// (a damaged bitmap) may be told to the kernel's log alone: what is
    /// synced and has too few blocks was lost.
    pub(super) counts_blocks: bool,
}

#[cfg(target_os = "linux")]
impl FsCapabilities {
    pub(super) fn of(directory: &File) -> Self {
        /// `f_type` in statfs(2).
        const EXT4: u32 = 0xef53;
        const XFS: u32 = 0x5846_5342;
        const BTRFS: u32 = 0x9123_683e;

        let Ok(found) = rustix::fs::fstatfs(directory) else { return Self::default() };
        let uname = rustix::system::uname();
        let reports = uname.release().to_str().is_ok_and(reports_errors);
        // The field's type differs between architectures; a signed one of 32 bits
        // holds Btrfs's number as a negative one.
        let found = i128::from(found.f_type) & i128::from(u32::MAX);
        let is = |capabilities: u32| found == i128::from(capabilities);
        Self { syncs_whole: reports && (is(EXT4) || is(XFS) || is(BTRFS)), counts_blocks: is(EXT4) }
    }
}

/// Elsewhere every file is synced by itself.
#[cfg(not(target_os = "linux"))]
impl FsCapabilities {
    pub(super) fn of(_: &File) -> Self {
        Self::default()
    }
}

/// syncfs(2) reports errors of writing since Linux 5.8 and those of the file
/// system's own commit since 5.17; before, what was lost would have counted as
/// safe.
#[cfg(any(target_os = "linux", test))]
fn reports_errors(release: &str) -> bool {
    version(release) >= (5, 17)
}

/// `6.1.0-18-amd64` is 6.1; what cannot be read is old.
#[cfg(any(target_os = "linux", test))]
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (0, 0),
    }
}

/// Makes a whole file system durable. Returns `false` where the system refuses the
/// call as such.
#[cfg(target_os = "linux")]
pub(super) fn sync_file_system(directory: &File) -> io::Result<bool> {
    use rustix::io::Errno;

    match rustix::fs::syncfs(directory) {
        Ok(()) => Ok(true),
        Err(Errno::NOSYS | Errno::PERM | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// There is no such call here.
#[cfg(not(target_os = "linux"))]
pub(super) fn sync_file_system(_: &File) -> io::Result<bool> {
    Ok(false)
}

/// Asks the system to begin writing a part of a file to the disk.
#[cfg(target_os = "linux")]
pub(super) fn start_writeback(file: &File, from: u64, octets: u64) {
    let advice = rustix::fs::Advice::DontNeed;
    let _ = rustix::fs::fadvise(file, from, NonZeroU64::new(octets), advice);
}

/// Elsewhere this advice means something else, or nothing.
#[cfg(not(target_os = "linux"))]
pub(super) fn start_writeback(_: &File, _: u64, _: u64) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_new_enough_by_its_first_two_numbers() {
        for new in ["5.17.0", "6.1.0-18-amd64", "5.19.0+"] {
            assert!(reports_errors(new), "{new}");
        }
        for old in ["5.16.19", "5.8.0", "4.19.0-27", "", "linux", "5", "99999999999.1"] {
            assert!(!reports_errors(old), "{old}");
        }
    }
}
