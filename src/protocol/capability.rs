//! What a server says that it can do (CAPA, RFC 2449 section 5).

use super::response::Violation;

/// More capability lines than this are no capability list.
pub const MAX_CAPABILITIES: usize = 1000;

/// The capabilities of one state of one session; empty where CAPA was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<Vec<u8>>,
}

impl Capabilities {
    /// Takes one line of the response to CAPA. Lines that are no capability
    /// are kept and never asked for.
    pub fn push(&mut self, line: &[u8]) -> Result<(), Violation> {
        if self.lines.len() == MAX_CAPABILITIES {
            return Err(Violation::ListingTooLong);
        }
        self.lines.push(line.to_vec());
        Ok(())
    }

    /// The arguments behind a tag, or `None` if the tag is not announced. Tags
    /// are compared without case (RFC 2449 section 5).
    pub fn arguments(&self, tag: &str) -> Option<impl Iterator<Item = &[u8]>> {
        self.lines.iter().find_map(|line| {
            let mut words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
            words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case(tag.as_bytes()))
                .then_some(words)
        })
    }

    /// Whether the tag is announced.
    pub fn has(&self, tag: &str) -> bool {
        self.arguments(tag).is_some()
    }

    /// Commands may be sent before the last one is answered (section 6.6).
    pub fn pipelining(&self) -> bool {
        self.has("PIPELINING")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_without_case_and_with_their_arguments() {
        let mut capabilities = Capabilities::default();
        for line in [&b"sasl CRAM-MD5  PLAIN"[..], b"Pipelining", b"", b"EXPIRE 60"] {
            capabilities.push(line).unwrap();
        }
        assert!(capabilities.pipelining());
        assert!(!capabilities.has("UIDL"));
        assert!(!capabilities.has(""));
        let sasl: Vec<&[u8]> = capabilities.arguments("SASL").unwrap().collect();
        assert_eq!(sasl, [&b"CRAM-MD5"[..], b"PLAIN"]);
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let mut capabilities = Capabilities::default();
        let pushed = (0..).take_while(|_| capabilities.push(b"X").is_ok()).count();
        assert_eq!(pushed, MAX_CAPABILITIES);
    }
}
