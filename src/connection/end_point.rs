//! tls-server-end-point (RFC 5929 section 4): the hash of a certificate.

use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::der::{Der, EXPLICIT_0, Element, OBJECT_IDENTIFIER, SEQUENCE};

/// The hash of a certificate that binds a login to it (RFC 5929 section 4.1):
/// that of its signature, but never MD5 or SHA-1. `None` where the signature has
/// no such hash, as Ed25519.
pub(super) fn end_point(der: &[u8]) -> Option<Vec<u8>> {
    let mut certificate = Der(Der(der).expect(SEQUENCE)?);
    certificate.expect(SEQUENCE)?; // tbsCertificate
    let mut algorithm = Der(certificate.expect(SEQUENCE)?);
    let hash = match algorithm.expect(OBJECT_IDENTIFIER)? {
        RSASSA_PSS => {
            let mut parameters = Der(algorithm.expect(SEQUENCE)?);
            match parameters.next() {
                Some(Element { tag: EXPLICIT_0, content }) => {
                    digest(Der(Der(content).expect(SEQUENCE)?).expect(OBJECT_IDENTIFIER)?)?
                }
                // SHA-1, by default (RFC 4055 section 3.1).
                _ => SignatureHash::Sha256,
            }
        }
        signature => signature_hash(signature)?,
    };
    Some(match hash {
        SignatureHash::Sha224 => Sha224::digest(der).to_vec(),
        SignatureHash::Sha256 => Sha256::digest(der).to_vec(),
        SignatureHash::Sha384 => Sha384::digest(der).to_vec(),
        SignatureHash::Sha512 => Sha512::digest(der).to_vec(),
    })
}

#[derive(Clone, Copy)]
enum SignatureHash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

/// RSA with PKCS#1 (RFC 8017 appendix C) and ECDSA (RFC 5758 section 3.2).
fn signature_hash(identifier: &[u8]) -> Option<SignatureHash> {
    match identifier {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, hash] => match hash {
            4 | 5 | 11 => Some(SignatureHash::Sha256), // MD5 and SHA-1 too
            12 => Some(SignatureHash::Sha384),
            13 => Some(SignatureHash::Sha512),
            14 => Some(SignatureHash::Sha224),
            _ => None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => Some(SignatureHash::Sha256), // SHA-1
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, hash] => match hash {
            1 => Some(SignatureHash::Sha224),
            2 => Some(SignatureHash::Sha256),
            3 => Some(SignatureHash::Sha384),
            4 => Some(SignatureHash::Sha512),
            _ => None,
        },
        _ => None,
    }
}

/// The hashes themselves (RFC 4055 section 2.1).
fn digest(identifier: &[u8]) -> Option<SignatureHash> {
    match identifier {
        [0x2b, 0x0e, 3, 2, 0x1a] => Some(SignatureHash::Sha256), // SHA-1
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash] => match hash {
            1 => Some(SignatureHash::Sha256),
            2 => Some(SignatureHash::Sha384),
            3 => Some(SignatureHash::Sha512),
            4 => Some(SignatureHash::Sha224),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
        SignatureAlgorithm,
    };

    use super::*;

    fn certificate(how: &'static SignatureAlgorithm) -> Vec<u8> {
        let params = CertificateParams::new(["pop.example.org".to_owned()]).unwrap();
        let key = KeyPair::generate_for(how).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn what_is_no_certificate_has_no_hash_and_does_no_harm() {
        let der = certificate(&PKCS_ECDSA_P256_SHA256);
        for end in 0..der.len() {
            assert_eq!(end_point(&der[..end]), None);
        }
        for at in 0..der.len() {
            for octet in [0, 1, 0x30, 0x7f, 0x80, 0x83, 0x84, 0xff] {
                let mut wrong = der.clone();
                wrong[at] = octet;
                let _ = end_point(&wrong);
            }
        }
    }

    #[test]
    fn a_login_is_bound_by_the_hash_of_the_signature() {
        let p256 = certificate(&PKCS_ECDSA_P256_SHA256);
        assert_eq!(end_point(&p256), Some(Sha256::digest(&p256).to_vec()));
        let p384 = certificate(&PKCS_ECDSA_P384_SHA384);
        assert_eq!(end_point(&p384), Some(Sha384::digest(&p384).to_vec()));
        assert_eq!(end_point(&certificate(&PKCS_ED25519)), None);
    }

    /// A certificate of which only the signature's algorithm is there.
    fn signed(identifier: &[u8], parameters: &[u8]) -> Vec<u8> {
        let element = |tag: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            [&[tag, u8::try_from(content.len()).unwrap()], &*content].concat()
        };
        let identifier = element(OBJECT_IDENTIFIER, &[identifier]);
        let algorithm = element(SEQUENCE, &[&identifier, parameters]);
        element(SEQUENCE, &[&element(SEQUENCE, &[]), &algorithm])
    }

    #[test]
    fn md5_and_sha_1_are_replaced_and_pss_names_its_hash() {
        for weak in [4, 5] {
            let der = signed(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, weak], &[5, 0]);
            assert_eq!(end_point(&der), Some(Sha256::digest(&der).to_vec()));
        }
        let sha512 = b"\x30\x0f\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03";
        let der = signed(RSASSA_PSS, sha512);
        assert_eq!(end_point(&der), Some(Sha512::digest(&der).to_vec()));
        let der = signed(RSASSA_PSS, b"\x30\x00");
        assert_eq!(end_point(&der), Some(Sha256::digest(&der).to_vec()));
        // SHAKE, and no parameters at all.
        let shake = b"\x30\x0f\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x0b";
        assert_eq!(end_point(&signed(RSASSA_PSS, shake)), None);
        assert_eq!(end_point(&signed(RSASSA_PSS, b"")), None);
    }
}
