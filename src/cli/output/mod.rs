//! The only writers: terminal, progress, tables, sentences, hints, exit statuses.

pub(crate) mod configuration;
mod drawing;
mod events;
pub(crate) mod exit;
mod fared;
mod found;
mod harmless;
mod hint;
pub(crate) mod journal;
mod json;
pub(crate) mod level;
mod listing;
mod message;
mod order;
mod probe;
mod probe_config;
mod progress;
pub(crate) mod question;
mod safe;
mod sentence;
pub(crate) mod status;
pub(crate) mod streams;
mod table;
pub(crate) mod terminal;
pub(crate) mod view;
mod waiting;
mod words;
