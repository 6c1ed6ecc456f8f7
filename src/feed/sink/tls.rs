//! The parameters of an encrypted connection to an engine.

use std::path::PathBuf;

use rustls::ClientConfig;

use super::target::Target;
use crate::connection;
use crate::error::{Error, Result};

/// The parameters, for `--to help`.
pub const PARAMETERS: [(&str, &str); 3] = [
    ("ca", "file with the certificates of the authorities to trust [the system's]"),
    ("cert", "file with our certificate"),
    ("cert_key", "file with its private key"),
];

/// Whom to trust, and who we are.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    pub ca: Option<PathBuf>,
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// Takes the parameters out; none when the connection is not to be encrypted.
    ///
    /// # Errors
    /// A usage error when they do not fit together, or a file cannot be used.
    pub fn take(target: &mut Target, is_encrypted: bool) -> Result<Option<Self>> {
        let shown = target.shown().to_owned();
        let refused = |why: &str| Error::usage(format!("--to {shown}: {why}"));
        let [ca, cert, key] = PARAMETERS.map(|(name, _)| target.take(name).map(PathBuf::from));
        let identity = match (cert, key) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert, key)),
            _ => return Err(refused("cert and cert_key belong together")),
        };
        if !is_encrypted && (ca.is_some() || identity.is_some()) {
            return Err(refused(
                "ca, cert and cert_key are of an encrypted connection, which this scheme does not make",
            ));
        }
        let tls = Self { ca, identity };
        if is_encrypted {
            tls.config().map_err(|why| refused(&why))?;
        }
        Ok(is_encrypted.then_some(tls))
    }

    /// Reads the files: they may have been renewed since the last connection.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn config(&self) -> Result<ClientConfig, String> {
        connection::tls_config(self.ca.clone(), self.identity.clone()).map_err(|error| error.to_string())
    }
}
