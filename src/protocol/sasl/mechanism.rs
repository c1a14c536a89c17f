//! The names of mechanisms, and what can be said of each without an exchange.

use std::fmt;

/// A mechanism that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// A password proved by HMAC-MD5 (RFC 2195).
    CramMd5,
    /// What TLS proved by our certificate (RFC 4422 appendix A).
    External,
    /// User and password, asked for one by one.
    Login,
    /// A token (RFC 7628).
    OAuthBearer,
    /// User and password (RFC 4616).
    Plain,
    /// Both sides prove the password by SHA-1 (RFC 5802).
    ScramSha1,
    /// The same, bound to the TLS channel.
    ScramSha1Plus,
    /// Both sides prove the password by SHA-256 (RFC 7677).
    ScramSha256,
    /// The same, bound to the TLS channel.
    ScramSha256Plus,
    /// A token, in the manner that came before RFC 7628.
    XOAuth2,
}

impl Mechanism {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::CramMd5,
        Self::External,
        Self::Login,
        Self::OAuthBearer,
        Self::Plain,
        Self::ScramSha1,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha256Plus,
        Self::XOAuth2,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CramMd5 => "CRAM-MD5",
            Self::External => "EXTERNAL",
            Self::Login => "LOGIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    /// The mechanism of that name; case does not matter (RFC 5034 section 5).
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether an eavesdropper could log in with what it sends.
    pub fn sends_secret_in_clear(self) -> bool {
        self.takes_token() || matches!(self, Self::Login | Self::Plain)
    }

    /// Whether the secret is a token and no password.
    pub fn takes_token(self) -> bool {
        matches!(self, Self::OAuthBearer | Self::XOAuth2)
    }

    /// Whether the server has to prove that it knows the password, too.
    pub fn is_scram(self) -> bool {
        self.is_plus() || self.with_binding().is_some()
    }

    /// Whether it is bound to the TLS channel.
    pub fn is_plus(self) -> bool {
        self.without_binding().is_some()
    }

    /// The same mechanism without its `-PLUS`.
    pub fn without_binding(self) -> Option<Self> {
        match self {
            Self::ScramSha1Plus => Some(Self::ScramSha1),
            Self::ScramSha256Plus => Some(Self::ScramSha256),
            _ => None,
        }
    }

    /// The same mechanism with `-PLUS`.
    pub fn with_binding(self) -> Option<Self> {
        match self {
            Self::ScramSha1 => Some(Self::ScramSha1Plus),
            Self::ScramSha256 => Some(Self::ScramSha256Plus),
            _ => None,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_without_case_and_never_by_its_beginning() {
        for mechanism in Mechanism::ALL {
            let name = mechanism.name();
            assert_eq!(Mechanism::from_name(name.as_bytes()), Some(mechanism));
            assert_eq!(Mechanism::from_name(name.to_ascii_lowercase().as_bytes()), Some(mechanism));
            assert_eq!(Mechanism::from_name(format!("{name}X").as_bytes()), None);
            // RFC 4422 section 3.1
            let allowed = |o: u8| o.is_ascii_uppercase() || o.is_ascii_digit() || o == b'-';
            assert!(name.len() <= 20 && name.bytes().all(allowed), "{name}");
        }
        for unknown in [&b""[..], b"NTLM", b"SCRAM-SHA-512", b"SCRAM-SHA-256 ", b"\xff"] {
            assert_eq!(Mechanism::from_name(unknown), None);
        }
    }

    #[test]
    fn a_plus_and_its_plain_form_name_each_other() {
        let plus: Vec<_> = Mechanism::ALL.into_iter().filter(|it| it.is_plus()).collect();
        assert_eq!(plus, [Mechanism::ScramSha1Plus, Mechanism::ScramSha256Plus]);
        for mechanism in plus {
            let bare = mechanism.without_binding().unwrap();
            assert_eq!(bare.with_binding(), Some(mechanism));
            assert_eq!(format!("{bare}-PLUS"), mechanism.name());
            assert!(bare.is_scram() && mechanism.is_scram());
        }
    }

    #[test]
    fn what_sends_a_secret_in_clear_is_known() {
        let clear: Vec<_> =
            Mechanism::ALL.into_iter().filter(|it| it.sends_secret_in_clear()).collect();
        let expected =
            [Mechanism::Login, Mechanism::OAuthBearer, Mechanism::Plain, Mechanism::XOAuth2];
        assert_eq!(clear, expected);
    }
}
