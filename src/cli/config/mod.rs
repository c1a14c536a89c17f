//! What it means: the configuration's files, accounts, where each value comes from, the
//! options of a connection.

pub(crate) mod account;
pub(crate) mod connection_options;
pub(crate) mod deleting;
pub(crate) mod file;
mod keys;
pub(crate) mod layers;
pub(crate) mod maildir;
pub(crate) mod mistake;
pub(crate) mod named;
pub(crate) mod run_keys;
mod source;
mod table;
