//! How an exchange fails that the server did not simply refuse.

use super::iterations::{MAX_ITERATIONS, MIN_ITERATIONS};
use crate::protocol::argument::ArgumentError;
use crate::text::Quoted;

/// A server's words behind a colon, if there are any.
fn words(octets: &[u8]) -> String {
    match octets.trim_ascii() {
        [] => String::new(),
        words => format!(": {}", Quoted::new(words)),
    }
}

/// Why an exchange cannot begin, go on, or be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A challenge is no Base64.
    #[error("a challenge that is no Base64")]
    Base64,
    /// A -PLUS without what it binds to, or a binding without -PLUS.
    #[error("the mechanism and the channel binding do not go together")]
    Binding,
    /// SCRAM: `m=` (RFC 5802 section 5.1).
    #[error("a SCRAM extension that the server insists on and that is unknown here")]
    Extension,
    /// OAUTHBEARER: the host's name does not fit into the message.
    #[error("the host name cannot be sent: {0}")]
    Host(ArgumentError),
    /// SCRAM: fewer rounds than protect the password, or more than we count.
    #[error(
        "an iteration count of {0}, which is not between {MIN_ITERATIONS} and {MAX_ITERATIONS}"
    )]
    Iterations(u64),
    /// A challenge breaks the mechanism's grammar.
    #[error("a challenge that breaks the grammar of the mechanism")]
    Malformed,
    /// SCRAM: the server's nonce is not ours continued: an answer to another client.
    #[error("a nonce that does not continue ours")]
    Nonce,
    /// SCRAM: the server says no (`e=`) before its `-ERR`.
    #[error("the server refused the proof{}", words(.0))]
    Refused(Box<[u8]>),
    /// The password or token cannot be sent.
    #[error("the password cannot be sent: {0}")]
    Secret(ArgumentError),
    /// SCRAM: the server knows another password, or none.
    #[error("a signature that the password does not make")]
    Signature,
    /// A challenge comes where the mechanism has none, or says what it may not.
    #[error("a challenge where none belongs")]
    Unexpected,
    /// The server lets us in before we said who we are.
    #[error("a success before the exchange was over")]
    Unfinished,
    /// SCRAM: the server lets us in without its signature.
    #[error("a success without a proof that the server knows the password")]
    Unproved,
    /// The user's name cannot be sent.
    #[error("the user name cannot be sent: {0}")]
    User(ArgumentError),
}

impl Error {
    /// Whether the server does not know the kind of channel binding: the same
    /// mechanism without -PLUS may fare better.
    pub fn is_without_binding(&self) -> bool {
        let Self::Refused(words) = self else { return false };
        matches!(&**words, b"channel-binding-not-supported" | b"unsupported-channel-binding-type")
    }

    /// Whether the server sees another channel than we do, or that a third party took -PLUS
    /// out of its list (RFC 5802 section 6).
    pub fn is_of_binding(&self) -> bool {
        let Self::Refused(words) = self else { return false };
        let differs: [&[u8]; 2] =
            [b"channel-bindings-dont-match", b"server-does-support-channel-binding"];
        self.is_without_binding() || differs.contains(&&**words)
    }
}
