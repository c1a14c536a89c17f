//! Certificates made at start: a small authority, and a leaf it signed.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the leaf says.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// DNS names, and addresses in text.
    pub(crate) names: Vec<String>,
    pub(crate) expired: bool,
}

impl Default for Leaf {
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "::1"];
        Self { names: names.map(str::to_owned).to_vec(), expired: false }
    }
}

/// The server's side of TLS, and the authority a client must trust.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
}

fn authority() -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "pop3-test-server authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

impl Identity {
    /// A new authority and a new leaf: no two servers share them, so that a
    /// client that trusts one server's authority must refuse another's leaf.
    pub(crate) fn generate(leaf: &Leaf) -> Result<Self, Box<dyn std::error::Error>> {
        let (issuer, ca_pem) = authority()?;
        let mut params = CertificateParams::new(leaf.names.clone())?;
        params.distinguished_name.push(DnType::CommonName, "pop3-test-server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        if leaf.expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self { config: Arc::new(config), ca_pem })
    }
}
