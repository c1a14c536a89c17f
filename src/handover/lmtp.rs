//! Messages handed over by LMTP: each recipient answers for itself (RFC 2033).

use std::io::{Read, Seek};
use std::os::unix::ffi::OsStrExt as _;

use crate::journal::written_recipient;
use crate::maildir::MessageOpener;
use crate::protocol::MessageFacts;
use crate::recipient::Recipient;

use super::lmtp_session::{LmtpError, LmtpOptions, LmtpSession, LmtpTransaction, RecipientVerdict};
use super::target::{Answer, HandoverMessage, Target, Unready};

/// A target that speaks LMTP, and those that it takes the messages for.
#[derive(Debug)]
pub struct Lmtp {
    options: LmtpOptions,
    recipients: Vec<Recipient>,
    messages: MessageOpener,
    session: Option<LmtpSession>,
}

impl Lmtp {
    /// Connects with the first message.
    pub fn new(options: LmtpOptions, recipients: Vec<Recipient>, messages: MessageOpener) -> Self {
        Self { options, recipients, messages, session: None }
    }

    /// A session that may take a message; whether it was used before.
    fn session(&mut self) -> Result<&mut LmtpSession, LmtpError> {
        let session = self.session.take().filter(|session| session.broken.is_none());
        let session = session.map_or_else(|| LmtpSession::open(&self.options), Ok)?;
        Ok(self.session.insert(session))
    }

    /// One message for the recipients that have not answered for good.
    fn transact<'r>(
        &mut self,
        file: &mut (impl Read + Seek),
        open: &[&'r Recipient],
    ) -> LmtpOutcome<'r> {
        let facts = match facts(file) {
            Ok(facts) => facts,
            Err(error) => return LmtpOutcome::Later(LmtpError::File(error).to_string()),
        };
        for _ in 0..2 {
            let session = match self.session() {
                Ok(session) => session,
                Err(LmtpError::Cancelled) => return LmtpOutcome::Stopped,
                Err(broken) => return LmtpOutcome::Later(broken.to_string()),
            };
            let recipients = open.iter().map(|recipient| (*recipient, None)).collect();
            let mut transaction = LmtpTransaction { recipients, facts };
            if let Err(error) = file.rewind() {
                return LmtpOutcome::Later(LmtpError::File(error).to_string());
            }
            let is_used = session.transactions > 0;
            session.transact(file, &mut transaction);
            let verdicts = transaction.recipients;
            let is_later = |(_, verdict): &(_, Option<RecipientVerdict>)| {
                matches!(verdict, Some(RecipientVerdict::Later(_)))
            };
            let is_open = |(_, verdict): &(_, Option<RecipientVerdict>)| {
                !matches!(verdict, Some(RecipientVerdict::Accepted | RecipientVerdict::Refused(_)))
            };
            match &session.broken {
                Some(LmtpError::Cancelled) if verdicts.iter().all(is_open) => {
                    return LmtpOutcome::Stopped;
                }
                // It was tired of waiting for the next message.
                Some(LmtpError::Connection(_) | LmtpError::Refused { .. })
                    if is_used && verdicts.iter().all(is_later) => {}
                _ => return LmtpOutcome::Answered(verdicts),
            }
        }
        LmtpOutcome::Later("the target closes each connection".into())
    }
}

enum LmtpOutcome<'r> {
    Answered(Vec<(&'r Recipient, Option<RecipientVerdict>)>),
    Later(String),
    Stopped,
}

fn facts(file: &mut impl Read) -> std::io::Result<MessageFacts> {
    let (mut facts, mut piece) = (MessageFacts::default(), [0; 16 * 1024]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => facts.push(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    facts.finish();
    Ok(facts)
}

impl Target for Lmtp {
    fn prepare(&mut self) -> Result<(), Unready> {
        match self.session() {
            Ok(_) => Ok(()),
            Err(LmtpError::Cancelled) => Err(Unready::Stopped),
            Err(broken) => Err(Unready::Later(broken.to_string())),
        }
    }

    fn show(&mut self, message: HandoverMessage<'_>, answered: &mut Vec<String>) -> Answer {
        let name = message.file.file_name().unwrap_or_default().as_bytes();
        let directory = message.file.parent().map(|it| it.as_os_str().as_bytes());
        let file = self.messages.message(directory.unwrap_or_default(), name);
        let Some(mut file) = file else { return Answer::Gone };
        let has = |recipient: &Recipient, accepted| {
            answered.contains(&written_recipient(&recipient.to_string(), accepted))
        };
        let recipients = self.recipients.clone();
        let is_open = |it: &&Recipient| !has(it, true) && !has(it, false);
        let open: Vec<_> = recipients.iter().filter(is_open).collect();
        let verdicts = match self.transact(&mut file, &open) {
            LmtpOutcome::Answered(verdicts) => verdicts,
            LmtpOutcome::Later(why) => return Answer::Later(why),
            LmtpOutcome::Stopped => return Answer::Stopped,
        };
        let (mut later, mut unknown, mut refused) = (None, None, None);
        for (recipient, verdict) in verdicts {
            let address = recipient.to_string();
            match verdict {
                Some(RecipientVerdict::Accepted) => {
                    answered.push(written_recipient(&address, true));
                }
                Some(RecipientVerdict::Refused(why)) => {
                    answered.push(written_recipient(&address, false));
                    refused.get_or_insert(format!("{address}: {why}"));
                }
                Some(RecipientVerdict::Later(why)) => _ = later.get_or_insert(why),
                Some(RecipientVerdict::Unknown(why)) => _ = unknown.get_or_insert(why),
                None => {}
            }
        }
        let is_taken = answered.iter().any(|it| it.starts_with('+'));
        match (unknown, later, refused) {
            (Some(why), ..) => Answer::Unknown(why),
            (None, Some(why), _) => Answer::Later(why),
            (None, None, except) if is_taken => Answer::HandedOver { except },
            (None, None, why) => Answer::Refused(why.unwrap_or_else(|| "by all".into())),
        }
    }

    fn finish(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit();
        }
    }
}
