//! Commands on their way to the wire (RFC 1939, RFC 2449, RFC 2595).

use std::fmt;

use zeroize::Zeroizing;

use super::text::Quoted;
use super::vocabulary::{MessageNumber, Secret};

/// A name that may stand in a command: one line's worth of octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument(Vec<u8>);

/// Why octets cannot stand in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// It would end the line and begin another command (CVE-2025-15367).
    #[error("it contains a line end or NUL")]
    Control,
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// APOP separates name and digest by a space, so the name has none.
    #[error("it contains a space, which APOP cannot carry")]
    Space,
}

impl Argument {
    /// The octets as an argument, unless they could be more than one.
    pub fn new(octets: &[u8]) -> Result<Self, ArgumentError> {
        check(octets)?;
        Ok(Self(octets.to_vec()))
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Refuses octets that no argument may have.
fn check(octets: &[u8]) -> Result<(), ArgumentError> {
    match octets {
        [] => Err(ArgumentError::Empty),
        _ if octets.iter().any(|o| matches!(o, b'\r' | b'\n' | 0)) => Err(ArgumentError::Control),
        _ => Ok(()),
    }
}

impl Secret {
    /// Refuses, before anything is sent, a secret that would break the line.
    pub fn check(&self) -> Result<(), ArgumentError> {
        check(self.expose())
    }
}

/// The word that a command begins with, for sentences about it.
pub type Keyword = &'static str;

/// One command, complete.
#[derive(Clone, Debug)]
pub enum Command {
    /// `APOP name digest`
    Apop {
        /// The mailbox.
        name: Argument,
        /// [`super::digest`]'s result.
        digest: String,
    },
    /// `CAPA` (RFC 2449)
    Capa,
    /// `DELE msg`
    Dele(MessageNumber),
    /// `LIST` or `LIST msg`
    List(Option<MessageNumber>),
    /// `NOOP`
    Noop,
    /// `PASS string`; sent only if [`Secret::check`] agrees.
    Pass(Secret),
    /// `QUIT`
    Quit,
    /// `RETR msg`
    Retr(MessageNumber),
    /// `RSET`
    Rset,
    /// `STAT`
    Stat,
    /// `STLS` (RFC 2595)
    Stls,
    /// `TOP msg n`
    Top(MessageNumber, u32),
    /// `UIDL` or `UIDL msg`
    Uidl(Option<MessageNumber>),
    /// `USER name`
    User(Argument),
}

impl Command {
    /// The word that it begins with.
    pub fn keyword(&self) -> Keyword {
        match self {
            Self::Apop { .. } => "APOP",
            Self::Capa => "CAPA",
            Self::Dele(_) => "DELE",
            Self::List(_) => "LIST",
            Self::Noop => "NOOP",
            Self::Pass(_) => "PASS",
            Self::Quit => "QUIT",
            Self::Retr(_) => "RETR",
            Self::Rset => "RSET",
            Self::Stat => "STAT",
            Self::Stls => "STLS",
            Self::Top(..) => "TOP",
            Self::Uidl(_) => "UIDL",
            Self::User(_) => "USER",
        }
    }

    /// The octets to send, CRLF included. The buffer is wiped when dropped.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Growing would leave a copy of a secret behind.
        let secret = if let Self::Pass(secret) = self { secret.expose().len() } else { 0 };
        let mut line = Zeroizing::new(Vec::with_capacity(64 + secret));
        line.extend_from_slice(self.keyword().as_bytes());
        match self {
            Self::Apop { name, digest } => {
                line.push(b' ');
                line.extend_from_slice(name.as_bytes());
                line.push(b' ');
                line.extend_from_slice(digest.as_bytes());
            }
            Self::Capa | Self::Noop | Self::Quit | Self::Rset | Self::Stat | Self::Stls => {}
            Self::List(None) | Self::Uidl(None) => {}
            Self::Dele(number)
            | Self::List(Some(number))
            | Self::Retr(number)
            | Self::Uidl(Some(number)) => line.extend_from_slice(format!(" {number}").as_bytes()),
            Self::Pass(secret) => {
                line.push(b' ');
                line.extend_from_slice(secret.expose());
            }
            Self::Top(number, lines) => {
                line.extend_from_slice(format!(" {number} {lines}").as_bytes());
            }
            Self::User(name) => {
                line.push(b' ');
                line.extend_from_slice(name.as_bytes());
            }
        }
        line.extend_from_slice(b"\r\n");
        line
    }
}

/// As a log may show it: the line, the secret in it left out.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apop { name, .. } => write!(f, "APOP {} ..", Quoted::bare(name.as_bytes())),
            Self::Pass(_) => f.write_str("PASS .."),
            Self::User(name) => write!(f, "USER {}", Quoted::bare(name.as_bytes())),
            Self::Top(number, lines) => write!(f, "TOP {number} {lines}"),
            Self::Dele(number)
            | Self::List(Some(number))
            | Self::Retr(number)
            | Self::Uidl(Some(number)) => write!(f, "{} {number}", self.keyword()),
            Self::Capa
            | Self::List(None)
            | Self::Noop
            | Self::Quit
            | Self::Rset
            | Self::Stat
            | Self::Stls
            | Self::Uidl(None) => f.write_str(self.keyword()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line() {
        let number = MessageNumber::new(7).unwrap();
        let sent = |command: Command| String::from_utf8(command.encode().to_vec()).unwrap();
        assert_eq!(sent(Command::Retr(number)), "RETR 7\r\n");
        assert_eq!(sent(Command::Top(number, 0)), "TOP 7 0\r\n");
        assert_eq!(sent(Command::List(None)), "LIST\r\n");
        assert_eq!(sent(Command::Uidl(Some(number))), "UIDL 7\r\n");
        assert_eq!(sent(Command::Pass(Secret::new(b"a b".to_vec()))), "PASS a b\r\n");
    }

    #[test]
    fn a_line_end_cannot_be_smuggled_into_an_argument() {
        assert_eq!(Argument::new(b"a\r\nDELE 1"), Err(ArgumentError::Control));
        assert_eq!(Argument::new(b"a\nb"), Err(ArgumentError::Control));
        assert_eq!(Argument::new(b"a\0"), Err(ArgumentError::Control));
        assert_eq!(Argument::new(b""), Err(ArgumentError::Empty));
        assert_eq!(Secret::new(b"x\r\n".to_vec()).check(), Err(ArgumentError::Control));
    }

    #[test]
    fn a_log_shows_no_secret() {
        let name = Argument::new(b"mrose").unwrap();
        let apop = Command::Apop { name, digest: "c4c9".into() };
        assert_eq!(apop.to_string(), "APOP mrose ..");
        assert_eq!(Command::Pass(Secret::new(b"tanstaaf".to_vec())).to_string(), "PASS ..");
    }
}
