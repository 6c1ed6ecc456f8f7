//! Verifies the server's certificate as libpq does, by rustls and webpki. Files are read here, when a server has agreed to TLS.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::encryption::{Naming, Negotiation, Roots, Tls, Verify, Versions};

/// Makes the configuration of one TLS connection.
///
/// # Errors
/// A file that cannot be read or holds something else; the message names it.
pub(super) fn client_config(tls: &Tls) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[_] = match tls.versions {
        Versions::Both => &[&rustls::version::TLS13, &rustls::version::TLS12],
        Versions::Only12 => &[&rustls::version::TLS12],
        Versions::Only13 => &[&rustls::version::TLS13],
    };
    let verifier = Arc::new(Verifier::new(tls, &provider)?);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = all::<CertificateDer<'_>>(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| about(key, error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| about(certificate, error))?
        }
    };
    // PostgreSQL 17 demands it with direct TLS; older servers ignore it.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    config.enable_sni = tls.name == Naming::Told;
    Ok(config)
}

/// Makes the configuration of TLS for anything but PostgreSQL: certificate and host name are verified, against the certificates
/// of a file or those of the system, and a client's certificate and private key are shown where there are any.
///
/// # Errors
/// A file that cannot be read or holds something else; the message names it.
pub fn tls_config(ca: Option<PathBuf>, identity: Option<(PathBuf, PathBuf)>) -> io::Result<ClientConfig> {
    let mut config = client_config(&Tls {
        verify: Verify::ChainAndName,
        roots: ca.map_or(Roots::System, Roots::File),
        identity,
        revoked: None,
        negotiation: Negotiation::Direct,
        name: Naming::Told,
        versions: Versions::Both,
    })?;
    config.alpn_protocols.clear();
    Ok(config)
}

/// All objects of a PEM file, at least one.
fn all<T: PemObject>(path: &Path) -> io::Result<Vec<T>> {
    let objects = T::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<T>, _>>);
    let objects = objects.map_err(|error| about(path, error))?;
    if objects.is_empty() { Err(about(path, "there is nothing of that kind in this PEM file")) } else { Ok(objects) }
}

fn about(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", path.display()))
}

/// What is wrong with the files that decide whom to trust.
fn unusable(error: &VerifierBuilderError, tls: &Tls) -> io::Error {
    match (error, &tls.roots, &tls.revoked) {
        (VerifierBuilderError::InvalidCrl(_), _, Some(path)) => about(path, format!("{error} (version 2 is needed)")),
        (_, Roots::File(path), _) => about(path, "no certificate in it can be used"),
        (_, Roots::System, _) => {
            io::Error::new(io::ErrorKind::InvalidInput, "this system has no certificates of its own to trust")
        }
    }
}

#[derive(Debug)]
struct Verifier {
    verify: Verify,
    /// The certificates of the root file, as they are: a server's own one may be among them.
    trusted: Vec<CertificateDer<'static>>,
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(tls: &Tls, provider: &Arc<CryptoProvider>) -> io::Result<Self> {
        if tls.verify == Verify::Nothing {
            return Ok(Self { verify: tls.verify, trusted: Vec::new(), chain: None, provider: Arc::clone(provider) });
        }
        let trusted = match &tls.roots {
            Roots::File(path) => all(path)?,
            Roots::System => rustls_native_certs::load_native_certs().certs,
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let lists = tls.revoked.as_deref().map(all::<CertificateRevocationListDer<'_>>).transpose()?;
        let chain = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider))
            .with_crls(lists.unwrap_or_default())
            .build()
            .map_err(|error| unusable(&error, tls))?;
        Ok(Self { verify: tls.verify, trusted, chain: Some(chain), provider: Arc::clone(provider) })
    }

    /// A self-signed certificate that stands in the root file itself. PostgreSQL's manual makes such ones, marked as
    /// authorities, and OpenSSL accepts them; webpki refuses an authority as a server, after it looked at the dates.
    fn is_trusted_itself(&self, certificate: &CertificateDer<'_>, refused: &CertificateError) -> bool {
        matches!(refused, CertificateError::Other(_) | CertificateError::UnknownIssuer)
            && self.trusted.iter().any(|trusted| trusted == certificate)
    }
}

fn public_key(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, rustls::Error> {
    let unreadable = |_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    let certificate = Certificate::from_der(certificate).map_err(unreadable)?;
    certificate.tbs_certificate.subject_public_key_info.to_der().map_err(unreadable)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The chain is verified first, and the name only when the chain is good.
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.verify == Verify::Chain => Ok(ServerCertVerified::assertion()),
            Err(rustls::Error::InvalidCertificate(refused)) if self.is_trusted_itself(certificate, &refused) => {
                if self.verify == Verify::ChainAndName {
                    rustls::client::verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        match rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms) {
            Err(rustls::Error::InvalidCertificate(_)) if self.verify == Verify::Nothing => {
                // webpki refuses X.509 version 1, which is what the recipe in PostgreSQL's manual makes. Its key is good.
                let key = SubjectPublicKeyInfoDer::from(public_key(certificate)?);
                rustls::crypto::verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
            }
            result => result,
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
