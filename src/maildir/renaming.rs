//! Renaming a file without replacing another one.

use std::fs::File;

use rustix::io::Errno;

/// Renames a file from one directory into another, in one step. Where a file of the
/// new name is there already, nothing changes ([`Errno::EXIST`]).
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
pub(super) fn rename_if_absent(
    (from, name): (&File, &str),
    (into, to): (&File, &str),
) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat, renameat_with};

    match renameat_with(from, name, into, to, RenameFlags::NOREPLACE) {
        // File systems without it; our names are never twice the same.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => renameat(from, name, into, to),
        renamed => renamed,
    }
}

/// Elsewhere there is no such call. Between the look and the rename no process makes a
/// file of this name: our names are never twice the same.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub(super) fn rename_if_absent(
    (from, name): (&File, &str),
    (into, to): (&File, &str),
) -> Result<(), Errno> {
    use rustix::fs::{AtFlags, renameat, statat};

    match statat(into, to, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST),
        Err(Errno::NOENT) => renameat(from, name, into, to),
        Err(error) => Err(error),
    }
}
