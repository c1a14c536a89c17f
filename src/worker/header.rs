//! The fields of a header that `--list --headers` shows.

use crate::channel::message::Header;
use crate::protocol::decode_words;
use crate::text::Quoted;

use super::date::date;

/// A longer value is cut before it is decoded.
const MAX_VALUE: usize = 8 * 1024;

/// Date, sender and subject, decoded and made safe, in that order: encoded words can
/// carry control characters.
pub(super) fn digest(header: &[u8]) -> Header {
    let [date_written, from, subject] = fields(header, [b"date", b"from", b"subject"]);
    Header { date: date(&plain(&date_written)), from: plain(&from), subject: plain(&subject) }
}

fn plain(value: &[u8]) -> String {
    let decoded = decode_words(value);
    let words: Vec<_> = decoded.split_ascii_whitespace().collect();
    Quoted::bare(words.join(" ").as_bytes()).to_string()
}

/// The values of some fields, unfolded; of a field that is there twice the first one.
fn fields<const N: usize>(header: &[u8], names: [&[u8]; N]) -> [Vec<u8>; N] {
    let mut values: [Option<Vec<u8>>; N] = [const { None }; N];
    let mut current: Option<usize> = None;
    for line in header.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // White space is one space: folded lines begin with TAB, too.
        let visible =
            line.iter().map(|octet| if octet.is_ascii_whitespace() { b' ' } else { *octet });
        if line.first().is_some_and(|first| matches!(first, b' ' | b'\t')) {
            let value = current.and_then(|at| values.get_mut(at)).and_then(Option::as_mut);
            value.into_iter().for_each(|value| value.extend(visible.clone()));
            continue;
        }
        let colon = memchr::memchr(b':', line).unwrap_or(0);
        let (name, value) = split(line, colon);
        let is_new = |at: &usize| values.get(*at).is_some_and(Option::is_none);
        current = names.iter().position(|known| name.eq_ignore_ascii_case(known)).filter(is_new);
        if let Some(slot) = current.and_then(|at| values.get_mut(at)) {
            *slot = Some(value.to_vec());
        }
    }
    values.map(|value| {
        let mut value = value.unwrap_or_default();
        value.truncate(MAX_VALUE);
        value
    })
}

/// Name and value of a field; a blank may stand before the colon (RFC 5322 section 4.5).
fn split(line: &[u8], colon: usize) -> (&[u8], &[u8]) {
    let (name, value) = line.split_at_checked(colon).unwrap_or_default();
    (name.trim_ascii_end(), value.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_decoded_first_and_made_safe_then() {
        let header = b"Received: x\nSubject: =?utf-8?B?Z3LDvMOfZRtbMko=?=\n =?utf-8?Q?_x?=\nFrom: a@b\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n\n";
        let Header { from, subject, .. } = digest(header);
        assert_eq!(from, "a@b");
        assert_eq!(subject, "gr\u{fc}\u{df}e\u{fffd}[2J x");
    }

    #[test]
    fn an_odd_line_spoils_no_other() {
        let Header { date, subject, .. } =
            digest(b" starts folded\n\rodd\nSubject: fine\nDate: garbage\x1b\n\n");
        assert_eq!((date, subject.as_str()), (None, "fine"));
    }

    #[test]
    fn a_folded_line_begins_with_white_space_of_any_kind() {
        let header = b"Subject: one\r\n\ttwo\tthree\r\n  =?utf-8?Q?f=C3?=\r\n\t=?utf-8?Q?=BC?=\r\nSubject: second\r\n";
        assert_eq!(digest(header).subject, "one two three f\u{fc}");
    }

    #[test]
    fn a_hostile_subject_takes_no_time() {
        let header = [b"Subject: ".to_vec(), b"=?".repeat(200_000), b"\n\n".to_vec()].concat();
        assert!(digest(&header).subject.len() <= 4 * 204);
    }
}
