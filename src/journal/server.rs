//! What was learned of a server: facts that cost only time if they are lost.
//!
//! They stand beside the journal in a file of their own, which is replaced by a
//! rename and never synced. A file that cannot be read, or that is about another
//! host, is as good as none.
//!
//! ```abnf
//! server = "pop3get-server" SP version SP host LF *(fact LF)
//! fact   = "announced" SP port SP lines    ; before login, over verified TLS
//!        / "early" SP port SP how SP at    ; commands before its greeting
//!        / "leniency" SP port SP name SP at ; what it does against an RFC at a login
//!        / "login" SP millis SP delay [SP "refused"]
//!                                          ; when, and the seconds the server wants between two
//!        / "no-header" SP port SP at SP id ; TOP of this message broke off a session
//!        / "no-top" SP port SP at          ; TOP broke off two sessions
//!        / "no-unique-ids" SP port SP runs SP first SP last SP accepted
//!                                          ; UIDL was refused in so many runs
//!        / "quota" SP port SP runs         ; in so many runs it refused all messages
//!        / "own-total" SP port SP at       ; STAT's total is not that of LIST's sizes
//!        / "said" SP what SP at
//!        / "out-of-step" SP port SP at     ; when several commands were sent at once
//!        / "proof" SP port SP kind SP at   ; what names a message behind its RETR
//! kind   = "list" / "stat" / "uidl"
//! how    = "answered" / "minded"
//! what   = "not-deleted" / "only-seen"
//! ```
//!
//! Times are seconds since 1970, and `millis` as many thousandths. Capability lines
//! are percent-encoded, and LF separates them; so is a unique-id.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::protocol::{Capabilities, Leniency};

use super::disk::{read_file, write_file};
use super::early::KnownEarly;
use super::frame::{VERSION, signature};
use super::line_words::LineWords;
use super::port::{KnownProof, NoUniqueIds, Port};

/// A login at a server that wants some time between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// When the server had let us in, in milliseconds since 1970: a run that starts
    /// each minute and has to wait a minute must not be early by a rounded second.
    pub at: u64,
    /// How many seconds it wants between two logins.
    pub delay: u64,
    /// It was refused as too early.
    pub refused: bool,
}

/// A sentence for the user that is not repeated in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// The server refuses to delete.
    NotDeleted,
    /// All that the server shows is seen, and it shows no more.
    OnlySeen,
}

impl Notice {
    const ALL: [Self; 2] = [Self::NotDeleted, Self::OnlySeen];

    fn word(self) -> &'static str {
        match self {
            Self::NotDeleted => "not-deleted",
            Self::OnlySeen => "only-seen",
        }
    }
}

/// What is known of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerFacts {
    ports: BTreeMap<u16, Port>,
    login: Option<Login>,
    notices: BTreeMap<Notice, u64>,
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
        let mut words = LineWords::of(line);
        match words.word()? {
            b"login" => {
                let (at, delay) = (words.number()?, words.number()?);
                let refused = words.word();
                refused.is_none_or(|word| word == b"refused").then_some(())?;
                self.login = Some(Login { at, delay, refused: refused.is_some() });
            }
            b"said" => {
                let what = words.word()?;
                let what = Notice::ALL.into_iter().find(|it| it.word().as_bytes() == what)?;
                self.notices.insert(what, words.number()?);
            }
            word => {
                let port = self.ports.entry(words.number()?).or_default();
                port.learn(word, &mut words)?;
            }
        }
        words.are_over().then_some(())
    }

    fn text(&self, host: &str) -> String {
        let mut text = format!("pop3get-server {VERSION} {host}\n");
        if let Some(Login { at, delay, refused }) = self.login {
            let refused = if refused { " refused" } else { "" };
            text += &format!("login {at} {delay}{refused}\n");
        }
        for (what, at) in &self.notices {
            text += &format!("said {} {at}\n", what.word());
        }
        for (number, port) in &self.ports {
            for (word, rest) in port.lines() {
                text += &format!("{word} {number} {rest}\n");
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

    /// Other capabilities are another server: proof and early commands are learned anew.
    pub(super) fn note_announced(&mut self, port: u16, capabilities: Option<&Capabilities>) {
        let lines = capabilities.map(|it| it.for_login().lines().collect::<Vec<_>>().join(&b'\n'));
        let port = self.ports.entry(port).or_default();
        if port.announced != lines {
            (port.announced, port.proof, port.early) = (lines, None, None);
        }
    }

    pub(super) fn early(&self, port: u16) -> Option<KnownEarly> {
        self.ports.get(&port)?.early
    }

    pub(super) fn note_early(&mut self, port: u16, early: KnownEarly) {
        self.ports.entry(port).or_default().early = Some(early);
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

    /// The message whose header broke off a session, and when that was.
    pub(super) fn no_header(&self, port: u16) -> Option<(u64, &[u8])> {
        let (at, unique_id) = self.ports.get(&port)?.no_header.as_ref()?;
        Some((*at, unique_id))
    }

    pub(super) fn note_no_header(&mut self, port: u16, at: u64, unique_id: &[u8]) {
        self.ports.entry(port).or_default().no_header = Some((at, unique_id.to_vec()));
    }

    pub(super) fn no_top(&self, port: u16) -> Option<u64> {
        self.ports.get(&port)?.no_top
    }

    pub(super) fn note_no_top(&mut self, port: u16, at: u64) {
        self.ports.entry(port).or_default().no_top = Some(at);
    }

    pub(super) fn own_total(&self, port: u16) -> Option<u64> {
        self.ports.get(&port)?.own_total
    }

    pub(super) fn note_own_total(&mut self, port: u16, at: Option<u64>) {
        self.ports.entry(port).or_default().own_total = at;
    }

    pub(super) fn no_unique_ids(&self, port: u16) -> Option<NoUniqueIds> {
        self.ports.get(&port)?.no_unique_ids
    }

    pub(super) fn note_no_unique_ids(&mut self, port: u16, now: u64, accepted: bool) {
        let refused = NoUniqueIds::again(self.no_unique_ids(port), now);
        let refused = NoUniqueIds { accepted, ..refused };
        self.ports.entry(port).or_default().no_unique_ids = Some(refused);
    }

    pub(super) fn note_unique_ids(&mut self, port: u16) {
        self.ports.entry(port).or_default().no_unique_ids = None;
    }

    pub(super) fn quota(&self, port: u16) -> u32 {
        self.ports.get(&port).map_or(0, |port| port.quota)
    }

    pub(super) fn note_quota(&mut self, port: u16, runs: u32) {
        self.ports.entry(port).or_default().quota = runs;
    }

    pub(super) fn notice_given(&self, what: Notice) -> Option<u64> {
        self.notices.get(&what).copied()
    }

    pub(super) fn note_notice(&mut self, what: Notice, at: Option<u64>) {
        match at {
            Some(at) => self.notices.insert(what, at),
            None => self.notices.remove(&what),
        };
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
    use crate::protocol::ProofKind;

    fn facts() -> ServerFacts {
        let mut announced = Capabilities::default();
        announced.push(b"PIPELINING").unwrap();
        announced.push(b"SASL PLAIN").unwrap();
        let mut facts = ServerFacts::default();
        facts.note_announced(995, Some(&announced));
        facts.note_proof(995, Some(KnownProof { kind: ProofKind::Uidl, at: 7 }));
        facts.note_early(995, KnownEarly { answered: true, at: 15 });
        facts.note_leniency(110, Leniency::CapaEndsConnection, 5);
        facts.note_leniency(110, Leniency::CapaEndsConnection, 6);
        facts.note_out_of_step(110, 8);
        facts.note_login(Login { at: 1_700_000_000_123, delay: 60, refused: true });
        facts.note_no_header(110, 9, b"a b%");
        facts.note_no_top(110, 10);
        facts.note_own_total(110, Some(10));
        facts.note_no_unique_ids(110, 11, false);
        facts.note_no_unique_ids(110, 12, true);
        facts.note_quota(995, 2);
        facts.note_notice(Notice::NotDeleted, Some(13));
        facts.note_notice(Notice::OnlySeen, Some(14));
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
