//! How many rounds of hashing a server may ask of SCRAM.

/// The server chooses the iteration count. With a low one a man in the middle could find
/// the password from the proof offline, so lower counts are refused. RFC 5802 section 5.1
/// and RFC 7677 section 4 say 4096. A server that stores less cannot be told from a man in
/// the middle; under TLS it has PLAIN.
pub const MIN_ITERATIONS: u64 = 4096;

/// A higher count would let a server, or a man in the middle, keep this program busy. A
/// million rounds take a tenth of a second with the processor's SHA instructions, several
/// times that without; 600,000 are the most that is advised (OWASP, 2023).
pub const MAX_ITERATIONS: u64 = 1_000_000;
