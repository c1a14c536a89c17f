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
        Question::Missing { messages: many, octets } => format!(
            "fetch {}{} again that this Maildir does not have any more?",
            messages(many),
            size(octets)
        ),
        Question::Refetch { messages: many, octets } => {
            format!("fetch {}{} that this Maildir has already?", messages(many), size(octets))
        }
    };
    format!("{account}: {words} [y/N] ")
}

fn size(octets: Option<u64>) -> String {
    octets.map_or_else(String::new, |octets| format!(", {}", HumanBytes(octets)))
}
