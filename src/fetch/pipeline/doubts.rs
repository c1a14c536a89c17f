//! Proofs by LIST that a proof by UIDL has to confirm.

use std::collections::VecDeque;

use crate::protocol::{MessageNumber, ProofKind};

/// The messages whose proof by LIST was doubtful, in the order of their answers.
///
/// A good proof behind one of them proves nothing before that one is confirmed: what it
/// proves would take the doubtful message along.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    doubtful: VecDeque<MessageNumber>,
    /// The last message behind all of them whose proof was good.
    behind: Option<MessageNumber>,
}

impl Doubts {
    /// A proof by UIDL follows for this message.
    pub(super) fn add(&mut self, number: MessageNumber) {
        self.doubtful.push_back(number);
        self.behind = None;
    }

    /// The messages up to which all are proven by a good proof, in their order.
    pub(super) fn good(
        &mut self,
        number: MessageNumber,
        kind: ProofKind,
    ) -> impl Iterator<Item = MessageNumber> + use<> {
        let confirmed = self.doubtful.iter().position(|it| *it == number);
        let confirmed = confirmed.filter(|_| kind != ProofKind::List);
        let mut proven = [None, None];
        if let Some(at) = confirmed {
            self.doubtful.drain(..=at);
            proven = [Some(number), self.behind.take_if(|_| self.doubtful.is_empty())];
        } else if self.doubtful.is_empty() {
            proven = [Some(number), None];
        } else {
            self.behind = Some(number);
        }
        proven.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u32) -> MessageNumber {
        MessageNumber::new(number).unwrap()
    }

    fn good(doubts: &mut Doubts, of: u32, kind: ProofKind) -> Vec<MessageNumber> {
        doubts.good(number(of), kind).collect()
    }

    #[test]
    fn a_good_proof_behind_a_doubtful_one_waits_for_it() {
        let mut doubts = Doubts::default();
        assert_eq!(good(&mut doubts, 1, ProofKind::List), [number(1)]);
        doubts.add(number(2));
        assert_eq!(good(&mut doubts, 3, ProofKind::List), vec![]);
        doubts.add(number(4));
        assert_eq!(good(&mut doubts, 5, ProofKind::List), vec![]);
        assert_eq!(good(&mut doubts, 2, ProofKind::Uidl), [number(2)]);
        assert_eq!(good(&mut doubts, 4, ProofKind::Uidl), [number(4), number(5)]);
        assert_eq!(good(&mut doubts, 6, ProofKind::List), [number(6)]);
    }

    #[test]
    fn a_proof_of_a_later_kind_confirms_what_uidl_was_refused_for() {
        let mut doubts = Doubts::default();
        doubts.add(number(2));
        assert_eq!(good(&mut doubts, 2, ProofKind::Stat), [number(2)]);
    }
}
