//! Which way in: the strongest that server and connection allow.
//!
//! | | by `auto` | needs | why in this place |
//! | --- | --- | --- | --- |
//! | 1 | SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS | a binding | no machine in the middle, and neither end gives a password away |
//! | 2 | SCRAM-SHA-256, SCRAM-SHA-1 | | the password never leaves, and the server proves that it knows it |
//! | 3 | PLAIN | clear | one round trip, any octets, and what servers test most |
//! | 4 | LOGIN | clear | no standard, three round trips, and some have nothing else |
//! | 5 | USER | clear | RFC 1939's own; no word of it is needed where CAPA says nothing |
//!
//! Only by name: APOP and CRAM-MD5, since an eavesdropper can try passwords
//! at MD5's speed, and servers keep the password in clear for them; EXTERNAL and
//! the mechanisms of tokens, which want another secret than a password.
//!
//! "Clear" is what TLS protects, this machine itself, or what
//! `--allow-plaintext-password` allows. What is taken by name needs it too, but
//! for SCRAM.

use crate::protocol::Capabilities;
use crate::protocol::sasl;

use super::error::Error;
use super::mechanism::LoginMechanism;

/// How to log in, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthMethod {
    Apop,
    Sasl(sasl::Mechanism),
    User,
}

/// What the connection allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    /// TLS protects it.
    pub(super) protected: bool,
    /// An eavesdropper may have what we send.
    pub(super) clear: bool,
    /// SCRAM can be bound to it.
    pub(super) binds: bool,
}

/// The order of the table above.
const AUTO: [AuthMethod; 7] = [
    AuthMethod::Sasl(sasl::Mechanism::ScramSha256Plus),
    AuthMethod::Sasl(sasl::Mechanism::ScramSha1Plus),
    AuthMethod::Sasl(sasl::Mechanism::ScramSha256),
    AuthMethod::Sasl(sasl::Mechanism::ScramSha1),
    AuthMethod::Sasl(sasl::Mechanism::Plain),
    AuthMethod::Sasl(sasl::Mechanism::Login),
    AuthMethod::User,
];

impl AuthMethod {
    fn of(wanted: LoginMechanism) -> Option<Self> {
        match wanted {
            LoginMechanism::Apop => Some(Self::Apop),
            LoginMechanism::Auto => None,
            LoginMechanism::Sasl(mechanism) => Some(Self::Sasl(mechanism)),
            LoginMechanism::User => Some(Self::User),
        }
    }

    /// The same by name.
    pub(super) fn mechanism(self) -> LoginMechanism {
        match self {
            Self::Apop => LoginMechanism::Apop,
            Self::Sasl(mechanism) => LoginMechanism::Sasl(mechanism),
            Self::User => LoginMechanism::User,
        }
    }

    fn needs_clear(self) -> bool {
        !matches!(self, Self::Sasl(mechanism) if mechanism.is_scram())
    }

    pub(super) fn is_plus(self) -> bool {
        matches!(self, Self::Sasl(mechanism) if mechanism.is_plus())
    }

    fn without_binding(self) -> Option<Self> {
        match self {
            Self::Sasl(mechanism) => mechanism.without_binding().map(Self::Sasl),
            Self::Apop | Self::User => None,
        }
    }

    /// Whether the server offers the same bound to the channel: SCRAM tells the server
    /// what it has seen of that.
    pub(super) fn offers_binding(self, capabilities: &Capabilities) -> bool {
        match self {
            Self::Sasl(mechanism) => {
                mechanism.with_binding().is_some_and(|plus| capabilities.offers(plus))
            }
            Self::Apop | Self::User => false,
        }
    }

    /// Whether the server has it, as far as one can know.
    pub(super) fn is_offered(self, capabilities: &Capabilities) -> bool {
        match self {
            // The greeting tells.
            Self::Apop => true,
            Self::Sasl(mechanism) => capabilities.offers(mechanism),
            // A server that names mechanisms would name this too (RFC 2449
            // section 6.2); one that names none may know nothing but this.
            Self::User => capabilities.has("USER") || capabilities.mechanisms().next().is_none(),
        }
    }
}

/// What can be refused before anything is asked of the server.
pub(super) fn check(wanted: LoginMechanism, channel: Channel) -> Result<(), Error> {
    let Some(method) = AuthMethod::of(wanted) else { return Ok(()) };
    match method {
        method if method.needs_clear() && !channel.clear => Err(Error::Insecure),
        AuthMethod::Sasl(mechanism) if method.is_plus() && !channel.binds => {
            Err(Error::NoBinding(mechanism))
        }
        _ => Ok(()),
    }
}

/// The way in, but for those that the server refused to go; a pure function.
pub(super) fn choose(
    wanted: LoginMechanism,
    capabilities: &Capabilities,
    channel: Channel,
    refused: &[AuthMethod],
) -> Result<AuthMethod, Error> {
    check(wanted, channel)?;
    let offered = || capabilities.mechanisms().collect::<Vec<_>>().join(&b' ').into();
    if let Some(method) = AuthMethod::of(wanted) {
        let may_be_there = method.is_offered(capabilities) || capabilities.is_empty();
        let tries_tokens = |it: sasl::Mechanism| it.takes_token() && channel.protected;
        return match method {
            method if refused.contains(&method) => Err(Error::NoMechanism { offered: offered() }),
            // One that answers CAPA with nothing is taken at our word, and Microsoft's
            // do not announce every mechanism for tokens to everybody.
            AuthMethod::Sasl(mechanism) if !(may_be_there || tries_tokens(mechanism)) => {
                Err(Error::NotOffered { mechanism, offered: offered() })
            }
            method => Ok(method),
        };
    }
    let possible = AUTO.into_iter().filter(|method| method.is_offered(capabilities));
    let possible = possible.filter(|method| channel.binds || !method.is_plus());
    // A refused -PLUS may have met an attacker in between: nothing that shows the
    // password follows, only the same proof without the binding.
    let plus = refused.iter().find_map(|method| method.without_binding());
    let possible = possible.filter(|method| plus.is_none_or(|bare| *method == bare));
    let mut possible = possible.filter(|method| !refused.contains(method)).peekable();
    if possible.peek().is_none() {
        return Err(Error::NoMechanism { offered: offered() });
    }
    possible.find(|method| channel.clear || !method.needs_clear()).ok_or(Error::Insecure)
}

/// What the server announces besides the ways that were tried, for the same kind of
/// secret, and the connection allows. Behind a -PLUS stands the same without alone.
pub(super) fn others(
    tried: &[AuthMethod],
    capabilities: &Capabilities,
    channel: Channel,
) -> Box<[LoginMechanism]> {
    let takes_token =
        |method: AuthMethod| matches!(method, AuthMethod::Sasl(it) if it.takes_token());
    let is_external = |method: AuthMethod| method == AuthMethod::Sasl(sasl::Mechanism::External);
    let of_tokens = tried.iter().any(|method| takes_token(*method));
    let plus = tried.iter().find_map(|method| method.without_binding());
    let methods = sasl::Mechanism::ALL.into_iter().map(AuthMethod::Sasl).chain([AuthMethod::User]);
    let possible =
        methods.filter(|method| !tried.contains(method) && method.is_offered(capabilities));
    let possible =
        possible.filter(|method| takes_token(*method) == of_tokens && !is_external(*method));
    let possible = possible.filter(|method| channel.binds || !method.is_plus());
    let possible = possible.filter(|method| channel.clear || !method.needs_clear());
    let possible = possible.filter(|method| plus.is_none_or(|bare| *method == bare));
    possible.map(AuthMethod::mechanism).collect()
}

#[cfg(test)]
mod tests {
    use super::sasl::Mechanism::*;
    use super::*;

    const TLS_1_3: Channel = Channel { protected: true, clear: true, binds: true };
    const TLS_1_2: Channel = Channel { protected: true, clear: true, binds: false };
    const CLEAR: Channel = Channel { protected: false, clear: false, binds: false };

    fn capabilities(lines: &[&str]) -> Capabilities {
        let mut capabilities = Capabilities::default();
        lines.iter().for_each(|line| capabilities.push(line.as_bytes()).unwrap());
        capabilities
    }

    fn auto(lines: &[&str], channel: Channel) -> Result<AuthMethod, String> {
        choose(LoginMechanism::Auto, &capabilities(lines), channel, &[])
            .map_err(|it| it.to_string())
    }

    #[test]
    fn the_strongest_is_taken_that_server_and_connection_allow() {
        let all = "SASL LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS XOAUTH2 EXTERNAL";
        let table: &[(&str, Channel, AuthMethod)] = &[
            (all, TLS_1_3, AuthMethod::Sasl(ScramSha256Plus)),
            (all, TLS_1_2, AuthMethod::Sasl(ScramSha256)),
            (all, CLEAR, AuthMethod::Sasl(ScramSha256)),
            ("SASL SCRAM-SHA-1-PLUS SCRAM-SHA-256", TLS_1_3, AuthMethod::Sasl(ScramSha1Plus)),
            ("SASL PLAIN SCRAM-SHA-1", TLS_1_2, AuthMethod::Sasl(ScramSha1)),
            ("SASL PLAIN SCRAM-SHA-1", CLEAR, AuthMethod::Sasl(ScramSha1)),
            ("SASL LOGIN PLAIN", TLS_1_2, AuthMethod::Sasl(Plain)),
            ("SASL LOGIN CRAM-MD5", TLS_1_2, AuthMethod::Sasl(Login)),
            ("USER", TLS_1_2, AuthMethod::User),
            ("TOP", TLS_1_2, AuthMethod::User),
        ];
        for (line, channel, method) in table {
            assert_eq!(auto(&[line], *channel), Ok(*method), "{line} {channel:?}");
        }
        assert_eq!(auto(&[], TLS_1_3), Ok(AuthMethod::User));
        assert_eq!(auto(&["SASL CRAM-MD5", "USER"], TLS_1_2), Ok(AuthMethod::User));
    }

    #[test]
    fn md5_tokens_and_certificates_are_never_taken_by_themselves() {
        let line = "SASL CRAM-MD5 XOAUTH2 OAUTHBEARER EXTERNAL NTLM";
        let sentence = auto(&[line], TLS_1_3).unwrap_err();
        assert!(sentence.contains("CRAM-MD5 XOAUTH2 OAUTHBEARER EXTERNAL NTLM"), "{sentence}");
    }

    #[test]
    fn nothing_goes_in_clear_that_need_not() {
        for line in ["SASL PLAIN LOGIN", "USER", "TOP"] {
            assert_eq!(auto(&[line], CLEAR), Err(Error::Insecure.to_string()), "{line}");
        }
        let none = Capabilities::default();
        let by_name = |mechanism| choose(mechanism, &none, CLEAR, &[]).is_ok();
        for mechanism in sasl::Mechanism::ALL.into_iter().filter(|it| !it.is_plus()) {
            assert_eq!(
                by_name(LoginMechanism::Sasl(mechanism)),
                mechanism.is_scram(),
                "{mechanism}"
            );
        }
        assert!(!by_name(LoginMechanism::Apop) && !by_name(LoginMechanism::User));
    }

    #[test]
    fn what_is_asked_for_by_name_is_that_or_nothing() {
        let offered = capabilities(&["SASL PLAIN", "USER"]);
        let by_name = |mechanism| choose(LoginMechanism::Sasl(mechanism), &offered, TLS_1_3, &[]);
        assert_eq!(by_name(Plain).unwrap(), AuthMethod::Sasl(Plain));
        assert!(matches!(by_name(ScramSha256), Err(Error::NotOffered { .. })));
        let plus = choose(LoginMechanism::Sasl(ScramSha1Plus), &offered, TLS_1_2, &[]);
        assert!(matches!(plus, Err(Error::NoBinding(ScramSha1Plus))));
        // It may have more than it says where it says nothing at all.
        let silent = Capabilities::default();
        let scram = choose(LoginMechanism::Sasl(ScramSha256), &silent, TLS_1_2, &[]);
        assert_eq!(scram.unwrap(), AuthMethod::Sasl(ScramSha256));
    }

    #[test]
    fn a_mechanism_for_tokens_is_tried_unannounced_over_tls_alone() {
        let offered = capabilities(&["SASL PLAIN", "USER"]);
        let here = Channel { protected: false, clear: true, binds: false };
        for mechanism in [XOAuth2, OAuthBearer] {
            let by_name = |channel| choose(LoginMechanism::Sasl(mechanism), &offered, channel, &[]);
            assert_eq!(by_name(TLS_1_2).unwrap(), AuthMethod::Sasl(mechanism));
            assert!(matches!(by_name(here), Err(Error::NotOffered { .. })));
            assert!(matches!(by_name(CLEAR), Err(Error::Insecure)));
        }
    }

    #[test]
    fn what_is_named_instead_takes_the_same_kind_of_secret_and_is_no_weaker_than_plus() {
        use super::sasl::Mechanism as Sasl;
        let all = "SASL PLAIN LOGIN EXTERNAL XOAUTH2 OAUTHBEARER SCRAM-SHA-1-PLUS SCRAM-SHA-1";
        let offered = capabilities(&[all, "USER"]);
        let instead = |tried: Sasl, channel| {
            let others = others(&[AuthMethod::Sasl(tried)], &offered, channel);
            let name = |it: &LoginMechanism| match it {
                LoginMechanism::Sasl(it) => it.name(),
                _ => "USER",
            };
            others.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(instead(XOAuth2, TLS_1_3), "OAUTHBEARER");
        assert_eq!(instead(Plain, TLS_1_2), "LOGIN SCRAM-SHA-1 USER");
        assert_eq!(instead(Plain, CLEAR), "SCRAM-SHA-1");
        assert_eq!(instead(ScramSha1Plus, TLS_1_3), "SCRAM-SHA-1");
    }

    #[test]
    fn what_the_server_refused_to_speak_is_followed_by_the_next() {
        let offered = capabilities(&["SASL SCRAM-SHA-256 PLAIN", "USER"]);
        let mut refused = Vec::new();
        for method in [AuthMethod::Sasl(ScramSha256), AuthMethod::Sasl(Plain), AuthMethod::User] {
            assert_eq!(choose(LoginMechanism::Auto, &offered, TLS_1_3, &refused).unwrap(), method);
            refused.push(method);
        }
        let none = choose(LoginMechanism::Auto, &offered, TLS_1_3, &refused);
        assert!(matches!(none, Err(Error::NoMechanism { .. })));
    }

    #[test]
    fn a_refused_plus_is_followed_by_the_same_without_and_by_nothing_weaker() {
        let all = "SASL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN";
        let refused = [AuthMethod::Sasl(ScramSha256Plus)];
        let next = choose(LoginMechanism::Auto, &capabilities(&[all]), TLS_1_3, &refused);
        assert_eq!(next.unwrap(), AuthMethod::Sasl(ScramSha256));
        let refused = [AuthMethod::Sasl(ScramSha256Plus), AuthMethod::Sasl(ScramSha256)];
        let none = choose(LoginMechanism::Auto, &capabilities(&[all]), TLS_1_3, &refused);
        assert!(matches!(none, Err(Error::NoMechanism { .. })));
        let offered = capabilities(&["SASL SCRAM-SHA-256-PLUS PLAIN"]);
        let none = choose(LoginMechanism::Auto, &offered, TLS_1_3, &refused[..1]);
        assert!(matches!(none, Err(Error::NoMechanism { .. })));
    }
}
