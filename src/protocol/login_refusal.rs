//! What a refused login means: by its response code, and without one by its words.
//!
//! A login is refused for many reasons, and the client acts on them: a maildrop
//! that another session holds is tried again, a password that is wrong never is.
//! Servers without response codes say it in words. Only whole phrases of the
//! tables here count, so that whatever is not known stays a refused password.

use super::response::ResponseCode;

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// User name, password or token are wrong: `[AUTH]`, or no reason is known.
    Credentials,
    /// Another session has the maildrop.
    InUse,
    /// The last login was too short a time ago.
    LoginDelay,
    /// The command or the mechanism is unknown, or its form: the credentials were not
    /// judged. By words alone.
    Mechanism,
    /// A code that we do not know.
    Other,
    /// A person must repair something at the server.
    Permanent,
    /// It may pass: the server has too much to do, or wants no login for a while.
    Temporary,
}

/// The maildrop is locked; a whole clause of the server's words, and where it was
/// seen.
const IN_USE: &[(&str, &str)] = &[
    ("maildrop already locked", "RFC 1939 section 7, PASS"),
    ("unable to lock maildrop", "RFC 1939 section 7, PASS"),
    ("maildrop lock busy", "qpopper with fcntl"),
    ("pop lock busy", "qpopper, behind the path of the lock; support.znet.com/faqs/poplock"),
    ("mailbox in use", "UW ipop3d 2007f, behind \"Can't get lock.\""),
    ("mailbox locked", "VPOP3, helpdesk.pscs.co.uk/612651"),
    ("mailbox is locked", "directnic.com/help/faq, question 630"),
    ("mailbox is already locked", "help pages of web hosts"),
    ("mailbox is locked by pop server", "livestrongbay.blogspot.com, 2016-08"),
    ("unable to lock mailbox", "lifewire.com/understanding-pop-errors-with-email-1171123"),
];

/// A line with such a word does not speak of the maildrop alone: an account that is
/// locked is not tried again.
const NOT_IN_USE: &[&str] = &[
    "account",
    "accounts",
    "administrator",
    "attempt",
    "attempts",
    "blocked",
    "disabled",
    "expired",
    "password",
    "quota",
    "suspended",
    "user",
    "username",
];

/// A later login may succeed: Dovecot's limit of connections, the limits of hosts on
/// logins in an hour, fetchmail's words for a server that is busy, hMailServer #594.
const TEMPORARY: &[&str] = &[
    "maximum number of connections",
    "server error",
    "service unavailable",
    "temporarily unavailable",
    "too many attempts",
    "too many connections",
    "too many login attempts",
    "try again in",
];

/// Such a line speaks of something that does not pass by itself.
const NOT_TEMPORARY: &[&str] = &["account", "accounts", "disabled", "locked", "suspended"];

/// The command was not understood: RFC 1734 section 2, Dovecot, hMailServer,
/// qpopper, Exchange (getmail6 #256), scarlet.be (k-9 #2648).
const MECHANISM: &[&str] = &[
    "bad command",
    "invalid command",
    "no such mechanism",
    "not implemented",
    "not supported",
    "protocol error",
    "syntax",
    "too many arguments",
    "unknown authentication mechanism",
    "unknown authentication type",
    "unknown command",
    "unknown mechanism",
    "unrecognized authentication type",
    "unrecognized command",
    "unsupported authentication mechanism",
    "unsupported mechanism",
];

/// Such a line speaks of credentials all the same.
const NOT_MECHANISM: &[&str] =
    &["account", "accounts", "credentials", "incorrect", "password", "user", "username", "wrong"];

/// More of a server's words is not looked at.
const MOST: usize = 512;

impl LoginRefusal {
    /// The meaning of a `-ERR` that answers a login. A code decides before the words.
    pub fn of(code: Option<ResponseCode>, text: &[u8]) -> Self {
        match code {
            Some(ResponseCode::Auth) => Self::Credentials,
            Some(ResponseCode::InUse) => Self::InUse,
            Some(ResponseCode::LoginDelay) => Self::LoginDelay,
            Some(ResponseCode::SysPerm | ResponseCode::Utf8) => Self::Permanent,
            Some(ResponseCode::SysTemp) => Self::Temporary,
            Some(ResponseCode::Unknown) => Self::Other,
            None => Self::of_words(text),
        }
    }

    fn of_words(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text.get(..MOST).unwrap_or(text)).to_lowercase();
        let words = words(&text);
        let speaks_of = |unwanted: &[&str]| words.iter().any(|word| unwanted.contains(word));
        let has = |table: &[&str]| {
            table.iter().any(|phrase| {
                let phrase = self::words(phrase);
                words.windows(phrase.len()).any(|window| window == phrase)
            })
        };
        let clauses = || text.split(|c| ".:;,!?()".contains(c)).map(clause);
        let is_clause = |(phrase, _): &(&str, &str)| clauses().any(|it| it == self::words(phrase));
        if !speaks_of(NOT_IN_USE) && IN_USE.iter().any(is_clause) {
            Self::InUse
        } else if !speaks_of(NOT_TEMPORARY) && has(TEMPORARY) {
            Self::Temporary
        } else if !speaks_of(NOT_MECHANISM) && has(MECHANISM) {
            Self::Mechanism
        } else {
            Self::Credentials
        }
    }
}

/// The words of a text, without what stands between them.
fn words(text: &str) -> Vec<&str> {
    let is_between = |c: char| !c.is_alphanumeric() && c != '\'';
    text.split(is_between).filter(|word| !word.is_empty()).collect()
}

/// The words of a clause, without those that say nothing before it.
fn clause(text: &str) -> Vec<&str> {
    let words = words(text);
    words.into_iter().skip_while(|word| ["sorry", "the", "your"].contains(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::LoginRefusal::*;
    use super::*;

    #[track_caller]
    fn means(meaning: LoginRefusal, lines: &[&str]) {
        for line in lines {
            let code = ResponseCode::parse(line.as_bytes());
            assert_eq!(LoginRefusal::of(code, line.as_bytes()), meaning, "{line}");
        }
    }

    #[test]
    fn a_code_decides_before_the_words() {
        means(Credentials, &["[AUTH] maildrop already locked", "[AUTH] not supported"]);
        means(InUse, &["[IN-USE] wrong password"]);
        means(LoginDelay, &["[LOGIN-DELAY] maildrop already locked"]);
        means(Other, &["[X/Y] mailbox in use", "[X] syntax"]);
        means(Permanent, &["[SYS/PERM] try again in 5 minutes", "[UTF8] first"]);
        means(Temporary, &["[SYS/TEMP] invalid password"]);
    }

    #[test]
    fn a_locked_maildrop_is_known_by_whole_phrases() {
        means(
            InUse,
            &[
                "maildrop already locked",
                "unable to lock maildrop",
                "Mailbox Locked",
                "Can't get lock.  Mailbox in use",
                "Unable to lock maildrop: Mailbox is locked by POP server",
                "Your mailbox is already locked",
                "Sorry, your mailbox is locked.",
                "/var/mail/.mrose.pop lock busy!  Is another session active? (11)",
                "Maildrop lock busy!  Is another session active?",
                "unable to lock mailbox",
            ],
        );
        for (phrase, _) in IN_USE {
            means(InUse, &[phrase, &phrase.to_uppercase(), &format!("{phrase}.")]);
            let others = ["maildrop", "mailbox", "pop lock"];
            assert!(others.iter().any(|word| phrase.contains(word)), "{phrase}");
        }
    }

    #[test]
    fn whatever_else_is_locked_is_no_maildrop_in_use() {
        means(
            Credentials,
            &[
                "",
                "account locked",
                "mailbox locked, too many failed attempts",
                "mailbox is locked: your account was disabled",
                "mailbox locked by user request",
                "mailbox blocked",
                "mailbox locked; change your password",
                "mailbox in useless state",
                "no mailbox in use here",
                "locked",
                "mailbox is locked until you pay",
                "invalid password",
            ],
        );
    }

    #[test]
    fn a_server_that_wants_to_be_left_alone_for_a_while_is_known_by_its_words() {
        means(
            Temporary,
            &[
                "too many attempts, try again in 15 minutes",
                "maximum number of connections",
                "Maximum number of connections from user+IP exceeded",
                "Service temporarily unavailable",
            ],
        );
        means(
            Credentials,
            &["account locked: too many attempts", "account disabled, try again in a year"],
        );
    }

    #[test]
    fn words_of_syntax_or_of_the_mechanism_judge_no_credentials() {
        means(
            Mechanism,
            &[
                "syntax: AUTH mechanism",
                "Syntax error",
                "authentication mechanism not supported",
                "unknown mechanism",
                "Protocol error. Connection is closed. 10",
                "AUTH LOGIN not supported",
            ],
        );
        means(
            Credentials,
            &[
                "not supported for this account",
                "syntax error in user name",
                "wrong password, or mechanism not supported",
                "syntactic sugar",
            ],
        );
    }

    #[test]
    fn no_text_is_too_long_or_too_odd() {
        let long = [b"syntax ".repeat(10_000), b"\xff\xfe\0".to_vec()].concat();
        assert_eq!(LoginRefusal::of(None, &long), Mechanism);
        let late = [b"x".repeat(MOST), b" syntax".to_vec()].concat();
        assert_eq!(LoginRefusal::of(None, &late), Credentials);
        assert_eq!(LoginRefusal::of(None, &[0xff; 2000]), Credentials);
    }
}
