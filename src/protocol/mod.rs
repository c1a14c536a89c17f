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
//! A server that breaks an RFC is refused, but for what stands here. Each is a
//! [`Leniency`]: `-vvv` names each that was needed, and `--strict` ends the session in
//! its place, with the name. `each_leniency_lets_in_and_strict_names_it_instead`
//! (tests/it/login/leniencies.rs) has a server for every one; the tests below say more,
//! in the same file where none is given. All are there since 0.1.0.
//!
//! | name | what | server and source | test |
//! | --- | --- | --- | --- |
//! | blanks-in-listing | several blanks or a tab between number and unique-id or size | Maillennium (mpop, 2007), thunderbird-android #323 | tests/transcripts/blanks-in-uidl.txt |
//! | capa-ends-connection | CAPA ends the connection or gets no answer: once more without it; an end is remembered for a month | fetchmail's FAQ, R11 and O11 | `a_server_that_hangs_up_at_capa_is_not_asked_again`, `a_server_that_does_not_answer_capa_is_not_asked_again_in_this_run` |
//! | challenge-in-clear | `+ Username:`, `+ go ahead` in place of Base64, where nothing hangs on it | MailKit #268, mox #223 | `login_answers_odd_prompts` (ways.rs) |
//! | empty-line-in-listing | an empty line in a listing | OpaqueMail #60 | tests/transcripts/blanks-in-uidl.txt |
//! | empty-maildrop-refused | UIDL or LIST refused, and STAT says 0 | curl PR #10 has another form of it | `an_empty_maildrop_may_refuse_its_listings` (histories.rs) |
//! | initial-response-ignored | `+` after `AUTH PLAIN response`: it is sent once more | test servers of Mozilla and curl 8 | `an_ignored_initial_response_is_sent_once_more` |
//! | initial-response-refused | `AUTH PLAIN response` refused by words of syntax, without a code: the two-step form, remembered for a month | Exchange (getmail6 #256, MailKit), Coremail (himalaya #729) | `a_server_that_takes_no_initial_response_is_known_for_it` |
//! | line-feed-alone | LF without CR ends a response line; never a line of a message | old servers | `a_server_without_crlf_is_refused_within_a_second` (odd_servers.rs) |
//! | list-argument-ignored | `LIST n` answered with the whole listing | test servers of Mozilla, curl 8 and Jakarta Mail | tests/transcripts/list-argument-ignored.txt |
//! | long-line | status lines of 513 to [`MAX_RESPONSE_LINE`] octets | long explanations | `a_response_line_may_be_long_and_has_an_end` |
//! | loses-behind-login | what follows a login in the same flight is lost: asked again, and later logins go alone, for a month | Courier 1.0.16 | `what_a_server_loses_behind_the_login_is_missed_within_seconds_and_that_is_remembered` (odd_servers.rs) |
//! | mechanism-not-announced | a mechanism for tokens that the user names and CAPA does not have, over TLS; USER beside SASL mechanisms | Microsoft 365, to some clients; Thunderbird tries it, too | tests/transcripts/auth-xoauth2-not-announced.txt |
//! | mechanism-not-there | a mechanism that is announced and refused: the next | scarlet.be (k-9 #2648) | `a_mechanism_that_is_announced_and_not_there_is_followed_by_the_next` |
//! | odd-unique-id | unique-ids that are empty, long or have other octets | CVE-2005-2335, CVE-2018-14356, MailKit #872 | `a_unique_id_holds_what_servers_really_send` (vocabulary.rs) |
//! | ok-for-challenge | `+OK` for the `+` of a challenge, but in SCRAM | Exchange 2003 (fetchmail's FAQ, S2) | `ok_may_stand_for_a_challenge_but_not_in_scram` (ways.rs) |
//! | out-of-step | responses that do not belong to their commands: again, one at a time | WildDuck before c6fc094 (#950); tpop3d 1.5.5, whose pipeline stalls; Cyrus 3.6.1 behind AUTH | tests/transcripts/out-of-step.txt, `a_pipeline_that_stalls_is_recognised_and_remembered` (odd_servers.rs) |
//! | plus-err | `+ERR` for `-ERR` | hMailServer before #594 | `a_refusal_that_begins_with_a_plus_is_one` |
//! | plus-without-blank | `+` alone for an empty challenge | test server of curl 8 | `login_answers_odd_prompts` (ways.rs) |
//! | size-unknown | LIST without a size, or with one that is no number | GreenMail 2.0.1 | `a_scan_listing_is_a_number_and_a_size_if_there_is_one` (listing.rs) |
//! | tab-after-indicator | a tab behind `+OK` or `-ERR` | none is known; Thunderbird takes any blank | `what_is_taken_against_the_rfc_is_named` (response.rs) |
//! | uidl-longer-than-list | UIDL lists messages that LIST does not have and STAT does not count: they are left out | none is known | `a_message_that_uidl_alone_lists_is_none` (limits.rs) |
//! | uidl-not-announced | UIDL works that CAPA does not have | AOL's jpop 0.1 (neomutt #1427, mpop #7) | tests/transcripts/capa-without-uidl.txt |
//!
//! No leniency, but served by rules that hold in any case, since a server may do so by
//! accident: messages refused, cut or endless, lines too many, TOP broken, sizes that are
//! wrong (`fetch::attempts`).
//!
//! # Not here
//!
//! The order of commands and what a state allows: [`crate::session`].

mod apop;
mod argument;
mod capability;
mod command;
mod encoded_words;
mod keyword;
mod leniency;
mod limits; // how much a server may list
mod listing;
mod lmtp;
mod login_refusal;
mod multiline;
mod proof_kind;
mod redact;
mod response;
pub mod sasl;
mod vocabulary;

pub use apop::{Timestamp, TimestampError, digest};
pub use argument::{Argument, ArgumentError};
pub use capability::{Capabilities, Expire, LoginDelay};
pub use command::{Command, MAX_COMMAND};
pub use encoded_words::decode_words;
pub use keyword::Keyword;
pub use leniency::{Leniencies, Leniency};
pub use limits::{MAX_CAPABILITIES, MAX_LISTED, MAX_LISTING_OCTETS};
pub use listing::{DropListing, ScanListing, UniqueIdLine, UniqueIdListing};
pub use lmtp::{
    DataEncoder, END_OF_DATA, LmtpExtensions, LmtpReply, LmtpReplyParser, LmtpViolation,
    MAX_REPLY_LINE, MessageFacts, ReplyClass,
};
pub use login_refusal::LoginRefusal;
pub use multiline::Unstuffer;
pub use proof_kind::ProofKind;
pub use redact::Redactor;
pub use response::{
    Continuation, Indicator, MAX_RESPONSE_LINE, ResponseCode, StatusLine, Violation,
};
pub(crate) use vocabulary::decimal;
pub use vocabulary::{MessageNumber, UniqueId};
