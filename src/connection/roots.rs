//! The certificate authorities that are believed, and where they are read from.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::error::{Error, RootsError};

/// Which certificate authorities are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those in this PEM file, and no others.
    File(PathBuf),
    /// None: a pin alone tells who the server is, and without one no server
    /// is believed.
    None,
    /// Those of the operating system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    System,
    /// Mozilla's, built in.
    Webpki,
}

/// The authorities that are believed, read.
#[derive(Clone, Debug)]
pub(super) struct Authorities {
    pub(super) roots: Roots,
    /// `None` where a pin stands alone.
    pub(super) store: Option<Arc<RootCertStore>>,
    /// What a person has listed: each may also be the server's own certificate.
    pub(super) listed: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Reads them. The built-in ones cost a millisecond, so only where TLS is spoken.
    pub(super) fn read(roots: &Roots) -> Result<Self, Error> {
        let mut listed = Vec::new();
        let store = match roots {
            Roots::None => None,
            Roots::System => Some(system(RootCertStore::empty())?),
            Roots::Webpki => {
                let mut store = RootCertStore::empty();
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                Some(store)
            }
            Roots::File(path) => {
                let read = file(path, &mut listed);
                Some(read.map_err(|why| Error::Roots { path: path.clone(), why })?)
            }
        };
        Ok(Self { roots: roots.clone(), store: store.map(Arc::new), listed })
    }
}

fn file(
    path: &Path,
    listed: &mut Vec<CertificateDer<'static>>,
) -> Result<RootCertStore, RootsError> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(RootsError::Pem)? {
        let certificate = certificate.map_err(RootsError::Pem)?;
        store.add(certificate.clone()).map_err(RootsError::Invalid)?;
        listed.push(certificate);
    }
    if store.is_empty() { Err(RootsError::Empty) } else { Ok(store) }
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
