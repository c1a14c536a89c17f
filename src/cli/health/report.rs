//! `--report`: a file that is replaced whole, so that no reader meets half of one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes the report beside its place and renames it. Others may read it.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut new = std::ffi::OsString::from(".");
    new.push(name);
    // A collector reads files that end in .prom.
    new.push(format!(".{}", std::process::id()));
    let new = path.with_file_name(new);
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).open(&new);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    let replaced = written.and_then(|()| fs::rename(&new, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&new);
    }
    replaced
}
