//! The variables that a worker inherits; all others are cleared.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// The loader's, and those of wrappers whose loss would be a leak; what the resolver,
/// TLS and the clock read; what shows a fault of our own.
const NAMES: &[&str] = &[
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LLVM_PROFILE_FILE",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "TZ",
    "TZDIR",
];

const STARTS: &[&str] =
    &["DYLD_", "LD_", "MALLOC_", "PROXYCHAINS_", "RUST_", "SSL_CERT_", "TORSOCKS_"];

const ENDS: &[&str] = &["SAN_OPTIONS"];

fn is_inherited(name: &OsStr) -> bool {
    let name = name.as_bytes();
    NAMES.iter().any(|it| it.as_bytes() == name)
        || STARTS.iter().any(|it| name.starts_with(it.as_bytes()))
        || ENDS.iter().any(|it| name.ends_with(it.as_bytes()))
}

/// Whether the value is a list of files or directories: a worker is in another one.
fn holds_paths(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b"SSL_CERT_")
        || [&b"HOSTALIASES"[..], b"LD_LIBRARY_PATH", b"LLVM_PROFILE_FILE", b"TZDIR"].contains(&name)
}

fn absolute(value: &OsStr) -> OsString {
    let paths = std::env::split_paths(value);
    let paths = paths.map(|path| std::path::absolute(&path).unwrap_or(path));
    std::env::join_paths(paths).unwrap_or_else(|_| value.to_owned())
}

/// What this process has of them.
pub(super) fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    let inherited = std::env::vars_os().filter(|(name, _)| is_inherited(name));
    inherited.map(|(name, value)| {
        let value = if holds_paths(&name) { absolute(&value) } else { value };
        (name, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_and_no_home_is_inherited_and_a_wrapper_is_not_lost() {
        for name in ["POP3GET_PASSWORD", "HOME", "MAILDIR", "NETRC", "PATH", "XLD_PRELOAD"] {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
        for name in ["LD_PRELOAD", "TORSOCKS_CONF_FILE", "ASAN_OPTIONS", "TZ", "SSL_CERT_DIR"] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
    }
}
