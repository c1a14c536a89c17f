//! What a server says that it can do (CAPA, RFC 2449 section 5).

use super::limits::MAX_CAPABILITIES;
use super::response::Violation;
use super::sasl::Mechanism;
use super::vocabulary::decimal;

/// The capabilities of one state of one session; empty where CAPA was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<Vec<u8>>,
}

/// How long to stay away between logins (RFC 2449 section 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginDelay {
    /// From one login's `+OK` to the next.
    pub seconds: u64,
    /// It is the longest of any user; after login ours is announced.
    pub per_user: bool,
}

/// How long messages stay on the server at least (RFC 2449 section 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expire {
    /// `None`: for ever (`NEVER`). Zero: what was retrieved may go with QUIT.
    pub days: Option<u64>,
    /// It is the shortest of any user; after login ours is announced.
    pub per_user: bool,
}

impl Capabilities {
    /// Takes one line of the response to CAPA. Lines that are no capability
    /// are kept and never asked for.
    pub fn push(&mut self, line: &[u8]) -> Result<(), Violation> {
        if self.lines.len() == MAX_CAPABILITIES {
            return Err(Violation::TooManyCapabilities);
        }
        self.lines.push(line.to_vec());
        Ok(())
    }

    /// Whether nothing is announced, or CAPA was refused.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Only what a login hangs on: what else a server announces may change from
    /// day to day.
    #[must_use]
    pub fn for_login(&self) -> Self {
        const TAGS: [&str; 5] = ["AUTH-RESP-CODE", "PIPELINING", "SASL", "USER", "UTF8"];
        let is_kept = |line: &&Vec<u8>| {
            let tag = line.split(|octet| *octet == b' ').next().unwrap_or_default();
            TAGS.iter().any(|kept| tag.eq_ignore_ascii_case(kept.as_bytes()))
        };
        Self { lines: self.lines.iter().filter(is_kept).cloned().collect() }
    }

    /// The lines, as the server sent them.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(Vec::as_slice)
    }

    /// The arguments of each line with that tag. Tags are compared without case
    /// (RFC 2449 section 5).
    fn lines_of(&self, tag: &str) -> impl Iterator<Item = impl Iterator<Item = &[u8]>> {
        self.lines.iter().filter_map(move |line| {
            let mut words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
            words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case(tag.as_bytes()))
                .then_some(words)
        })
    }

    /// The arguments behind a tag, or `None` if the tag is not announced.
    pub fn arguments(&self, tag: &str) -> Option<impl Iterator<Item = &[u8]>> {
        self.lines_of(tag).next()
    }

    /// Whether the tag is announced.
    pub fn has(&self, tag: &str) -> bool {
        self.arguments(tag).is_some()
    }

    /// Commands may be sent before the last one is answered (section 6.6).
    pub fn pipelining(&self) -> bool {
        self.has("PIPELINING")
    }

    /// Whether messages have unique-ids (RFC 2449 section 6.8).
    pub fn uidl(&self) -> bool {
        self.has("UIDL")
    }

    /// The names of the SASL mechanisms, as the server wrote them (section 6.3);
    /// a server with many may need several lines.
    pub fn mechanisms(&self) -> impl Iterator<Item = &[u8]> {
        self.lines_of("SASL").flatten()
    }

    /// Whether the server offers that mechanism.
    pub fn offers(&self, mechanism: Mechanism) -> bool {
        self.mechanisms().any(|name| Mechanism::from_name(name) == Some(mechanism))
    }

    /// `LOGIN-DELAY`, if it says how long.
    pub fn login_delay(&self) -> Option<LoginDelay> {
        let mut arguments = self.arguments("LOGIN-DELAY")?;
        let seconds = decimal(arguments.next()?)?;
        Some(LoginDelay { seconds, per_user: is_user(arguments.next()) })
    }

    /// `EXPIRE`, if it says how long.
    pub fn expire(&self) -> Option<Expire> {
        let mut arguments = self.arguments("EXPIRE")?;
        let days = match arguments.next()? {
            never if never.eq_ignore_ascii_case(b"NEVER") => None,
            days => Some(decimal(days)?),
        };
        Some(Expire { days, per_user: is_user(arguments.next()) })
    }

    /// The UTF8 command is there (RFC 6856 section 2).
    pub fn utf8(&self) -> bool {
        self.has("UTF8")
    }

    /// Names and passwords may be UTF-8, too (RFC 6856 section 2.2).
    pub fn utf8_user(&self) -> bool {
        self.arguments("UTF8").is_some_and(|mut arguments| is_user(arguments.next()))
    }

    /// The STLS command is there (RFC 2595 section 4).
    pub fn stls(&self) -> bool {
        self.has("STLS")
    }

    /// Every refusal of credentials carries `[AUTH]` (RFC 3206 section 6), so that
    /// one without is of something else.
    pub fn auth_resp_code(&self) -> bool {
        self.has("AUTH-RESP-CODE")
    }
}

/// Whether an argument says that each user has their own.
fn is_user(argument: Option<&[u8]>) -> bool {
    argument.is_some_and(|word| word.eq_ignore_ascii_case(b"USER"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(lines: &[&str]) -> Capabilities {
        let mut capabilities = Capabilities::default();
        lines.iter().for_each(|line| capabilities.push(line.as_bytes()).unwrap());
        capabilities
    }

    #[test]
    fn the_list_of_rfc_2449_section_5() {
        let capabilities = announced(&[
            "TOP",
            "USER",
            "SASL CRAM-MD5 KERBEROS_V4",
            "RESP-CODES",
            "LOGIN-DELAY 900",
            "PIPELINING",
            "EXPIRE 60",
            "UIDL",
            "IMPLEMENTATION Shlemazle-Plotz-v302",
        ]);
        assert!(capabilities.offers(Mechanism::CramMd5));
        assert!(!capabilities.offers(Mechanism::Plain));
        assert!(!capabilities.auth_resp_code());
        assert!(!capabilities.stls() && !capabilities.utf8());
        let delay = LoginDelay { seconds: 900, per_user: false };
        assert_eq!(capabilities.login_delay(), Some(delay));
        assert_eq!(capabilities.expire(), Some(Expire { days: Some(60), per_user: false }));
    }

    #[test]
    fn mechanisms_may_stand_in_several_lines_and_in_any_case() {
        let capabilities =
            announced(&["SASL PLAIN", "TOP", "sasl  scram-sha-256 Xoauth2 ", "SASL"]);
        let names: Vec<_> = capabilities.mechanisms().collect();
        assert_eq!(names, [&b"PLAIN"[..], b"scram-sha-256", b"Xoauth2"]);
        let offered = Mechanism::ALL.into_iter().filter(|it| capabilities.offers(*it));
        let expected = [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::XOAuth2];
        assert!(offered.eq(expected));
        assert_eq!(announced(&["SASLPLAIN", "X SASL PLAIN"]).mechanisms().count(), 0);
    }

    #[test]
    fn a_delay_or_retention_without_a_number_is_none() {
        let delay = |line: &str| announced(&[line]).login_delay();
        let (seconds, per_user) = (0, true);
        assert_eq!(delay("login-delay 0 user"), Some(LoginDelay { seconds, per_user }));
        let expire = |line: &str| announced(&[line]).expire().map(|it| (it.days, it.per_user));
        // RFC 2449's own.
        assert_eq!(expire("EXPIRE 5 USER"), Some((Some(5), true)));
        assert_eq!(expire("EXPIRE NEVER"), Some((None, false)));
        assert_eq!(expire("EXPIRE 0"), Some((Some(0), false)));
        assert_eq!(expire("Expire never User"), Some((None, true)));
        for wrong in ["", " USER", " -1", " 1d", " 99999999999999999999"] {
            assert_eq!(delay(&format!("LOGIN-DELAY{wrong}")), None, "{wrong}");
            assert_eq!(expire(&format!("EXPIRE{wrong}")), None, "{wrong}");
        }
    }

    #[test]
    fn further_extensions_are_read_with_what_follows_them() {
        let capabilities = announced(&["utf8 user", "STLS", "AUTH-RESP-CODE"]);
        assert!(capabilities.utf8() && capabilities.utf8_user());
        assert!(capabilities.stls() && capabilities.auth_resp_code());
        let capabilities = announced(&["UTF8"]);
        assert!(capabilities.utf8() && !capabilities.utf8_user());
    }

    #[test]
    fn tags_are_found_without_case_and_with_their_arguments() {
        let mut capabilities = Capabilities::default();
        for line in [&b"sasl CRAM-MD5  PLAIN"[..], b"Pipelining", b"", b"EXPIRE 60"] {
            capabilities.push(line).unwrap();
        }
        assert!(capabilities.pipelining());
        assert!(!capabilities.has("UIDL"));
        assert!(!capabilities.has(""));
        let sasl: Vec<&[u8]> = capabilities.arguments("SASL").unwrap().collect();
        assert_eq!(sasl, [&b"CRAM-MD5"[..], b"PLAIN"]);
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let mut capabilities = Capabilities::default();
        let pushed = (0..).take_while(|_| capabilities.push(b"X").is_ok()).count();
        assert_eq!(pushed, MAX_CAPABILITIES);
    }
}
