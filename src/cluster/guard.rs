//! The process that cleans up after a throwaway server, however its owner ends. There is no other clean-up path.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

const SCRIPT: &str = include_str!("guard.sh");

/// What becomes of the server's data at the end, and therefore how patiently the server is shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The data goes too: whatever a fast shutdown has not done in a few seconds need not be done.
    Throwaway,
    /// The data stays, and should be complete.
    Kept,
}

/// Watches over one directory and at most one process. It sees our end as the end of the pipe that only we hold: std opens
/// pipes close-on-exec, so no other child keeps it open.
#[derive(Debug)]
pub struct Guard {
    dir: PathBuf,
    patience: Patience,
    process: Child,
    pipe: ChildStdin,
    watched: String,
}

impl Guard {
    /// Makes the directory, which must not exist, for us alone; from the same moment on it is sure to be removed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn start(dir: &Path, patience: Patience) -> io::Result<Self> {
        let (process, pipe) = spawn(dir, patience, "new")?;
        Ok(Self { dir: dir.to_owned(), patience, process, pipe, watched: "none".to_owned() })
    }

    /// The directory that it has made.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Also ends this process, in the place of the one before.
    ///
    /// # Errors
    /// When the guard is gone.
    pub fn watch(&mut self, pid: u32) -> io::Result<()> {
        self.tell(pid.to_string())
    }

    /// Ends no process any more: the number of one that has ended may come to belong to another.
    ///
    /// # Errors
    /// When the guard is gone.
    pub fn watch_nothing(&mut self) -> io::Result<()> {
        self.tell("none".to_owned())
    }

    /// Lets the guard do its work now, and waits for it.
    ///
    /// # Errors
    /// When the directory is still there.
    pub fn finish(self) -> io::Result<()> {
        let Self { dir, patience, mut process, pipe, watched } = self;
        drop(pipe);
        if process.wait()?.success() {
            return Ok(());
        }
        // Somebody killed the guard, or files kept appearing: the same script once more.
        let (mut process, mut pipe) = spawn(&dir, patience, "again")?;
        writeln!(pipe, "{watched}")?;
        drop(pipe);
        match process.wait()? {
            status if status.success() => Ok(()),
            status => Err(io::Error::other(format!("{} could not be removed ({status})", dir.display()))),
        }
    }

    fn tell(&mut self, watched: String) -> io::Result<()> {
        writeln!(self.pipe, "{watched}")?;
        self.watched = watched;
        Ok(())
    }
}

/// Runs the script, and returns when it has a directory to watch over.
fn spawn(dir: &Path, patience: Patience, how: &str) -> io::Result<(Child, ChildStdin)> {
    let seconds = match patience {
        Patience::Throwaway => "5",
        Patience::Kept => "60",
    };
    // A group of its own, so that Ctrl-C on a terminal does not reach it; and none of our streams, so that nobody who reads
    // them to their end waits for the guard.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "pgfeed-guard"]).arg(dir).args([seconds, how]);
    command.process_group(0).current_dir("/");
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let pipe = process.stdin.take().expect("stdin was asked for as a pipe");
    let mut said = String::new();
    BufReader::new(process.stdout.take().expect("stdout was asked for as a pipe")).read_line(&mut said)?;
    if said == "made\n" {
        return Ok((process, pipe));
    }
    process.wait()?;
    Err(io::Error::other(said.trim_end().to_owned()))
}
