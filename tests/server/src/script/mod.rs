//! A written conversation: parsed here, played by [`play`].
//!
//! ```text
//! # a comment
//! S: +OK ready            sent, with CRLF
//! C: QUIT                 must arrive exactly, with CRLF
//! ~ raw "+OK\r\n"         octets sent; escapes \r \n \t \0 \\ \" \xHH
//! ~ octets 10000          so many octets of filler lines sent
//! ~ pause 200             milliseconds
//! ~ close                 the server closes; nothing more in this connection
//! ~ next connection       what follows is for the client's next one
//! ~ exit 75               anything else: a directive, for the caller
//! ```
//!
//! # Not here
//!
//! What directives mean; and any knowledge of POP3.

mod link;
mod play;

pub use play::{Cut, Manner, Playing};

/// A conversation in one or more connections, and what its file says besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    connections: Vec<Connection>,
    directives: Vec<(String, String)>,
}

/// The steps of one connection, each with the line it was written on.
type Connection = Vec<(usize, Step)>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Close,
    Expect(Vec<u8>),
    Pause(u64),
    /// The octets, and what to call them if they cannot be sent.
    Send(Vec<u8>, String),
}

impl Script {
    /// Reads a conversation.
    ///
    /// # Errors
    ///
    /// Names the first line that is none of the forms above.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self { connections: vec![Vec::new()], directives: Vec::new() };
        for (line, number) in text.lines().zip(1..) {
            script.line(line, number).map_err(|why| format!("line {number}: {why}"))?;
        }
        Ok(script)
    }

    fn line(&mut self, line: &str, number: usize) -> Result<(), String> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(text) = spoken(line, "S:") {
            return self.step(number, Step::Send([text, "\r\n"].concat().into(), line.to_owned()));
        }
        if let Some(text) = spoken(line, "C:") {
            return self.step(number, Step::Expect(text.as_bytes().to_owned()));
        }
        let directive = line.strip_prefix('~').ok_or("neither `S:`, `C:`, `~` nor `#`")?.trim();
        let (key, value) = directive.split_once(' ').unwrap_or((directive, ""));
        let value = value.trim_start();
        match key {
            "" => Err("a directive without a name".to_owned()),
            "close" if value.is_empty() => self.step(number, Step::Close),
            "next" if value == "connection" => {
                self.connections.push(Vec::new());
                Ok(())
            }
            "octets" => {
                let count = value.parse().map_err(|_| "`~ octets` wants a number")?;
                self.step(number, Step::Send(filler(count), line.to_owned()))
            }
            "pause" => {
                let pause = value.parse().map_err(|_| "`~ pause` wants milliseconds")?;
                self.step(number, Step::Pause(pause))
            }
            "raw" => self.step(number, Step::Send(unquote(value)?, line.to_owned())),
            _ => {
                self.directives.push((key.to_owned(), value.to_owned()));
                Ok(())
            }
        }
    }

    fn step(&mut self, number: usize, step: Step) -> Result<(), String> {
        let connection = self.connections.last_mut().ok_or("no connection")?;
        if let Some((_, Step::Close)) = connection.last() {
            return Err("comes after `~ close`".to_owned());
        }
        connection.push((number, step));
        Ok(())
    }

    /// The directives that are not the player's, in order: `~ exit 75` is
    /// `("exit", "75")`.
    pub fn directives(&self) -> &[(String, String)] {
        &self.directives
    }
}

/// The text after `prefix` and one space.
fn spoken<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let text = line.strip_prefix(prefix)?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// Exactly `count` octets, in lines of at most 80 with their CRLF.
fn filler(count: usize) -> Vec<u8> {
    let mut filler = Vec::with_capacity(count);
    for letter in (b'a'..=b'z').cycle() {
        let take = match count - filler.len() {
            0 => break,
            // One octet alone would not hold a CRLF.
            81 => 40,
            left => left.min(80),
        };
        filler.resize(filler.len() + take.saturating_sub(2), letter);
        filler.extend_from_slice(b"\r\n".get(..take.min(2)).unwrap_or_default());
    }
    filler
}

/// The octets of a text in double quotes.
fn unquote(quoted: &str) -> Result<Vec<u8>, String> {
    let text = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let mut octets = Vec::new();
    let mut rest = text.ok_or("`~ raw` wants its octets in double quotes")?.chars();
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            octets.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        octets.push(match rest.next() {
            Some('0') => 0,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('\\') => b'\\',
            Some('"') => b'"',
            Some('x') => {
                let hex: String = rest.by_ref().take(2).collect();
                u8::from_str_radix(&hex, 16).map_err(|_| format!("`\\x{hex}` is no octet"))?
            }
            other => return Err(format!("unknown escape `\\{}`", other.unwrap_or(' '))),
        });
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_script_is_steps_by_connection_and_directives_apart() {
        let text = "# why\n~ exit 75\nS: +OK\nC: QUIT\n~ close\n~ next connection\n~ pause 5\nS:\n";
        let script = Script::parse(text).unwrap();
        assert_eq!(script.directives(), [("exit".to_owned(), "75".to_owned())]);
        let expected = [
            vec![
                (3, Step::Send(b"+OK\r\n".to_vec(), "S: +OK".to_owned())),
                (4, Step::Expect(b"QUIT".to_vec())),
                (5, Step::Close),
            ],
            vec![(7, Step::Pause(5)), (8, Step::Send(b"\r\n".to_vec(), "S:".to_owned()))],
        ];
        assert_eq!(script.connections, expected);
    }

    #[test]
    fn what_is_no_step_is_refused_with_its_line() {
        for (text, why) in [
            ("S: +OK\nhello", "line 2: neither `S:`, `C:`, `~` nor `#`"),
            ("~ octets many", "line 1: `~ octets` wants a number"),
            ("~ close\nS: +OK", "line 2: comes after `~ close`"),
            ("~ raw \"\\q\"", "line 1: unknown escape `\\q`"),
            ("~ raw +OK", "line 1: `~ raw` wants its octets in double quotes"),
        ] {
            assert_eq!(Script::parse(text).unwrap_err(), why);
        }
    }

    #[test]
    fn filler_is_exact_and_ends_in_crlf() {
        for count in 2..400 {
            let filler = filler(count);
            assert_eq!(filler.len(), count);
            assert!(filler.ends_with(b"\r\n"), "{count}");
        }
        assert_eq!((filler(0).len(), filler(1).len()), (0, 1));
    }

    #[test]
    fn escapes_stand_for_octets() {
        assert_eq!(unquote(r#""a\r\n\x2e\0\\\"""#).unwrap(), b"a\r\n.\0\\\"");
    }
}
