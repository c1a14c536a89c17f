//! Tokens that a server can check by itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A JSON web token (RFC 7519) with these claims, signed by HMAC with SHA-256.
///
/// # Panics
///
/// Never: HMAC takes keys of any length.
pub fn json_web_token(key: &[u8], claims: &str) -> String {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length");
    let mac = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_that_everybody_knows_is_signed() {
        let claims = r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#;
        let expected = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6\
                        IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.\
                        SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
        assert_eq!(json_web_token(b"your-256-bit-secret", claims), expected);
    }
}
