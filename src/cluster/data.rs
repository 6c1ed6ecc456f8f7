//! Makes a data directory: with initdb, or as a copy of a template that an earlier start has left.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::account::Account;
use super::discover::Binaries;
use super::guard::Guard;
use super::process::{self, Program, Waited};
use crate::error::{Error, Result};

/// The local socket lives in a directory that only its user can enter; for TCP a password is required from the first moment.
const INITDB_OPTIONS: &[&str] =
    &["--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync", "-U", "postgres"];

/// To be changed with the options, so that templates made with others are not used.
const TEMPLATE: &str = "1";

/// initdb takes half a second; this is for a machine that is very busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a data directory is made with.
#[derive(Debug)]
pub(super) struct Maker<'a> {
    pub(super) binaries: &'a Binaries,
    pub(super) account: &'a Account,
    pub(super) home: &'a Path,
    pub(super) data: &'a Path,
    pub(super) log: &'a Path,
}

impl Maker<'_> {
    /// Makes the data directory, with the help of the templates in this folder if there is one.
    pub(super) fn make(&self, templates: Option<&Path>, guard: &mut Guard) -> Result<()> {
        match templates {
            None => self.initdb(guard),
            Some(templates) => self.copy_template(templates, guard),
        }
    }

    /// Copies the template, and makes it before if it is not there yet. Others who need it meanwhile wait.
    fn copy_template(&self, templates: &Path, guard: &mut Guard) -> Result<()> {
        let name = self.template_name()?;
        let template = templates.join(&name);
        let in_cache = |error: io::Error| Error::failed(format!("{}: {error}", templates.display()));
        if !template.exists() {
            fs::create_dir_all(templates).map_err(in_cache)?;
            let lock = File::create(templates.join(format!("{name}.lock"))).map_err(in_cache)?;
            lock.lock().map_err(in_cache)?;
            if !template.exists() {
                self.initdb(guard)?;
                return save(self.data, &templates.join(format!("{name}.part")), &template).map_err(in_cache);
            }
        }
        copy(&template, self.data).map_err(in_cache)
    }

    /// Names the template after everything that its use depends on: the version, the options, and who can read it.
    fn template_name(&self) -> Result<String> {
        let version = self.binaries.version()?;
        let version = version.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        Ok(format!("{version}-{TEMPLATE}-uid{}", self.account.uid()))
    }

    fn initdb(&self, guard: &mut Guard) -> Result<()> {
        let failed = |why: String| Error::failed(why).doing("initdb").detail(super::log_tail(self.log));
        let mut args = vec!["-D".to_owned(), self.data.to_string_lossy().into_owned()];
        args.extend(INITDB_OPTIONS.iter().map(|&option| option.to_owned()));
        let path = self.binaries.path("initdb");
        let program = Program { path: &path, args: &args, home: self.home, log: self.log, account: self.account };
        let mut child = process::start(&program, guard).map_err(|error| failed(error.to_string()))?;
        let ended = process::wait_until(&mut child, Instant::now() + PATIENCE, || false);
        match ended.map_err(|error| failed(error.to_string()))? {
            Waited::Ended(status) if status.success() => {
                guard.watch_nothing().map_err(|error| failed(error.to_string()))
            }
            Waited::Ended(status) => Err(failed(format!("it ended with {status}"))),
            Waited::Ready | Waited::TooLong => Err(failed(format!("not finished after {} s", PATIENCE.as_secs()))),
        }
    }
}

/// Saves a new data directory as a template. It appears all at once, so that nobody copies half of it.
fn save(data: &Path, part: &Path, template: &Path) -> io::Result<()> {
    if part.exists() {
        // Left by a process that was killed here; the lock says that it is nobody's now.
        fs::remove_dir_all(part)?;
    }
    copy(data, part)?;
    fs::rename(part, template)
}

/// Copies with owners and permissions, which std does not.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
