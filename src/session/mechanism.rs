//! How to log in, as it was asked for.

use crate::protocol::sasl;

/// How to log in, as it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginMechanism {
    /// APOP (RFC 1939 section 7).
    Apop,
    /// The strongest that server and connection allow.
    #[default]
    Auto,
    /// A SASL mechanism (RFC 5034).
    Sasl(sasl::Mechanism),
    /// USER and PASS.
    User,
}
