//! Certificates of the TLS listeners: from PEM files, or made by ourselves and kept in the data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

use crate::config::{ConfigError, Tls};
use crate::secret_file;

/// What both TLS listeners serve with; `alpn` lists the protocols offered, such as `http/1.1`.
///
/// # Errors
/// The files cannot be read or do not fit together; the text names them.
pub fn server_config(
    tls: &Tls,
    domain: &str,
    data: &Path,
    alpn: &[&str],
) -> Result<Arc<ServerConfig>, ConfigError> {
    let (certificate, key) = files(tls, domain, data)?;
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| ConfigError(format!("tls.certificate: {}: {error}", certificate.display())))?;
    let private = PrivateKeyDer::from_pem_file(&key)
        .map_err(|error| ConfigError(format!("tls.key: {}: {error}", key.display())))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| {
            ConfigError(format!("tls: {} and {}: {error}", certificate.display(), key.display()))
        })?;
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Arc::new(config))
}

/// The SHA-256 fingerprint of our certificate, as `a=fingerprint` writes it (RFC 8122 §5): `SHA-256 AA:BB:…`.
///
/// # Errors
/// The file cannot be read; the text names it.
pub fn fingerprint(tls: &Tls, domain: &str, data: &Path) -> Result<String, ConfigError> {
    let (certificate, _) = files(tls, domain, data)?;
    let first = CertificateDer::from_pem_file(&certificate)
        .map_err(|error| ConfigError(format!("tls.certificate: {}: {error}", certificate.display())))?;
    let digest = Sha256::digest(&first);
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(format!("SHA-256 {}", hex.join(":")))
}

/// The paths of certificate and key: those configured, or those that we made.
fn files(tls: &Tls, domain: &str, data: &Path) -> Result<(PathBuf, PathBuf), ConfigError> {
    if tls.certificate.as_os_str().is_empty() {
        self_signed(domain, data)
    } else {
        Ok((tls.certificate.clone(), tls.key.clone()))
    }
}

/// The certificate that we made for `domain`, made now if it is not there; gives the paths of certificate and key.
fn self_signed(domain: &str, data: &Path) -> Result<(PathBuf, PathBuf), ConfigError> {
    let (certificate, key) = (data.join("tls-self-signed.pem"), data.join("tls-self-signed.key"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    let names =
        vec![domain.to_owned(), format!("*.{domain}"), "localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| ConfigError(format!("tls: no certificate can be made for {domain}: {error}")))?;
    let write = |path: &Path, text: &str| {
        secret_file::write(path, text.as_bytes())
            .map_err(|error| ConfigError(format!("tls: cannot write {}: {error}", path.display())))
    };
    write(&key, &made.signing_key.serialize_pem())?;
    write(&certificate, &made.cert.pem())?;
    Ok((certificate, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_is_made_once() {
        let data = tempfile::tempdir().unwrap();
        let tls = Tls { self_signed: true, ..Tls::default() };
        server_config(&tls, "a.example", data.path(), &[]).unwrap();
        let first = std::fs::read(data.path().join("tls-self-signed.pem")).unwrap();
        server_config(&tls, "a.example", data.path(), &["http/1.1"]).unwrap();
        assert_eq!(std::fs::read(data.path().join("tls-self-signed.pem")).unwrap(), first);
    }

    #[test]
    fn a_missing_certificate_is_named() {
        let tls =
            Tls { certificate: "/nowhere/a.pem".into(), key: "/nowhere/a.key".into(), self_signed: false };
        let error = server_config(&tls, "a.example", Path::new("/nowhere"), &[]).unwrap_err().to_string();
        assert!(error.contains("/nowhere/a.pem"), "{error}");
    }
}
