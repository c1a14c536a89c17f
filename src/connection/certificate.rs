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
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::der::{
    BIT_STRING, BMP_STRING, BOOLEAN, DNS_NAME, Der, EXPLICIT_0, EXPLICIT_3, Element,
    GENERALIZED_TIME, INTEGER, IP_ADDRESS, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, UTC_TIME,
};

/// One certificate of a chain, in words that may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The version of X.509: 3 by all that is common; version 1 has no extensions.
    pub version: u8,
    /// Whether it says that it is an authority's (basicConstraints).
    pub is_authority: bool,
    /// Whose it is: common name and organisation.
    pub subject: String,
    /// The common name alone, which is no name to check a server by (RFC 9525
    /// section 2).
    pub common_name: Option<String>,
    /// Who signed it, likewise.
    pub issuer: String,
    /// The DNS names and addresses that it holds for. An address that is written as a
    /// DNS name, and holds for nothing, says so.
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
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut tbs = Der(Der(Der(der).expect(SEQUENCE)?).expect(SEQUENCE)?);
        let version = version(&mut tbs)?;
        tbs.expect(INTEGER)?; // serialNumber
        tbs.expect(SEQUENCE)?; // signature
        let (issuer, _) = name(tbs.expect(SEQUENCE)?);
        let mut validity = Der(tbs.expect(SEQUENCE)?);
        let (not_before, not_after) = (time(&validity.next()?)?, time(&validity.next()?)?);
        let (subject, common_name) = name(tbs.expect(SEQUENCE)?);
        let rsa_bits = rsa_bits(tbs.expect(SEQUENCE)?);
        let extensions = tbs.find(|element| element.tag == EXPLICIT_3);
        let extensions = extensions.map_or(&[][..], |element| element.content);
        Some(Self {
            version,
            is_authority: is_authority(extensions).unwrap_or(false),
            subject,
            common_name,
            issuer,
            names: alternative_names(extensions).unwrap_or_default(),
            not_before,
            not_after,
            rsa_bits,
        })
    }

    /// Whether it has an address as a DNS name only.
    pub(super) fn has_as_dns_name(&self, address: &str) -> bool {
        self.names.iter().any(|name| name.strip_suffix(AS_DNS_NAME) == Some(address))
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

/// Reads the version, if it stands there (RFC 5280 section 4.1.2.1).
fn version(tbs: &mut Der<'_>) -> Option<u8> {
    if tbs.0.first() != Some(&EXPLICIT_0) {
        return Some(1);
    }
    match Der(tbs.expect(EXPLICIT_0)?).expect(INTEGER)? {
        [version @ 0..3] => Some(version + 1),
        _ => None,
    }
}

/// The key in a certificate of any version.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicKey<'c> {
    /// SubjectPublicKeyInfo whole.
    pub(super) info: &'c [u8],
    /// The content of its AlgorithmIdentifier.
    pub(super) algorithm: &'c [u8],
    /// The key.
    pub(super) key: &'c [u8],
}

impl<'c> PublicKey<'c> {
    /// The key of a certificate, and the certificate's version.
    pub(super) fn of(der: &'c [u8]) -> Option<(Self, u8)> {
        let mut tbs = Der(Der(Der(der).expect(SEQUENCE)?).expect(SEQUENCE)?);
        let version = version(&mut tbs)?;
        tbs.expect(INTEGER)?; // serialNumber
        for _ in ["signature", "issuer", "validity", "subject"] {
            tbs.expect(SEQUENCE)?;
        }
        let info = tbs.whole(SEQUENCE)?;
        let mut parts = Der(Der(info).expect(SEQUENCE)?);
        let algorithm = parts.expect(SEQUENCE)?;
        // No unused bits.
        let [0, key @ ..] = parts.expect(BIT_STRING)? else { return None };
        Some((Self { info, algorithm, key }, version))
    }
}

/// Common name and organisation of a Name (RFC 5280 section 4.1.2.4), and the common
/// name alone.
fn name(content: &[u8]) -> (String, Option<String>) {
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
    (common.clone().into_iter().chain(organisation).collect::<Vec<_>>().join(", "), common)
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

/// More than this of a certificate's name is not shown.
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

/// The value of an extension (RFC 5280 section 4.1.2.9).
fn extension<'c>(extensions: &'c [u8], wanted: &[u8]) -> Option<&'c [u8]> {
    Der(Der(extensions).expect(SEQUENCE)?).find_map(|extension| {
        let mut extension = Der(extension.content);
        let identifier = extension.expect(OBJECT_IDENTIFIER)?;
        // `critical` may stand between the two.
        let value = extension.find(|element| element.tag == OCTET_STRING)?;
        (identifier == wanted).then_some(value.content)
    })
}

/// Whether basicConstraints has cA (RFC 5280 section 4.2.1.9).
fn is_authority(extensions: &[u8]) -> Option<bool> {
    let value = extension(extensions, b"\x55\x1d\x13")?;
    let authority = Der(Der(value).expect(SEQUENCE)?).expect(BOOLEAN)?;
    Some(authority.first().is_some_and(|octet| *octet != 0))
}

/// How an address is shown that is written as a DNS name.
const AS_DNS_NAME: &str = " as a DNS name";

/// The dNSName and iPAddress entries of subjectAltName.
fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let value = extension(extensions, b"\x55\x1d\x11")?;
    let names = Der(Der(value).expect(SEQUENCE)?).filter_map(|entry| match entry.tag {
        DNS_NAME => {
            let name = shown_octets(entry.content);
            let is_address = name.parse::<IpAddr>().is_ok();
            Some(if is_address { name + AS_DNS_NAME } else { name })
        }
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
        CertificateParams, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm,
        date_time_ymd,
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
            assert!(PublicKey::of(&der[..end]).is_none());
        }
        // Every octet wrong in some ways: any answer will do.
        for at in 0..der.len() {
            for octet in [0, 1, 0x30, 0x7f, 0x80, 0x83, 0x84, 0xff] {
                let mut wrong = der.clone();
                wrong[at] = octet;
                let _ = (Certificate::read(&wrong), PublicKey::of(&wrong).is_some());
            }
        }
    }
}
