//! What it means: the configuration file, accounts, the options of a connection.

pub(crate) mod account;
pub(crate) mod connection_options;
pub(crate) mod file;
