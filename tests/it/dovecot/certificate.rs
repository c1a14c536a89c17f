//! The certificates of one Dovecot, made at run time: an authority and a server.
//!
//! Two of them, since that is what a client meets outside: rustls refuses an
//! authority's own certificate as that of a server.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Write `ca.pem`, and `server.pem` with `server.key`, which the authority has
/// signed for `localhost` and 127.0.0.1.
pub(super) fn write(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let authority_key = KeyPair::generate()?;
    let mut params = named("pop3get test authority", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key)?;
    let issuer = Issuer::new(params, authority_key);

    let server_key = KeyPair::generate()?;
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = named("localhost", names)?;
    params.use_authority_key_identifier_extension = true;
    let server = params.signed_by(&server_key, &issuer)?;

    fs::write(directory.join("ca.pem"), authority.pem())?;
    fs::write(directory.join("server.pem"), server.pem())?;
    fs::write(directory.join("server.key"), server_key.serialize_pem())?;
    Ok(())
}

fn named(common_name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}
