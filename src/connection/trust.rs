//! Who is believed to be the server, and who we are to it.
//!
//! # Invariants
//!
//! * webpki decides about chain, dates and host name; there is no matcher of our
//!   own, and no option to leave a check out (CVE-2014-7273 to -7275,
//!   CVE-2019-8337). A pin is one condition more.
//! * A certificate that a person listed as believed, octet for octet, needs no
//!   issuer; its names and dates are checked.
//! * Without authorities a pin stands alone: the holder of the pinned key is the
//!   server, whatever name and dates its certificate has. That it has the key
//!   is proved by the handshake's signature, which is always checked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::certificate::{Certificate, PublicKey};
use super::error::Error;
use super::identity::Identity;
use super::roots::{Authorities, Roots};
use crate::pin::Pin;

/// Hands the identity out, and remembers that the server wanted one.
#[derive(Debug, Default)]
pub(super) struct ClientCertResolver {
    pub(super) identity: Option<Identity>,
    pub(super) asked: AtomicBool,
}

impl ResolvesClientCert for ClientCertResolver {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.identity.as_ref().map(|identity| Arc::clone(&identity.0))
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

/// What is done with the judgement about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VerifyMode {
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
    /// The operating system's authorities would have vouched for it.
    pub(super) is_known_to_system: bool,
}

/// Decides whether the server is who it should be.
#[derive(Debug)]
pub(super) struct Verifier {
    authorities: Authorities,
    webpki: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<Pin>,
    provider: Arc<CryptoProvider>,
    judgement: VerifyMode,
    presented: Mutex<Option<Presented>>,
}

impl Verifier {
    pub(super) fn new(
        authorities: Authorities,
        pins: &[Pin],
        judgement: VerifyMode,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let webpki = match &authorities.store {
            None => None,
            Some(store) => Some(verifier_of(store, provider)?),
        };
        Ok(Self {
            authorities,
            webpki,
            pins: pins.to_vec(),
            provider: Arc::clone(provider),
            judgement,
            presented: Mutex::default(),
        })
    }

    /// What the server has presented so far.
    pub(super) fn presented(&self) -> Option<Presented> {
        self.presented.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }

    /// Whether an authority vouches for the server, or its certificate is itself among
    /// those believed.
    fn believe(&self, shown: &PresentedChain<'_>) -> Result<(), TlsError> {
        let Some(webpki) = &self.webpki else { return Ok(()) };
        match shown.verify(webpki) {
            Err(_) if self.authorities.listed.contains(shown.end_entity) => shown.verify_listed(),
            verified => verified,
        }
    }

    /// Whether the operating system would have believed what the built-in authorities
    /// do not.
    fn is_known_to_system(
        &self,
        shown: &PresentedChain<'_>,
        judged: &Result<(), TlsError>,
    ) -> bool {
        if self.authorities.roots != Roots::Webpki
            || !matches!(judged, Err(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)))
        {
            return false;
        }
        let system = Authorities::read(&Roots::System).ok().and_then(|system| system.store);
        let verifier = system.and_then(|store| verifier_of(&store, &self.provider).ok());
        verifier.is_some_and(|webpki| shown.verify(&webpki).is_ok())
    }
}

fn verifier_of(
    store: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    WebPkiServerVerifier::builder_with_provider(Arc::clone(store), Arc::clone(provider))
        .build()
        .map_err(|error| Error::Tls(TlsError::General(error.to_string())))
}

/// What a server shows, and what it is judged by.
struct PresentedChain<'s> {
    end_entity: &'s CertificateDer<'s>,
    intermediates: &'s [CertificateDer<'s>],
    name: &'s ServerName<'s>,
    ocsp: &'s [u8],
    now: UnixTime,
}

impl PresentedChain<'_> {
    fn verify(&self, webpki: &WebPkiServerVerifier) -> Result<(), TlsError> {
        let Self { end_entity, intermediates, name, ocsp, now } = *self;
        webpki.verify_server_cert(end_entity, intermediates, name, ocsp, now).map(|_| ())
    }

    /// Verifies a certificate that is itself believed, octet for octet: it needs no
    /// issuer, and it may be an authority's, as `openssl req -x509` makes it. Its
    /// names and its time count as ever.
    fn verify_listed(&self) -> Result<(), TlsError> {
        verify_server_name(&ParsedCertificate::try_from(self.end_entity)?, self.name)?;
        let certificate = Certificate::read(self.end_entity);
        let certificate = certificate.ok_or(CertificateError::BadEncoding)?;
        let at = |seconds: i64| {
            let seconds = u64::try_from(seconds).unwrap_or(0);
            UnixTime::since_unix_epoch(Duration::from_secs(seconds))
        };
        let (not_before, not_after) = (at(certificate.not_before), at(certificate.not_after));
        let time = self.now;
        if time < not_before {
            return Err(CertificateError::NotValidYetContext { time, not_before }.into());
        }
        if time > not_after {
            return Err(CertificateError::ExpiredContext { time, not_after }.into());
        }
        Ok(())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let pin = PublicKey::of(end_entity).map(|(key, _)| Pin::of_key(key.info));
        let shown = PresentedChain { end_entity, intermediates, name, ocsp, now };
        let judged = self.believe(&shown).and_then(|()| match pin {
            _ if self.pins.is_empty() && self.webpki.is_some() => Ok(()),
            Some(pin) if self.pins.contains(&pin) => Ok(()),
            Some(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            None => Err(CertificateError::BadEncoding.into()),
        });
        let is_known_to_system = self.is_known_to_system(&shown, &judged);
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        let presented = Presented { chain, pin, judged: judged.clone(), is_known_to_system };
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = Some(presented);
        match (judged, self.judgement) {
            (Err(error), VerifyMode::Binds) => Err(error),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        match PublicKey::of(certificate) {
            Some((key, ..3)) => verify_by_key(message, key, signature, self.algorithms()),
            _ => verify_tls12_signature(message, certificate, signature, self.algorithms()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        match PublicKey::of(certificate) {
            Some((key, ..3)) => {
                let key = SubjectPublicKeyInfoDer::from(key.info);
                verify_tls13_signature_with_raw_key(message, &key, signature, self.algorithms())
            }
            _ => verify_tls13_signature(message, certificate, signature, self.algorithms()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

/// Verifies the proof of having a key under TLS 1.2 for certificates of versions that
/// webpki does not read. Which of a scheme's algorithms it is, the key says.
fn verify_by_key(
    message: &[u8],
    key: PublicKey<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, TlsError> {
    let found = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signature.scheme);
    let mut of_scheme = found.map_or(&[][..], |(_, algorithms)| algorithms).iter();
    let algorithm = of_scheme.find(|it| it.public_key_alg_id().as_ref() == key.algorithm);
    let verified = algorithm.map(|it| it.verify_signature(key.key, message, signature.signature()));
    match verified {
        Some(Ok(())) => Ok(HandshakeSignatureValid::assertion()),
        _ => Err(CertificateError::BadSignature.into()),
    }
}
