//! What a fetch tells, as events of the channel.

use crate::channel::event::{Cause, Event, Summary};
use crate::channel::octets::Octets;
use crate::fetch::{self, in_seconds};
use crate::protocol::UniqueId;
use crate::session::Line;

use super::link::Link;

/// The unique-id of a message, for the channel.
pub(super) fn unique_id(unique_id: &UniqueId) -> Octets {
    Octets::cut(unique_id.as_bytes())
}

/// Hears a run and passes it on.
pub(super) struct Observer<'l> {
    pub(super) link: &'l Link,
    /// Whether the conversation is wanted, too.
    pub(super) conversation: bool,
    /// Whether progress inside of messages is wanted.
    pub(super) progress: bool,
}

impl Observer<'_> {
    pub(super) fn line(&self, line: Line<'_>) {
        let event = match line {
            Line::Protected { certificate } => Event::Protected {
                not_after: certificate.map(|it| it.not_after),
                until: certificate.map_or_else(String::new, |it| it.until()),
            },
            _ if !self.conversation => return,
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
        let event = match event {
            fetch::Event::Line(line) => return self.line(line),
            fetch::Event::Octets(octets) if self.progress => Event::Progress { octets },
            fetch::Event::Octets(_) => return,
            event => told(event),
        };
        self.link.event(event);
    }
}

fn told(event: fetch::Event<'_>) -> Event {
    match event {
        fetch::Event::Again | fetch::Event::Line(_) | fetch::Event::Octets(_) => Event::Again {},
        fetch::Event::Deleting { number, unique_id: id } => {
            Event::Deleting { number: number.get(), unique_id: unique_id(id) }
        }
        fetch::Event::Delivered { number, unique_id: id, octets } => {
            Event::Delivered { number: number.get(), unique_id: unique_id(id), octets }
        }
        fetch::Event::Expires { days } => Event::Expires { days },
        fetch::Event::Imported { known, listed } => Event::Imported { known, listed },
        fetch::Event::Failed { number, unique_id: id, tries, why } => Event::Failed {
            number: number.get(),
            unique_id: unique_id(id),
            tries,
            why: cause(&why),
        },
        fetch::Event::Held { unique_id: id } => Event::Held { unique_id: unique_id(id) },
        fetch::Event::InUse { pause } => Event::InUse { pause: in_seconds(pause) },
        fetch::Event::Large { unique_id: id, octets } => {
            Event::Large { unique_id: unique_id(id), octets }
        }
        fetch::Event::ListedAgain { unique_id: id } => {
            Event::ListedAgain { unique_id: unique_id(id) }
        }
        fetch::Event::OutOfStep => Event::OutOfStep {},
        fetch::Event::Planned { listed, messages, octets, first } => {
            Event::Planned { listed, messages, octets, first }
        }
        fetch::Event::Recovered { messages } => Event::Recovered { messages },
        fetch::Event::Unproven => Event::Unproven {},
        fetch::Event::Short { number, unique_id: id, octets, listed } => {
            Event::Short { number: number.get(), unique_id: unique_id(id), octets, listed }
        }
        fetch::Event::StatusLike { number, unique_id: id } => {
            Event::StatusLike { number: number.get(), unique_id: unique_id(id) }
        }
        fetch::Event::Sized { octets } => Event::Sized { octets },
        fetch::Event::TooEarly { delay, left } => Event::TooEarly { delay, left: in_seconds(left) },
        fetch::Event::TopDiffers => Event::TopDiffers {},
    }
}

fn cause(why: &fetch::Failure<'_>) -> Cause {
    match why {
        fetch::Failure::Endless => Cause::Endless {},
        fetch::Failure::Garbled => Cause::Garbled {},
        fetch::Failure::Lost => Cause::Lost {},
        fetch::Failure::Refused(refusal) => Cause::Refused { text: Octets::cut(&refusal.text) },
    }
}

/// What a run did, for the channel.
pub(super) fn summary(summary: &fetch::Summary) -> Summary {
    let fetch::Summary { listed, delivered, octets, deleted, failed, short, held } = *summary;
    Summary { listed, delivered, octets, deleted, failed, short, held }
}
