//! Words of strangers on their way to a terminal: a worker is one, too.

use crate::text::Quoted;

/// Whether a character steers a terminal, or turns the direction of text.
pub(super) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// One line that steers nothing, whatever was put into it.
pub(super) fn safe(text: &str) -> String {
    text.chars().map(|c| if is_hostile(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A server's words as the end of a sentence, a colon before them; nothing where there
/// are none.
pub(super) fn words(octets: &[u8]) -> String {
    match octets.trim_ascii() {
        [] => String::new(),
        _ => format!(": {}", Quoted::new(octets)),
    }
}

/// A server's words in brackets, a blank before them, if there are any.
pub(super) fn bracketed(octets: &[u8]) -> String {
    match octets.trim_ascii() {
        [] => String::new(),
        _ => format!(" ({})", Quoted::new(octets)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            safe("a\x1b[2J\u{9b}\u{202e}\n\u{e9}"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{e9}"
        );
    }
}
