//! How one way to log in went.

use crate::protocol::sasl;

use super::error::{Error, Refusal};

/// How one try ended that may not be the last.
pub(super) enum Tried {
    /// We are in.
    In,
    /// The connection was lost before the answer to a mechanism's name alone.
    Lost(Error),
    /// The server will not speak this mechanism; it judged no credentials.
    Refused(sasl::Mechanism, Refusal),
    /// The server did not understand an initial response.
    Unjudged(sasl::Mechanism, Refusal),
}
