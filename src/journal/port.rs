//! What was learned of a server on one of its ports.

use crate::protocol::{Leniency, ProofKind};
use crate::text::encoded;

use super::early::KnownEarly;
use super::line_words::LineWords;

/// UIDL is refused by a server that gave unique-ids before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoUniqueIds {
    /// In so many runs in a row.
    pub runs: u32,
    /// In the first of them, in seconds since 1970.
    pub first: u64,
    /// In the last of them.
    pub last: u64,
    /// A person wants headers to tell messages apart.
    pub accepted: bool,
}

impl NoUniqueIds {
    /// Whether that is no passing fault: in three runs, on two days.
    pub fn is_lasting(self) -> bool {
        const DAY: u64 = 86_400;
        self.runs >= 3 && self.last / DAY > self.first / DAY
    }

    /// The same after another run, by this time.
    pub(super) fn again(before: Option<Self>, now: u64) -> Self {
        let before = before.unwrap_or(Self { runs: 0, first: now, last: now, accepted: false });
        Self { runs: before.runs.saturating_add(1), last: now, ..before }
    }
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
pub(super) struct Port {
    pub(super) announced: Option<Vec<u8>>,
    pub(super) early: Option<KnownEarly>,
    /// Each with the time when it was learned.
    pub(super) leniencies: Vec<(Leniency, u64)>,
    pub(super) out_of_step: Option<u64>,
    pub(super) proof: Option<KnownProof>,
    pub(super) no_header: Option<(u64, Vec<u8>)>,
    pub(super) no_top: Option<u64>,
    pub(super) no_unique_ids: Option<NoUniqueIds>,
    pub(super) own_total: Option<u64>,
    pub(super) quota: u32,
}

impl Port {
    /// Takes one fact: its word, and what stands behind the port.
    pub(super) fn learn(&mut self, fact: &[u8], words: &mut LineWords<'_>) -> Option<()> {
        match fact {
            b"announced" => self.announced = Some(words.octets()?),
            b"early" => self.early = Some(KnownEarly::parse(words)?),
            b"leniency" => {
                let leniency = Leniency::from_name(words.word()?)?;
                self.leniencies.push((leniency, words.number()?));
            }
            b"no-header" => self.no_header = Some((words.number()?, words.octets()?)),
            b"no-top" => self.no_top = Some(words.number()?),
            b"no-unique-ids" => {
                self.no_unique_ids = Some(NoUniqueIds {
                    runs: words.number()?,
                    first: words.number()?,
                    last: words.number()?,
                    accepted: words.number::<u8>()? > 0,
                });
            }
            b"out-of-step" => self.out_of_step = Some(words.number()?),
            b"proof" => {
                let kind = ProofKind::parse(words.word()?)?;
                self.proof = Some(KnownProof { kind, at: words.number()? });
            }
            b"own-total" => self.own_total = Some(words.number()?),
            b"quota" => self.quota = words.number()?,
            _ => return None,
        }
        Some(())
    }

    /// Its facts: each one's word, and what stands behind the port.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'static str, String)> {
        let ids = self
            .no_unique_ids
            .map(|it| format!("{} {} {} {}", it.runs, it.first, it.last, u8::from(it.accepted)));
        let header = self.no_header.as_ref().map(|(at, id)| format!("{at} {}", encoded(id)));
        let proof = self.proof.map(|it| format!("{} {}", it.kind.word(), it.at));
        let facts = [
            ("announced", self.announced.as_ref().map(|lines| encoded(lines))),
            ("early", self.early.map(KnownEarly::line)),
            ("no-header", header),
            ("no-top", self.no_top.map(|at| at.to_string())),
            ("no-unique-ids", ids),
            ("out-of-step", self.out_of_step.map(|at| at.to_string())),
            ("proof", proof),
            ("own-total", self.own_total.map(|at| at.to_string())),
            ("quota", Some(self.quota).filter(|runs| *runs > 0).map(|runs| runs.to_string())),
        ];
        let facts = facts.into_iter().filter_map(|(word, rest)| Some((word, rest?)));
        let leniencies = self.leniencies.iter();
        let leniencies = leniencies.map(|(it, at)| ("leniency", format!("{} {at}", it.name())));
        facts.chain(leniencies)
    }
}
