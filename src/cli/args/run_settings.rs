//! Options of the run as a whole: on the command line, and at the top of the
//! configuration file.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde::{Deserialize, Serialize};

use super::path::path;
use super::period::Interval;

/// What holds for all accounts together. A field is an option of the command line and a
/// key above the tables of the configuration file by the same name.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunSettings {
    /// Serve at most so many accounts at once [default: 4]
    #[arg(long, value_name = "N", help_heading = "Many accounts")]
    pub jobs: Option<NonZeroUsize>,

    /// Serve at most so many accounts of one server at once [default: 2]
    #[arg(long, value_name = "N", help_heading = "Many accounts")]
    pub jobs_per_host: Option<NonZeroUsize>,

    /// Repeat the fetch in one process, so long after the last one began, until SIGTERM ends it; for containers
    #[arg(long, value_name = "DURATION", help_heading = "Many accounts")]
    pub every: Option<Interval>,

    /// Write after each fetch how all accounts fare, into this file for the node exporter of Prometheus
    #[arg(long, value_name = "FILE", help_heading = "Many accounts", value_parser = path, value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
}

impl RunSettings {
    /// These settings, and the others wherever these are silent.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            jobs: self.jobs.or(other.jobs),
            jobs_per_host: self.jobs_per_host.or(other.jobs_per_host),
            every: self.every.or(other.every),
            report: self.report.or_else(|| other.report.clone()),
        }
    }
}
