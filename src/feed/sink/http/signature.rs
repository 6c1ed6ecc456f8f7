//! Signs what is sent, so that whoever gets it knows who sent it, and when.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::secret::Secret;

/// A secret that is shared with the endpoint.
#[derive(Debug, Clone)]
pub struct Signer(Secret);

impl Signer {
    /// Reads the secret: all of the file, but for a line's end.
    ///
    /// # Errors
    /// Why there is none.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() { Err(format!("{} is empty", file.display())) } else { Ok(Self(Secret::new(secret))) }
    }

    /// `t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY`.
    pub fn sign(&self, seconds: i64, body: &[u8]) -> String {
        let mut hmac = Hmac::<Sha256>::new_from_slice(self.0.expose().as_bytes()).expect("a key of any length will do");
        hmac.update(format!("{seconds}.").as_bytes());
        hmac.update(body);
        let mut signature = format!("t={seconds},v1=");
        for byte in hmac.finalize().into_bytes() {
            write!(signature, "{byte:02x}").expect("a String accepts all writes");
        }
        signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_as_openssl_makes_it() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'a secret'
        let signature = Signer(Secret::new("a secret")).sign(1_700_000_000, br#"{"a":1}"#);
        assert_eq!(signature, "t=1700000000,v1=b4c5d5c08194254de18b80695176335ee482a5907fb5e68f7bd993b1b00b018d");
    }
}
