//! Certificates for tests, made by openssl: two authorities that know nothing of each other, and what they have signed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// What `openssl ca` wants to be told.
const CONFIG: &str = "\
[ca]\ndefault_ca=d\n\
[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\ndefault_days=2\npolicy=p\ncopy_extensions=copy\n\
unique_subject=no\ncrl_extensions=c\n[c]\nauthorityKeyIdentifier=keyid\n[p]\ncommonName=supplied\n";

/// Elliptic keys: they are made in no time.
const NEW_KEY: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// An authority in a folder of its own, with `ca.crt` in it.
#[derive(Debug)]
pub struct Authority(TempDir);

/// A certificate and its private key.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The authority that servers and clients trust here.
pub fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(Authority::new)
}

/// Another one, which nobody trusts.
pub fn stranger() -> &'static Authority {
    static STRANGER: OnceLock<Authority> = OnceLock::new();
    STRANGER.get_or_init(Authority::new)
}

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let files = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=an authority", "-days", "2"];
        openssl(dir.path(), &[&["req", "-x509"], NEW_KEY, &files, &usage].concat());
        fs::write(dir.path().join("ca.cnf"), CONFIG).unwrap();
        fs::write(dir.path().join("index"), "").unwrap();
        fs::write(dir.path().join("serial"), "01\n").unwrap();
        Self(dir)
    }

    /// Its own certificate.
    pub fn root(&self) -> PathBuf {
        self.0.path().join("ca.crt")
    }

    /// Signs a certificate for a server with these names: `DNS:a,IP:127.0.0.1`.
    pub fn server(&self, names: &str) -> Certificate {
        self.sign("server", names, &[])
    }

    /// Signs one that was valid once.
    pub fn expired_server(&self, names: &str) -> Certificate {
        self.sign("server", names, &["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"])
    }

    /// Signs one for a client.
    pub fn client(&self, name: &str) -> Certificate {
        self.sign(name, "DNS:a.client", &[])
    }

    fn sign(&self, subject: &str, names: &str, dates: &[&str]) -> Certificate {
        // One at a time: the authority keeps books.
        let books = fs::File::open(self.root()).unwrap();
        books.lock().unwrap();
        let dir = tempfile::Builder::new().prefix("signed").tempdir_in(self.0.path()).unwrap().keep();
        let certificate = Certificate { certificate: dir.join("it.crt"), key: dir.join("it.key") };
        let (subject, names) = (format!("/CN={subject}"), format!("subjectAltName={names}"));
        let key = certificate.key.to_str().unwrap();
        let request = ["-keyout", key, "-out", "request", "-subj", &subject, "-addext", &names];
        openssl(self.0.path(), &[&["req"], NEW_KEY, &request].concat());
        let out = certificate.certificate.to_str().unwrap();
        let files = ["-in", "request", "-out", out, "-cert", "ca.crt", "-keyfile", "ca.key"];
        openssl(self.0.path(), &[&["ca", "-batch", "-notext", "-config", "ca.cnf"], &files[..], dates].concat());
        certificate
    }

    /// Revokes a certificate, and returns the list that says so.
    pub fn revoke(&self, revoked: &Certificate) -> PathBuf {
        let signed = ["-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key"];
        openssl(self.0.path(), &[&["ca"], &signed[..], &["-revoke", revoked.certificate.to_str().unwrap()]].concat());
        openssl(self.0.path(), &[&["ca"], &signed[..], &["-gencrl", "-crldays", "2", "-out", "ca.crl"]].concat());
        self.0.path().join("ca.crl")
    }
}

/// Makes a certificate as PostgreSQL's manual does: signed by itself, and marked as an authority. It disappears with the folder.
pub fn self_signed(dir: &Path, names: &str) -> Certificate {
    let names = format!("subjectAltName={names}");
    let files = ["-keyout", "it.key", "-out", "it.crt", "-subj", "/CN=by itself", "-days", "2", "-addext", &names];
    openssl(dir, &[&["req", "-x509"], NEW_KEY, &files].concat());
    Certificate { certificate: dir.join("it.crt"), key: dir.join("it.key") }
}

#[track_caller]
fn openssl(dir: &Path, args: &[&str]) {
    let output = Command::new("openssl").args(args).current_dir(dir).output().expect("openssl is installed");
    assert!(output.status.success(), "openssl {args:?}\n{}", String::from_utf8_lossy(&output.stderr));
}
