//! What a throwaway server is to be like.

use std::path::{Path, PathBuf};

use super::Cluster;
use super::discover::Binaries;
use crate::error::Result;

/// Whether the server can be reached over TCP, besides its local socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tcp {
    /// Only the local socket.
    #[default]
    None,
    /// On 127.0.0.1 at this port, with a password.
    Port(u16),
    /// On 127.0.0.1 at a port that is free, with a password.
    AnyFree,
}

/// What a commit waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: a crash of the machine loses the data, which is thrown away anyhow.
    #[default]
    Fast,
    /// The disk, as on a server in production: for measurements that are to mean something.
    Real,
}

/// How the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Sessions are told and ended, transactions rolled back, everything written.
    Fast,
    /// Everything is dropped, as in a crash; the next start recovers.
    Immediate,
}

/// Collects what a server is to be like, and starts it.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    pub(super) pg_bin: Option<PathBuf>,
    pub(super) settings: Vec<String>,
    pub(super) keep: Option<PathBuf>,
    pub(super) tcp: Tcp,
    pub(super) durability: Durability,
    pub(super) templates: Option<PathBuf>,
    pub(super) temp_dir: Option<PathBuf>,
}

impl Builder {
    /// Uses the server programs of this folder, instead of looking for some.
    #[must_use]
    pub fn pg_bin(mut self, dir: impl Into<PathBuf>) -> Self {
        self.pg_bin = Some(dir.into());
        self
    }

    /// Sets one of the server's settings; it wins over ours.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push(format!("{name}={value}"));
        self
    }

    /// Keeps the data (`data`) and the log (`log`) in this directory, which must be empty or absent.
    #[must_use]
    pub fn keep(mut self, dir: impl Into<PathBuf>) -> Self {
        self.keep = Some(dir.into());
        self
    }

    /// Also listens on 127.0.0.1.
    #[must_use]
    pub fn tcp(mut self, tcp: Tcp) -> Self {
        self.tcp = tcp;
        self
    }

    /// Chooses what a commit waits for.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Keeps a template in this folder, so that later starts copy it instead of running initdb.
    #[must_use]
    pub fn templates(mut self, dir: impl Into<PathBuf>) -> Self {
        self.templates = Some(dir.into());
        self
    }

    /// Makes the private directory in this one, instead of the system's temporary one. A long path, or one that the server's
    /// user cannot reach, is replaced by /tmp.
    #[must_use]
    pub fn temp_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.temp_dir = Some(dir.into());
        self
    }

    /// Starts the server, and returns when it accepts connections.
    ///
    /// # Errors
    /// When there are no server programs here, or the server does not start; its log is the error's detail.
    pub fn start(&self) -> Result<Cluster> {
        let binaries = Binaries::find(self.pg_bin.as_deref())?;
        Cluster::start(self, binaries)
    }

    /// The server's arguments. Its command line wins over its files, and what comes later wins over what came before.
    pub(super) fn arguments(&self, data: &Path, sockets: &Path, port: u16) -> Vec<String> {
        // A list: a path with a comma in it has to be quoted.
        let sockets = format!("\"{}\"", sockets.to_string_lossy().replace('"', "\"\""));
        let addresses = if self.tcp == Tcp::None { "" } else { "127.0.0.1" };
        let mut settings = vec![
            format!("unix_socket_directories={sockets}"),
            format!("listen_addresses={addresses}"),
            format!("port={port}"),
            "cluster_name=pgfeed".to_owned(),
            "password_encryption=scram-sha-256".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
        ];
        settings.extend(self.durability.settings().iter().map(|&setting| setting.to_owned()));
        settings.extend_from_slice(&self.settings);
        let mut arguments = vec!["-D".to_owned(), data.to_string_lossy().into_owned()];
        arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        arguments
    }
}

impl Durability {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB"],
            Self::Real => &["fsync=on", "synchronous_commit=on", "full_page_writes=on"],
        }
    }
}
