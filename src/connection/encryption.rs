//! Decides whether and how a connection is encrypted: sslmode and the files beside it, as libpq reads them. Loads nothing.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::sources::Sources;
use crate::error::Result;

/// When TLS is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Never (disable, and every local socket).
    Never,
    /// Only when the server refuses a plain connection (allow).
    Allow(Tls),
    /// Unless the server has none, or refuses it (prefer).
    Prefer(Tls),
    /// Always (require, verify-ca, verify-full).
    Must(Tls),
}

/// How a TLS connection is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    pub verify: Verify,
    pub roots: Roots,
    /// The client's certificate and its private key.
    pub identity: Option<(PathBuf, PathBuf)>,
    pub revoked: Option<PathBuf>,
    pub negotiation: Negotiation,
    pub name: Naming,
    pub versions: Versions,
}

/// What of the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    Nothing,
    /// Who signed it (verify-ca).
    Chain,
    /// Also the host's name in it (verify-full).
    ChainAndName,
}

/// Whose signature is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    File(PathBuf),
    /// The certificates of the operating system (sslrootcert=system).
    System,
}

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Negotiation {
    /// By asking in PostgreSQL's protocol first.
    Ask,
    /// At once (sslnegotiation=direct, PostgreSQL 17).
    Direct,
}

/// Whether the host's name is told in the handshake (sslsni).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Told,
    Kept,
}

/// The versions of TLS that are offered. Older ones than 1.2 do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    Both,
    Only12,
    Only13,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const MODES: &[(&str, Mode)] = &[
    ("disable", Mode::Disable),
    ("allow", Mode::Allow),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];

/// Decides; over a local socket alone, nothing is encrypted and no file is looked for, as in libpq.
///
/// # Errors
/// Usage errors: an unknown sslmode, files that are named but missing, combinations that libpq refuses too.
pub(super) fn decide(sources: &Sources<'_>, env: &Environment, over_tcp: bool) -> Result<Encryption> {
    let system = sources.get("sslrootcert") == Some("system");
    let mode = sources.choice("sslmode", MODES)?;
    if system && mode.is_some_and(|mode| mode != Mode::VerifyFull) {
        return Err(sources.wrong("sslmode", "is too weak for sslrootcert=system: leave it out, or use verify-full"));
    }
    let mode = mode.unwrap_or(if system { Mode::VerifyFull } else { Mode::Prefer });
    if mode == Mode::Disable || !over_tcp {
        return Ok(Encryption::Never);
    }
    let tls = tls(mode, sources, env)?;
    let weak = matches!(mode, Mode::Allow | Mode::Prefer);
    if weak && tls.negotiation == Negotiation::Direct {
        return Err(sources.wrong("sslnegotiation", "asks for direct TLS, which needs sslmode=require or stronger"));
    }
    Ok(match mode {
        Mode::Disable => Encryption::Never,
        Mode::Allow => Encryption::Allow(tls),
        Mode::Prefer => Encryption::Prefer(tls),
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => Encryption::Must(tls),
    })
}

fn tls(mode: Mode, sources: &Sources<'_>, env: &Environment) -> Result<Tls> {
    let roots = roots(mode, sources, env)?;
    let verify = match mode {
        Mode::VerifyFull => Verify::ChainAndName,
        Mode::VerifyCa => Verify::Chain,
        // libpq: "if a root CA file exists, the behavior of sslmode=require will be the same as that of verify-ca".
        Mode::Require if roots.is_some() => Verify::Chain,
        Mode::Disable | Mode::Allow | Mode::Prefer | Mode::Require => Verify::Nothing,
    };
    let negotiations = [("postgres", Negotiation::Ask), ("direct", Negotiation::Direct)];
    let naming = [("1", Naming::Told), ("0", Naming::Kept)];
    Ok(Tls {
        verify,
        roots: roots.unwrap_or(Roots::System),
        identity: identity(sources, env)?,
        revoked: file("sslcrl", ".postgresql/root.crl", sources, env)?,
        negotiation: sources.choice("sslnegotiation", &negotiations)?.unwrap_or(Negotiation::Ask),
        name: sources.choice("sslsni", &naming)?.unwrap_or(Naming::Told),
        versions: versions(sources)?,
    })
}

fn roots(mode: Mode, sources: &Sources<'_>, env: &Environment) -> Result<Option<Roots>> {
    if sources.get("sslrootcert") == Some("system") {
        return Ok(Some(Roots::System));
    }
    let roots = file("sslrootcert", ".postgresql/root.crt", sources, env)?.map(Roots::File);
    if roots.is_none() && matches!(mode, Mode::VerifyCa | Mode::VerifyFull) {
        return Err(sources
            .wrong("sslmode", "asks to verify the server's certificate, but ~/.postgresql/root.crt does not exist")
            .hint("name the file with sslrootcert, or trust the system's certificates with sslrootcert=system"));
    }
    Ok(roots)
}

fn identity(sources: &Sources<'_>, env: &Environment) -> Result<Option<(PathBuf, PathBuf)>> {
    let Some(certificate) = file("sslcert", ".postgresql/postgresql.crt", sources, env)? else { return Ok(None) };
    let key = file("sslkey", ".postgresql/postgresql.key", sources, env)?
        .ok_or_else(|| sources.wrong("sslcert", "has no private key: name its file with sslkey"))?;
    if let Some(wrong) = exposed(&key) {
        return Err(sources.wrong("sslkey", &wrong));
    }
    Ok(Some((certificate, key)))
}

/// A file that was named and must exist, or the default one where it exists.
fn file(key: &str, default: &str, sources: &Sources<'_>, env: &Environment) -> Result<Option<PathBuf>> {
    let Some(named) = sources.get(key) else { return Ok(env.in_home(default).filter(|path| path.exists())) };
    match std::fs::metadata(named) {
        Ok(_) => Ok(Some(PathBuf::from(named))),
        Err(error) => Err(sources.wrong(key, &format!("names the file {named}: {error}"))),
    }
}

/// libpq's rule for private keys: 0600, or 0640 when root owns the file.
fn exposed(key: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(key).ok()?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    (metadata.mode() & forbidden != 0).then(|| {
        format!(
            "names the file {}, which others may read: its permissions should be u=rw (0600) or less",
            key.display()
        )
    })
}

fn versions(sources: &Sources<'_>) -> Result<Versions> {
    const OLD: u8 = 1;
    let known = [("TLSv1", OLD), ("TLSv1.1", OLD), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    let least = sources.choice("ssl_min_protocol_version", &known)?.unwrap_or(2);
    let most = sources.choice("ssl_max_protocol_version", &known)?.unwrap_or(3);
    match (least, most) {
        (_, OLD) => Err(sources.wrong("ssl_max_protocol_version", "is older than TLSv1.2, which is not supported")),
        (3, 2) => Err(sources.wrong("ssl_max_protocol_version", "is older than ssl_min_protocol_version")),
        (3, _) => Ok(Versions::Only13),
        (_, 2) => Ok(Versions::Only12),
        _ => Ok(Versions::Both),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Options;
    use crate::error::Error;

    fn decided(conninfo: &str, home: Option<&Path>) -> Result<Encryption, Error> {
        let mut env = Environment::of(&[]);
        if let Some(home) = home {
            env = env.with_home(home);
        }
        let options = Options { dbname: Some(format!("host=h {conninfo}")), ..Options::default() };
        decide(&Sources::gather(&options, &env)?, &env, true)
    }

    #[test]
    fn modes_mean_what_libpq_says() {
        assert_eq!(decided("sslmode=disable", None).unwrap(), Encryption::Never);
        assert!(matches!(decided("", None).unwrap(), Encryption::Prefer(Tls { verify: Verify::Nothing, .. })));
        assert!(matches!(decided("sslmode=allow", None).unwrap(), Encryption::Allow(_)));
        assert!(matches!(
            decided("sslmode=require", None).unwrap(),
            Encryption::Must(Tls { verify: Verify::Nothing, .. })
        ));
        let system = decided("sslrootcert=system", None).unwrap();
        assert!(matches!(system, Encryption::Must(Tls { verify: Verify::ChainAndName, roots: Roots::System, .. })));
        for wrong in [
            "sslmode=verify-ca",
            "sslmode=verify-full",
            "sslmode=yes",
            "sslrootcert=system sslmode=require",
            "sslnegotiation=direct",
            "sslmode=require sslrootcert=/nonexistent/root.crt",
            "ssl_max_protocol_version=TLSv1.1",
        ] {
            assert!(decided(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_in_the_home_directory_are_used() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(".postgresql");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("root.crt"), "").unwrap();
        let required = decided("sslmode=require", Some(home.path())).unwrap();
        assert!(matches!(required, Encryption::Must(Tls { verify: Verify::Chain, identity: None, .. })));
        std::fs::write(dir.join("postgresql.crt"), "").unwrap();
        assert!(decided("sslmode=require", Some(home.path())).is_err());
        std::fs::write(dir.join("postgresql.key"), "").unwrap();
        std::fs::set_permissions(dir.join("postgresql.key"), std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .unwrap();
        assert!(decided("sslmode=require", Some(home.path())).is_err_and(|e| e.to_string().contains("0600")));
        std::fs::set_permissions(dir.join("postgresql.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        assert!(matches!(decided("", Some(home.path())).unwrap(), Encryption::Prefer(Tls { identity: Some(_), .. })));
    }
}
