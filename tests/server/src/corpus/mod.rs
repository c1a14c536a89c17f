//! Mail for the demo and for benchmarks: realistic, and the same each time.
//!
//! # Invariants
//!
//! * Every line ends in CRLF and none is longer than 998 octets (RFC 5322
//!   section 2.1.1).
//! * The n-th message depends on the seed and on n only.

mod random;
mod words;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use random::Random;
use words::{ATTACHMENTS, DAYS, DOMAINS, MONTHS, PEOPLE, SUBJECTS, WORDS};

const KIB: u64 = 1024;
/// Half of all messages are smaller.
const MEDIAN: f64 = 7.0 * 1024.0;
const SIGMA: f64 = 1.25;
/// One message in so many is of 1 to 2 MiB.
const LARGE: u64 = 250;

/// Messages of 1 KiB to 512 KiB, most of them of some KiB, and a few of 1 to
/// 2 MiB: text, HTML beside text, attachments; with CRLF, not byte-stuffed.
pub fn messages(count: usize, seed: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count as u64).map(move |number| {
        // Far apart, so that neighbours have nothing in common.
        let mut random = Random::new(seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        message(&mut random, number)
    })
}

fn size(random: &mut Random) -> u64 {
    if random.below(LARGE) == 0 {
        return KIB * KIB + random.below(KIB * KIB);
    }
    let drawn = random.log_normal(MEDIAN, SIGMA);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 512 KiB")]
    #[expect(clippy::cast_sign_loss, reason = "an exponential is positive")]
    let size = drawn.clamp(1100.0, 512.0 * 1024.0) as u64;
    size
}

fn message(random: &mut Random, number: u64) -> Vec<u8> {
    let size = size(random);
    let mut mail = Mail { random, out: Vec::new(), end: 0 };
    mail.header(number);
    mail.end = usize::try_from(size).unwrap_or(usize::MAX);
    match mail.random.below(10) {
        // Nobody types 100 KiB: large mail has attachments.
        _ if size > 48 * KIB => mail.with_attachment(),
        0..5 => mail.plain(),
        5..8 => mail.with_html(),
        _ => mail.with_attachment(),
    }
    mail.out
}

/// A message being written.
struct Mail<'a> {
    random: &'a mut Random,
    out: Vec<u8>,
    /// About where it should end.
    end: usize,
}

impl Mail<'_> {
    fn line(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    fn address(&mut self) -> String {
        let (name, local) = self.random.one_of(PEOPLE);
        let domain = self.random.one_of(DOMAINS);
        let name = if name.is_ascii() { format!("\"{name}\"") } else { encoded_word(name) };
        format!("{name} <{local}@{domain}>")
    }

    fn header(&mut self, number: u64) {
        let date = self.date(number);
        for hop in 0..=self.random.below(3) {
            let (from, by) = (self.random.one_of(DOMAINS), self.random.one_of(DOMAINS));
            let id = self.random.next();
            self.line(&format!("Received: from mx{hop}.{from} (mx{hop}.{from} [192.0.2.{hop}])"));
            self.line(&format!("\tby mx.{by} with ESMTPS id {id:016x}"));
            self.line(&format!("\tfor <demo@{by}>; {date}"));
        }
        let (from, to) = (self.address(), self.address());
        let (subject, domain) = (self.random.one_of(SUBJECTS), self.random.one_of(DOMAINS));
        let id = self.random.next();
        self.line(&format!("From: {from}"));
        self.line(&format!("To: {to}"));
        if self.random.below(4) == 0 {
            let other = self.address();
            self.line(&format!("Cc: {other}"));
        }
        if subject.is_ascii() {
            self.line(&format!("Subject: {subject} ({number})"));
        } else {
            self.line(&format!("Subject: {} ({number})", encoded_word(subject)));
        }
        self.line(&format!("Date: {date}"));
        self.line(&format!("Message-ID: <{id:016x}.{number}@{domain}>"));
        self.line("MIME-Version: 1.0");
    }

    /// A date of 2025 (no leap year), later for higher numbers as far as one
    /// year goes.
    fn date(&mut self, number: u64) -> String {
        let day_of_year = number % 365;
        let mut day = day_of_year;
        let mut month = "Jan";
        for &(name, days) in MONTHS {
            month = name;
            if day < days {
                break;
            }
            day -= days;
        }
        // 1 January 2025 was a Wednesday.
        let weekday = usize::try_from((day_of_year + 6) % 7).ok().and_then(|at| DAYS.get(at));
        let (hour, minute) = (self.random.below(24), self.random.below(60));
        let (second, zone) =
            (self.random.below(60), self.random.one_of(&["+0000", "+0100", "-0500"]));
        let weekday = weekday.copied().unwrap_or("Wed");
        format!("{weekday}, {} {month} 2025 {hour:02}:{minute:02}:{second:02} {zone}", day + 1)
    }

    /// Sentences up to `end`, in lines of a width people use; now and then a line
    /// that begins with a dot, as quoted code does.
    fn prose(&mut self, end: usize, open: &str, close: &str) {
        while self.out.len() < end {
            let mut text = open.to_owned();
            match self.random.below(40) {
                0 => text.push_str(".config was changed"),
                1 => text.push_str("> what did you write?"),
                _ => {}
            }
            while text.len() < 66 && self.out.len() + text.len() < end {
                text.push_str(if text.is_empty() || text.ends_with('>') { "" } else { " " });
                text.push_str(self.random.one_of(WORDS));
            }
            self.line(&format!("{text}{close}"));
            if self.random.below(8) == 0 {
                self.line("");
            }
        }
    }

    fn plain(&mut self) {
        self.line("Content-Type: text/plain; charset=utf-8");
        self.line("Content-Transfer-Encoding: 7bit");
        self.line("");
        self.prose(self.end, "", "");
    }

    fn boundary(&mut self, kind: &str) -> String {
        let boundary = format!("=_{:016x}", self.random.next());
        self.line(&format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\""));
        self.line("");
        boundary
    }

    fn with_html(&mut self) {
        let boundary = self.boundary("alternative");
        let third = self.out.len() + self.end.saturating_sub(self.out.len()) / 3;
        self.line(&format!("--{boundary}"));
        self.line("Content-Type: text/plain; charset=utf-8");
        self.line("");
        self.prose(third, "", "");
        self.line(&format!("--{boundary}"));
        self.line("Content-Type: text/html; charset=utf-8");
        self.line("");
        self.line("<html><body>");
        self.prose(self.end.saturating_sub(80), "<p>", "</p>");
        self.line("</body></html>");
        self.line(&format!("--{boundary}--"));
    }

    fn with_attachment(&mut self) {
        let boundary = self.boundary("mixed");
        self.line(&format!("--{boundary}"));
        self.line("Content-Type: text/plain; charset=utf-8");
        self.line("");
        self.prose(self.out.len() + 300, "", "");
        let (name, media) = self.random.one_of(ATTACHMENTS);
        self.line(&format!("--{boundary}"));
        self.line(&format!("Content-Type: {media}; name=\"{name}\""));
        self.line("Content-Transfer-Encoding: base64");
        self.line(&format!("Content-Disposition: attachment; filename=\"{name}\""));
        self.line("");
        let end = self.end.saturating_sub(boundary.len() + 6);
        let mut line = String::new();
        while self.out.len() < end {
            line.clear();
            // 57 octets are the 76 characters of RFC 2045 section 6.8.
            let octets: Vec<u8> = (0..8).flat_map(|_| self.random.next().to_le_bytes()).collect();
            STANDARD.encode_string(octets.get(..57).unwrap_or_default(), &mut line);
            self.line(&line);
        }
        self.line(&format!("--{boundary}--"));
    }
}

/// RFC 2047, the B encoding; what is encoded here fits into one word.
fn encoded_word(text: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mail() {
        assert!(messages(20, 7).eq(messages(20, 7)));
        assert!(messages(20, 7).ne(messages(20, 8)));
        assert!(messages(10, 7).eq(messages(20, 7).take(10)));
    }

    #[test]
    fn every_line_ends_in_crlf_and_is_short_ascii() {
        for message in messages(200, 1) {
            assert!(message.ends_with(b"\r\n"));
            assert!(message.is_ascii());
            for line in message.split(|&octet| octet == b'\n') {
                assert!(line.is_empty() || line.ends_with(b"\r"));
                assert!(line.len() <= 999);
            }
        }
    }

    #[test]
    fn sizes_are_spread_as_promised() {
        let sizes: Vec<usize> = messages(1_000, 1).map(|message| message.len()).collect();
        let within = |from, to| sizes.iter().filter(|size| (from..to).contains(*size)).count();
        assert_eq!(within(1_024, 3 * 1024 * 1024), 1_000);
        assert!(within(1_024, 16_384) > 600);
        assert!((1..20).contains(&within(1024 * 1024, 3 * 1024 * 1024)));
    }

    #[test]
    fn a_year_has_365_dates() {
        let mut random = Random::new(1);
        let mut mail = Mail { random: &mut random, out: Vec::new(), end: 0 };
        assert!(mail.date(0).starts_with("Wed, 1 Jan 2025"));
        assert!(mail.date(58).starts_with("Fri, 28 Feb 2025"));
        assert!(mail.date(364).starts_with("Wed, 31 Dec 2025"));
    }
}
