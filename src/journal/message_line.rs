//! The lines that tell of a message: as short as they can be, for there are many.
//!
//! ```abnf
//! message   = state SP octets *(SP tag) SP unique-id
//! delivery  = ("n" / "delivering-short") SP octets *(SP tag) SP name SP unique-id
//! state     = "d" / "s" / "x"               ; delivered, seen, deleted
//!           / "delete-pending" / "delivered-short" / "failed" / "held" / "imported" / "too-large"
//! tag       = 32base64url                   ; the hashes of header and content
//!           / 22base64url                   ; of the header alone
//!           / "=" 11base64url               ; of the content alone
//!           / "@" at "," counted / "+" seconds
//!           / "!" tries "," not-before
//!           / "*" occurrence                ; where it is not 1
//!           / "&"                           ; the unique-id was listed more than once
//! name      = "/" sequence                  ; in the run of the last "run" record
//!           / "//" file-name
//! ```
//!
//! `octets` is `?` where the size is not known. `+` stands for a time so many seconds after
//! that of the message before, by both clocks; without a time it is the same one. Each append
//! begins anew.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::{memchr, memrchr};

use crate::text::push_encoded;

use super::content::ContentHash;
use super::digits::number;
use super::file_name::{FileName, RunName};
use super::fingerprint::Fingerprint;
use super::line_words::{LineWords, decode};
use super::state::{Known, State};

/// What the records of an append leave out, as it stands in one before.
#[derive(Clone, Debug, Default)]
pub(super) struct AppendContext {
    /// The last message's time by both clocks.
    times: Option<(u64, u64)>,
    /// Whose files are numbered.
    pub(super) run: Option<Arc<RunName>>,
}

/// What a line tells.
#[derive(Debug)]
pub(super) struct MessageLine<'a> {
    pub(super) unique_id: Cow<'a, [u8]>,
    pub(super) known: Known,
    /// Where it is being delivered.
    pub(super) name: Option<FileName<'a>>,
}

/// The states that a message of a batch gets when its commit is settled.
const DELIVERING: [(&str, State); 2] =
    [("n", State::Delivered), ("delivering-short", State::DeliveredShort)];

/// Most messages are in one of these.
const SHORT: [(&str, State); 3] =
    [("d", State::Delivered), ("s", State::Seen), ("x", State::Deleted)];

fn word_of(state: State) -> &'static str {
    SHORT.iter().find(|(_, it)| *it == state).map_or_else(|| state.word(), |(word, _)| word)
}

/// A state, and whether it is that of a delivery.
fn state_of(word: &[u8]) -> Option<(State, bool)> {
    let find = |table: &[(&str, State)]| {
        table.iter().find(|(it, _)| it.as_bytes() == word).map(|(_, state)| *state)
    };
    if let Some(state) = find(&SHORT) {
        return Some((state, false));
    }
    if let Some(state) = find(&DELIVERING) {
        return Some((state, true));
    }
    let is_long = |state: &State| SHORT.iter().all(|(_, it)| it != state);
    State::parse(word).filter(is_long).map(|state| (state, false))
}

/// Whether a line tells of a message in one of the usual states.
pub(super) fn is_of_message(line: &[u8]) -> bool {
    matches!(line, [b'd' | b'n' | b's' | b'x', b' ', ..])
}

fn hash<const N: usize>(word: &[u8]) -> Option<[u8; N]> {
    let mut octets = [0; N];
    let decoded = URL_SAFE_NO_PAD.decode_slice(word, &mut octets).ok()?;
    (decoded == N).then_some(octets)
}

/// Two numbers with a comma between them.
fn pair(word: &[u8]) -> Option<(u64, u64)> {
    let comma = memchr(b',', word)?;
    let (first, second) = word.split_at_checked(comma)?;
    Some((number(first)?, number(second.get(1..)?)?))
}

/// Puts a value where none is yet.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// What the tags of a line say.
#[derive(Default)]
struct Tags<'a> {
    hashes: Option<(Option<Fingerprint>, Option<ContentHash>)>,
    times: Option<(u64, u64)>,
    tries: Option<(u64, u64)>,
    occurrence: Option<u32>,
    shared: Option<()>,
    name: Option<FileName<'a>>,
}

impl<'a> Tags<'a> {
    fn take(&mut self, word: &'a [u8], context: &AppendContext) -> Option<()> {
        let (first, rest) = word.split_first()?;
        match first {
            b'@' => once(&mut self.times, pair(rest)?),
            b'+' => {
                let (at, counted) = context.times?;
                let more: u64 = number(rest)?;
                once(&mut self.times, (at.checked_add(more)?, counted.checked_add(more)?))
            }
            b'!' => once(&mut self.tries, pair(rest)?),
            b'*' => once(&mut self.occurrence, number(rest)?),
            b'&' if rest.is_empty() => once(&mut self.shared, ()),
            b'=' => once(&mut self.hashes, (None, Some(ContentHash::from_octets(hash(rest)?)))),
            // Its time is known once all tags are.
            b'/' => once(&mut self.name, file_name(rest, context)?),
            _ if word.len() == 32 => {
                let both: [u8; 24] = hash(word)?;
                let (print, content) = both.split_first_chunk::<16>()?;
                let print = Fingerprint::from_octets(*print);
                let content = ContentHash::from_octets(content.try_into().ok()?);
                once(&mut self.hashes, (Some(print), Some(content)))
            }
            _ => once(&mut self.hashes, (Some(Fingerprint::from_octets(hash(word)?)), None)),
        }
    }
}

/// A name without its first slash.
fn file_name<'a>(word: &'a [u8], context: &AppendContext) -> Option<FileName<'a>> {
    if let Some(name) = word.strip_prefix(b"/") {
        let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
        return Some(FileName::Whole(Cow::Borrowed(name)));
    }
    let (sequence, run) = (number(word)?, Arc::clone(context.run.as_ref()?));
    Some(FileName::Numbered { at: 0, sequence, run })
}

impl<'a> MessageLine<'a> {
    /// Parses a line without its LF.
    pub(super) fn parse(line: &'a [u8], context: &mut AppendContext) -> Option<Self> {
        let end = memrchr(b' ', line)?;
        let (facts, unique_id) = (line.get(..end)?, line.get(end + 1..)?);
        let unique_id = decode(unique_id)?;
        let mut words = LineWords::of(facts);
        let (state, is_delivery) = state_of(words.word()?)?;
        let octets = words.maybe(number)?;
        let mut tags = Tags::default();
        while let Some(word) = words.word() {
            tags.take(word, context)?;
        }
        let Tags { hashes, times, tries, occurrence, shared, mut name } = tags;
        if name.is_some() != is_delivery {
            return None;
        }
        let times = times.or(context.times);
        context.times = times;
        let ((at, counted), (tries, not_before)) = (times?, tries.unwrap_or_default());
        if let Some(FileName::Numbered { at: begun, .. }) = &mut name {
            *begun = at;
        }
        let (fingerprint, content) = hashes.unwrap_or_default();
        let known = Known {
            occurrence: occurrence.unwrap_or(1),
            shared: shared.is_some(),
            state,
            octets,
            fingerprint,
            content,
            at,
            counted,
            tries: tries.try_into().ok()?,
            not_before,
        };
        Some(Self { unique_id, known, name })
    }
}

/// Appends the line of a message, its LF included. Its file's name is given where it is
/// being delivered.
pub(super) fn write(
    to: &mut Vec<u8>,
    context: &mut AppendContext,
    known: &Known,
    name: Option<&FileName<'_>>,
    unique_id: &[u8],
) {
    let delivering = DELIVERING.iter().find(|(_, state)| *state == known.state);
    let word = match (name, delivering) {
        (Some(_), Some((word, _))) => word,
        _ => word_of(known.state),
    };
    to.extend_from_slice(word.as_bytes());
    to.push(b' ');
    match known.octets {
        Some(octets) => push(to, octets),
        None => to.push(b'?'),
    }
    write_hashes(to, known);
    write_times(to, context, known);
    if (known.tries, known.not_before) != (0, 0) {
        to.extend_from_slice(b" !");
        push(to, known.tries.into());
        to.push(b',');
        push(to, known.not_before);
    }
    if known.occurrence != 1 {
        to.extend_from_slice(b" *");
        push(to, known.occurrence.into());
    }
    if known.shared {
        to.extend_from_slice(b" &");
    }
    match name {
        None => {}
        Some(FileName::Numbered { sequence, .. }) => {
            to.extend_from_slice(b" /");
            push(to, *sequence);
        }
        Some(FileName::Whole(name)) => {
            to.extend_from_slice(b" //");
            to.extend_from_slice(name.as_bytes());
        }
    }
    to.push(b' ');
    push_encoded(to, unique_id);
    to.push(b'\n');
}

fn write_hashes(to: &mut Vec<u8>, known: &Known) {
    let mut both = [0; 24];
    let (print, content) = both.split_at_mut(16);
    let hashes = (known.fingerprint, known.content);
    print.copy_from_slice(&hashes.0.map_or([0; 16], Fingerprint::octets));
    content.copy_from_slice(&hashes.1.map_or([0; 8], ContentHash::octets));
    let (mark, octets): (&[u8], &[u8]) = match hashes {
        (None, None) => return,
        (Some(_), None) => (b" ", print),
        (None, Some(_)) => (b" =", content),
        (Some(_), Some(_)) => (b" ", &both),
    };
    let mut written = [0; 32];
    // 24 octets are 32 characters.
    let length = URL_SAFE_NO_PAD.encode_slice(octets, &mut written).unwrap_or(0);
    to.extend_from_slice(mark);
    to.extend_from_slice(written.get(..length).unwrap_or_default());
}

fn write_times(to: &mut Vec<u8>, context: &mut AppendContext, known: &Known) {
    let times = (known.at, known.counted);
    let later = context.times.and_then(|(at, counted)| {
        let both = (known.at.checked_sub(at)?, known.counted.checked_sub(counted)?);
        (both.0 == both.1).then_some(both.0)
    });
    context.times = Some(times);
    match later {
        Some(0) => {}
        Some(seconds) => {
            to.extend_from_slice(b" +");
            push(to, seconds);
        }
        None => {
            to.extend_from_slice(b" @");
            push(to, times.0);
            to.push(b',');
            push(to, times.1);
        }
    }
}

/// Appends a number in decimal digits.
fn push(to: &mut Vec<u8>, mut number: u64) {
    let (mut digits, mut at) = ([b'0'; 20], 20);
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit += u8::try_from(number % 10).unwrap_or(0);
        }
        number /= 10;
        if number == 0 {
            break;
        }
    }
    to.extend_from_slice(digits.get(at..).unwrap_or_default());
}
