//! Octets for nonces.

use super::error::Error;
use super::tls;

/// Fills `octets` with unpredictable octets, for nonces.
pub fn random(octets: &mut [u8]) -> Result<(), Error> {
    tls::provider().secure_random.fill(octets).map_err(|_| Error::Random)
}
