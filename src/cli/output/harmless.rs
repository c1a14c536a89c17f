//! A message on a terminal: nothing in it steers the terminal.

use super::safe::is_hostile;

/// Text that comes in pieces, which may end inside of a character.
#[derive(Debug, Default)]
pub(super) struct Harmless {
    /// The beginning of a character.
    begun: Vec<u8>,
}

impl Harmless {
    /// As much as is whole. Line ends and tabs stay; other control characters, and octets
    /// that are not UTF-8, become U+FFFD.
    pub(super) fn push(&mut self, piece: &[u8]) -> String {
        let mut octets = std::mem::take(&mut self.begun);
        octets.extend_from_slice(piece);
        let mut text = String::new();
        let mut rest = &*octets;
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.extend(valid.chars().map(shown));
                    break;
                }
                Err(error) => {
                    let (valid, behind) = rest.split_at(error.valid_up_to());
                    text.extend(String::from_utf8_lossy(valid).chars().map(shown));
                    let Some(length) = error.error_len() else {
                        self.begun = behind.to_vec();
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = behind.get(length..).unwrap_or_default();
                }
            }
        }
        text
    }

    /// What was begun and not ended.
    pub(super) fn end(self) -> String {
        String::from_utf8_lossy(&self.begun).into_owned()
    }
}

fn shown(c: char) -> char {
    if is_hostile(c) && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_wherever_it_is_cut() {
        let text = b"a\tb\n\x1b[2J\xc3\xbc\xff\xe2\x82\xac\r\xe2\x82";
        let whole = "a\tb\n\u{fffd}[2J\u{fc}\u{fffd}\u{20ac}\u{fffd}\u{fffd}";
        for cut in 0..=text.len() {
            let mut harmless = Harmless::default();
            let (before, behind) = text.split_at(cut);
            let shown = harmless.push(before) + &harmless.push(behind) + &harmless.end();
            assert_eq!(shown, whole, "{cut}");
        }
    }
}
