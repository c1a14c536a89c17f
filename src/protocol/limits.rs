//! How much a server may list. A listing without end must not fill the memory.

/// More capability lines than this are no capability list.
pub const MAX_CAPABILITIES: usize = 1000;

/// A listing of more messages is refused: each costs about 250 octets of memory beside its
/// unique-id.
pub const MAX_LISTED: usize = 2_000_000;

/// A listing of more octets is refused, however few messages it has.
pub const MAX_LISTING_OCTETS: u64 = 64 << 20;
