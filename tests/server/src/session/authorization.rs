//! AUTHORIZATION: USER and PASS, APOP, STLS; and what every login ends in.

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

/// Whose fault it was is nobody's business.
pub(super) const WRONG: &str = "invalid user name or password";

/// `name digest` of APOP.
fn two(argument: Option<&[u8]>) -> Option<(&[u8], &[u8])> {
    let mut words = argument?.split(|&octet| octet == b' ');
    let two = (words.next()?, words.next()?);
    words.next().is_none().then_some(two)
}

impl Session<'_> {
    pub(super) fn authorization(&mut self, command: Command<'_>) -> Result<(), End> {
        let offer = &self.service.offer;
        let State::Authorization { user } = &mut self.state else { return self.unknown() };
        // PASS may be given only immediately after USER (RFC 1939 section 7).
        let named = user.take();
        match (command.keyword, command.argument) {
            ("USER" | "PASS", Some(text)) if !offer.takes(text) => self.refuse("", "not ASCII"),
            ("USER", Some(name)) if !name.is_empty() => {
                // Positive for any name: who exists is nobody's business.
                *user = Some(name.to_owned());
                self.accept("now PASS")
            }
            ("PASS", Some(password)) => match named {
                Some(name) => {
                    self.log_in("USER", &name, |account| account.password.as_bytes() == password)
                }
                None => self.refuse("", "USER first"),
            },
            ("APOP", argument) => self.apop(argument),
            ("AUTH", Some(argument)) => self.auth(argument),
            ("STLS", None) => self.stls(),
            ("UTF8", None) => self.utf8(),
            _ => self.syntax(),
        }
    }

    fn apop(&mut self, argument: Option<&[u8]>) -> Result<(), End> {
        let Some((name, digest)) = two(argument) else { return self.syntax() };
        let timestamp = self.timestamp.clone();
        self.log_in("APOP", name, |account| {
            let hash = Md5::digest([timestamp.as_bytes(), account.password.as_bytes()].concat());
            sasl::hex(&hash).as_bytes() == digest
        })
    }

    /// Checks the secret of USER or APOP.
    fn log_in(
        &mut self,
        mechanism: &str,
        name: &[u8],
        proves: impl Fn(&Account) -> bool,
    ) -> Result<(), End> {
        match self.service.account(name).filter(|account| proves(account)) {
            Some(account) => self.open(mechanism, account),
            None => self.refuse_login(mechanism, "AUTH", WRONG),
        }
    }

    /// Takes the lock, enters TRANSACTION.
    pub(super) fn open(&mut self, mechanism: &str, account: &Account) -> Result<(), End> {
        let service = self.service;
        let proven = service.record.count_proven();
        if let Some(code) = self.faults.find(|kind| match kind {
            Kind::LoginRefused { code, first } if proven < *first => Some(*code),
            _ => None,
        }) {
            return self.refuse_login(mechanism, code, "not now");
        }
        let Some(lock) = account.maildrop.lock(PATIENCE) else {
            let text = "unable to lock maildrop: another session has it";
            return self.refuse_login(mechanism, "IN-USE", text);
        };
        if !account.maildrop.may_log_in(Duration::from_secs(service.offer.login_delay)) {
            let text = "minimum time between logins not over";
            return self.refuse_login(mechanism, "LOGIN-DELAY", text);
        }
        let Ok(mut slots) = lock.slots() else {
            return self.refuse_login(mechanism, "SYS/TEMP", "unable to read maildrop");
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
        service.record.add_login(mechanism, "accepted");
        let forgets = |kind: &Kind| matches!(kind, Kind::ForgetsBehindLogin).then_some(());
        if self.faults.find(forgets).is_some() {
            self.wire.forget();
        }
        self.accept(&text)
    }

    pub(super) fn refuse_login(
        &mut self,
        mechanism: &str,
        code: &str,
        text: &str,
    ) -> Result<(), End> {
        self.service.record.add_login(mechanism, "refused");
        self.refuse(code, text)
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
        if self.utf8 {
            // The client must not (RFC 6856 section 2.1), the server may say so.
            return self.refuse("", "command not permitted after UTF8");
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
