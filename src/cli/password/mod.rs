//! Where passwords come from: command, file, netrc, systemd, prompt.

mod command;
mod environment;
pub(crate) mod file;
pub(crate) mod lookup;
pub mod netrc;
pub(crate) mod prompt;
pub(crate) mod wait;
