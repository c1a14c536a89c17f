//! What a login is made of: a change of one of its files is a new try, and a token is new
//! each time.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::channel::job::Auth;
use crate::cli::args::settings::Settings;

/// Which state a file is in, without its contents.
fn fingerprint(path: &Path) -> String {
    fs::metadata(path).map_or_else(
        |_| "none".to_owned(),
        |it| format!("{}-{}-{}.{}", it.ino(), it.size(), it.mtime(), it.mtime_nsec()),
    )
}

/// Which state the files of the configuration and the password file are in.
pub(crate) fn login_files(configuration: &[PathBuf], settings: &Settings) -> String {
    let files = configuration.iter().chain(&settings.password_file);
    files.map(|path| fingerprint(path)).collect::<Vec<_>>().join(" ")
}

/// Whether the login is made with a secret that is another one each time.
pub(crate) fn takes_token(settings: &Settings) -> bool {
    matches!(settings.auth, Some(Auth::OAuthBearer | Auth::XOAuth2 | Auth::External))
}
