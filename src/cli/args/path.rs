//! Paths of the command line.

use std::path::PathBuf;

/// A path; `~/` at its start is the home directory, as in the configuration file: a
/// shell resolves it in `--option ~/x`, and not in `--option=~/x`.
pub(super) fn path(written: &str) -> Result<PathBuf, &'static str> {
    if written.is_empty() {
        return Err("a path is empty");
    }
    let Some(below) = written.strip_prefix("~/") else { return Ok(written.into()) };
    let home = directories::BaseDirs::new().ok_or("there is no home directory")?;
    Ok(home.home_dir().join(below))
}
