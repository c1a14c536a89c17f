//! Commands that are configured to be run after a delivery.
//!
//! # Invariants
//!
//! * What is run stands in the configuration or on the command line. Nothing that a
//!   worker says becomes a part of it.
//! * A command gets neither the password nor the service manager's socket.

pub(crate) mod exec;
pub(crate) mod pipe;
mod process;
