//! What a person or cron meets: options, configuration, passwords, sentences,
//! statuses.
//!
//! # Invariants
//!
//! * Only this room reads the environment, standard streams and the terminal.
//! * Every account is tried, whatever became of the one before.
//!
//! # Not here
//!
//! What belongs to the process as a whole, like signals and umask: `main.rs`.

mod args;
mod commands;
mod config;
mod error;
mod output;
mod password;
mod patience;
mod run;
mod sandbox;

pub use args::options::{Args, Generate};
pub use args::settings::{Auth, Binding, Settings, Size, Tls, TlsRoots};
pub use output::exit::{Exit, Row, TABLE};
pub use password::netrc;
pub use run::{Streams, run};
#[cfg(target_os = "linux")]
pub use sandbox::Refused;
pub use sandbox::{AllowedPaths, Enforcer, SandboxStatus, enforce};
