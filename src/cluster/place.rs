//! Makes the private directory of a throwaway server.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::guard::{Guard, Patience};

/// A socket's path has at most 103 bytes on macOS (107 on Linux), of which `/.s.PGSQL.65535` takes 15.
const LONGEST: usize = 103 - 15;

/// Makes a fresh directory that nobody else can enter, for the socket and, unless they are kept elsewhere, the data.
pub(super) fn fresh_dir(mut base: PathBuf, patience: Patience) -> io::Result<(Guard, Account)> {
    loop {
        let guard = Guard::start(&unused_in(&base), patience)?;
        let account = Account::for_owner_of(guard.dir())?;
        let usable = guard.dir().as_os_str().len() <= LONGEST && account.reaches(&base);
        if usable || base == Path::new("/tmp") {
            return Ok((guard, account));
        }
        guard.finish()?;
        base = PathBuf::from("/tmp");
    }
}

fn unused_in(base: &Path) -> PathBuf {
    loop {
        // Every RandomState has keys of its own. It need not be a secret: a name that somebody takes meanwhile is refused.
        let random = RandomState::new().build_hasher().finish() as u32;
        let dir = base.join(format!("pgfeed-{random:08x}"));
        if !dir.exists() {
            return dir;
        }
    }
}

/// Makes the directory that is to be kept, or takes an empty one: what is in another is not ours to mix with.
pub(super) fn kept_dir(dir: &Path) -> io::Result<PathBuf> {
    let dir = std::path::absolute(dir)?;
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", dir.display()));
    DirBuilder::new().mode(0o700).recursive(true).create(&dir).map_err(told)?;
    if fs::read_dir(&dir).map_err(told)?.next().is_some() {
        return Err(io::Error::other(format!("{} is not empty", dir.display())));
    }
    Ok(dir)
}

/// Makes a password that nobody guesses.
pub(super) fn password() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
