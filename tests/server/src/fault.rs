//! What goes wrong, and in which connection.
//!
//! Connections, command lines and occurrences are counted from 1, octets as
//! plaintext: below TLS nobody counts.

use std::time::Duration;

/// Something that goes wrong, in every connection or in one.
#[derive(Clone, Debug)]
pub struct Fault {
    connection: Option<usize>,
    kind: Kind,
}

/// The kinds of fault, as the session and the wire ask for them.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    AnswersPerRead(usize),
    BindingDiffers,
    Challenge { nth: Option<usize>, octets: Vec<u8> },
    ChallengesEndlessly,
    ContinuesWithOk,
    CutAfterReceived(u64),
    CutAfterReply(usize),
    CutAfterSent(u64),
    CutAtCommand(usize),
    ForgetsBehindLogin,
    Greeting(Vec<u8>),
    InitialResponseIgnored,
    InitialResponseMisread(&'static str),
    InitialResponseRefused,
    InitialResponseRequired,
    InjectAtStls(Vec<u8>),
    ListsOnly(usize),
    LoginRefused { code: &'static str, first: usize },
    MindsEarly(Early),
    NoErrorChallenge,
    QuitFails,
    QuitRemovesNothing,
    Reply { command: String, nth: Option<usize>, octets: Vec<u8> },
    RetrievedVanish,
    Scram(ScramLie),
    Split(usize),
    StallAfterSent(u64),
    StallAtCommand(usize),
    StallBeforeGreeting,
    StallBeforeHandshake,
    Trickle(Duration),
    UniqueIdsOnly(usize),
    Utf8HeadersReplaced,
}

/// What a server does about commands that come before its greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    DropsAll,
    DropsOne,
    HangsUp,
    TurnsAway,
}

/// How a server of SCRAM fails to be who it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScramLie {
    Nonce,
    NoSignature,
    Signature,
}

impl Fault {
    fn of(kind: Kind) -> Self {
        Self { connection: None, kind }
    }

    /// Only in this connection, counted from 1; `None` is every connection.
    #[must_use]
    pub fn on(self, connection: impl Into<Option<usize>>) -> Self {
        Self { connection: connection.into(), ..self }
    }

    /// Of many commands in one segment only so many are answered; the rest wait until
    /// more octets come, as tpop3d 1.5.5 has it.
    pub fn answers_per_read(commands: usize) -> Self {
        Self::of(Kind::AnswersPerRead(commands.max(1)))
    }

    /// What came in the same segment behind a login is lost, as Courier 1.0.16 has it:
    /// another process goes on.
    pub fn forgets_behind_login() -> Self {
        Self::of(Kind::ForgetsBehindLogin)
    }

    /// The connection ends once the server has sent this many octets; TLS
    /// without close_notify.
    pub fn cut_after_sent(octets: u64) -> Self {
        Self::of(Kind::CutAfterSent(octets))
    }

    /// The connection ends once this many octets came from the client. Commands
    /// that came whole are still answered.
    pub fn cut_after_received(octets: u64) -> Self {
        Self::of(Kind::CutAfterReceived(octets))
    }

    /// The connection ends when this command line has come: those before it are
    /// answered, it is not carried out.
    pub fn cut_at_command(nth: usize) -> Self {
        Self::of(Kind::CutAtCommand(nth))
    }

    /// The connection ends right after the reply to this command line.
    pub fn cut_after_reply(nth: usize) -> Self {
        Self::of(Kind::CutAfterReply(nth))
    }

    /// What comes before the greeting is never read.
    pub fn drops_early() -> Self {
        Self::of(Kind::MindsEarly(Early::DropsAll))
    }

    /// The first line that comes before the greeting is never read.
    pub fn drops_first_early_line() -> Self {
        Self::of(Kind::MindsEarly(Early::DropsOne))
    }

    /// The connection ends where a client speaks before it is greeted.
    pub fn hangs_up_on_early() -> Self {
        Self::of(Kind::MindsEarly(Early::HangsUp))
    }

    /// The greeting is a refusal where a client speaks before it is greeted.
    pub fn turns_early_away() -> Self {
        Self::of(Kind::MindsEarly(Early::TurnsAway))
    }

    /// The socket is open, and no greeting comes.
    pub fn stall_before_greeting() -> Self {
        Self::of(Kind::StallBeforeGreeting)
    }

    /// The socket is open, or the +OK to STLS was sent, and no TLS is spoken.
    pub fn stall_before_handshake() -> Self {
        Self::of(Kind::StallBeforeHandshake)
    }

    /// Silence from this command line on, which is not carried out.
    pub fn stall_at_command(nth: usize) -> Self {
        Self::of(Kind::StallAtCommand(nth))
    }

    /// Silence once the server has sent this many octets.
    pub fn stall_after_sent(octets: u64) -> Self {
        Self::of(Kind::StallAfterSent(octets))
    }

    /// These octets are sent instead of the greeting.
    pub fn greeting(octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::Greeting(octets.into()))
    }

    /// These octets are sent as the whole reply to every `command`: a keyword
    /// (`UIDL`), or a keyword with its argument (`RETR 2`). The command is not
    /// carried out; but QUIT still ends the connection.
    pub fn reply(command: &str, octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::Reply { command: command.to_owned(), nth: None, octets: octets.into() })
    }

    /// As [`Fault::reply`], for the n-th such command of a connection only.
    pub fn nth_reply(command: &str, nth: usize, octets: impl Into<Vec<u8>>) -> Self {
        let (command, octets) = (command.to_owned(), octets.into());
        Self::of(Kind::Reply { command, nth: Some(nth), octets })
    }

    /// Every so many octets are a write, and a packet, of their own.
    pub fn split(octets: usize) -> Self {
        Self::of(Kind::Split(octets.max(1)))
    }

    /// Every octet comes alone, and this long after the one before it.
    pub fn trickle(pause: Duration) -> Self {
        Self::of(Kind::Trickle(pause))
    }

    /// A message retrieved is gone after QUIT even without DELE: `EXPIRE 0`,
    /// and what Gmail does to its POP view.
    pub fn retrieved_vanish() -> Self {
        Self::of(Kind::RetrievedVanish)
    }

    /// QUIT answers +OK and removes nothing.
    pub fn quit_removes_nothing() -> Self {
        Self::of(Kind::QuitRemovesNothing)
    }

    /// QUIT answers -ERR and removes nothing.
    pub fn quit_fails() -> Self {
        Self::of(Kind::QuitFails)
    }

    /// Octets follow the +OK to STLS in the same write, in plaintext: an
    /// attacker's "reply" to what the client will ask under TLS.
    pub fn inject_at_stls(octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::InjectAtStls(octets.into()))
    }

    /// `AUTH` with an initial response is refused, and the connection closed, as
    /// Microsoft does with XOAUTH2.
    pub fn initial_response_refused() -> Self {
        Self::of(Kind::InitialResponseRefused)
    }

    /// `AUTH` with an initial response is refused in these words, and the connection
    /// stays: a server of before RFC 5034.
    pub fn initial_response_misread(words: &'static str) -> Self {
        Self::of(Kind::InitialResponseMisread(words))
    }

    /// `AUTH` with an initial response is answered as `AUTH` without one.
    pub fn initial_response_ignored() -> Self {
        Self::of(Kind::InitialResponseIgnored)
    }

    /// `AUTH` without an initial response is refused.
    pub fn initial_response_required() -> Self {
        Self::of(Kind::InitialResponseRequired)
    }

    /// Challenges begin with `+OK ` instead of `+ `, as Exchange 2003's.
    pub fn continues_with_ok() -> Self {
        Self::of(Kind::ContinuesWithOk)
    }

    /// These octets, their CRLF among them, stand for every challenge.
    pub fn challenge(octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::Challenge { nth: None, octets: octets.into() })
    }

    /// The same for the n-th challenge of an exchange alone.
    pub fn nth_challenge(nth: usize, octets: impl Into<Vec<u8>>) -> Self {
        Self::of(Kind::Challenge { nth: Some(nth), octets: octets.into() })
    }

    /// After every response comes another challenge, which is empty.
    pub fn challenges_endlessly() -> Self {
        Self::of(Kind::ChallengesEndlessly)
    }

    /// A bad token is refused at once, without the challenge that says why.
    pub fn no_error_challenge() -> Self {
        Self::of(Kind::NoErrorChallenge)
    }

    /// The server's nonce does not begin with the client's.
    pub fn scram_nonce_of_another() -> Self {
        Self::of(Kind::Scram(ScramLie::Nonce))
    }

    /// +OK comes without the server's signature.
    pub fn scram_without_signature() -> Self {
        Self::of(Kind::Scram(ScramLie::NoSignature))
    }

    /// The server's signature is not that of one who knows the password.
    pub fn scram_wrong_signature() -> Self {
        Self::of(Kind::Scram(ScramLie::Signature))
    }

    /// The channel is not the client's, as behind a proxy that ends TLS: -PLUS is
    /// refused, not for the password. A server that refuses a mechanism outright
    /// is `Fault::reply("AUTH SCRAM-SHA-256-PLUS", …)`.
    pub fn channel_binding_differs() -> Self {
        Self::of(Kind::BindingDiffers)
    }

    /// Who proved himself is refused with this response code: `AUTH`, `IN-USE`,
    /// `SYS/TEMP`, `SYS/PERM`.
    pub fn login_refused(code: &'static str) -> Self {
        Self::first_logins_refused(usize::MAX, code)
    }

    /// As [`Fault::login_refused`], the first so many times, in all connections
    /// together.
    pub fn first_logins_refused(first: usize, code: &'static str) -> Self {
        Self::of(Kind::LoginRefused { code, first })
    }

    /// The session sees the first so many messages only, as with Gmail's and
    /// WildDuck's limit of 250.
    pub fn lists_only(messages: usize) -> Self {
        Self::of(Kind::ListsOnly(messages))
    }

    /// A message whose header is not ASCII is replaced by another that says so,
    /// unless the client has sent UTF8: Courier 1.0.16. STAT and LIST tell the
    /// size of the true one.
    pub fn utf8_headers_replaced() -> Self {
        Self::of(Kind::Utf8HeadersReplaced)
    }

    /// UIDL without argument lists the first so many messages only, while STAT
    /// and LIST tell of all.
    pub fn unique_ids_only(messages: usize) -> Self {
        Self::of(Kind::UniqueIdsOnly(messages))
    }
}

/// What happens instead of carrying a command out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    Cut,
    Stall,
}

/// The faults of one connection.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Each with the number of commands that matched it.
    active: Vec<(Kind, usize)>,
}

impl Faults {
    pub(crate) fn of_connection(number: usize, faults: &[Fault]) -> Self {
        let active = faults
            .iter()
            .filter(|fault| fault.connection.is_none_or(|only| only == number))
            .map(|fault| (fault.kind.clone(), 0))
            .collect();
        Self { active }
    }

    /// The first answer that `question` has for a fault.
    pub(crate) fn find<T>(&self, question: impl Fn(&Kind) -> Option<T>) -> Option<T> {
        self.active.iter().find_map(|(kind, _)| question(kind))
    }

    /// Whether there is a fault of which `question` is true.
    pub(crate) fn any(&self, question: impl Fn(&Kind) -> bool) -> bool {
        self.active.iter().any(|(kind, _)| question(kind))
    }

    /// What interrupts the session at the n-th command line.
    pub(crate) fn at_command(&self, nth: usize) -> Option<Interruption> {
        self.find(|kind| match kind {
            Kind::CutAtCommand(at) if *at == nth => Some(Interruption::Cut),
            Kind::StallAtCommand(at) if *at == nth => Some(Interruption::Stall),
            _ => None,
        })
    }

    /// The octets that replace the reply to this command line. Every fault that
    /// names the command counts it, the first whose turn it is answers.
    pub(crate) fn reply_to(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let mut reply = None;
        for (kind, count) in &mut self.active {
            let Kind::Reply { command, nth, octets } = kind else { continue };
            if !names(command, line) {
                continue;
            }
            *count += 1;
            if reply.is_none() && nth.is_none_or(|nth| nth == *count) {
                reply = Some(octets.clone());
            }
        }
        reply
    }
}

/// Whether `command`, a keyword with or without argument, names this line.
fn names(command: &str, line: &[u8]) -> bool {
    match line.split_at_checked(command.len()) {
        Some((head, rest)) => {
            head.eq_ignore_ascii_case(command.as_bytes()) && matches!(rest, [] | [b' ', ..])
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_of_one_connection_or_of_all() {
        let faults = [Fault::quit_fails().on(2), Fault::split(1).on(None)];
        let count = |number| Faults::of_connection(number, &faults).active.len();
        assert_eq!([count(1), count(2), count(3)], [1, 2, 1]);
    }

    #[test]
    fn a_reply_is_for_a_keyword_or_for_one_argument() {
        assert!(names("RETR", b"retr 2"));
        assert!(names("RETR 2", b"RETR 2"));
        assert!(!names("RETR 2", b"RETR 21"));
        assert!(!names("RETR 2", b"RETR"));
        assert!(names("TOP 1", b"TOP 1 0"));
    }

    #[test]
    fn the_nth_occurrence_is_counted() {
        let mut faults = Faults::of_connection(1, &[Fault::nth_reply("NOOP", 2, "-ERR\r\n")]);
        let mut reply = || faults.reply_to(b"NOOP").is_some();
        assert_eq!([reply(), reply(), reply()], [false, true, false]);
    }
}
