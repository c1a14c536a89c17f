//! The hand-over of one account: a worker of its own, which has no server, and the
//! command that it has run for each message. On a thread of its own, since a target may
//! be slow.

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::channel::command::WorkerCommand;
use crate::channel::event::Event;
use crate::channel::failure::Kind;
use crate::channel::handover::HandOverAnswer;
use crate::cli::args::handover::Handover;
use crate::cli::config::account::Account;
use crate::cli::error::{Error, Lost};
use crate::cli::hooks::pipe::Pipe;
use crate::stop::Stop;

use super::hearing::{AccountSender, Heard, WAITING};
use super::prepare::Preparation;
use super::service::{Service, WorkerMessage};
use super::start::{SLICE, Start};

const COMMAND: WorkerCommand = WorkerCommand::HandOver {};

/// Hands over what waits, if that is configured, and passes on what is said of it.
/// Where another run is at it, that is left to it.
pub(super) fn run(
    start: &Start,
    account: &Account,
    stop: &Stop,
    sink: &AccountSender,
) -> Result<(), Error> {
    let settings = &account.settings;
    let (Some(handover), Some(maildir)) = (&settings.handover, &settings.maildir) else {
        return Ok(());
    };
    // A run that failed may have made none.
    if !maildir.exists() || stop.is_signalled() {
        return Ok(());
    }
    let pipe = match handover {
        // The worker speaks to the target itself.
        Handover::Lmtp(_) => None,
        Handover::Pipe(line) => Some(Pipe::open(account, line, maildir)?),
    };
    match serve(start, account, pipe.as_ref(), stop, sink) {
        Err(Error::Worker { failure, .. }) if failure.kind == Kind::Locked => Ok(()),
        ended => ended,
    }
}

fn serve(
    start: &Start,
    account: &Account,
    pipe: Option<&Pipe<'_>>,
    stop: &Stop,
    sink: &AccountSender,
) -> Result<(), Error> {
    let command = &COMMAND;
    let preparation = Preparation::offline(start, account, command);
    let (begun, streams) = preparation.begin(stop)?;
    let (to, heard) = sync_channel(WAITING);
    let its = AccountSender { account: sink.account, to };
    let mut service = Service::new(begun, account, command);
    let hear = move || its.hear(streams);
    thread::Builder::new().name("hand-over".into()).spawn(hear).map_err(Error::Start)?;
    // What the command was shown in this run.
    let mut shown = HashSet::new();
    loop {
        if stop.is_due() {
            service.stop();
        }
        match heard.recv_timeout(service.pause().unwrap_or(SLICE)) {
            Ok((_, Heard::Frame(frame))) => match service.frame(*frame)? {
                WorkerMessage::HandOver(message) => {
                    let misbehaved = |why| Error::WorkerLost(Lost::Misbehaved(why));
                    let why = "it hands over to a command where there is none";
                    let pipe = pipe.ok_or(misbehaved(why))?;
                    if shown.contains(message.id()) {
                        return Err(misbehaved("it hands a message over twice"));
                    }
                    let say = |line: &str| _ = sink.pass(Heard::Command(line.to_owned()));
                    let answer = pipe.show(&message, stop, say);
                    if answer != (HandOverAnswer::Gone {}) {
                        shown.insert(message.id().to_vec());
                    }
                    service.handed_over(answer);
                }
                WorkerMessage::Event(event @ Event::Message(_)) => {
                    _ = sink.pass(Heard::HandedOver(event));
                }
                _ => {}
            },
            Ok((_, Heard::ChannelOver(Some(why)))) => {
                return Err(Error::WorkerLost(Lost::Misbehaved(why)));
            }
            Ok((_, Heard::ChannelOver(None))) => service.channel_over(),
            Ok((_, Heard::StreamOver)) => service.stream_over(),
            Ok((_, Heard::Started(Err(error)))) => return Err(error),
            Ok((_, heard @ Heard::Internal(_))) => _ = sink.pass(heard),
            _ => {}
        }
        if let Some(result) = service.poll() {
            return result;
        }
    }
}
