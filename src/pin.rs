//! A leaf: the hash of a public key that a person trusts.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a key, over its SubjectPublicKeyInfo: `sha256:BASE64`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin of a key, from its SubjectPublicKeyInfo in DER.
    pub fn of_key(info: &[u8]) -> Self {
        Self(Sha256::digest(info).into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", STANDARD.encode(self.0))
    }
}

/// A pin is `sha256:` and 32 octets in base64, whose last `=` may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pin is sha256: and 44 characters of base64, as --probe prints it")]
pub struct PinError;

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        // curl writes two slashes.
        let text = text.strip_prefix("sha256:").or(text.strip_prefix("sha256//"));
        let text = text.ok_or(PinError)?.trim_end_matches('=');
        let octets = STANDARD.decode(format!("{text}=")).map_err(|_| PinError)?;
        octets.try_into().map(Self).map_err(|_| PinError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_hash_in_base64() {
        let text = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let pin: Pin = text.parse().unwrap();
        assert_eq!(pin, Pin(Sha256::digest(b"").into()));
        assert_eq!(pin.to_string(), text);
        for also in [text.trim_end_matches('='), &text.replace("sha256:", "sha256//")] {
            assert_eq!(also.parse(), Ok(pin));
        }
        for wrong in ["", "sha256:", "sha1:AAAA", "sha256:AAAA", &text[7..], &format!("{text}AAAA")]
        {
            assert_eq!(wrong.parse::<Pin>(), Err(PinError), "{wrong}");
        }
    }
}
