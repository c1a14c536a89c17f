//! What a fetch tells, as events of the channel.

use crate::channel::event::Event;
use crate::channel::findings::CapaStage;
use crate::channel::job::ShownEvents;
use crate::channel::message::{Cause, ListedState, Message};
use crate::channel::octets::Octets;
use crate::fetch::{self, FetchEvent, in_seconds};
use crate::protocol::{Capabilities, UniqueId};
use crate::session::Line;
use crate::stop::Stop;

use super::link::Link;

/// The unique-id of a message, for the channel.
pub(super) fn unique_id(unique_id: &UniqueId) -> Octets {
    Octets::cut(unique_id.as_bytes())
}

/// So many lines of an answer to CAPA have room in a frame.
const LINES: usize = 50;

/// Tells what the server announces.
pub(super) fn tell_capabilities(when: CapaStage, capabilities: &Capabilities, link: &Link) {
    let lines: Vec<_> = capabilities.lines().map(Octets::cut).collect();
    for lines in lines.chunks(LINES) {
        link.event(Event::Capabilities { when, lines: lines.to_vec() });
    }
}

/// Hears a run and passes it on.
pub(super) struct EventForwarder<'l> {
    pub(super) link: &'l Link,
    /// Which events are sent beside those that always are.
    pub(super) shown: ShownEvents,
    /// When the run has to be over.
    pub(super) stop: &'l Stop,
    /// What a probe finds is told in its own events.
    pub(super) is_probe: bool,
}

impl EventForwarder<'_> {
    pub(super) fn line(&self, line: Line<'_>) {
        let event = match line {
            Line::Protected { certificate } => Event::Protected {
                not_after: certificate.map(|it| it.not_after),
                until: certificate.map_or_else(String::new, |it| it.until()),
            },
            Line::Capabilities { .. } if self.is_probe => return,
            Line::Capabilities { capabilities, after_login } => {
                let when = if after_login { CapaStage::AfterLogin } else { CapaStage::BeforeLogin };
                return tell_capabilities(when, capabilities, self.link);
            }
            Line::Connected(connection) => Event::Connected {
                peer: connection.peer().to_string(),
                tls: connection.secured().map(|secured| secured.version.to_owned()),
            },
            _ if !self.shown.conversation => return,
            Line::Sent(command) => Event::Sent { command: command.to_string() },
            Line::Received(line) => Event::Received { line: Octets::cut(line) },
            Line::Lenient(leniency) => {
                Event::Lenient { name: leniency.name().into(), clause: leniency.to_string() }
            }
            Line::Octets(octets) => Event::ReceivedMore { octets },
        };
        self.link.event(event);
    }

    pub(super) fn event(&self, event: FetchEvent<'_>) {
        let pause = match event {
            FetchEvent::InUse { pause } | FetchEvent::TooEarly { left: pause, .. } => Some(pause),
            _ => None,
        };
        let event = match event {
            FetchEvent::Line(line) => return self.line(line),
            FetchEvent::Octets(octets) if self.shown.progress => Event::Progress { octets },
            FetchEvent::Octets(_) => return,
            FetchEvent::Deleted { .. } | FetchEvent::Delivered { .. } if !self.shown.messages => {
                return;
            }
            FetchEvent::Waited => return self.link.wait_for_turn(self.stop),
            event => told(event),
        };
        self.link.event(event);
        if let Some(pause) = pause {
            self.link.wait(pause);
        }
    }
}

fn told(event: FetchEvent<'_>) -> Event {
    match event {
        FetchEvent::Again | FetchEvent::Line(_) | FetchEvent::Octets(_) | FetchEvent::Waited => {
            Event::Again {}
        }
        FetchEvent::Expires { days } => Event::Expires { days },
        FetchEvent::Imported { known, listed } => Event::Imported { known, listed },
        FetchEvent::InUse { pause } => Event::InUse { pause: in_seconds(pause) },
        FetchEvent::NotDeleted { refusal } => {
            Event::NotDeleted { text: Octets::cut(&refusal.text) }
        }
        FetchEvent::OnlySeen => Event::OnlySeen {},
        FetchEvent::MarkedSeen { messages, known } => {
            Event::Marked { messages, known, write: true }
        }
        FetchEvent::OutOfStep => Event::OutOfStep {},
        FetchEvent::Planned { listed, messages, octets, waiting, first } => {
            Event::Planned { listed, messages, octets, waiting, first }
        }
        FetchEvent::Recovered { messages } => Event::Recovered { messages },
        FetchEvent::WaitsAgain { messages } => Event::WaitsAgain { messages },
        FetchEvent::Resized { messages } => Event::Resized { messages },
        FetchEvent::Unproven => Event::Unproven {},
        FetchEvent::Sized { octets } => Event::Sized { octets },
        FetchEvent::TooEarly { delay, left } => Event::TooEarly { delay, left: in_seconds(left) },
        FetchEvent::TopDiffers => Event::TopDiffers {},
        FetchEvent::Deleted { .. }
        | FetchEvent::Delivered { .. }
        | FetchEvent::Failed { .. }
        | FetchEvent::Held { .. }
        | FetchEvent::Large { .. }
        | FetchEvent::LineLeftOut { .. }
        | FetchEvent::LinesFollow { .. }
        | FetchEvent::ListedAgain { .. }
        | FetchEvent::OrderEnds { .. }
        | FetchEvent::OrderUnmet { .. }
        | FetchEvent::Short { .. }
        | FetchEvent::StatusLike { .. } => message(event).map_or(Event::Again {}, Event::Message),
    }
}

/// What happened to one message.
fn message(event: FetchEvent<'_>) -> Option<Message> {
    Some(match event {
        FetchEvent::Deleted { unique_id: id } => Message::Deleted { unique_id: unique_id(id) },
        FetchEvent::Delivered { number, unique_id: id, name, size, nth } => Message::Delivered {
            number: number.get(),
            unique_id: unique_id(id),
            octets: size.octets,
            file: size.behind_namesake(name, nth),
        },
        FetchEvent::Failed { number, unique_id: id, tries, why } => Message::Failed {
            number: number.get(),
            unique_id: unique_id(id),
            tries,
            why: cause(&why),
            text: match why {
                fetch::MessageFailure::Refused(refusal) => Some(Octets::cut(&refusal.text)),
                _ => None,
            },
        },
        FetchEvent::Held { unique_id: id } => Message::Held { unique_id: unique_id(id) },
        FetchEvent::Large { unique_id: id, octets } => {
            skipped(id, Some(octets), ListedState::TooLarge)
        }
        FetchEvent::LineLeftOut { number, unique_id: id } => {
            Message::LineLeftOut { number: number.get(), unique_id: unique_id(id) }
        }
        FetchEvent::LinesFollow { number, unique_id: id } => {
            Message::LinesFollow { number: number.get(), unique_id: unique_id(id) }
        }
        FetchEvent::OrderEnds { number, unique_id: id } => {
            Message::OrderEnds { number: number.get(), unique_id: unique_id(id) }
        }
        FetchEvent::OrderUnmet { unique_id: id, is_listed, ends } => {
            Message::OrderUnmet { unique_id: unique_id(id), is_listed, ends }
        }
        FetchEvent::ListedAgain { unique_id: id } => skipped(id, None, ListedState::Deleted),
        FetchEvent::Short { number, unique_id: id, octets, listed } => {
            Message::Short { number: number.get(), unique_id: unique_id(id), octets, listed }
        }
        FetchEvent::StatusLike { number, unique_id: id } => {
            Message::StatusLike { number: number.get(), unique_id: unique_id(id) }
        }
        _ => return None,
    })
}

fn skipped(id: &UniqueId, octets: Option<u64>, state: ListedState) -> Message {
    Message::Skipped { number: None, unique_id: unique_id(id), octets, state, at: None }
}

fn cause(why: &fetch::MessageFailure<'_>) -> Cause {
    match why {
        fetch::MessageFailure::Endless => Cause::Endless,
        fetch::MessageFailure::Garbled => Cause::Garbled,
        fetch::MessageFailure::Lost => Cause::Lost,
        fetch::MessageFailure::Refused(_) => Cause::Refused,
        fetch::MessageFailure::TimedOut => Cause::TimedOut,
    }
}
