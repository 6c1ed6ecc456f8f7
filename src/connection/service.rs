//! Finds a service in `pg_service.conf`: connection keys under a name, as libpq reads them.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::keys::{self, Values};
use crate::error::{Error, Result};

/// Where the packages of Debian keep the system's service file (`pg_config --sysconfdir`); PGSYSCONFDIR names another place.
const SYSTEM_DIR: &str = "/etc/postgresql-common";

/// Reads the keys of `service`. `named` is the file that PGSERVICEFILE or the key servicefile names.
///
/// # Errors
/// A usage error when no file defines the service, or when its lines cannot be read.
pub(super) fn lookup(service: &str, named: Option<&str>, env: &Environment) -> Result<Values> {
    for file in files(named, env) {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => continue,
            Err(error) => return Err(Error::usage(format!("service file {}: {error}", file.display()))),
        };
        let values = section(&text, service)
            .map_err(|(line, wrong)| Error::usage(format!("service file {}, line {line}: {wrong}", file.display())))?;
        if let Some(values) = values {
            return Ok(values);
        }
    }
    Err(Error::usage(format!("no service file defines the service \"{service}\""))
        .hint("services are read from ~/.pg_service.conf, the file in PGSERVICEFILE, and PGSYSCONFDIR/pg_service.conf"))
}

fn files(named: Option<&str>, env: &Environment) -> impl Iterator<Item = PathBuf> {
    let own = named.map(PathBuf::from).or_else(|| env.in_home(".pg_service.conf"));
    let system = Path::new(env.variable("PGSYSCONFDIR").unwrap_or(SYSTEM_DIR)).join("pg_service.conf");
    // A named file must exist; the one of the system is then only looked at when it does.
    own.into_iter().chain(system.exists().then_some(system))
}

/// Reads one section; an error is a line number and a sentence without any value.
fn section(text: &str, service: &str) -> Result<Option<Values>, (usize, String)> {
    let mut found: Option<Values> = None;
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if name.strip_suffix(']') == Some(service) {
                found = Some(Values::default());
            }
            continue;
        }
        let Some(values) = &mut found else { continue };
        if line.starts_with("ldap") {
            return Err((number, "services in LDAP are not supported".to_owned()));
        }
        let (key, value) = line.split_once('=').ok_or((number, "this is not key=value".to_owned()))?;
        let key = key.trim_end();
        if matches!(key, "service" | "servicefile") {
            return Err((number, "a service cannot refer to another".to_owned()));
        }
        values.set(key, value.trim_start()).map_err(|_| (number, keys::shown(key)))?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# ours\n[other]\nhost=wrong\n\n[shop]\nhost = db.example\nport=5433\r\npassword=a=b #c\n[more]\nx=y\n";

    #[test]
    fn reads_one_section() {
        let values = section(FILE, "shop").unwrap().unwrap();
        assert_eq!(values.get("host"), Some("db.example"));
        assert_eq!(values.get("port"), Some("5433"));
        assert_eq!(values.get("password"), Some("a=b #c"));
        assert_eq!(section(FILE, "none").unwrap(), None);
    }

    #[test]
    fn mistakes_name_the_line_and_no_value() {
        assert_eq!(section(FILE, "more").unwrap_err(), (10, "unknown key \"x\"".to_owned()));
        assert_eq!(section("[a]\npassword S3cret", "a").unwrap_err(), (2, "this is not key=value".to_owned()));
        assert!(section("[a]\nservice=b", "a").is_err());
    }

    #[test]
    fn looks_in_the_named_file_first_and_then_in_that_of_the_system() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own.conf");
        std::fs::write(&own, "[a]\nhost=own\n").unwrap();
        std::fs::write(dir.path().join("pg_service.conf"), "[a]\nhost=system\n[b]\nhost=system\n").unwrap();
        let env = Environment::of(&[("PGSYSCONFDIR", dir.path().to_str().unwrap())]);
        let host = |service, named| lookup(service, named, &env).map(|v| v.get("host").map(str::to_owned));
        assert_eq!(host("a", own.to_str()).unwrap().as_deref(), Some("own"));
        assert_eq!(host("b", own.to_str()).unwrap().as_deref(), Some("system"));
        assert_eq!(host("a", None).unwrap().as_deref(), Some("system"));
        assert!(host("c", None).is_err_and(|e| e.to_string().contains("\"c\"")));
        assert!(host("a", Some("/nonexistent/file")).is_err());
    }
}
