//! AUTH (RFC 5034): challenges and responses until a mechanism is done.

use super::Session;
use super::authorization::WRONG;
use crate::fault::Kind;
use crate::sasl::{self, Context, Mechanism, Step};
use crate::wire::End;

/// How an exchange ended.
enum Ending {
    Cancelled,
    Step(Step),
}

impl Session<'_> {
    pub(super) fn auth(&mut self, argument: &[u8]) -> Result<(), End> {
        let mut words = argument.splitn(2, |&octet| octet == b' ');
        let name = String::from_utf8_lossy(words.next().unwrap_or_default()).to_ascii_uppercase();
        let encrypted = self.wire.is_encrypted();
        let there = self.service.offer.mechanisms(encrypted).any(|there| there == name);
        let Some(mut mechanism) = Mechanism::named(&name).filter(|_| there) else {
            self.service.record.add_login(&name, "unknown");
            return self.refuse("", "unknown mechanism");
        };
        let initial = words.next();
        if initial.is_some() && self.faults.any(|kind| matches!(kind, Kind::InitialResponseRefused))
        {
            self.refuse_login(&name, "", "Protocol error. Connection is closed. 10")?;
            self.wire.flush()?;
            return Err(End::Quit);
        }
        let misread = self.faults.find(|kind| match kind {
            Kind::InitialResponseMisread(words) => Some(*words),
            _ => None,
        });
        if let (Some(words), true) = (misread, initial.is_some()) {
            return self.refuse_login(&name, "", words);
        }
        let ignored = self.faults.any(|kind| matches!(kind, Kind::InitialResponseIgnored));
        let ending = self.exchange(&mut mechanism, initial.filter(|_| !ignored));
        let ending = ending.inspect_err(|_| self.service.record.add_login(&name, "abandoned"))?;
        match ending {
            Ending::Cancelled => {
                self.service.record.add_login(&name, "cancelled");
                self.refuse("", "authentication cancelled")
            }
            Ending::Step(Step::Proven(user)) => match self.service.account(&user) {
                Some(account) => self.open(&name, account),
                None => self.refuse_login(&name, "AUTH", WRONG),
            },
            Ending::Step(Step::Refused(why)) => self.refuse_login(&name, "", why),
            Ending::Step(_) => self.refuse_login(&name, "AUTH", WRONG),
        }
    }

    /// Goes on until the next step is no challenge.
    fn exchange(
        &mut self,
        mechanism: &mut Mechanism,
        initial: Option<&[u8]>,
    ) -> Result<Ending, End> {
        const NOT_BASE64: Ending = Ending::Step(Step::Refused("not Base64"));
        let required = self.faults.any(|kind| matches!(kind, Kind::InitialResponseRequired));
        let mut step = match initial {
            None if required => Step::Refused("initial response required"),
            None => self.with_context(|context| mechanism.begin(context)),
            Some(initial) => {
                // `=` is a response of no octets.
                let initial = if initial == b"=" { b"" } else { initial };
                let Some(response) = sasl::decode(initial) else { return Ok(NOT_BASE64) };
                self.with_context(|context| mechanism.begin_with(context, &response))
            }
        };
        for nth in 1.. {
            let endless = self.faults.any(|kind| matches!(kind, Kind::ChallengesEndlessly));
            let challenge = match step {
                Step::Challenge(challenge) => challenge,
                _ if endless => Vec::new(),
                step => return Ok(Ending::Step(step)),
            };
            let line = self.challenge(&challenge, nth)?;
            if line == b"*" {
                return Ok(Ending::Cancelled);
            }
            let Some(response) = sasl::decode(&line) else { return Ok(NOT_BASE64) };
            step = self.with_context(|context| mechanism.next(context, &response));
        }
        Ok(Ending::Step(step))
    }

    fn with_context<T>(&self, ask: impl FnOnce(Context<'_>) -> T) -> T {
        let (exporter, certified) = (self.wire.exporter(), self.wire.certified());
        ask(Context {
            service: self.service,
            faults: &self.faults,
            timestamp: &self.timestamp,
            encrypted: self.wire.is_encrypted(),
            exporter: exporter.as_ref().map(<[u8; 32]>::as_slice),
            certified: certified.as_deref(),
        })
    }

    /// Sends the n-th challenge of an exchange; the line that answers it.
    fn challenge(&mut self, challenge: &[u8], nth: usize) -> Result<Vec<u8>, End> {
        let octets = self.faults.find(|kind| match kind {
            Kind::Challenge { nth: only, octets } if only.is_none_or(|only| only == nth) => {
                Some(octets.clone())
            }
            Kind::ContinuesWithOk => {
                Some(format!("+OK {}\r\n", sasl::encode(challenge)).into_bytes())
            }
            _ => None,
        });
        let usual = || format!("+ {}\r\n", sasl::encode(challenge)).into_bytes();
        self.wire.push(&octets.unwrap_or_else(usual))?;
        self.answered()?;
        self.next_line()
    }

    /// Notes a login that a fault replies to, positive or not: no server knew it.
    pub(super) fn record_replaced(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).to_ascii_uppercase();
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("APOP"), _) => self.service.record.add_login("APOP", "refused"),
            (Some("AUTH"), Some(name)) => self.service.record.add_login(name, "refused"),
            (Some("PASS"), _) => self.service.record.add_login("USER", "refused"),
            _ => {}
        }
    }
}
