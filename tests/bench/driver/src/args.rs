//! The command line. `tests/bench/run` fills in what it has brought.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// One download, as a process of its own
    Floor(Floor),
    /// The benchmark
    Run(Options),
}

/// Compare pop3get with its fastest peer and with a floor
#[derive(Clone, Debug, Parser)]
#[command(name = "tests/bench/run")]
pub(crate) struct Options {
    /// A tenth of the mail
    #[arg(long)]
    pub(crate) quick: bool,
    /// This workload only; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// How often each contender runs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Without TLS
    #[arg(long)]
    pub(crate) plain: bool,
    /// The built pop3get
    #[arg(long, hide = true)]
    pub(crate) pop3get: PathBuf,
    /// The directory that mpop's Debian package is unpacked in, or /
    #[arg(long, hide = true)]
    pub(crate) mpop: Option<PathBuf>,
    /// The strace to count with
    #[arg(long, hide = true)]
    pub(crate) strace: Option<PathBuf>,
    /// An empty directory to fetch into, removed by whoever made it
    #[arg(long, hide = true)]
    pub(crate) work: PathBuf,
    /// Where the results go
    #[arg(long, hide = true)]
    pub(crate) results: PathBuf,
}

#[derive(Clone, Debug, Parser)]
pub(crate) struct Floor {
    #[arg(long)]
    pub(crate) server: SocketAddr,
    #[arg(long)]
    pub(crate) user: String,
    #[arg(long)]
    pub(crate) password: String,
    /// Implicit TLS, with this authority
    #[arg(long)]
    pub(crate) ca_file: Option<PathBuf>,
    /// Have the server work out all sizes first
    #[arg(long)]
    pub(crate) list: bool,
    /// The message-number to begin with
    #[arg(long)]
    pub(crate) first: usize,
    /// The message-number to end with
    #[arg(long)]
    pub(crate) last: usize,
    #[arg(long)]
    pub(crate) delete: bool,
    /// The octets of each file
    #[arg(long, default_value_t)]
    pub(crate) file_octets: usize,
    /// Where they go; without it nothing is kept
    #[arg(long)]
    pub(crate) directory: Option<PathBuf>,
    /// Send QUIT only after a syncfs
    #[arg(long)]
    pub(crate) durable: bool,
}
