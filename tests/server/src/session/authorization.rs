//! AUTHORIZATION: USER and PASS, APOP, AUTH PLAIN, STLS.

use std::time::Duration;

use md5::{Digest as _, Md5};

use super::{Command, Opened, Session, State};
use crate::builder::Security;
use crate::fault::Kind;
use crate::sasl;
use crate::service::Account;
use crate::wire::End;

/// How long a login waits for a lock whose holder may just be dying. Long for a
/// machine, short enough for a test of `[IN-USE]`.
const PATIENCE: Duration = Duration::from_millis(300);

/// `name digest` of APOP.
fn two(argument: Option<&[u8]>) -> Option<(&[u8], &[u8])> {
    let mut words = argument?.split(|&octet| octet == b' ');
    let two = (words.next()?, words.next()?);
    words.next().is_none().then_some(two)
}

impl Session<'_> {
    pub(super) fn authorization(&mut self, command: Command<'_>) -> Result<(), End> {
        let State::Authorization { user } = &mut self.state else { return self.unknown() };
        // PASS may be given only immediately after USER (RFC 1939 section 7).
        let named = user.take();
        match (command.keyword, command.argument) {
            ("USER", Some(name)) if !name.is_empty() => {
                // Positive for any name: who exists is nobody's business.
                *user = Some(name.to_owned());
                self.accept("now PASS")
            }
            ("PASS", Some(password)) => match named {
                Some(name) => self.log_in(&name, |account| account.password.as_bytes() == password),
                None => self.refuse("", "USER first"),
            },
            ("APOP", argument) => self.apop(argument),
            ("AUTH", Some(argument)) => self.auth(argument),
            ("STLS", None) => self.stls(),
            _ => self.syntax(),
        }
    }

    fn apop(&mut self, argument: Option<&[u8]>) -> Result<(), End> {
        let Some((name, digest)) = two(argument) else { return self.syntax() };
        let timestamp = self.timestamp.clone();
        self.log_in(name, |account| {
            let hash = Md5::digest([timestamp.as_bytes(), account.password.as_bytes()].concat());
            let hex: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
            hex.as_bytes() == digest
        })
    }

    /// AUTH PLAIN, with an initial response or without (RFC 5034 section 4).
    fn auth(&mut self, argument: &[u8]) -> Result<(), End> {
        let mut words = argument.splitn(2, |&octet| octet == b' ');
        let mechanism = words.next().unwrap_or_default();
        if !mechanism.eq_ignore_ascii_case(b"PLAIN") {
            return self.refuse("", "unknown mechanism");
        }
        let response = match words.next() {
            Some(initial) => initial.to_owned(),
            None => {
                self.wire.push(b"+ \r\n")?;
                self.answered()?;
                self.next_line()?
            }
        };
        match sasl::plain(&response) {
            Some(plain) => {
                self.log_in(&plain.user, |account| account.password.as_bytes() == plain.password)
            }
            None if response == b"*" => self.refuse("", "authentication cancelled"),
            None => self.refuse("", "not a response of PLAIN"),
        }
    }

    /// Checks the secret, takes the lock, enters TRANSACTION.
    fn log_in(&mut self, name: &[u8], proves: impl Fn(&Account) -> bool) -> Result<(), End> {
        let service = self.service;
        let Some(account) = service.account(name).filter(|account| proves(account)) else {
            return self.refuse("AUTH", "invalid user name or password");
        };
        let Some(lock) = account.maildrop.lock(PATIENCE) else {
            return self.refuse("IN-USE", "unable to lock maildrop: another session has it");
        };
        if !account.maildrop.may_log_in(Duration::from_secs(service.offer.login_delay)) {
            return self.refuse("LOGIN-DELAY", "minimum time between logins not over");
        }
        let Ok(mut slots) = lock.slots() else {
            return self.refuse("SYS/TEMP", "unable to read maildrop");
        };
        let only = self.faults.find(|kind| match kind {
            Kind::ListsOnly(messages) => Some(*messages),
            _ => None,
        });
        slots.truncate(only.unwrap_or(usize::MAX));
        let opened = Opened { user: account.user.clone(), lock, slots };
        let (count, octets) = opened.drop_listing();
        let text = format!("{}'s maildrop has {count} messages ({octets} octets)", opened.user);
        self.state = State::Transaction(opened);
        self.accept(&text)
    }

    /// STLS (RFC 2595 section 4). Whatever the fault injects goes out with the
    /// reply, in one write.
    fn stls(&mut self) -> Result<(), End> {
        if self.wire.is_encrypted() {
            return self.refuse("", "command not permitted when TLS active");
        }
        if self.service.security != Security::Stls {
            return self.unknown();
        }
        self.accept("begin TLS negotiation")?;
        let injected = self.faults.find(|kind| match kind {
            Kind::InjectAtStls(octets) => Some(octets.clone()),
            _ => None,
        });
        self.wire.push(&injected.unwrap_or_default())?;
        self.wire.flush()?;
        self.start_tls()
    }
}
