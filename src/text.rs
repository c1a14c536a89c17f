//! A leaf: octets from outside, made fit to be shown, and to be written as one word.

use std::fmt::{self, Write as _};

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// More than this of a server's words is not shown.
const SHOWN: usize = 200;

/// Octets from outside on their way to a terminal or a log: no control
/// character passes, invisible and direction-changing ones neither, and it
/// ends after 200 characters, or behind an URL (CVE-2008-2711, CVE-2010-1167).
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a> {
    octets: &'a [u8],
    quotes: bool,
}

impl<'a> Quoted<'a> {
    /// In double quotes, so that the words are not mistaken for ours.
    pub fn new(octets: &'a [u8]) -> Self {
        Self { octets, quotes: true }
    }

    /// Without quotes: for table columns and unique-ids.
    pub fn bare(octets: &'a [u8]) -> Self {
        Self { octets, quotes: false }
    }
}

/// Whether a character changes the terminal instead of standing in it, or hides:
/// controls, what turns the direction of text, and what Unicode ignores by
/// default. Variation selectors that emoji need are left.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// An URL ends before this character, even where that makes the text longer than
/// [`SHOWN`]: half an URL leads nowhere.
const MOST: usize = 600;

/// A word that begins so long before the end of what is shown is cut.
const LONG_WORD: usize = 60;

/// How many of the characters are shown.
fn shown(text: &[char]) -> usize {
    if text.len() <= SHOWN {
        return text.len();
    }
    let (before, behind) = text.split_at(SHOWN);
    let start = before.iter().rposition(|c| c.is_whitespace()).map_or(0, |at| at + 1);
    let end = SHOWN + behind.iter().take_while(|c| !c.is_whitespace()).count();
    let word: String = text.iter().skip(start).take(end - start).collect();
    let is_url = word.contains("http://") || word.contains("https://");
    match SHOWN - start {
        _ if is_url && end <= MOST => end,
        0..LONG_WORD if start > 0 => start - 1,
        _ => SHOWN,
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.quotes {
            f.write_char('"')?;
        }
        // Four octets a character at most, so the rest need not be decoded; one more
        // tells whether there is any.
        let start = self.octets.get(..(MOST + 1) * 4).unwrap_or(self.octets);
        let characters = start.utf8_chunks().flat_map(|chunk| {
            chunk.valid().chars().chain((!chunk.invalid().is_empty()).then_some('\u{fffd}'))
        });
        let characters: Vec<char> = characters.take(MOST + 1).collect();
        let shown = shown(&characters);
        for c in characters.iter().take(shown) {
            match c {
                c if is_hostile(*c) => f.write_char('\u{fffd}')?,
                '"' if self.quotes => f.write_char('\'')?,
                c => f.write_char(*c)?,
            }
        }
        if characters.len() > shown {
            f.write_str("...")?;
        }
        if self.quotes {
            f.write_char('"')?;
        }
        Ok(())
    }
}

/// Octets as one word, a unique-id's as a rule: percent-encoded wherever they are no
/// visible ASCII.
pub fn encoded(octets: &[u8]) -> String {
    percent_encode(octets, ODD).to_string()
}

/// A unique-id, as every table and sentence shows it and `--uid` takes it: percent-encoded
/// where it is no visible ASCII, and at its start where an option would begin.
pub fn unique_id_word(unique_id: &[u8]) -> String {
    match unique_id.strip_prefix(b"-") {
        Some(rest) => format!("%2D{}", encoded(rest)),
        None => encoded(unique_id),
    }
}

/// Appends the word that [`encoded`] makes.
pub fn push_encoded(to: &mut Vec<u8>, octets: &[u8]) {
    percent_encode(octets, ODD).for_each(|piece| to.extend_from_slice(piece.as_bytes()));
}

/// What is not written as itself: all but 0x21 to 0x7E, and `%`.
const ODD: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(0x7f);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_id_is_one_word_that_is_taken_for_no_option() {
        let word = unique_id_word;
        assert_eq!(word(b"a b%\xff"), "a%20b%25%FF");
        assert_eq!((word(b"-"), word(b"-x-")), ("%2D".into(), "%2Dx-".into()));
    }

    #[test]
    fn escapes_and_direction_marks_do_not_reach_the_terminal() {
        let shown = Quoted::new("a\x1b[2Jb\r\n\u{9b}c\u{202e}d\0".as_bytes()).to_string();
        assert_eq!(shown, "\"a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}d\u{fffd}\"");
    }

    #[test]
    fn octets_that_are_no_utf_8_are_shown_as_such() {
        assert_eq!(Quoted::bare(b"caf\xe9 \xc3\xa9").to_string(), "caf\u{fffd} \u{e9}");
    }

    #[test]
    fn a_long_text_is_shortened() {
        let shown = Quoted::new(&[b'x'; 5000]).to_string();
        assert_eq!(shown.len(), SHOWN + "\"...\"".len());
    }

    #[test]
    fn words_are_cut_between_two_and_an_url_is_kept_whole() {
        let text = "word ".repeat(100);
        let shown = Quoted::bare(text.as_bytes()).to_string();
        assert!(shown.ends_with("word word...") && shown.chars().count() <= SHOWN + 3, "{shown}");
        let url = format!("https://login.example.org/{}", "x".repeat(150));
        let text = format!("{}please see {url} for more", "a ".repeat(60));
        let shown = Quoted::bare(text.as_bytes()).to_string();
        assert!(shown.ends_with(&format!("{url}...")), "{shown}");
        let endless = format!("https://{}", "x".repeat(5000));
        assert_eq!(Quoted::bare(endless.as_bytes()).to_string().len(), SHOWN + 3);
    }

    #[test]
    fn quotes_inside_cannot_end_the_quotation() {
        assert_eq!(Quoted::new(b"\" and: \"").to_string(), "\"' and: '\"");
    }
}
