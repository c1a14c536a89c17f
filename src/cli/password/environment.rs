//! Variables of the environment that name or hold a password.

use std::ffi::OsString;

/// The variable that may hold the password of the one account of a run.
pub(super) const VARIABLE: &str = "POP3GET_PASSWORD";

/// An environment variable that says something.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
