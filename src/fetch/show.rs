//! One message as the server sends it, for a person to read.

use crate::session::{self, ProofVerdict, Reply, Sink};

use super::download::Purpose;
use super::error::{Error, Operation};
use super::listing::Listing;
use super::proof::out_of_step;
use super::step::Listed;

impl Listing<'_> {
    /// One message into a sink: all of it, or its header and so many lines.
    ///
    /// # Errors
    ///
    /// Also if it turns out afterwards that the server may have sent another message.
    pub fn show(
        &mut self,
        Listed { number, unique_id, .. }: &Listed,
        lines: Option<u32>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (number, Self { transaction, proofs, .. }) = (*number, self);
        let failed = || Operation::Retrieve(number).failed();
        proofs.learn(transaction, number, Some(unique_id))?;
        match lines {
            Some(lines) => transaction.top(number, lines, Purpose::Header(number)),
            None => transaction.retr(number, Purpose::Header(number)),
        }
        .map_err(failed())?;
        if let Some(Reply { command, outcome: Err(refusal), .. }) =
            transaction.reply(sink).map_err(failed())?
        {
            let keyword = command.keyword();
            return Err(failed()(session::Error::Refused { keyword, refusal }));
        }
        let Some(kind) = proofs.kind() else { return Ok(()) };
        transaction.prove(number, kind, Purpose::Proof(number, kind)).map_err(failed())?;
        let proof = transaction.proof().map_err(failed())?;
        let verdict = proof.map(|it| proofs.judge(&it.answer, kind, number, Some(unique_id)));
        match verdict {
            Some(ProofVerdict::Bad) => Err(out_of_step(Operation::Retrieve(number))),
            _ => Ok(()),
        }
    }
}
