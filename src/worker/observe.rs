//! What a fetch tells, as events of the channel.

use crate::channel::event::{Event, Summary};
use crate::channel::findings::When;
use crate::channel::job::ShownEvents;
use crate::channel::message::{Cause, Message, State};
use crate::channel::octets::Octets;
use crate::fetch::{self, in_seconds};
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
pub(super) fn tell_capabilities(when: When, capabilities: &Capabilities, link: &Link) {
    let lines: Vec<_> = capabilities.lines().map(Octets::cut).collect();
    for lines in lines.chunks(LINES) {
        link.event(Event::Capabilities { when, lines: lines.to_vec() });
    }
}

/// Hears a run and passes it on.
pub(super) struct Observer<'l> {
    pub(super) link: &'l Link,
    /// Which events are sent beside those that always are.
    pub(super) shown: ShownEvents,
    /// When the run has to be over.
    pub(super) stop: &'l Stop,
    /// What a probe finds is told in its own events.
    pub(super) is_probe: bool,
}

impl Observer<'_> {
    pub(super) fn line(&self, line: Line<'_>) {
        let event = match line {
            Line::Protected { certificate } => Event::Protected {
                not_after: certificate.map(|it| it.not_after),
                until: certificate.map_or_else(String::new, |it| it.until()),
            },
            Line::Capabilities { .. } if self.is_probe => return,
            Line::Capabilities { capabilities, after_login } => {
                let when = if after_login { When::AfterLogin } else { When::BeforeLogin };
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

    pub(super) fn event(&self, event: fetch::Event<'_>) {
        let pause = match event {
            fetch::Event::InUse { pause } | fetch::Event::TooEarly { left: pause, .. } => {
                Some(pause)
            }
            _ => None,
        };
        let event = match event {
            fetch::Event::Line(line) => return self.line(line),
            fetch::Event::Octets(octets) if self.shown.progress => Event::Progress { octets },
            fetch::Event::Octets(_) => return,
            fetch::Event::Deleted { .. } | fetch::Event::Delivered { .. }
                if !self.shown.messages =>
            {
                return;
            }
            fetch::Event::Waited => return self.link.wait_for_turn(self.stop),
            event => told(event),
        };
        self.link.event(event);
        if let Some(pause) = pause {
            self.link.wait(pause);
        }
    }
}

fn told(event: fetch::Event<'_>) -> Event {
    match event {
        fetch::Event::Again
        | fetch::Event::Line(_)
        | fetch::Event::Octets(_)
        | fetch::Event::Waited => Event::Again {},
        fetch::Event::Expires { days } => Event::Expires { days },
        fetch::Event::Imported { known, listed } => Event::Imported { known, listed },
        fetch::Event::InUse { pause } => Event::InUse { pause: in_seconds(pause) },
        fetch::Event::NotDeleted { refusal } => {
            Event::NotDeleted { text: Octets::cut(&refusal.text) }
        }
        fetch::Event::OnlySeen => Event::OnlySeen {},
        fetch::Event::MarkedSeen { messages, known } => {
            Event::Marked { messages, known, write: true }
        }
        fetch::Event::OutOfStep => Event::OutOfStep {},
        fetch::Event::Planned { listed, messages, octets, waiting, first } => {
            Event::Planned { listed, messages, octets, waiting, first }
        }
        fetch::Event::Recovered { messages } => Event::Recovered { messages },
        fetch::Event::WaitsAgain { messages } => Event::WaitsAgain { messages },
        fetch::Event::Resized { messages } => Event::Resized { messages },
        fetch::Event::Unproven => Event::Unproven {},
        fetch::Event::Sized { octets } => Event::Sized { octets },
        fetch::Event::TooEarly { delay, left } => Event::TooEarly { delay, left: in_seconds(left) },
        fetch::Event::TopDiffers => Event::TopDiffers {},
        fetch::Event::Deleted { .. }
        | fetch::Event::Delivered { .. }
        | fetch::Event::Failed { .. }
        | fetch::Event::Held { .. }
        | fetch::Event::Large { .. }
        | fetch::Event::LineLeftOut { .. }
        | fetch::Event::LinesFollow { .. }
        | fetch::Event::ListedAgain { .. }
        | fetch::Event::OrderEnds { .. }
        | fetch::Event::Short { .. }
        | fetch::Event::StatusLike { .. } => message(event).map_or(Event::Again {}, Event::Message),
    }
}

/// What happened to one message.
fn message(event: fetch::Event<'_>) -> Option<Message> {
    Some(match event {
        fetch::Event::Deleted { unique_id: id } => Message::Deleted { unique_id: unique_id(id) },
        fetch::Event::Delivered { number, unique_id: id, name, size, nth } => Message::Delivered {
            number: number.get(),
            unique_id: unique_id(id),
            octets: size.octets,
            file: size.behind_namesake(name, nth),
        },
        fetch::Event::Failed { number, unique_id: id, tries, why } => Message::Failed {
            number: number.get(),
            unique_id: unique_id(id),
            tries,
            why: cause(&why),
            text: match why {
                fetch::Failure::Refused(refusal) => Some(Octets::cut(&refusal.text)),
                _ => None,
            },
        },
        fetch::Event::Held { unique_id: id } => Message::Held { unique_id: unique_id(id) },
        fetch::Event::Large { unique_id: id, octets } => skipped(id, Some(octets), State::TooLarge),
        fetch::Event::LineLeftOut { number, unique_id: id } => {
            Message::LineLeftOut { number: number.get(), unique_id: unique_id(id) }
        }
        fetch::Event::LinesFollow { number, unique_id: id } => {
            Message::LinesFollow { number: number.get(), unique_id: unique_id(id) }
        }
        fetch::Event::OrderEnds { number, unique_id: id } => {
            Message::OrderEnds { number: number.get(), unique_id: unique_id(id) }
        }
        fetch::Event::ListedAgain { unique_id: id } => skipped(id, None, State::Deleted),
        fetch::Event::Short { number, unique_id: id, octets, listed } => {
            Message::Short { number: number.get(), unique_id: unique_id(id), octets, listed }
        }
        fetch::Event::StatusLike { number, unique_id: id } => {
            Message::StatusLike { number: number.get(), unique_id: unique_id(id) }
        }
        _ => return None,
    })
}

fn skipped(id: &UniqueId, octets: Option<u64>, state: State) -> Message {
    Message::Skipped { number: None, unique_id: unique_id(id), octets, state, at: None }
}

fn cause(why: &fetch::Failure<'_>) -> Cause {
    match why {
        fetch::Failure::Endless => Cause::Endless,
        fetch::Failure::Garbled => Cause::Garbled,
        fetch::Failure::Lost => Cause::Lost,
        fetch::Failure::Refused(_) => Cause::Refused,
    }
}

/// What a run did, for the channel.
pub(super) fn summary(summary: &fetch::Summary) -> Summary {
    let fetch::Summary { listed, delivered, octets, deleted, failed, short, held } = *summary;
    Summary { listed, delivered, octets, deleted, failed, short, held }
}
