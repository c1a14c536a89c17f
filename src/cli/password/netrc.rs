//! `.netrc`: passwords by machine and login, as ftp, curl and fetchmail share them.
//!
//! ```abnf
//! netrc    = *(entry / macro)
//! entry    = ("machine" word / "default") *(("login" / "password" / "account" / "port") word)
//! macro    = "macdef" word *line blank-line
//! word     = 1*octet / DQUOTE *octet DQUOTE     ; a backslash takes the next octet as it is
//! ```
//!
//! Words stand between white space, line ends included. `#` where a keyword
//! could stand makes the rest of the line a comment; elsewhere it is a password
//! like any other. Where programs differ, this follows GNU (inetutils, Wget) and
//! fetchmail: a backslash escapes inside and outside of quotes, and means no
//! control character. What no grammar settles is refused, since a password meant
//! for another is a login that fails, and some servers count those.
//!
//! # Invariants
//!
//! * No sentence shows a word of the file: it could be a piece of a password.
//! * One pass, no word looked at twice; every copy of a word is wiped.
//!
//! # Not here
//!
//! Where the file is and who may read it: the module above.

use zeroize::Zeroizing;

use crate::secret::Secret;

/// Why a file is no `.netrc`, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: NetrcError,
}

/// What is wrong in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetrcError {
    /// A keyword is the last word of the file.
    #[error("nothing follows the keyword")]
    Ends,
    /// `login` or `password` before any `machine`.
    #[error("no machine stands before it")]
    NoMachine,
    /// A quotation does not end in its line.
    #[error("the closing quote is missing")]
    Open,
    /// An entry says the same twice.
    #[error("an entry has one login and one password")]
    Twice,
    /// Something else where a keyword should be.
    #[error("a keyword should stand here; a password with spaces in it needs quotes")]
    Unknown,
}

type NetrcWord = Zeroizing<Vec<u8>>;

/// The password for this user on this host: of the first `machine` entry that
/// names both, else of a `default` entry for this user.
pub fn find(text: &[u8], host: &str, user: &[u8]) -> Result<Option<Secret>, Malformed> {
    let host = host.trim_end_matches('.').as_bytes();
    let mut words = Words { rest: text, line: 1 };
    let (mut entry, mut fallback) = (None, None);
    while let Some(keyword) = words.keyword()? {
        let next = match &**keyword {
            b"machine" => {
                let name = words.value()?;
                let name = name.strip_suffix(b".").unwrap_or(&name);
                Some(NetrcEntry::of(if name.eq_ignore_ascii_case(host) {
                    Of::Host
                } else {
                    Of::Other
                }))
            }
            b"default" => Some(NetrcEntry::of(Of::Any)),
            b"macdef" => {
                words.value()?;
                words.skip_macro();
                None
            }
            b"account" | b"port" => words.value().map(|_| None)?,
            b"login" | b"password" => {
                let line = words.line;
                let fault = |fault| Malformed { line, fault };
                let value = words.value()?;
                let entry: &mut NetrcEntry = entry.as_mut().ok_or(fault(NetrcError::NoMachine))?;
                let is_login = **keyword == *b"login";
                let place = if is_login { &mut entry.login } else { &mut entry.password };
                if place.replace(value).is_some() {
                    return Err(fault(NetrcError::Twice));
                }
                None
            }
            _ => return Err(Malformed { line: words.line, fault: NetrcError::Unknown }),
        };
        if next.is_some()
            && let Some(found) = settle(std::mem::replace(&mut entry, next), user, &mut fallback)
        {
            return Ok(Some(found));
        }
    }
    Ok(settle(entry, user, &mut fallback).or(fallback))
}

/// Ends an entry: its password if it is the one, or the fallback if none is yet.
fn settle(entry: Option<NetrcEntry>, user: &[u8], fallback: &mut Option<Secret>) -> Option<Secret> {
    let entry = entry?;
    let is_ours = entry.login.is_some_and(|login| **login == *user);
    let mut password = entry.password.filter(|_| is_ours)?;
    let password = Secret::new(std::mem::take(&mut *password));
    match entry.of {
        Of::Any => {
            fallback.get_or_insert(password);
            None
        }
        Of::Host => Some(password),
        Of::Other => None,
    }
}

/// Whom an entry is for.
enum Of {
    Any,
    Host,
    Other,
}

struct NetrcEntry {
    of: Of,
    login: Option<NetrcWord>,
    password: Option<NetrcWord>,
}

impl NetrcEntry {
    fn of(of: Of) -> Self {
        Self { of, login: None, password: None }
    }
}

/// The file from here on.
struct Words<'t> {
    rest: &'t [u8],
    line: usize,
}

impl Words<'_> {
    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line += usize::from(*first == b'\n');
        Some(*first)
    }

    fn skip_space(&mut self) {
        while self.rest.first().is_some_and(u8::is_ascii_whitespace) {
            self.take();
        }
    }

    /// To the end of the line, which is taken too. Says whether it was blank.
    fn skip_line(&mut self) -> bool {
        let mut blank = true;
        while let Some(octet) = self.take().filter(|octet| *octet != b'\n') {
            blank &= octet.is_ascii_whitespace();
        }
        blank
    }

    /// The lines of a macro, up to a blank one.
    fn skip_macro(&mut self) {
        self.skip_line();
        while !self.rest.is_empty() && !self.skip_line() {}
    }

    /// The next word where a keyword stands; `None` at the end.
    fn keyword(&mut self) -> Result<Option<NetrcWord>, Malformed> {
        self.skip_space();
        while self.rest.first() == Some(&b'#') {
            self.skip_line();
            self.skip_space();
        }
        if self.rest.is_empty() { Ok(None) } else { self.word().map(Some) }
    }

    /// The word behind a keyword.
    fn value(&mut self) -> Result<NetrcWord, Malformed> {
        let line = self.line;
        self.skip_space();
        if self.rest.is_empty() {
            return Err(Malformed { line, fault: NetrcError::Ends });
        }
        self.word()
    }

    /// A word, which begins here.
    fn word(&mut self) -> Result<NetrcWord, Malformed> {
        let line = self.line;
        let is_quoted = self.rest.first() == Some(&b'"');
        if is_quoted {
            self.take();
        }
        let is_end = |octet: u8| {
            if is_quoted { octet == b'"' || octet == b'\n' } else { octet.is_ascii_whitespace() }
        };
        // Room for all of it at once: what a growing vector leaves behind is not wiped.
        let mut escaped = false;
        let end = self.rest.iter().position(|octet| {
            let ends = (!escaped || *octet == b'\n') && is_end(*octet);
            escaped = !escaped && *octet == b'\\';
            ends
        });
        let (raw, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if is_quoted && rest.first() != Some(&b'"') {
            return Err(Malformed { line, fault: NetrcError::Open });
        }
        self.rest = rest;
        if is_quoted {
            self.take();
        }
        let mut word = Zeroizing::new(Vec::with_capacity(raw.len()));
        let mut octets = raw.iter();
        while let Some(octet) = octets.next() {
            // A backslash at the very end stands for itself.
            let taken = if *octet == b'\\' { octets.next().unwrap_or(octet) } else { octet };
            word.push(*taken);
        }
        Ok(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let secret = find(text.as_bytes(), "pop.example.org", b"mrose").unwrap();
        secret.map(|secret| String::from_utf8(secret.expose().to_vec()).unwrap())
    }

    #[track_caller]
    fn is(text: &str, password: &str) {
        assert_eq!(found(text).as_deref(), Some(password), "{text}");
    }

    #[test]
    fn an_entry_needs_the_host_and_the_user() {
        is("machine pop.example.org login mrose password secret", "secret");
        is("machine POP.example.org.\n\tpassword secret\n\tlogin mrose\n", "secret");
        for other in [
            "",
            "machine pop.example.org login other password secret",
            "machine example.org login mrose password secret",
            "machine pop.example.org login mrose",
            "machine pop.example.org password secret",
            "machine pop.example.org login MROSE password secret",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn one_machine_may_have_several_entries_and_default_comes_last() {
        let text = "machine pop.example.org login a password 1\n\
                    default login mrose password 2\n\
                    machine pop.example.org login mrose password 3\n\
                    machine pop.example.org login mrose password 4\n";
        is(text, "3");
        is("default login mrose password 2", "2");
        assert_eq!(found("default login anonymous password me@"), None);
    }

    #[test]
    fn comments_macros_accounts_and_ports_are_skipped() {
        is(
            "# machine pop.example.org login mrose password commented\n\
             macdef init\n machine pop.example.org login mrose password macro\n\n\
             machine pop.example.org port 995 account x # login mrose password late\n\
             \tlogin mrose\r\n\tpassword secret # said\r\n",
            "secret",
        );
        assert_eq!(found("macdef last\nmachine pop.example.org"), None);
    }

    #[test]
    fn passwords_may_hold_anything() {
        let entry = |word: &str| format!("machine pop.example.org login mrose password {word}\n");
        is(&entry("#hash"), "#hash");
        is(&entry("in\"side"), "in\"side");
        is(&entry(r#""two words""#), "two words");
        is(&entry(r#""a \"quote\" and \\""#), r#"a "quote" and \"#);
        is(&entry(r"back\\slash\ space"), r"back\slash space");
        is(&entry("machine"), "machine");
        is(&entry("\u{fc}ber^"), "\u{fc}ber^");
        is(&entry(&"x".repeat(9000)), &"x".repeat(9000));
        is(r"default login mrose password end\", r"end\");
    }

    #[test]
    fn what_is_malformed_is_named_by_its_line_and_shown_by_nothing() {
        for (text, line, fault) in [
            ("machine", 1, NetrcError::Ends),
            ("default login mrose\npassword\n\n", 2, NetrcError::Ends),
            ("login mrose", 1, NetrcError::NoMachine),
            ("\nmachine h login mrose password tan staaf", 2, NetrcError::Unknown),
            ("default\nlogin a login b", 2, NetrcError::Twice),
            ("default password \"tanstaaf\nlogin b", 1, NetrcError::Open),
            ("default password \"tanstaaf\\\n\"", 1, NetrcError::Open),
        ] {
            let malformed = find(text.as_bytes(), "h", b"mrose").unwrap_err();
            assert_eq!(malformed, Malformed { line, fault }, "{text}");
            assert!(!malformed.to_string().contains("staaf"));
        }
    }

    #[test]
    fn no_file_panics_or_takes_more_than_one_pass() {
        for octet in [b'"', b'\\', b'#', b'\n', b' ', 0, 0xff] {
            let text = [b"default login ".to_vec(), vec![octet; 1 << 20]].concat();
            let _ = find(&text, "h", b"mrose");
        }
        let many = b"machine a login b password c\n".repeat(40_000);
        assert!(find(&many, "h", b"mrose").unwrap().is_none());
    }
}
