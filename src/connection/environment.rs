//! What the process environment says, read once as plain data, so that tests need no environment.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::keys;
use crate::secret::Secret;

/// The variables, the home directory and the user that a connection's settings depend on.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: HashMap<String, Secret>,
    home: Option<PathBuf>,
    os_user: Option<String>,
    socket_dir: PathBuf,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        let known = keys::variables().chain(["DATABASE_URL", "PGSYSCONFDIR"]);
        let variables = known.filter_map(|name| Some((name.to_owned(), Secret::new(std::env::var(name).ok()?))));
        Self {
            variables: variables.collect(),
            home: std::env::home_dir(),
            os_user: whoami::username().ok(),
            socket_dir: default_socket_dir(),
        }
    }

    /// Makes an environment of `variables` alone: no home, the user `app`, sockets in `/tmp`.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        Self { variables, home: None, os_user: Some("app".to_owned()), socket_dir: PathBuf::from("/tmp") }
    }

    /// Sets the home directory, where `.pgpass`, `.pg_service.conf` and `.postgresql/` are looked for.
    #[cfg(test)]
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(Secret::expose)
    }

    /// A file in the home directory, whether it exists or not.
    pub(super) fn in_home(&self, relative: &str) -> Option<PathBuf> {
        self.home.as_deref().map(|home| home.join(relative))
    }

    pub(super) fn os_user(&self) -> Option<&str> {
        self.os_user.as_deref()
    }

    pub(super) fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }
}

/// libpq's own default is fixed when it is built: /tmp upstream, /var/run/postgresql on Debian and Red Hat.
fn default_socket_dir() -> PathBuf {
    let packaged = Path::new("/var/run/postgresql");
    if packaged.is_dir() { packaged.to_owned() } else { PathBuf::from("/tmp") }
}
