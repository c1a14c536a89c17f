//! Proofs: answers that name a message.
//!
//! POP3 responses carry no tag. A line too many or too few shifts every response
//! behind it, so the response to RETR is believed only once a command behind it was
//! answered with the message's own number (LIST msg), its unique-id (UIDL msg) or,
//! one command at a time, the drop listing (STAT).

use crate::protocol::{
    DropListing, MessageNumber, ProofKind, ScanListing, UniqueId, UniqueIdListing,
};

/// The response to a proof, with the tag that it was sent with.
#[derive(Debug)]
pub struct ProofReply<T> {
    /// What the caller sent the command for.
    pub tag: T,
    /// What came.
    pub answer: ProofAnswer,
}

/// What came in place of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofAnswer {
    /// No status line, or one that something else than a status line follows.
    None,
    /// `-ERR`
    Refused,
    /// The text behind `+OK`, and nothing or a status line follows.
    Text(Vec<u8>),
}

/// Whether a proof is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofVerdict {
    /// It names something else, or nothing.
    Bad,
    /// It names the message; LIST told its size.
    Good(Option<u64>),
    /// The server refused it.
    Refused,
}

impl ProofAnswer {
    /// Judges the answer of one kind about one message.
    pub fn judge(
        &self,
        kind: ProofKind,
        number: MessageNumber,
        unique_id: Option<&UniqueId>,
        drop: Option<DropListing>,
    ) -> ProofVerdict {
        let text = match self {
            Self::None => return ProofVerdict::Bad,
            Self::Refused => return ProofVerdict::Refused,
            Self::Text(text) => text,
        };
        let octets = match kind {
            ProofKind::List => ScanListing::parse(text)
                .ok()
                .filter(|listed| listed.number == number && ScanListing::is_answer(text))
                .map(|listed| listed.octets),
            ProofKind::Uidl => UniqueIdListing::parse(text)
                .ok()
                .filter(|listed| listed.number == number)
                .filter(|listed| {
                    unique_id.is_none_or(|known| listed.unique_id.as_ref() == Some(known))
                })
                .map(|_| None),
            ProofKind::Stat => DropListing::parse(text)
                .ok()
                .filter(|it| drop.is_none_or(|drop| it.messages <= drop.messages))
                .map(|_| None),
        };
        octets.map_or(ProofVerdict::Bad, ProofVerdict::Good)
    }
}

/// What came behind a message, and answers nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Lines that are no status lines.
    OtherLines,
    /// Status lines alone, and they are passed over by now; or nothing.
    StatusLines,
    /// Too many status lines.
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(kind: ProofKind, answer: &str) -> ProofVerdict {
        let (number, id) = (MessageNumber::new(3).unwrap(), UniqueId::new(b"a b").unwrap());
        let drop = DropListing { messages: 5, octets: 9 };
        ProofAnswer::Text(answer.into()).judge(kind, number, Some(&id), Some(drop))
    }

    #[test]
    fn a_proof_names_the_message_and_nothing_else_does() {
        let good = [
            (ProofKind::List, "3 120", Some(120)),
            (ProofKind::List, "3 -1", None),
            (ProofKind::List, "3", None),
            (ProofKind::Uidl, "3 a b", None),
            (ProofKind::Stat, "5 120", None),
            (ProofKind::Stat, "4 1", None),
        ];
        for (kind, answer, octets) in good {
            assert_eq!(judged(kind, answer), ProofVerdict::Good(octets), "{answer}");
        }
        let bad = [
            (ProofKind::List, ""),
            (ProofKind::List, "120 octets"),
            (ProofKind::List, "2 120"),
            // A whole listing of three messages follows.
            (ProofKind::List, "3 messages"),
            (ProofKind::List, "3 messages (120 octets)"),
            (ProofKind::Uidl, "3 a"),
            (ProofKind::Uidl, "4 a b"),
            (ProofKind::Stat, "120 octets"),
            (ProofKind::Stat, "6 1"),
        ];
        for (kind, answer) in bad {
            assert_eq!(judged(kind, answer), ProofVerdict::Bad, "{answer}");
        }
    }
}
