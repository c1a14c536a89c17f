//! Commands on their way to the wire (RFC 1939, RFC 2449, RFC 2595).

use std::fmt;
use std::io::Write as _;

use zeroize::Zeroizing;

use super::argument::Argument;
use super::keyword::Keyword;
use super::sasl::mechanism::Mechanism;
use super::vocabulary::MessageNumber;
use crate::secret::Secret;
use crate::text::Quoted;

/// The longest command, its CRLF included (RFC 2449 section 4). Only the lines of
/// a SASL exchange may be longer (RFC 5034 section 4).
pub const MAX_COMMAND: usize = 255;

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
    /// `AUTH mechanism [initial-response]` (RFC 5034)
    Auth {
        /// Which.
        mechanism: Mechanism,
        /// [`super::sasl::encode`]'s result; an empty one is sent as `=`.
        initial: Option<Secret>,
    },
    /// `*`: ends a SASL exchange.
    AuthCancel,
    /// The answer to a challenge, a line of its own: [`super::sasl::encode`]'s
    /// result.
    AuthResponse(Secret),
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
    /// `UTF8` (RFC 6856)
    Utf8,
}

impl Command {
    /// The word that it begins with; for the lines of a SASL exchange, the word
    /// that began that.
    pub fn keyword(&self) -> Keyword {
        match self {
            Self::Apop { .. } => Keyword::Apop,
            Self::Auth { .. } | Self::AuthCancel | Self::AuthResponse(_) => Keyword::Auth,
            Self::Capa => Keyword::Capa,
            Self::Dele(_) => Keyword::Dele,
            Self::List(_) => Keyword::List,
            Self::Noop => Keyword::Noop,
            Self::Pass(_) => Keyword::Pass,
            Self::Quit => Keyword::Quit,
            Self::Retr(_) => Keyword::Retr,
            Self::Stat => Keyword::Stat,
            Self::Stls => Keyword::Stls,
            Self::Top(..) => Keyword::Top,
            Self::Uidl(_) => Keyword::Uidl,
            Self::User(_) => Keyword::User,
            Self::Utf8 => Keyword::Utf8,
        }
    }

    /// Whether it is short enough for every server that knows CAPA.
    pub fn fits(&self) -> bool {
        self.encode().len() <= MAX_COMMAND
    }

    /// What must not be printed of it.
    fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Auth { initial, .. } => initial.as_ref(),
            Self::AuthResponse(secret) | Self::Pass(secret) => Some(secret),
            _ => None,
        }
    }

    /// The octets to send, CRLF included. The buffer is wiped when dropped.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // Growing would leave a copy of a secret behind.
        let secret = self.secret().map(Secret::expose);
        let mut line = Zeroizing::new(Vec::with_capacity(64 + secret.map_or(0, <[u8]>::len)));
        match self {
            Self::AuthCancel => line.push(b'*'),
            Self::AuthResponse(_) => {}
            _ => line.extend_from_slice(self.keyword().word().as_bytes()),
        }
        match self {
            Self::Apop { name, digest } => {
                line.push(b' ');
                line.extend_from_slice(name.as_bytes());
                line.push(b' ');
                line.extend_from_slice(digest.as_bytes());
            }
            Self::Auth { mechanism, initial } => {
                line.push(b' ');
                line.extend_from_slice(mechanism.name().as_bytes());
                match initial.as_ref().map(Secret::expose) {
                    None => {}
                    Some([]) => line.extend_from_slice(b" ="),
                    Some(_) => line.push(b' '),
                }
            }
            Self::AuthCancel | Self::AuthResponse(_) => {}
            Self::Capa | Self::Noop | Self::Quit | Self::Stat | Self::Stls => {}
            Self::List(None) | Self::Uidl(None) | Self::Utf8 => {}
            Self::Dele(number)
            | Self::List(Some(number))
            | Self::Retr(number)
            | Self::Uidl(Some(number)) => {
                // A Vec takes everything.
                let _ = write!(*line, " {number}");
            }
            Self::Pass(_) => line.push(b' '),
            Self::Top(number, lines) => {
                let _ = write!(*line, " {number} {lines}");
            }
            Self::User(word) => {
                line.push(b' ');
                line.extend_from_slice(word.as_bytes());
            }
        }
        line.extend_from_slice(secret.unwrap_or_default());
        line.extend_from_slice(b"\r\n");
        line
    }
}

/// As a log may show it: the line, the secret in it left out.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apop { name, .. } => write!(f, "APOP {} ..", Quoted::bare(name.as_bytes())),
            Self::Auth { mechanism, initial } => match initial.as_ref().map(Secret::expose) {
                None => write!(f, "AUTH {mechanism}"),
                Some([]) => write!(f, "AUTH {mechanism} ="),
                Some(_) => write!(f, "AUTH {mechanism} .."),
            },
            Self::AuthCancel => f.write_str("*"),
            Self::AuthResponse(_) => f.write_str(".."),
            Self::Pass(_) => f.write_str("PASS .."),
            Self::User(word) => {
                write!(f, "{} {}", self.keyword(), Quoted::bare(word.as_bytes()))
            }
            Self::Top(number, lines) => write!(f, "TOP {number} {lines}"),
            Self::Dele(number)
            | Self::List(Some(number))
            | Self::Retr(number)
            | Self::Uidl(Some(number)) => write!(f, "{} {number}", self.keyword()),
            Self::Capa
            | Self::List(None)
            | Self::Noop
            | Self::Quit
            | Self::Stat
            | Self::Stls
            | Self::Uidl(None)
            | Self::Utf8 => f.write_str(self.keyword().word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::sasl::encoding::encode;

    #[test]
    fn a_command_is_one_line() {
        let number = MessageNumber::new(7).unwrap();
        let sent = |command: Command| String::from_utf8(command.encode().to_vec()).unwrap();
        assert_eq!(sent(Command::Retr(number)), "RETR 7\r\n");
        assert_eq!(sent(Command::Top(number, 0)), "TOP 7 0\r\n");
        assert_eq!(sent(Command::List(None)), "LIST\r\n");
        assert_eq!(sent(Command::Uidl(Some(number))), "UIDL 7\r\n");
        assert_eq!(sent(Command::Pass(Secret::new(b"a b".to_vec()))), "PASS a b\r\n");
        assert_eq!(sent(Command::Utf8), "UTF8\r\n");
    }

    fn auth(mechanism: Mechanism, initial: Option<&[u8]>) -> Command {
        Command::Auth { mechanism, initial: initial.map(encode) }
    }

    #[test]
    fn the_auth_lines_of_rfc_5034() {
        let sent = |command: Command| String::from_utf8(command.encode().to_vec()).unwrap();
        let whole = auth(Mechanism::Plain, Some(b"test\0test\0test"));
        assert_eq!(sent(whole), "AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\n");
        assert_eq!(sent(auth(Mechanism::Plain, None)), "AUTH PLAIN\r\n");
        assert_eq!(sent(auth(Mechanism::External, Some(b""))), "AUTH EXTERNAL =\r\n");
        let answer = |raw: &[u8]| sent(Command::AuthResponse(encode(raw)));
        assert_eq!(answer(b"test\0test\0test"), "dGVzdAB0ZXN0AHRlc3Q=\r\n");
        assert_eq!(answer(b""), "\r\n");
        assert_eq!(sent(Command::AuthCancel), "*\r\n");
    }

    #[test]
    fn a_command_of_255_octets_fits_and_of_256_does_not() {
        let user = |length| Command::User(Argument::new(&vec![b'u'; length]).unwrap());
        assert!(user(248).fits() && !user(249).fits());
        // 11 octets of keyword and name, 240 of Base64, CRLF; then 244.
        assert!(auth(Mechanism::Plain, Some(&[0; 180])).fits());
        assert!(!auth(Mechanism::Plain, Some(&[0; 181])).fits());
    }

    #[test]
    fn a_line_with_a_secret_never_grows() {
        let long = |length| encode(&vec![0; length]);
        for length in [0, 1, 45, 46, 300, 5000] {
            let initial = Some(long(length));
            let auth = Command::Auth { mechanism: Mechanism::ScramSha256Plus, initial };
            for command in [auth, Command::AuthResponse(long(length)), Command::Pass(long(length))]
            {
                let allotted = 64 + command.secret().unwrap().expose().len();
                assert_eq!(command.encode().capacity(), allotted);
            }
        }
    }

    #[test]
    fn a_log_shows_no_secret() {
        let name = Argument::new(b"mrose").unwrap();
        let apop = Command::Apop { name, digest: "c4c9".into() };
        assert_eq!(apop.to_string(), "APOP mrose ..");
        assert_eq!(Command::Pass(Secret::new(b"tanstaaf".to_vec())).to_string(), "PASS ..");
        let shown = auth(Mechanism::Plain, Some(b"\0tim\0tanstaaf"));
        assert_eq!(shown.to_string(), "AUTH PLAIN ..");
        assert!(format!("{shown:?}").contains("Secret(..)"));
        assert_eq!(auth(Mechanism::Login, None).to_string(), "AUTH LOGIN");
        assert_eq!(auth(Mechanism::External, Some(b"")).to_string(), "AUTH EXTERNAL =");
        assert_eq!(Command::AuthResponse(encode(b"tanstaaf")).to_string(), "..");
        assert_eq!(Command::AuthCancel.to_string(), "*");
    }
}
