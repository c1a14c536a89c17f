//! What a certificate says, read for people and for channel binding.
//!
//! Whether a certificate is believed is webpki's decision alone; nothing here
//! compares names or checks signatures (CVE-2009-2666: a matcher of one's own
//! stopped at a NUL). This reads issuer, dates and names for sentences, linear
//! in the certificate and without a panic whatever stands in it.
//!
//! # Invariants
//!
//! * No character of a certificate reaches a sentence that could steer a
//!   terminal, and none is longer than 64 characters (CVE-2010-0562).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::SignedDuration;
use jiff::civil::DateTime;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

/// One certificate of a chain, in words that may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is: common name and organisation.
    pub subject: String,
    /// Who signed it, likewise.
    pub issuer: String,
    /// The DNS names and addresses that it holds for.
    pub names: Vec<String>,
    /// The first second of its validity, since 1970.
    pub not_before: i64,
    /// The last one.
    pub not_after: i64,
    /// The length of its key if that is one of RSA.
    pub rsa_bits: Option<usize>,
}

impl Certificate {
    /// Reads what there is to read; `None` for what is no certificate.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let mut tbs = Der(Der(Der(der).expect(SEQUENCE)?).expect(SEQUENCE)?);
        if tbs.0.first() == Some(&EXPLICIT_0) {
            tbs.next()?; // version
        }
        tbs.expect(INTEGER)?; // serialNumber
        tbs.expect(SEQUENCE)?; // signature
        let issuer = name(tbs.expect(SEQUENCE)?);
        let mut validity = Der(tbs.expect(SEQUENCE)?);
        let (not_before, not_after) = (time(&validity.next()?)?, time(&validity.next()?)?);
        let subject = name(tbs.expect(SEQUENCE)?);
        let rsa_bits = rsa_bits(tbs.expect(SEQUENCE)?);
        let extensions = tbs.find(|element| element.tag == EXPLICIT_3);
        let names = extensions.and_then(|element| alternative_names(element.content));
        let names = names.unwrap_or_default();
        Some(Self { subject, issuer, names, not_before, not_after, rsa_bits })
    }

    /// The day of its first second, in UTC.
    pub fn since(&self) -> String {
        day(self.not_before)
    }

    /// The day of its last second, in UTC.
    pub fn until(&self) -> String {
        day(self.not_after)
    }
}

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
                _ => Hash::Sha256,
            }
        }
        signature => signature_hash(signature)?,
    };
    Some(match hash {
        Hash::Sha224 => Sha224::digest(der).to_vec(),
        Hash::Sha256 => Sha256::digest(der).to_vec(),
        Hash::Sha384 => Sha384::digest(der).to_vec(),
        Hash::Sha512 => Sha512::digest(der).to_vec(),
    })
}

#[derive(Clone, Copy)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

/// RSA with PKCS#1 (RFC 8017 appendix C) and ECDSA (RFC 5758 section 3.2).
fn signature_hash(identifier: &[u8]) -> Option<Hash> {
    match identifier {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, hash] => match hash {
            4 | 5 | 11 => Some(Hash::Sha256), // MD5 and SHA-1 too
            12 => Some(Hash::Sha384),
            13 => Some(Hash::Sha512),
            14 => Some(Hash::Sha224),
            _ => None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => Some(Hash::Sha256), // SHA-1
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, hash] => match hash {
            1 => Some(Hash::Sha224),
            2 => Some(Hash::Sha256),
            3 => Some(Hash::Sha384),
            4 => Some(Hash::Sha512),
            _ => None,
        },
        _ => None,
    }
}

/// The hashes themselves (RFC 4055 section 2.1).
fn digest(identifier: &[u8]) -> Option<Hash> {
    match identifier {
        [0x2b, 0x0e, 3, 2, 0x1a] => Some(Hash::Sha256), // SHA-1
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash] => match hash {
            1 => Some(Hash::Sha256),
            2 => Some(Hash::Sha384),
            3 => Some(Hash::Sha512),
            4 => Some(Hash::Sha224),
            _ => None,
        },
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
const EXPLICIT_0: u8 = 0xa0;
const EXPLICIT_3: u8 = 0xa3;

/// Elements of DER one after another; it ends at the first that is none.
struct Der<'a>(&'a [u8]);

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

impl<'a> Iterator for Der<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // TLS carries no certificate of more than three octets of length.
            0x81..=0x83 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Element { tag, content })
    }
}

impl<'a> Der<'a> {
    /// The content of the next element, if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|element| element.tag == tag).map(|element| element.content)
    }
}

/// Common name and organisation of a Name (RFC 5280 section 4.1.2.4).
fn name(content: &[u8]) -> String {
    let (mut common, mut organisation) = (None, None);
    for attribute in Der(content).flat_map(|set| Der(set.content)) {
        let mut attribute = Der(attribute.content);
        let (kind, value) = (attribute.expect(OBJECT_IDENTIFIER), attribute.next());
        match (kind, value) {
            (Some(b"\x55\x04\x03"), Some(value)) => common = Some(text(&value)),
            (Some(b"\x55\x04\x0a"), Some(value)) => organisation = Some(text(&value)),
            _ => {}
        }
    }
    common.into_iter().chain(organisation).collect::<Vec<_>>().join(", ")
}

fn text(element: &Element<'_>) -> String {
    match element.tag {
        BMP_STRING => {
            let units = element.content.chunks_exact(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0,
            });
            shown(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)))
        }
        _ => shown_octets(element.content),
    }
}

fn shown_octets(octets: &[u8]) -> String {
    shown(octets.utf8_chunks().flat_map(|chunk| {
        let bad = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        chunk.valid().chars().chain(bad)
    }))
}

/// More than this of a stranger's name helps nobody.
const SHOWN: usize = 64;

/// Letters and digits of any script and what ASCII has to print: nothing else
/// stands in names that mean well. Quotes are the sentence's own.
fn shown(mut characters: impl Iterator<Item = char>) -> String {
    let blank = |c| matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let mut shown = String::new();
    for c in characters.by_ref().take(SHOWN) {
        shown.push(match c {
            '"' => '\'',
            ' ' | '!'..='~' => c,
            c if c.is_alphanumeric() && !blank(c) => c,
            _ => char::REPLACEMENT_CHARACTER,
        });
    }
    if characters.next().is_some() {
        shown.push_str("...");
    }
    shown
}

/// No more names are kept; a certificate may hold thousands.
const NAMES: usize = 100;

/// The dNSName and iPAddress entries of subjectAltName.
fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let value = Der(Der(extensions).expect(SEQUENCE)?).find_map(|extension| {
        let mut extension = Der(extension.content);
        let identifier = extension.expect(OBJECT_IDENTIFIER)?;
        // `critical` may stand between the two.
        let value = extension.find(|element| element.tag == OCTET_STRING)?;
        (identifier == b"\x55\x1d\x11").then_some(value.content)
    })?;
    let names = Der(Der(value).expect(SEQUENCE)?).filter_map(|entry| match entry.tag {
        DNS_NAME => Some(shown_octets(entry.content)),
        IP_ADDRESS => address(entry.content),
        _ => None,
    });
    Some(names.take(NAMES).collect())
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(octets).ok().map(|v6| Ipv6Addr::from(v6).to_string())
}

/// The length of an RSA modulus in SubjectPublicKeyInfo.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut key = Der(key);
    let algorithm = Der(key.expect(SEQUENCE)?).expect(OBJECT_IDENTIFIER)?;
    let [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 | 10] = algorithm else { return None };
    let [0, key @ ..] = key.expect(BIT_STRING)? else { return None };
    let modulus = Der(Der(key).expect(SEQUENCE)?).expect(INTEGER)?;
    let start = modulus.iter().position(|octet| *octet != 0)?;
    let modulus = modulus.get(start..)?;
    let first = modulus.first()?;
    Some(modulus.len() * 8 - usize::try_from(first.leading_zeros()).ok()?)
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// UTCTime or GeneralizedTime, as RFC 5280 section 4.1.2.5 restricts them.
fn time(element: &Element<'_>) -> Option<i64> {
    let text = str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (year + if year < 50 { 2000 } else { 1900 }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse().ok();
    let time = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    Some(time.duration_since(EPOCH).as_secs())
}

fn day(seconds: i64) -> String {
    let mut day = String::new();
    // Every time was read from a date, so there is one.
    if let Ok(time) = EPOCH.checked_add(SignedDuration::from_secs(seconds)) {
        let _ = write!(day, "{}", time.date());
    }
    day
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256,
        PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
    };

    use super::*;

    fn certificate(
        how: &'static SignatureAlgorithm,
        say: impl Fn(&mut CertificateParams),
    ) -> Vec<u8> {
        let names = ["pop.example.org", "*.example.org", "192.0.2.1", "2001:db8::1"];
        let mut params = CertificateParams::new(names.map(str::to_owned)).unwrap();
        params.not_before = date_time_ymd(1999, 12, 31);
        params.not_after = date_time_ymd(2050, 1, 1);
        say(&mut params);
        let key = KeyPair::generate_for(how).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_says_whose_it_is_and_until_when() {
        let der = certificate(&PKCS_ECDSA_P256_SHA256, |params| {
            params.distinguished_name.push(DnType::OrganizationName, "Example");
            params.distinguished_name.push(DnType::CommonName, "B\u{fc}cher");
        });
        let certificate = Certificate::read(&der).unwrap();
        assert_eq!(certificate.subject, "B\u{fc}cher, Example");
        assert_eq!(certificate.issuer, certificate.subject);
        let names = ["pop.example.org", "*.example.org", "192.0.2.1", "2001:db8::1"];
        assert_eq!(certificate.names, names);
        // UTCTime, and GeneralizedTime from 2050 on.
        assert_eq!((&*certificate.since(), &*certificate.until()), ("1999-12-31", "2050-01-01"));
        assert_eq!((certificate.not_before, certificate.not_after), (946_598_400, 2_524_608_000));
        assert_eq!(certificate.rsa_bits, None);
    }

    #[test]
    fn a_certificate_without_end_has_a_date() {
        let element = |content| Element { tag: GENERALIZED_TIME, content };
        assert_eq!(time(&element(b"99991231235959Z")).map(day).as_deref(), Some("9999-12-31"));
        for wrong in [&b"20010101000000"[..], b"20011301000000Z", b"2001Z", b"Z", b"\xff"] {
            assert_eq!(time(&element(wrong)), None);
        }
    }

    #[test]
    fn names_cannot_steer_a_terminal_nor_fill_it() {
        let der = certificate(&PKCS_ECDSA_P256_SHA256, |params| {
            let hostile = format!("a\x1b[2J\"\u{202e}\0{}", "x".repeat(500));
            params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(hostile));
        });
        let subject = Certificate::read(&der).unwrap().subject;
        assert!(subject.starts_with("a\u{fffd}[2J'\u{fffd}\u{fffd}xxx"), "{subject}");
        assert_eq!(subject.chars().count(), SHOWN + "...".len());
    }

    #[test]
    fn what_is_no_certificate_is_none_and_no_harm() {
        let der = certificate(&PKCS_ECDSA_P256_SHA256, |_| {});
        for end in 0..der.len() {
            assert_eq!(Certificate::read(&der[..end]), None);
            assert_eq!(end_point(&der[..end]), None);
        }
        // Every octet wrong in some ways: any answer will do.
        for at in 0..der.len() {
            for octet in [0, 1, 0x30, 0x7f, 0x80, 0x83, 0x84, 0xff] {
                let mut wrong = der.clone();
                wrong[at] = octet;
                let _ = (Certificate::read(&wrong), end_point(&wrong));
            }
        }
    }

    #[test]
    fn a_login_is_bound_by_the_hash_of_the_signature() {
        let p256 = certificate(&PKCS_ECDSA_P256_SHA256, |_| {});
        assert_eq!(end_point(&p256), Some(Sha256::digest(&p256).to_vec()));
        let p384 = certificate(&PKCS_ECDSA_P384_SHA384, |_| {});
        assert_eq!(end_point(&p384), Some(Sha384::digest(&p384).to_vec()));
        assert_eq!(end_point(&certificate(&PKCS_ED25519, |_| {})), None);
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
