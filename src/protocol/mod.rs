//! POP3 without I/O: what is said and what it means (RFC 1939, RFC 2449, RFC 5034).
//!
//! Octets in, values out. Nothing here reads a socket, a file or a clock, so
//! everything here can be tested octet by octet.
//!
//! # Invariants
//!
//! * What a server sends is octets, never `str`: mail servers need not send UTF-8.
//! * Every parser is linear in its input and allocates no more than its input
//!   (CVE-2018-1060: a greeting took poplib for ever).
//! * A [`Command`] cannot carry CR, LF or NUL: [`Argument`] does not hold them.
//!
//! # Leniencies
//!
//! A server that breaks an RFC is refused, but for what stands here. What a login
//! needs of it is a [`Leniency`]: `-vv` names each that was needed, and `--strict`
//! ends the session in its place. The tests are in tests/it/login/leniencies.rs where
//! nothing else is said; `each_leniency_lets_in_and_strict_names_it_instead` has all
//! that have a name.
//!
//! | name | what | server and source | test |
//! | --- | --- | --- | --- |
//! | capa-ends-connection | CAPA ends the connection: once more without it | fetchmail's FAQ, R11 and O11 | `a_server_that_hangs_up_at_capa_is_not_asked_again` |
//! | challenge-in-clear | `+ Username:`, `+ go ahead` in place of Base64, where nothing hangs on it | MailKit #268, mox #223 | `login_answers_odd_prompts` (ways.rs) |
//! | initial-response-ignored | `+` after `AUTH PLAIN response`: it is sent once more | test servers of Mozilla and curl 8 | `an_ignored_initial_response_is_sent_once_more` |
//! | initial-response-refused | `AUTH PLAIN response` refused by words of syntax, without a code: the two-step form | Exchange (getmail6 #256, MailKit), Coremail (himalaya #729) | `an_initial_response_refused_as_wrong_syntax_waits_until_it_is_asked_for` |
//! | mechanism-not-there | a mechanism that is announced and refused: the next | scarlet.be (k-9 #2648) | `a_mechanism_that_is_announced_and_not_there_is_followed_by_the_next` |
//! | ok-for-challenge | `+OK` for the `+` of a challenge, but in SCRAM | Exchange 2003 (fetchmail's FAQ, S2) | `ok_may_stand_for_a_challenge_but_not_in_scram` (ways.rs) |
//! | plus-err | `+ERR` for `-ERR` | hMailServer before #594 | `a_refusal_that_begins_with_a_plus_is_one` |
//! | plus-without-blank | `+` alone for an empty challenge | test server of curl 8 | `login_answers_odd_prompts` (ways.rs) |
//! | tab-after-indicator | a tab behind `+OK` or `-ERR` | unknown | `what_is_taken_against_the_rfc_is_named` (response.rs) |
//! | | response lines of up to [`MAX_RESPONSE_LINE`] octets, not 512 | long unique-ids and explanations | `a_response_line_may_be_long_and_has_an_end` |
//! | | blanks between number and unique-id | Maillennium (mpop), thunderbird-android #323 | tests/transcripts/blanks-in-uidl.txt |
//! | | unique-ids with any octets, of any length | CVE-2005-2335, MailKit #872 | `a_unique_id_holds_what_servers_really_send` (vocabulary.rs) |
//! | | UIDL that CAPA does not announce | AOL's jpop 0.1 (neomutt #1427, mpop #7) | tests/transcripts/capa-without-uidl.txt |
//! | | several commands at once answered out of step, though announced | WildDuck (#950) | tests/transcripts/out-of-step.txt |
//!
//! # Not here
//!
//! The order of commands and what a state allows: [`crate::session`].

mod apop;
mod capability;
mod command;
mod encoded_words;
mod leniency;
mod listing;
mod login_refusal;
mod multiline;
mod proof_kind;
mod redact;
mod response;
pub mod sasl;
mod text;
mod vocabulary;

pub use apop::{Timestamp, TimestampError, digest};
pub use capability::{Capabilities, Expire, LoginDelay, MAX_CAPABILITIES};
pub use command::{Argument, ArgumentError, Command, Keyword, MAX_COMMAND};
pub use encoded_words::decode_words;
pub use leniency::Leniency;
pub use listing::{DropListing, MAX_LISTED, ScanListing, UniqueIdListing};
pub use login_refusal::LoginRefusal;
pub use multiline::{LineEnds, Unstuffer};
pub use proof_kind::ProofKind;
pub use redact::Redactor;
pub use response::{
    Continuation, Indicator, MAX_RESPONSE_LINE, ResponseCode, StatusLine, Violation,
};
pub use text::Quoted;
pub use vocabulary::{MessageNumber, UniqueId, encoded};
