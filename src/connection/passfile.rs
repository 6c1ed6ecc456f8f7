//! Finds a password in `.pgpass`: `host:port:database:user:password` lines, as libpq reads them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::endpoint::{Endpoint, Place};
use crate::secret::Secret;

/// The lines of a password file.
#[derive(Debug, Clone, Default)]
pub(super) struct Passfile(Vec<Secret>);

impl Passfile {
    /// Reads a file. One that others may read is left alone, as libpq leaves it: that is the warning.
    pub(super) fn read(path: &Path) -> (Self, Option<String>) {
        let Ok(metadata) = std::fs::metadata(path) else { return (Self::default(), None) };
        let ignored =
            |why: String| (Self::default(), Some(format!("password file {} is ignored: {why}", path.display())));
        if !metadata.is_file() {
            return ignored("it is not a plain file".to_owned());
        }
        if metadata.mode() & 0o077 != 0 {
            return ignored("others may read it; its permissions should be u=rw (0600) or less".to_owned());
        }
        match std::fs::read_to_string(path) {
            Ok(text) => (Self(text.lines().map(Secret::new).collect()), None),
            Err(error) => ignored(error.to_string()),
        }
    }

    /// The password of the first line that matches.
    pub(super) fn password(&self, endpoint: &Endpoint, dbname: &str, user: &str) -> Option<Secret> {
        let port = endpoint.port.to_string();
        self.0.iter().map(Secret::expose).filter(|line| !line.starts_with('#')).find_map(|line| {
            let (host, rest) = field(line)?;
            let (its_port, rest) = field(rest)?;
            let (its_dbname, rest) = field(rest)?;
            let (its_user, password) = field(rest)?;
            let matches = names(endpoint).iter().any(|name| host.is(name))
                && its_port.is(&port)
                && its_dbname.is(dbname)
                && its_user.is(user);
            // The password is the rest of the line: libpq lets it hold bare colons.
            matches.then(|| Secret::new(unescape(password)))
        })
    }
}

/// The names under which a line may mean an endpoint. A local socket is `localhost`, or the directory itself.
fn names(endpoint: &Endpoint) -> Vec<String> {
    match &endpoint.place {
        Place::Socket(dir) => vec!["localhost".to_owned(), dir.display().to_string()],
        Place::Tcp { name, .. } => vec![name.clone()],
    }
}

/// One field of a line.
enum Field {
    Anything,
    Exactly(String),
}

impl Field {
    fn is(&self, value: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Exactly(expected) => expected == value,
        }
    }
}

/// Takes a field off the front of a line, up to the first colon that is not escaped.
fn field(line: &str) -> Option<(Field, &str)> {
    let mut escaped = false;
    let end = line.find(|char| {
        let ends = char == ':' && !escaped;
        escaped = char == '\\' && !escaped;
        ends
    })?;
    let text = &line[..end];
    let field = if text == "*" { Field::Anything } else { Field::Exactly(unescape(text)) };
    Some((field, &line[end + 1..]))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        plain.push(if char == '\\' { chars.next().unwrap_or(char) } else { char });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(text: &str) -> Passfile {
        Passfile(text.lines().map(Secret::new).collect())
    }

    fn at(host: &str, port: u16) -> Endpoint {
        Endpoint { place: Place::Tcp { name: host.to_owned(), address: None }, port }
    }

    fn found(text: &str, endpoint: &Endpoint) -> Option<String> {
        file(text).password(endpoint, "shop", "app").map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_line_that_matches_wins() {
        let text = "#h:*:*:*:no\nother:*:*:*:no\nh:5432:shop:app:first\n*:*:*:*:last";
        assert_eq!(found(text, &at("h", 5432)).as_deref(), Some("first"));
        assert_eq!(found(text, &at("h", 5433)).as_deref(), Some("last"));
        assert_eq!(found("h:5432:shop:somebody:x", &at("h", 5432)), None);
        assert_eq!(found("h:5432:shop", &at("h", 5432)), None);
    }

    #[test]
    fn colons_and_backslashes_are_escaped() {
        assert_eq!(found(r"\:\:1:*:*:*:a\:b:c\\d", &at("::1", 5432)).as_deref(), Some(r"a:b:c\d"));
        assert_eq!(found(r"a\\:*:*:*:x", &at(r"a\", 5432)).as_deref(), Some("x"));
        assert_eq!(found(r"\*:*:*:*:x", &at("h", 5432)), None);
    }

    #[test]
    fn a_socket_is_localhost() {
        let socket = Endpoint { place: Place::Socket("/tmp".into()), port: 5432 };
        assert_eq!(found("localhost:*:*:*:x", &socket).as_deref(), Some("x"));
        assert_eq!(found("/tmp:*:*:*:x", &socket).as_deref(), Some("x"));
        assert_eq!(found("h:*:*:*:x", &socket), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_ignored_with_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pgpass");
        std::fs::write(&path, "*:*:*:*:S3cret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let (passfile, warning) = Passfile::read(&path);
        assert!(passfile.0.is_empty());
        assert!(warning.is_some_and(|warning| warning.contains("0600") && !warning.contains("S3cret")));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (passfile, warning) = Passfile::read(&path);
        assert_eq!((passfile.0.len(), warning), (1, None));
        assert!(Passfile::read(&dir.path().join("none")).1.is_none());
    }
}
