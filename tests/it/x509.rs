//! The reader of certificates against another one's, x509-cert: whatever both read, they
//! read alike.
//!
//! The program has its own since it must name what webpki refuses, old and broken
//! certificates among them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pop3get::connection::Certificate;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, PrintableStringRef, UintRef, Utf8StringRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _};
use x509_cert::ext::pkix;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANISATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The last attribute of this kind; `None` also for text of another form.
fn attribute(name: &Name, kind: ObjectIdentifier) -> Option<String> {
    let mut all = name.0.iter().flat_map(|set| set.0.iter());
    let value = &all.rfind(|it| it.oid == kind)?.value;
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|it| it.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|it| it.as_str().to_owned());
    utf8.or_else(|_| printable()).ok()
}

/// Whether a text is shown as it is.
fn is_plain(text: &str) -> bool {
    text.chars().count() <= 64
        && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ')
}

fn rsa_bits(certificate: &x509_cert::Certificate) -> Option<usize> {
    let info = &certificate.tbs_certificate.subject_public_key_info;
    if info.algorithm.oid != RSA {
        return None;
    }
    let key = AnyRef::from_der(info.subject_public_key.raw_bytes()).unwrap();
    let modulus = key.sequence(|reader| {
        let modulus = UintRef::decode(reader)?.as_bytes().to_vec();
        reader.decode::<UintRef<'_>>()?;
        Ok(modulus)
    });
    let modulus = modulus.unwrap();
    Some(modulus.len() * 8 - modulus[0].leading_zeros() as usize)
}

fn names(certificate: &x509_cert::Certificate) -> Vec<String> {
    let found = certificate.tbs_certificate.get::<pkix::SubjectAltName>().unwrap();
    let entries = found.map(|(_, names)| names.0).unwrap_or_default();
    let name = |entry: &GeneralName| match entry {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(octets) => match octets.as_bytes().len() {
            4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets.as_bytes()).unwrap()).to_string()),
            _ => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets.as_bytes()).unwrap()).to_string()),
        },
        _ => None,
    };
    entries.iter().filter_map(name).collect()
}

/// Whether the oracle reads this certificate; both have to read the same.
fn is_read_alike(der: &[u8]) -> bool {
    let Ok(theirs) = x509_cert::Certificate::from_der(der) else { return false };
    assert_eq!(theirs.to_der().unwrap(), der);
    let ours = Certificate::read(der).unwrap();
    let theirs_tbs = &theirs.tbs_certificate;
    assert_eq!(ours.version, theirs_tbs.version as u8 + 1, "{ours:?}");
    let validity = &theirs_tbs.validity;
    let seconds = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs() as i64;
    assert_eq!(ours.not_before, seconds(&validity.not_before), "{ours:?}");
    assert_eq!(ours.not_after, seconds(&validity.not_after), "{ours:?}");
    let constraints = theirs_tbs.get::<pkix::BasicConstraints>().unwrap();
    assert_eq!(ours.is_authority, constraints.is_some_and(|(_, it)| it.ca), "{ours:?}");
    assert_eq!(ours.rsa_bits, rsa_bits(&theirs), "{ours:?}");
    assert_eq!(ours.names, names(&theirs), "{ours:?}");
    for (shown, name) in [(&ours.subject, &theirs_tbs.subject), (&ours.issuer, &theirs_tbs.issuer)]
    {
        let parts = [COMMON_NAME, ORGANISATION].map(|kind| attribute(name, kind));
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if !parts.is_empty() && parts.iter().all(|part| is_plain(part)) {
            assert_eq!(*shown, parts.join(", "));
        }
    }
    true
}

/// Their dates begin in 1970: the other reader knows none before.
#[test]
fn certificates_of_many_forms_are_read_as_another_reader_reads_them() {
    let texts = ["mail.example.org", "a b", "", "J\u{fc}rgen", "xn--mnchen-3ya.de"];
    let dates = [(1975, 1, 1), (1999, 12, 31), (2049, 12, 31), (2050, 1, 1), (2400, 2, 29)];
    for (at, text) in texts.iter().enumerate() {
        for (nth, (year, month, day)) in dates.into_iter().enumerate() {
            let names = ["example.org", "*.example.net", "mail.example.com"];
            let mut params = CertificateParams::new(
                names[..at % 4].iter().map(|it| (*it).into()).collect::<Vec<String>>(),
            )
            .unwrap();
            let addresses: [IpAddr; 2] =
                ["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
            params
                .subject_alt_names
                .extend(addresses[..nth % 3].iter().map(|it| rcgen::SanType::IpAddress(*it)));
            params.distinguished_name.push(DnType::CommonName, *text);
            params.distinguished_name.push(DnType::OrganizationName, text.repeat(2));
            (params.not_before, params.not_after) =
                (date_time_ymd(1970, 1, 2), date_time_ymd(year, month, day));
            if nth % 2 == 0 {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            assert!(is_read_alike(made.der()), "{text} {year}");
        }
    }
}

/// About 140 on most systems, of RSA and of elliptic curves, some older than this century.
#[test]
fn this_systems_authorities_are_read_as_another_reader_reads_them() {
    let found = rustls_native_certs::load_native_certs().certs;
    let read = found.iter().filter(|it| is_read_alike(it)).count();
    eprintln!("{read} of {} authorities were compared", found.len());
    assert!(found.is_empty() || read > 0);
    assert!(read * 10 >= found.len() * 9, "{read} of {}", found.len());
}
