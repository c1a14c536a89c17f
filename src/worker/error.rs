//! Why a worker cannot do what it was told.

use std::io;
use std::path::PathBuf;

use crate::channel::frame;
use crate::{connection, fetch, handover, journal, session};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Client certificate or key are none, or not of each other.
    #[error("cannot use the client certificate in {}: {source}", .path.display())]
    ClientCertificate {
        /// Where the certificate was read.
        path: PathBuf,
        /// Why not.
        source: connection::IdentityError,
    },
    /// User name or password cannot be sent.
    #[error(transparent)]
    Credentials(session::Error),
    /// The run.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// Handing over.
    #[error(transparent)]
    Handover(#[from] handover::Error),
    /// `--import-seen`: the file of another fetcher.
    #[error(transparent)]
    Import(journal::ImportError),
    /// The supervisor does not want it any more.
    #[error("interrupted")]
    Interrupted,
    /// No order to delete a message with this unique-id holds.
    #[error("no order to delete {0} holds")]
    NotOrdered(String),
    /// The message cannot be printed.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// Settings that no supervisor sends: it is not told.
    #[error("the settings make no sense: {0}")]
    Settings(&'static str),
    /// `--show`: more than one message has the name.
    #[error("several messages are named, and one can be shown")]
    SeveralMessages,
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The journal does not know the unique-id.
    #[error("the journal does not know {0}")]
    UnknownUniqueId(String),
}

/// Why a worker cannot be told anything: its own process fails, and nothing else.
#[derive(Debug, thiserror::Error)]
pub enum WorkerFailure {
    /// The channel.
    #[error(transparent)]
    Channel(#[from] frame::Error),
    /// Settings that no supervisor sends.
    #[error("the settings make no sense: {0}")]
    Settings(&'static str),
}
