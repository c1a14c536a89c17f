//! What a person is asked, in words.

use indicatif::HumanBytes;

use crate::channel::question::Question;

use super::words::messages;

/// The question for an account, up to the place where the answer is typed.
pub(crate) fn asked(account: &str, question: Question) -> String {
    let words = match question {
        Question::Delete { messages: many } => {
            format!("delete {} from the server, delivered or not?", messages(many))
        }
        Question::Refetch { messages: many, octets } => {
            let size =
                octets.map_or_else(String::new, |octets| format!(", {}", HumanBytes(octets)));
            format!("fetch {}{size} that this Maildir has already?", messages(many))
        }
    };
    format!("{account}: {words} [y/N] ")
}
