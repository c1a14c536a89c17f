//! Passwords, tokens and private keys in memory.

use std::fmt;

use zeroize::Zeroize as _;

/// A password, a token or a private key: no formatter shows it, and its memory is
/// wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the octets over.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// The one way in; grep for it to find every place a secret leaves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_formatter_prints_a_secret() {
        assert_eq!(format!("{:?}", Secret::new(b"tanstaaf".to_vec())), "Secret(..)");
    }
}
