//! Which files are read, and their text.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::mistake::Mistake;

/// The variable that names a configuration file.
const VARIABLE: &str = "POP3GET_CONFIG";

/// No configuration is larger.
const MAX_OCTETS: u64 = 1 << 20;

/// A file of the configuration.
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The files of a configuration, in the order in which they are read.
pub(super) struct Sources {
    /// The one that accounts are looked for in, whether it is there or not.
    pub(super) main: PathBuf,
    pub(super) files: Vec<ConfigFile>,
}

/// Reads all files: the one that is given; else that of the variable, or the default
/// one, which may be missing, and then the files beside it in `config.d`.
pub(super) fn read(given: Option<&Path>, mistakes: &mut Vec<Mistake>) -> Sources {
    let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let (main, is_named) = match (given, variable) {
        (Some(path), _) => (path.to_path_buf(), true),
        (None, Some(path)) => (path.into(), true),
        (None, None) => match project() {
            Some(project) => (project.config_dir().join("config.toml"), false),
            None => return Sources { main: "config.toml".into(), files: Vec::new() },
        },
    };
    let mut paths = vec![main.clone()];
    if given.is_none() {
        match beside(&main) {
            Ok(more) => paths.extend(more),
            Err((path, error)) => {
                let why = format!("cannot read the directory: {error}");
                mistakes.push(Mistake::of_file(&path, why));
            }
        }
    }
    let mut files = Vec::new();
    for path in paths {
        let octets = match read_file(&path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named && path == main => {
                continue;
            }
            Err(error) => {
                let why = format!("cannot read the configuration: {error}");
                mistakes.push(Mistake::of_file(&path, why));
                continue;
            }
        };
        match String::from_utf8(octets) {
            Ok(text) => files.push(ConfigFile { path, text }),
            Err(error) => {
                let before = error.as_bytes().get(..error.utf8_error().valid_up_to());
                let line = 1 + memchr::memchr_iter(b'\n', before.unwrap_or_default()).count();
                let mistake = Mistake::of_file(&path, "the line is not UTF-8");
                mistakes.push(Mistake { line: Some(line), ..mistake });
            }
        }
    }
    Sources { main, files }
}

/// The files `config.d/*.toml` beside a file, in the order of their names.
fn beside(main: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let directory = main.with_file_name("config.d");
    let failed = |error| (directory.clone(), error);
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
        let is_toml = path.extension() == Some(OsStr::new("toml"));
        if is_toml && !path.file_name().is_some_and(is_hidden) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads a file, or a device as far as it goes; a pipe without a writer would block.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.file_type().is_fifo() {
        return Err(io::Error::other("it is a pipe"));
    }
    let mut octets = Vec::new();
    let read = fs::File::open(path)?.take(MAX_OCTETS + 1).read_to_end(&mut octets)?;
    if read as u64 > MAX_OCTETS {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(octets)
}

/// Where this program's files lie.
pub(super) fn project() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "pop3get")
}
