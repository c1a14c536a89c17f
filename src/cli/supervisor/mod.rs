//! Workers at work: their start, their channel, whose turn it is, their end.

mod asking;
mod environment;
mod failed;
mod handover;
mod hearing;
mod hosts;
mod leftovers;
mod prepare;
pub(crate) mod run;
mod schedule;
mod service;
pub(crate) mod shared;
pub(crate) mod start;
mod watch;
