//! The hash functions of SCRAM, by the names that RFC 5802 section 2.2 gives.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The hash function in a mechanism's name.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

/// Key material, wiped when dropped.
pub(super) type Key = Zeroizing<Vec<u8>>;

/// HMAC takes keys of any length, so this is always there.
fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Key> {
    let mac = <M as KeyInit>::new_from_slice(key).ok()?;
    Some(Zeroizing::new(mac.chain_update(message).finalize().into_bytes().to_vec()))
}

impl Hash {
    /// `HMAC(key, message)`
    pub(super) fn hmac(self, key: &[u8], message: &[u8]) -> Key {
        let mac = match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, message),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, message),
        };
        mac.unwrap_or_default()
    }

    /// `H(message)`
    pub(super) fn hash(self, message: &[u8]) -> Key {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
        })
    }

    /// `Hi(password, salt, i)`
    pub(super) fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Key {
        let mut key;
        match self {
            Self::Sha1 => {
                key = Zeroizing::new(vec![0; 20]);
                pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut key);
            }
            Self::Sha256 => {
                key = Zeroizing::new(vec![0; 32]);
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut key);
            }
        }
        key
    }
}
