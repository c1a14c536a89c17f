//! Why a server's certificate is not believed, in one clause.

use std::fmt;

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::certificate::Certificate;
use crate::pin::Pin;

/// A certificate that was refused: why, and what a person needs to judge it.
#[derive(Clone, Debug)]
pub struct CertificateRefusal {
    /// Why.
    pub reason: RefusalReason,
    /// The host that was asked for.
    pub asked: String,
    /// What the server's own certificate says, as far as it can be read.
    pub certificate: Option<Certificate>,
    /// The pin of the key that the server has.
    pub pin: Option<Pin>,
}

/// Why a certificate is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum RefusalReason {
    /// It has the address that was asked for as a DNS name, where no address is looked
    /// for (RFC 9525 section 6.5).
    AddressAsDnsName,
    /// It is an authority's own, and not listed by itself among those believed.
    Authority,
    /// It has a common name and no other.
    CommonNameOnly,
    /// Its time is over, for so many days.
    Expired {
        /// Since when.
        days: u64,
    },
    /// Its issuer has the name of an authority known here, and not its key.
    Forged,
    /// It holds for other names.
    Name,
    /// Its time has not come.
    NotYetValid,
    /// Anything else.
    Other(CertificateError),
    /// Its version of X.509 has no names that could be checked.
    OldVersion {
        /// 1 or 2.
        version: u8,
    },
    /// Its key is none of those pinned.
    Pin,
    /// The operating system knows its issuer, and the authorities built in do not.
    SystemOnly,
    /// No authority that we believe issued it.
    UnknownIssuer,
    /// Who shows it does not prove to have its key.
    Unproven,
    /// An RSA key in the chain is too short.
    WeakKey {
        /// Its length.
        bits: usize,
    },
    /// A signature's algorithm is too weak, or unknown here.
    WeakSignature,
}

/// Shorter keys prove nothing any more; ring takes none.
const RSA_BITS: usize = 2048;

impl RefusalReason {
    /// The reason for an error in the chain of certificates, leaf first, of the host
    /// that was asked for.
    pub(super) fn of_chain(error: &CertificateError, chain: &[Certificate], asked: &str) -> Self {
        let leaf = chain.first();
        let shortest = chain.iter().filter_map(|certificate| certificate.rsa_bits).min();
        let days = |time: &UnixTime, end: &UnixTime| {
            time.as_secs().saturating_sub(end.as_secs()) / (24 * 60 * 60)
        };
        match error {
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired { days: days(time, not_after) }
            }
            CertificateError::Expired => Self::Expired { days: 0 },
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                match leaf {
                    Some(leaf) if leaf.has_as_dns_name(asked) => Self::AddressAsDnsName,
                    Some(leaf) if leaf.names.is_empty() && leaf.common_name.is_some() => {
                        Self::CommonNameOnly
                    }
                    _ => Self::Name,
                }
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            // `trust` alone says this.
            CertificateError::ApplicationVerificationFailure => Self::Pin,
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Self::WeakSignature
            }
            CertificateError::BadSignature => Self::weak(shortest).unwrap_or(Self::Forged),
            // webpki reads no other version, and tells only its own error of an
            // authority's certificate.
            error => match leaf {
                Some(leaf) if leaf.version < 3 => Self::OldVersion { version: leaf.version },
                Some(leaf) if leaf.is_authority => Self::Authority,
                _ => Self::Other(error.clone()),
            },
        }
    }

    /// The reason for an error in the proof that the server has the leaf's key.
    pub(super) fn of_proof(error: &CertificateError, leaf: Option<&Certificate>) -> Self {
        match error {
            CertificateError::BadSignature => {
                let bits = leaf.and_then(|leaf| leaf.rsa_bits);
                Self::weak(bits).unwrap_or(Self::Unproven)
            }
            error => Self::Other(error.clone()),
        }
    }

    /// ring calls every signature by a short key bad.
    fn weak(rsa_bits: Option<usize>) -> Option<Self> {
        rsa_bits.filter(|bits| *bits < RSA_BITS).map(|bits| Self::WeakKey { bits })
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its certificate ")?;
        match self {
            Self::AddressAsDnsName => f.write_str("has the address as a DNS name only"),
            Self::Authority => f.write_str("is a certificate authority's own"),
            Self::CommonNameOnly => f.write_str("has a common name only, which does not count"),
            Self::Expired { days: 0 } => f.write_str("has expired"),
            Self::Expired { days: 1 } => f.write_str("expired 1 day ago"),
            Self::Expired { days } => write!(f, "expired {days} days ago"),
            Self::Forged => f.write_str("is not signed by the issuer known here by that name"),
            Self::Name => f.write_str("is for another name"),
            Self::NotYetValid => f.write_str("is not valid yet"),
            Self::Other(error) => write!(f, "is refused: {error}"),
            Self::OldVersion { version } => {
                write!(f, "is of X.509 version {version}, which has no names to check")
            }
            Self::Pin => f.write_str("has none of the keys that are pinned"),
            Self::SystemOnly => {
                f.write_str("comes from an issuer that only the operating system knows")
            }
            Self::UnknownIssuer => f.write_str("comes from an unknown issuer"),
            Self::Unproven => f.write_str("belongs to a key that it does not prove to have"),
            Self::WeakSignature => {
                f.write_str("is signed by an algorithm that is too weak or unknown")
            }
            Self::WeakKey { bits } => {
                write!(f, "rests on an RSA key of {bits} bits, which is too weak")
            }
        }
    }
}

/// How many names a sentence holds.
const NAMES: usize = 5;

impl fmt::Display for CertificateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, asked, certificate, pin } = self;
        write!(f, "{reason} (asked for {asked}")?;
        if let Some(certificate) = certificate {
            let names = certificate.names.get(..NAMES).unwrap_or(&certificate.names);
            match names {
                [] => match &certificate.common_name {
                    None => f.write_str("; it has no name")?,
                    Some(name) => write!(f, "; its common name is \"{name}\"")?,
                },
                names => write!(f, "; it has {}", names.join(", "))?,
            }
            if certificate.names.len() > NAMES {
                write!(f, " and {} more", certificate.names.len() - NAMES)?;
            }
            let (issuer, since, until) =
                (&certificate.issuer, certificate.since(), certificate.until());
            write!(f, "; issued by \"{issuer}\"; valid from {since} until {until}")?;
        }
        if let (RefusalReason::Pin, Some(pin)) = (reason, pin) {
            write!(f, "; the server's key is {pin}")?;
        }
        f.write_str(")")
    }
}
