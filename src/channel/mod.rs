//! What supervisor and worker say to each other: JSON lines over a socket pair.
//!
//! | down | when |
//! | --- | --- |
//! | `settings` | once, after a right `hello`: the whole [`job::Job`] |
//! | `secret` | behind the settings, or as the answer to a request; raw octets follow the line |
//! | `answer` | the answer to `confirm`: yes or no |
//! | `go` | the answer to `wait`, at the account's next turn |
//! | `no-secret` | the answer where a probe goes on without a login, and where there is no other token |
//! | `stop` | end tidily: commit what is whole, then report |
//!
//! | up | when |
//! | --- | --- |
//! | `hello` | first, within 10 s: version and build |
//! | `event` | as things happen: [`event::Event`] |
//! | `confirm` | a person has to agree: [`question::Question`] |
//! | `secret` | the worker needs the password now; `refused`: another token, once |
//! | `wait` | nothing is done for so long; the account's job is free meanwhile |
//! | `end` | last: how it ended, [`failure::Failure`] included |
//!
//! # Invariants
//!
//! * A frame up has at most 64 KiB, a frame down 64 MiB. Unknown fields are refused.
//! * No frame names an account, and no frame has an exit status.
//! * Every string that comes up is hostile until `cli::output` made it safe.

pub mod command;
pub mod event;
pub mod failure;
pub mod findings;
pub mod frame;
pub mod handover;
pub mod job;
pub mod message;
pub mod octets;
pub mod question;
