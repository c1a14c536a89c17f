//! What needs no worker, and which command a worker is started for.

pub(crate) mod check_config;
pub(crate) mod messages;
pub(crate) mod select;
pub(crate) mod single_account;
pub(crate) mod state;
pub(crate) mod status;
