//! What a person or cron meets: options, configuration, passwords, sentences,
//! statuses. It never hears a server: that is a worker's.
//!
//! # Invariants
//!
//! * Only this room reads the environment, standard streams and the terminal, and
//!   starts programs.
//! * Every account is tried, whatever became of the one before.
//! * No sentence is made outside of `output`.
//!
//! # Not here
//!
//! What belongs to the process as a whole, like signals: `main.rs`.

mod args;
mod commands;
mod config;
mod error;
mod health;
mod hooks;
mod output;
mod password;
mod repetition;
mod run;
mod service_manager;
mod supervisor;

pub use args::options::{Args, Generate};
pub use args::run_settings::RunSettings;
pub use args::settings::{Settings, TlsRoots};
pub use args::size::Size;
pub use output::exit::{Exit, ExitRow, TABLE};
pub use output::stream_writer::StreamWriter;
pub use output::streams::Streams;
pub use password::netrc;
pub use run::run;
pub use supervisor::start::Start;
