//! Handing over, and what a person decides of it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use crate::channel::event::Event;
use crate::channel::handover::{HandOver, HandOverAnswer, LmtpJob, LmtpTarget};
use crate::channel::octets::Octets;
use crate::connection::{Roots, Security};
use crate::fetch;
use crate::handover::{self, Answer, ByHand, HandoverMessage, Lmtp, LmtpOptions, Target};
use crate::maildir::Maildir;
use crate::protocol::UniqueId;

use super::error::Error;
use super::link::Link;
use super::options::{WorkerAccount, clock};

/// The command that the supervisor runs.
struct PipeTarget<'l> {
    link: &'l Link,
}

impl Target for PipeTarget<'_> {
    fn show(&mut self, message: HandoverMessage<'_>, _: &mut Vec<String>) -> Answer {
        let octets = |path: Option<&Path>| {
            Octets::from(path.unwrap_or_else(|| Path::new("")).as_os_str().as_bytes())
        };
        let request = HandOver {
            directory: octets(message.file.parent()),
            name: octets(message.file.file_name().map(Path::new)),
            unique_id: Octets::from(message.unique_id.as_bytes()),
            again: message.again,
        };
        match self.link.hand_over(request) {
            Ok(HandOverAnswer::Gone {}) => Answer::Gone,
            Ok(HandOverAnswer::HandedOver {}) => Answer::HandedOver { except: None },
            Ok(HandOverAnswer::Later { why }) => Answer::Later(why),
            Ok(HandOverAnswer::Refused { why }) => Answer::Refused(why),
            Ok(HandOverAnswer::Unknown { why }) => Answer::Unknown(why),
            Ok(HandOverAnswer::Stopped {}) | Err(_) => Answer::Stopped,
        }
    }
}

fn place(place: &fetch::Place) -> handover::MailSource<'_> {
    let fetch::Place { maildir, state, mailbox, .. } = place;
    handover::MailSource { maildir, state, mailbox }
}

/// What takes the messages of an account.
pub(super) fn target<'l>(
    account: &WorkerAccount,
    at: &fetch::Place,
    link: &'l Link,
) -> Result<Box<dyn Target + 'l>, Error> {
    let Some(LmtpJob { target, recipients, patience }) = &account.job.lmtp else {
        return Ok(Box::new(PipeTarget { link }));
    };
    let messages = Maildir::opener(&at.maildir);
    let messages = messages.map_err(|_| Error::Settings("there is no Maildir"))?;
    let mut connection = account.session.connection.clone();
    (connection.security, connection.roots) = (Security::Plain, Roots::None);
    (connection.proxy, connection.family, connection.identity) = (None, None, None);
    let socket = match target {
        LmtpTarget::Host { host, port } => {
            (connection.host, connection.port) = (host.clone(), *port);
            None
        }
        LmtpTarget::Socket { path } => Some(path.to_path()),
    };
    let patience = Duration::from_secs(*patience);
    let options = LmtpOptions { connection, socket, patience, name: name() };
    Ok(Box::new(Lmtp::new(options, recipients.clone(), messages)))
}

/// This machine, as LHLO names it.
fn name() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if name.chars().all(is_plain) && (1..=255).contains(&name.len()) {
        name.into_owned()
    } else {
        "localhost".into()
    }
}

/// Hands over what waits.
pub(super) fn hand_over(
    at: &fetch::Place,
    target: &mut dyn Target,
    link: &Link,
) -> Result<(), Error> {
    let tell = |message| link.event(Event::Message(message));
    Ok(handover::hand_over(place(at), target, clock().start(), &tell)?)
}

/// The unique-ids that are named.
fn unique_ids(account: &WorkerAccount) -> Vec<UniqueId> {
    let unique_ids = account.job.messages.unique_ids.iter();
    unique_ids.filter_map(|it| UniqueId::new(it.as_bytes())).collect()
}

/// `--state export`
pub(super) fn export(
    account: &WorkerAccount,
    at: &fetch::Place,
    (path, write): (&Octets, bool),
    link: &Link,
) -> Result<(), Error> {
    let unique_ids = unique_ids(account);
    let how = (clock().start(), write);
    let messages = handover::export(place(at), &path.to_path(), &unique_ids, how)?;
    link.event(Event::Exported { messages, write });
    Ok(())
}

/// `--state handover`
pub(super) fn by_hand(
    account: &WorkerAccount,
    at: &fetch::Place,
    (again, write): (bool, bool),
    link: &Link,
) -> Result<(), Error> {
    let what = if again { ByHand::Again } else { ByHand::Done };
    let unique_ids = unique_ids(account);
    let how = (clock().start(), write);
    let messages = handover::by_hand(place(at), what, &unique_ids, how)?;
    link.event(Event::HandoverState { messages, again, write });
    Ok(())
}
