//! Workers at work: their start, their channel, their end.

mod environment;
mod hearing;
pub(crate) mod serve;
pub(crate) mod start;
mod watch;
