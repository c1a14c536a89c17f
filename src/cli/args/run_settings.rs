//! Options of the run as a whole: on the command line, and at the top of the
//! configuration file.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde::{Deserialize, Serialize};

use super::path::path;
use super::period::Interval;

fn report(written: &str) -> Result<PathBuf, &'static str> {
    let path = path(written)?;
    check_report(&path).map(|()| path)
}

/// Refuses a report that no program would read.
pub(crate) fn check_report(path: &Path) -> Result<(), &'static str> {
    let is_read = path.extension().is_some_and(|it| it == "prom");
    is_read.then_some(()).ok_or("the node exporter reads only files whose names end in .prom")
}

/// What holds for all accounts together. A field is an option of the command line and a
/// key above the tables of the configuration file by the same name.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunSettings {
    /// Serve at most N accounts at once [default: 4]
    #[arg(long, value_name = "N", help_heading = "Many accounts")]
    pub jobs: Option<NonZeroUsize>,

    /// Serve at most N accounts of one server at once [default: 2]
    #[arg(long, value_name = "N", help_heading = "Many accounts")]
    pub jobs_per_host: Option<NonZeroUsize>,

    /// Repeat the fetch at this interval in one process, until SIGTERM ends it; for containers
    #[arg(long, value_name = "DURATION", help_heading = "Many accounts")]
    pub every: Option<Interval>,

    /// After each fetch, write the status of all accounts into this file for Prometheus' node exporter; its name ends in .prom
    #[arg(long, value_name = "FILE", help_heading = "Many accounts", value_parser = report, value_hint = ValueHint::FilePath)]
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
