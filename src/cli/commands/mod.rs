//! One file for each thing that `pop3get` can be told to do besides fetching.

pub(crate) mod look;
pub(crate) mod probe;
pub(crate) mod probe_config;
pub(crate) mod state;
