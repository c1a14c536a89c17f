//! What was typed: options, account settings, messages, POP URLs, proxy URLs, hosts,
//! sizes, times, commands, and what the options of other programs mean here.

pub(crate) mod command_line;
pub(crate) mod foreign;
pub(crate) mod handover;
pub(crate) mod host;
pub(crate) mod numbers;
pub(crate) mod options;
mod path;
pub(crate) mod period;
pub(crate) mod pop_url;
pub(crate) mod proxy_url;
pub(crate) mod run_settings;
pub(crate) mod settings;
pub(crate) mod short_help;
pub(crate) mod size;
pub(crate) mod usage;
