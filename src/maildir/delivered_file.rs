//! A file that was delivered.

use std::path::PathBuf;

use super::unique_name::UniqueName;

/// A file of ours in `new/` or `cur/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredFile {
    /// What its name says of it.
    pub tag: UniqueName,
    /// Where it was seen.
    pub path: PathBuf,
}
