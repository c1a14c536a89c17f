//! Who we are to a server that asks by TLS.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};
use zeroize::Zeroize as _;

use super::error::IdentityError;

/// A certificate with its key, by which the server may know us.
#[derive(Clone)]
pub struct Identity(pub(super) Arc<CertifiedKey>);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl Identity {
    /// Reads a chain, its leaf first, and its key, both PEM. Refuses a key that
    /// is not the certificate's.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(IdentityError::Pem)?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let mut key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => IdentityError::NoKey,
            error => IdentityError::Pem(error),
        })?;
        let loaded = any_supported_type(&key);
        key.zeroize();
        let certified = CertifiedKey::new(chain, loaded.map_err(IdentityError::Unusable)?);
        match certified.keys_match() {
            Ok(()) | Err(TlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(Self(Arc::new(certified)))
            }
            Err(error) => Err(IdentityError::Unusable(error)),
        }
    }
}
