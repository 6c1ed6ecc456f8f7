//! A throwaway PostgreSQL on this machine, for `demo`, `bench --throwaway` and the tests. Knows no command line.
//!
//! It lives in a private directory, is never one that somebody else runs, and is gone with us however we end, also by
//! kill -9: see guard.rs.

mod account;
mod data;
mod discover;
mod guard;
mod lifecycle;
mod place;
mod process;
mod settings;
mod url;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};

use std::{fs, io};

use self::account::Account;
pub use self::discover::Binaries;
pub use self::guard::{Guard, Patience};
pub use self::process::{Signal, forget_other_servers};
pub use self::settings::{Builder, Durability, Shutdown, Tcp};
use crate::error::{Error, Result};

/// The port in the name of a socket; with a directory to itself, any will do.
const SOCKET_PORT: u16 = 5432;

/// How often another free port is tried, when somebody else was faster.
const PORT_TRIES: usize = 10;

/// A running server. Dropping it ends the server and removes its directory.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    account: Account,
    builder: Builder,
    sockets: PathBuf,
    home: PathBuf,
    data: PathBuf,
    log: PathBuf,
    port: u16,
    password: Option<String>,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    server: Option<Child>,
    /// Absent once it has done its work.
    guard: Option<Guard>,
}

impl Cluster {
    /// Begins to describe a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn start(builder: &Builder, binaries: Binaries) -> Result<Self> {
        let started = || {
            let cluster = Self::prepare(builder, binaries)?;
            cluster.make_data()?;
            cluster.launched()
        };
        started().map_err(|error: Error| error.doing("starting a throwaway PostgreSQL"))
    }

    /// Makes the directories and the guard. From here on, whatever fails, dropping the value cleans up.
    fn prepare(builder: &Builder, binaries: Binaries) -> Result<Self> {
        let failed = |error: io::Error| Error::failed(error.to_string());
        let kept = builder.keep.as_deref().map(place::kept_dir).transpose().map_err(failed)?;
        let patience = if kept.is_some() { Patience::Kept } else { Patience::Throwaway };
        let base = builder.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let (guard, account) = place::fresh_dir(base, patience).map_err(failed)?;
        let sockets = guard.dir().to_owned();
        let home = kept.unwrap_or_else(|| sockets.clone());
        let cluster = Self {
            binaries,
            account,
            builder: builder.clone(),
            data: home.join("data"),
            log: home.join("log"),
            home,
            sockets,
            port: SOCKET_PORT,
            password: None,
            running: Mutex::new(Running { server: None, guard: Some(guard) }),
        };
        cluster.hand_over().map_err(failed)?;
        Ok(cluster)
    }

    /// Gives the directories to the server's user.
    fn hand_over(&self) -> io::Result<()> {
        // While they are ours alone: later their user could have put a link in the place of the log.
        fs::OpenOptions::new().write(true).create_new(true).open(&self.log)?;
        for path in [&self.log, &self.home, &self.sockets] {
            self.account.own(path)?;
        }
        Ok(())
    }

    fn make_data(&self) -> Result<()> {
        let maker = data::Maker {
            binaries: &self.binaries,
            account: &self.account,
            home: &self.home,
            data: &self.data,
            log: &self.log,
        };
        match &mut self.running().guard {
            Some(guard) => maker.make(self.builder.templates.as_deref(), guard),
            None => Ok(()),
        }
    }

    /// Launches the server at its port, or at the first of some free ports that nobody takes meanwhile.
    fn launched(mut self) -> Result<Self> {
        match self.builder.tcp {
            Tcp::None => self.launch()?,
            Tcp::Port(port) => {
                self.port = port;
                self.launch()?;
            }
            Tcp::AnyFree => self.launch_at_free_port()?,
        }
        if self.builder.tcp != Tcp::None {
            self.set_password()?;
        }
        Ok(self)
    }

    fn launch_at_free_port(&mut self) -> Result<()> {
        for _ in 1..PORT_TRIES {
            self.port = free_port()?;
            let before = self.log_text().len();
            match self.launch() {
                Err(_) if self.log_text()[before..].contains("could not create any TCP/IP sockets") => {}
                ended => return ended,
            }
        }
        self.port = free_port()?;
        self.launch()
    }

    fn set_password(&mut self) -> Result<()> {
        let password = place::password().map_err(|error| Error::failed(error.to_string()))?;
        let mut client = postgres::Client::connect(&self.socket_url("postgres"), postgres::NoTls)?;
        client.batch_execute(&format!("ALTER ROLE postgres PASSWORD {}", crate::sql::literal(&password)))?;
        self.password = Some(password);
        Ok(())
    }

    /// Ends the server and removes its directory, and returns when both are gone.
    ///
    /// # Errors
    /// When something of it could not be removed.
    pub fn stop(self) -> Result<()> {
        self.finish().map_err(|error| Error::failed(error.to_string()).doing("stopping the throwaway PostgreSQL"))
    }

    fn finish(&self) -> io::Result<()> {
        let mut running = self.running();
        let finished = running.guard.take().map_or(Ok(()), Guard::finish);
        if let Some(mut server) = running.server.take() {
            server.wait()?;
        }
        finished
    }

    /// The number of the server's main process; none while it is halted.
    pub fn pid(&self) -> Option<u32> {
        self.running().server.as_ref().map(Child::id)
    }

    /// The folder with the server's local socket, which is what a client takes as the host.
    pub fn socket_dir(&self) -> &Path {
        &self.sockets
    }

    /// The port; without TCP it is only in the name of the local socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// Where the data and the log are: the directory to be kept, or the private one.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The programs that belong to this server.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// What the server has logged.
    pub fn log_text(&self) -> String {
        fs::read(&self.log).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// A URL for a database of this server: over TCP with the password if there is TCP, else over the local socket.
    pub fn url(&self, database: &str) -> String {
        match &self.password {
            Some(password) => url::tcp(database, "postgres", password, self.port),
            None => self.socket_url(database),
        }
    }

    /// A URL for a database of this server over the local socket, which needs no password.
    pub fn socket_url(&self, database: &str) -> String {
        self.socket_url_as(database, "postgres")
    }

    /// The same for another user.
    pub fn socket_url_as(&self, database: &str, user: &str) -> String {
        url::socket(database, user, &self.sockets, self.port)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // What a panic interrupted is still to be ended.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // There is nobody to tell; `stop` tells.
        drop(self.finish());
    }
}

fn free_port() -> Result<u16> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|error| Error::failed(format!("no free port: {error}")))
}

/// The last lines of the log: the reason is among them, and an error should fit a screen.
fn log_tail(log: &Path) -> String {
    let text = fs::read(log).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
