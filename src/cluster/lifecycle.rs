//! Launches, halts and signals the server of a cluster, for as long as the cluster lives.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

use super::process::{self, Program, Signal, Waited};
use super::settings::Shutdown;
use super::{Cluster, Running, log_tail};
use crate::error::{Error, Result};

/// Recovery after an immediate shutdown of a busy server takes a while; a start takes 30 ms.
const PATIENCE: Duration = Duration::from_secs(60);

impl Cluster {
    /// Starts the server again after [`Cluster::halt`], and returns when it accepts connections.
    ///
    /// # Errors
    /// When it ends or takes too long; its log is the error's detail. When it is running already.
    pub fn launch(&self) -> Result<()> {
        let failed = |why: String| Error::failed(why).detail(log_tail(&self.log));
        let io_failed = |error: io::Error| failed(error.to_string());
        let mut running = self.running();
        if running.server.is_some() {
            return Err(failed("the server is running already".to_owned()));
        }
        let Running { server, guard: Some(guard) } = &mut *running else {
            return Err(failed("the server was stopped for good".to_owned()));
        };
        let path = self.binaries.path("postgres");
        let args = self.builder.arguments(&self.data, &self.sockets, self.port);
        let program = Program { path: &path, args: &args, home: &self.data, log: &self.log, account: &self.account };
        let mut child = process::start(&program, guard).map_err(io_failed)?;
        let pid = child.id();
        let waited = process::wait_until(&mut child, Instant::now() + PATIENCE, || is_ready(&self.data, pid));
        match waited.map_err(io_failed)? {
            Waited::Ready => *server = Some(child),
            Waited::Ended(status) => {
                guard.watch_nothing().map_err(io_failed)?;
                return Err(failed(format!("the server ended with {status}")));
            }
            Waited::TooLong => {
                // The guard ends it together with everything else.
                *server = Some(child);
                return Err(failed(format!("the server was not ready after {} s", PATIENCE.as_secs())));
            }
        }
        Ok(())
    }

    /// Ends the server but leaves its data, so that it can be launched again.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn halt(&self, how: Shutdown) -> Result<()> {
        let failed = |error: io::Error| Error::failed(error.to_string()).doing("stopping the throwaway PostgreSQL");
        let Running { server, guard } = &mut *self.running();
        let (Some(child), Some(guard)) = (server.as_mut(), guard) else {
            return Ok(());
        };
        let signal = match how {
            Shutdown::Fast => Signal::Int,
            Shutdown::Immediate => Signal::Quit,
        };
        process::send(signal, &[child.id()]).map_err(failed)?;
        let waited = process::wait_until(child, Instant::now() + PATIENCE, || false).map_err(failed)?;
        if !matches!(waited, Waited::Ended(_)) {
            return Err(failed(io::Error::other("the server does not end")).detail(log_tail(&self.log)));
        }
        *server = None;
        guard.watch_nothing().map_err(failed)
    }

    /// Ends the server and launches it again, at the same socket and port and with the same data.
    ///
    /// # Errors
    /// As [`Cluster::halt`] and [`Cluster::launch`].
    pub fn restart(&self, how: Shutdown) -> Result<()> {
        self.halt(how)?;
        self.launch()
    }

    /// Sends a signal to the server's main process, which is the one that accepts connections.
    ///
    /// # Errors
    /// When the server is not running.
    pub fn signal_postmaster(&self, signal: Signal) -> Result<()> {
        self.signal(signal, |pid| Ok(vec![pid]))
    }

    /// Sends a signal to every process that the server's main process has started: sessions and helpers.
    ///
    /// # Errors
    /// When the server is not running, or one of them ended in between.
    pub fn signal_backends(&self, signal: Signal) -> Result<()> {
        self.signal(signal, process::children)
    }

    fn signal(&self, signal: Signal, to: impl Fn(u32) -> io::Result<Vec<u32>>) -> Result<()> {
        let pid = self.pid().ok_or_else(|| Error::failed("the server is not running"))?;
        to(pid).and_then(|pids| process::send(signal, &pids)).map_err(|error| Error::failed(error.to_string()))
    }
}

/// Tells whether this server accepts connections: it says so in its lock file, where pg_ctl looks too.
fn is_ready(data: &Path, pid: u32) -> bool {
    let lock = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = lock.lines().map(str::trim_end);
    // The first line tells it from the file that a killed server has left.
    lines.next() == Some(&pid.to_string()) && lines.nth(6) == Some("ready")
}
