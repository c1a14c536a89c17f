//! The fields of a header that `--list --headers` shows.

use mailparse::MailHeaderMap as _;

use crate::channel::message::Header;
use crate::protocol::Quoted;

/// A value longer than this is cut before it is decoded: the decoder's time
/// grows with the square of it.
const MAX_VALUE: usize = 8 * 1024;

/// Date, sender and subject, decoded (RFC 2047) and made safe, in that order:
/// encoded words can carry control characters.
pub(super) fn digest(header: &[u8]) -> Header {
    let header = bounded(header);
    // A header that cannot be read shows empty columns.
    let fields = mailparse::parse_headers(&header).map(|(fields, _)| fields).unwrap_or_default();
    let value = |name| fields.get_first_value(name).unwrap_or_default();
    let safe = |text: String| Quoted::bare(text.trim().as_bytes()).to_string();
    let written = value("Date");
    let date = jiff::fmt::rfc2822::parse(written.trim()).ok();
    let date = date.map(|zoned| zoned.timestamp().as_second());
    Header { date, from: safe(value("From")), subject: safe(value("Subject")) }
}

/// The three fields that are shown, unfolded and cut; nothing else of a header
/// reaches the decoder, which refuses a whole header for one odd line.
fn bounded(header: &[u8]) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let mut taking = false;
    for line in header.split(|octet| *octet == b'\n') {
        let shown = |name: &str| {
            line.split_at_checked(name.len())
                .is_some_and(|(start, _)| start.eq_ignore_ascii_case(name.as_bytes()))
        };
        let is_continuation = matches!(line.first(), Some(b' ' | b'\t'));
        if !is_continuation {
            taking = ["date:", "from:", "subject:"].into_iter().any(shown);
        }
        let visible = line.iter().map(|octet| if *octet == b'\r' { b' ' } else { *octet });
        match fields.last_mut() {
            _ if !taking => {}
            Some(field) if is_continuation => field.extend(visible),
            _ => fields.push(visible.collect()),
        }
    }
    for field in &mut fields {
        field.truncate(MAX_VALUE);
        field.push(b'\n');
    }
    fields.concat()
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
    fn a_hostile_subject_takes_no_time() {
        let header = [b"Subject: ".to_vec(), b"=?".repeat(200_000), b"\n\n".to_vec()].concat();
        assert!(digest(&header).subject.len() <= 4 * 204);
    }
}
