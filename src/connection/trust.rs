//! Who is believed to be the server, and who we are to it.
//!
//! # Invariants
//!
//! * webpki decides about chain, dates and host name; there is no matcher of our
//!   own, and no option to leave a check out (CVE-2014-7273 to -7275,
//!   CVE-2019-8337). A pin is one condition more.
//! * Without authorities a pin stands alone: whoever has the pinned key is the
//!   server, whatever name and dates its certificate has. That it has the key
//!   is proved by the handshake's signature, which is always checked.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, InconsistentKeys, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use super::error::{Error, IdentityError, RootsError};

/// Which certificate authorities are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those in this PEM file, and no others.
    File(PathBuf),
    /// None: a pin alone tells who the server is, and without one nobody is
    /// believed.
    None,
    /// Those of the operating system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    System,
    /// Mozilla's, built in.
    Webpki,
}

/// The SHA-256 of a key, over its SubjectPublicKeyInfo: `sha256:BASE64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// That of the key in a certificate.
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, TlsError> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self(Sha256::digest(&key).into()))
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

/// A certificate with its key, by which the server may know us.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

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

/// Hands the identity out, and remembers that the server wanted one.
#[derive(Debug, Default)]
pub(super) struct Introduction {
    pub(super) identity: Option<Identity>,
    pub(super) asked: AtomicBool,
}

impl ResolvesClientCert for Introduction {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.identity.as_ref().map(|identity| Arc::clone(&identity.0))
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

/// Parsed only when TLS is really spoken: the built-in roots cost a millisecond
/// that `--version` need not pay.
fn authorities(roots: &Roots) -> Result<Option<RootCertStore>, Error> {
    let mut store = RootCertStore::empty();
    let path = match roots {
        Roots::None => return Ok(None),
        Roots::System => return system(store).map(Some),
        Roots::Webpki => {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            return Ok(Some(store));
        }
        Roots::File(path) => path,
    };
    let refuse = |why| Error::Roots { path: path.clone(), why };
    for certificate in
        CertificateDer::pem_file_iter(path).map_err(|error| refuse(RootsError::Pem(error)))?
    {
        let certificate = certificate.map_err(|error| refuse(RootsError::Pem(error)))?;
        store.add(certificate).map_err(|error| refuse(RootsError::Invalid(error)))?;
    }
    if store.is_empty() { Err(refuse(RootsError::Empty)) } else { Ok(Some(store)) }
}

/// What the system believes. One odd certificate among hundreds is passed over;
/// none at all is an error.
fn system(mut store: RootCertStore) -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = store.add_parsable_certificates(found.certs);
    match found.errors.into_iter().next() {
        _ if added > 0 => Ok(store),
        None => Err(Error::SystemRoots(io::ErrorKind::NotFound.into())),
        Some(error) => Err(Error::SystemRoots(io::Error::other(error))),
    }
}

/// What is done with the judgement about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// A refused certificate ends the handshake.
    Binds,
    /// It is only remembered: for a connection over which nothing is ever sent.
    IsRemembered,
}

/// What the server presented.
#[derive(Clone, Debug)]
pub(super) struct Presented {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) pin: Option<Pin>,
    pub(super) judged: Result<(), TlsError>,
}

/// Decides whether the server is who it should be.
#[derive(Debug)]
pub(super) struct Verifier {
    webpki: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<Pin>,
    algorithms: WebPkiSupportedAlgorithms,
    judgement: Judgement,
    presented: Mutex<Option<Presented>>,
}

impl Verifier {
    pub(super) fn new(
        roots: &Roots,
        pins: &[Pin],
        judgement: Judgement,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let webpki = match authorities(roots)? {
            None => None,
            Some(store) => {
                let provider = Arc::clone(provider);
                let builder =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
                let built = builder
                    .build()
                    .map_err(|error| Error::Tls(TlsError::General(error.to_string())))?;
                Some(built)
            }
        };
        Ok(Self {
            webpki,
            pins: pins.to_vec(),
            algorithms: provider.signature_verification_algorithms,
            judgement,
            presented: Mutex::default(),
        })
    }

    /// What the server has presented so far.
    pub(super) fn presented(&self) -> Option<Presented> {
        self.presented.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let pin = Pin::of(end_entity);
        let believed = match &self.webpki {
            Some(webpki) => webpki
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map(|_| ()),
            None => Ok(()),
        };
        let judged = believed.and_then(|()| match &pin {
            _ if self.pins.is_empty() && self.webpki.is_some() => Ok(()),
            Ok(pin) if self.pins.contains(pin) => Ok(()),
            Ok(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Err(error) => Err(error.clone()),
        });
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        let presented = Presented { chain, pin: pin.ok(), judged: judged.clone() };
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = Some(presented);
        match (judged, self.judgement) {
            (Err(error), Judgement::Binds) => Err(error),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
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
