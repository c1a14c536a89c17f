//! Certificates made at start: a small authority, and a leaf it signed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, date_time_ymd,
};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use sha2::{Digest as _, Sha256};

type Failure = Box<dyn std::error::Error>;

/// What the leaf says, and how it is shown.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// DNS names, and addresses in text.
    pub(crate) names: Vec<String>,
    pub(crate) chain: Chain,
    pub(crate) validity: Validity,
    pub(crate) tls12_only: bool,
    pub(crate) clients: Option<Clients>,
    /// A chain and a key in PEM instead, which need not belong together.
    pub(crate) given: Option<(String, String)>,
}

/// Which certificates the server shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Chain {
    /// The leaf, which the authority signed.
    #[default]
    Leaf,
    /// A leaf that nobody but itself signed.
    SelfSigned,
    /// The leaf, then its authority.
    WithAuthority,
}

/// When the leaf is valid.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Validity {
    /// Long ago, for a long time to come.
    #[default]
    Always,
    EndsIn(Duration),
    Expired,
    NotYet,
}

/// Whose certificates clients may show, and whether they must.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) ca_pem: String,
    pub(crate) required: bool,
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            names: ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
            chain: Chain::default(),
            validity: Validity::default(),
            tls12_only: false,
            clients: None,
            given: None,
        }
    }
}

/// An authority of certificates, made at run time: the one whose clients
/// [`Builder::client_certificates`](crate::Builder::client_certificates) lets in.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// What a client shows (in PEM), and what proves that it is its own.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate.
    pub certificate_pem: String,
    /// Its key, PKCS #8.
    pub key_pem: String,
}

impl Authority {
    /// A new one, unlike any other.
    ///
    /// # Panics
    ///
    /// If the machine has no randomness.
    #[expect(clippy::new_without_default, reason = "no two are alike")]
    pub fn new() -> Self {
        Self::generate().expect("an authority can be made")
    }

    fn generate() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "pop3-test-server authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let own = params.self_signed(&key)?;
        let (certificate, pem) = (own.der().clone(), own.pem());
        Ok(Self { issuer: Issuer::new(params, key), certificate, pem })
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate with this common name, for a client.
    ///
    /// # Panics
    ///
    /// If the machine has no randomness.
    pub fn client(&self, name: &str) -> ClientCertificate {
        self.sign_client(name).expect("a certificate can be made")
    }

    fn sign_client(&self, name: &str) -> Result<ClientCertificate, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate_pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok(ClientCertificate { certificate_pem, key_pem: key.serialize_pem() })
    }
}

/// The server's side of TLS, and what a client must know of it.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
    /// The hash of the leaf's public key, as clients are told to pin it.
    pub(crate) spki_pin: String,
    /// tls-server-end-point (RFC 5929 section 4): the leaf is signed with
    /// SHA-256.
    pub(crate) end_point: Vec<u8>,
}

impl Identity {
    /// A new authority and a new leaf: no two servers share them, so that a
    /// client that trusts one server's authority must refuse another's leaf.
    pub(crate) fn generate(leaf: &Leaf) -> Result<Self, Failure> {
        let authority = Authority::generate()?;
        let key = KeyPair::generate()?;
        let params = leaf.params()?;
        let certificate = match leaf.chain {
            Chain::SelfSigned => params.self_signed(&key)?,
            Chain::Leaf | Chain::WithAuthority => params.signed_by(&key, &authority.issuer)?,
        };
        let mut chain = vec![certificate.der().clone()];
        if leaf.chain == Chain::WithAuthority {
            chain.push(authority.certificate);
        }
        let pin = STANDARD.encode(Sha256::digest(key.subject_public_key_info()));
        Ok(Self {
            config: Arc::new(leaf.config(chain, &key)?),
            ca_pem: authority.pem,
            spki_pin: format!("sha256:{pin}"),
            end_point: Sha256::digest(certificate.der()).to_vec(),
        })
    }
}

impl Leaf {
    fn params(&self) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name.push(DnType::CommonName, "pop3-test-server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        match self.validity {
            Validity::Always => {}
            Validity::EndsIn(left) => params.not_after = (SystemTime::now() + left).into(),
            Validity::Expired => {
                params.not_before = date_time_ymd(2001, 1, 1);
                params.not_after = date_time_ymd(2002, 1, 1);
            }
            Validity::NotYet => params.not_before = date_time_ymd(3001, 1, 1),
        }
        Ok(params)
    }

    fn config(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: &KeyPair,
    ) -> Result<ServerConfig, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = if self.tls12_only { &[&TLS12][..] } else { &[&TLS13, &TLS12] };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let (chain, key) = match &self.given {
            None => (chain, key),
            Some((chain, key)) => (
                CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>()?,
                PrivateKeyDer::from_pem_slice(key.as_bytes())?,
            ),
        };
        // Not checked against each other, as `with_single_cert` would.
        let certified = CertifiedKey::new(chain, any_supported_type(&key)?);
        Ok(ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(self.clients()?)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified))))
    }

    fn clients(&self) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
        let Some(Clients { ca_pem, required }) = &self.clients else {
            return Ok(WebPkiClientVerifier::no_client_auth());
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(if *required { verifier } else { verifier.allow_unauthenticated() }.build()?)
    }
}

/// Whom the client's certificate, verified, names: its subject's common name.
pub(crate) fn client_name(connection: &ServerConnection) -> Option<Vec<u8>> {
    common_name(connection.peer_certificates()?.first()?)
}

/// The last common name in a certificate. The issuer's stands before the
/// subject's (RFC 5280 section 4.1), and no extension that rcgen writes has one.
fn common_name(certificate: &[u8]) -> Option<Vec<u8>> {
    /// The identifier 2.5.4.3, as DER has it.
    const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    let at = certificate.windows(5).rposition(|octets| octets == COMMON_NAME)?;
    // A string's tag, its length in one octet, its octets.
    let string = certificate.get(at + COMMON_NAME.len() + 1..)?;
    let (&length, name) = string.split_first()?;
    name.get(..length.into()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_ends_when_it_should() {
        let left = Duration::from_secs(3 * 24 * 60 * 60);
        let leaf = Leaf { validity: Validity::EndsIn(left), ..Leaf::default() };
        let end = SystemTime::from(leaf.params().expect("names").not_after);
        let left = end.duration_since(SystemTime::now()).expect("a time to come");
        assert_eq!(left.as_secs().div_ceil(60), 3 * 24 * 60);
    }
}
