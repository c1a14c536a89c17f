//! What was typed: options, account settings, messages, POP URLs, proxy URLs, hosts,
//! sizes.

pub(crate) mod host;
pub(crate) mod numbers;
pub(crate) mod options;
pub(crate) mod pop_url;
pub(crate) mod proxy_url;
pub(crate) mod settings;
pub(crate) mod size;
