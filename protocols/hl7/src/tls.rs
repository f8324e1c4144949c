//! TLS for the MLLP door: certificates from PEM files, TLS 1.2 and 1.3, clients' certificates if they are asked for
//! (IHE ATNA asks for them).

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier},
};

/// Files in PEM.
#[derive(Debug, Clone)]
pub struct Files {
    /// The server's certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Authorities whose certificates clients must show; without it, they show none.
    pub client_authorities: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} cannot be read as PEM: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    #[error("the TLS configuration cannot be used: {0}")]
    Config(String),
}

/// Reads the files.
pub fn acceptor(files: &Files) -> Result<TlsAcceptor, TlsError> {
    let certificates = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    let provider = Arc::new(ring::default_provider());
    let config = |error: rustls::Error| TlsError::Config(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(config)?;
    let builder = match &files.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in self::certificates(path)? {
                roots.add(authority).map_err(config)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| TlsError::Config(error.to_string()))?)
        }
    };
    Ok(TlsAcceptor::from(Arc::new(builder.with_single_cert(certificates, key).map_err(config)?)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(unreadable(path))?;
    if certificates.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(certificates) }
}

fn unreadable(path: &Path) -> impl FnOnce(rustls_pki_types::pem::Error) -> TlsError {
    let path = path.to_owned();
    move |error| TlsError::File { path, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_told_by_name() {
        let folder = std::env::temp_dir();
        let files =
            Files { certificate: folder.join("none.pem"), key: folder.join("none.key"), client_authorities: None };
        let error = acceptor(&files).err().unwrap().to_string();
        assert!(error.contains("none.pem"), "{error}");
    }
}
