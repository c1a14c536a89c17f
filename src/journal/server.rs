//! What was learned of a server: facts that cost only time if they are lost.
//!
//! They stand beside the journal in a file of their own, which is replaced by a
//! rename and never synced. A file that cannot be read, or that is about another
//! host, is as good as none.
//!
//! ```abnf
//! server = "pop3get-server" SP version SP host LF *(fact LF)
//! fact   = "announced" SP port SP lines    ; before login, over verified TLS
//!        / "leniency" SP port SP name SP at ; what it does against an RFC at a login
//!        / "login" SP millis SP delay      ; when, and the seconds the server wants between two
//!        / "out-of-step" SP port SP at     ; when several commands were sent at once
//!        / "proof" SP port SP kind SP at   ; what names a message behind its RETR
//! kind   = "list" / "stat" / "uidl"
//! ```
//!
//! Times are seconds since 1970, and `millis` as many thousandths. Capability lines
//! are percent-encoded, and LF separates them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use percent_encoding::percent_decode;

use crate::protocol::{Capabilities, Leniency, ProofKind, encoded};

use super::disk::{read_file, write_file};
use super::frame::{VERSION, signature};
use super::record::number;

/// A login at a server that wants some time between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// When the server had let us in, in milliseconds since 1970: a run that starts
    /// each minute and has to wait a minute must not be early by a rounded second.
    pub at: u64,
    /// How many seconds it wants between two logins.
    pub delay: u64,
}

/// Which proof a server gives, and when that was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownProof {
    /// The command.
    pub kind: ProofKind,
    /// In seconds since 1970.
    pub at: u64,
}

/// What is known of the server on one port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Port {
    announced: Option<Vec<u8>>,
    /// Each with the time when it was learned.
    leniencies: Vec<(Leniency, u64)>,
    out_of_step: Option<u64>,
    proof: Option<KnownProof>,
}

/// What is known of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerFacts {
    ports: BTreeMap<u16, Port>,
    login: Option<Login>,
}

impl ServerFacts {
    /// Reads what is known of a host; nothing where that cannot be read.
    pub(super) fn read(path: &Path, host: &str) -> Self {
        let text = read_file(path).unwrap_or_default();
        Self::parse(&text, host).unwrap_or_default()
    }

    fn parse(text: &[u8], host: &str) -> Option<Self> {
        let mut lines = text.strip_suffix(b"\n")?.split(|octet| *octet == b'\n');
        let (version, words) = signature(lines.next()?, "pop3get-server")?;
        if version != VERSION || words != [host.as_bytes()] {
            return None;
        }
        let mut facts = Self::default();
        for line in lines {
            facts.learn(line)?;
        }
        Some(facts)
    }

    fn learn(&mut self, line: &[u8]) -> Option<()> {
        let mut words = line.split(|octet| *octet == b' ');
        match words.next()? {
            b"announced" => {
                let port = self.ports.entry(number(words.next())?).or_default();
                port.announced = Some(percent_decode(words.next()?).collect());
            }
            b"leniency" => {
                let port = self.ports.entry(number(words.next())?).or_default();
                let leniency = Leniency::from_name(words.next()?)?;
                port.leniencies.push((leniency, number(words.next())?));
            }
            b"login" => {
                let at = number(words.next())?;
                self.login = Some(Login { at, delay: number(words.next())? });
            }
            b"out-of-step" => {
                let port = self.ports.entry(number(words.next())?).or_default();
                port.out_of_step = Some(number(words.next())?);
            }
            b"proof" => {
                let port = self.ports.entry(number(words.next())?).or_default();
                let kind = ProofKind::parse(words.next()?)?;
                port.proof = Some(KnownProof { kind, at: number(words.next())? });
            }
            _ => return None,
        }
        words.next().is_none().then_some(())
    }

    fn text(&self, host: &str) -> String {
        let mut text = format!("pop3get-server {VERSION} {host}\n");
        if let Some(Login { at, delay }) = self.login {
            text += &format!("login {at} {delay}\n");
        }
        for (number, port) in &self.ports {
            if let Some(lines) = &port.announced {
                text += &format!("announced {number} {}\n", encoded(lines));
            }
            for (leniency, at) in &port.leniencies {
                text += &format!("leniency {number} {} {at}\n", leniency.name());
            }
            if let Some(at) = port.out_of_step {
                text += &format!("out-of-step {number} {at}\n");
            }
            if let Some(KnownProof { kind, at }) = port.proof {
                text += &format!("proof {number} {} {at}\n", kind.word());
            }
        }
        text
    }

    /// Replaces the file. It is not synced: after a crash it may be empty, and then
    /// it is as good as none.
    pub(super) fn write(&self, path: &Path, host: &str) -> io::Result<()> {
        let new = path.with_extension("new");
        write_file(&new, self.text(host).as_bytes())?;
        fs::rename(&new, path)
    }

    pub(super) fn announced(&self, port: u16) -> Option<Capabilities> {
        let mut capabilities = Capabilities::default();
        let lines = self.ports.get(&port)?.announced.as_ref()?;
        for line in lines.split(|octet| *octet == b'\n') {
            capabilities.push(line).ok()?;
        }
        Some(capabilities)
    }

    /// Other capabilities are another server, which may give another proof.
    pub(super) fn note_announced(&mut self, port: u16, capabilities: Option<&Capabilities>) {
        let lines = capabilities.map(|it| it.for_login().lines().collect::<Vec<_>>().join(&b'\n'));
        let port = self.ports.entry(port).or_default();
        if port.announced != lines {
            (port.announced, port.proof) = (lines, None);
        }
    }

    pub(super) fn leniencies(&self, port: u16) -> impl Iterator<Item = (Leniency, u64)> {
        self.ports.get(&port).into_iter().flat_map(|port| port.leniencies.iter().copied())
    }

    pub(super) fn note_leniency(&mut self, port: u16, leniency: Leniency, at: u64) {
        let known = &mut self.ports.entry(port).or_default().leniencies;
        known.retain(|(known, _)| *known != leniency);
        known.push((leniency, at));
    }

    pub(super) fn out_of_step(&self, port: u16) -> Option<u64> {
        self.ports.get(&port)?.out_of_step
    }

    pub(super) fn note_out_of_step(&mut self, port: u16, at: u64) {
        self.ports.entry(port).or_default().out_of_step = Some(at);
    }

    pub(super) fn proof(&self, port: u16) -> Option<KnownProof> {
        self.ports.get(&port)?.proof
    }

    pub(super) fn note_proof(&mut self, port: u16, proof: Option<KnownProof>) {
        self.ports.entry(port).or_default().proof = proof;
    }

    pub(super) fn login(&self) -> Option<Login> {
        self.login
    }

    /// A server that wants no time between two logins has none to be remembered.
    pub(super) fn note_login(&mut self, login: Login) {
        self.login = Some(login).filter(|login| login.delay > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ServerFacts {
        let mut announced = Capabilities::default();
        announced.push(b"PIPELINING").unwrap();
        announced.push(b"SASL PLAIN").unwrap();
        let mut facts = ServerFacts::default();
        facts.note_announced(995, Some(&announced));
        facts.note_proof(995, Some(KnownProof { kind: ProofKind::Uidl, at: 7 }));
        facts.note_leniency(110, Leniency::CapaEndsConnection, 5);
        facts.note_leniency(110, Leniency::CapaEndsConnection, 6);
        facts.note_out_of_step(110, 8);
        facts.note_login(Login { at: 1_700_000_000_123, delay: 60 });
        facts
    }

    #[test]
    fn facts_survive_being_written() {
        let (directory, facts) = (tempfile::tempdir().unwrap(), facts());
        let path = directory.path().join("server");
        assert_eq!(ServerFacts::read(&path, "h"), ServerFacts::default());
        facts.write(&path, "h").unwrap();
        let read = ServerFacts::read(&path, "h");
        assert_eq!(read, facts);
        assert!(read.announced(995).unwrap().pipelining());
        assert_eq!(read.proof(995), Some(KnownProof { kind: ProofKind::Uidl, at: 7 }));
        let leniencies: Vec<_> = read.leniencies(110).collect();
        assert_eq!(leniencies, [(Leniency::CapaEndsConnection, 6)]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn facts_that_cannot_be_read_or_are_of_another_host_are_none() {
        let text = facts().text("h");
        assert!(ServerFacts::parse(text.as_bytes(), "h").is_some());
        assert_eq!(ServerFacts::parse(text.as_bytes(), "other"), None);
        for wrong in ["", "\n", "pop3get-server 2 h\n", "pop3get-server 1 h\nproof 1 dele 2\n"] {
            assert_eq!(ServerFacts::parse(wrong.as_bytes(), "h"), None, "{wrong}");
        }
        for cut in 1..text.len() {
            // A cut between two lines loses what follows and invents nothing.
            let read = ServerFacts::parse(&text.as_bytes()[..cut], "h");
            assert!(read.is_none() || text.as_bytes()[cut - 1] == b'\n', "{cut}");
        }
    }

    #[test]
    fn a_proof_is_forgotten_when_other_capabilities_are_announced() {
        let mut facts = facts();
        let mut announced = Capabilities::default();
        announced.push(b"PIPELINING").unwrap();
        facts.note_announced(995, Some(&announced));
        assert_eq!(facts.proof(995), None);
    }
}
