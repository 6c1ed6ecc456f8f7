//! Runs the user's command on the throwaway server, and ends it when pgfeed is to end.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, forget_other_servers};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::stop::Stop;
use crate::sys::{self, Ending};

/// How long the command may take to end when pgfeed is to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long after the first signal the process may take.
pub const GRACE: Duration = PATIENCE.saturating_add(Duration::from_secs(1));
/// How often the command is looked at. (It stays in our process group, in front of the terminal, and a wait for both its end and
/// a signal would take more than it is worth.)
const LOOK: Duration = Duration::from_millis(20);

/// Runs a command with this database as its own; its exit code is ours.
pub fn run(words: &[String], cluster: &Cluster, database: &str, stop: &Stop) -> Result<Exit> {
    let mut command = Command::new(&words[0]);
    forget_other_servers(&mut command);
    command
        .args(&words[1..])
        .env("DATABASE_URL", cluster.url(database))
        .env("PGHOST", cluster.socket_dir())
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", database);
    sys::kill_with_this_thread(&mut command);
    let mut child =
        command.spawn().map_err(|error| Error::failed(error.to_string()).doing(format!("running {}", words[0])))?;
    // A Ctrl-C is the command's affair: in psql it cancels a query.
    sys::ignore_interrupt();
    let status = wait(&mut child, stop);
    let status = status.map_err(|error| Error::failed(error.to_string()).doing("waiting for the command"))?;
    Ok(match status.code() {
        _ if stop.requested().is_some() => Exit::Signal,
        Some(0) => Exit::Done,
        Some(code) => Exit::Command(u8::try_from(code).unwrap_or(1)),
        None => Exit::Signal,
    })
}

/// Waits for its end; when a stop is asked for, it is asked to end, and killed when it does not.
fn wait(child: &mut Child, stop: &Stop) -> io::Result<ExitStatus> {
    let mut kill_at = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        match kill_at {
            None if stop.requested().is_some() => {
                sys::signal_child(child, Ending::Ask);
                kill_at = Some(Instant::now() + PATIENCE);
            }
            Some(at) if Instant::now() >= at => sys::signal_child(child, Ending::Kill),
            _ => {}
        }
        thread::sleep(LOOK);
    }
}
