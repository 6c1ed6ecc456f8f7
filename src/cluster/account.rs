//! Whom the server runs as. PostgreSQL refuses to run as root, so root hands it to somebody without rights.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// The user of a server's processes and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// The one who runs us: nothing needs to change.
    Ours { uid: u32 },
    /// We are root, and the server belongs to this one.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// Decides from a file that we have just made: its owner is who we are, without asking in an unsafe way.
    pub(super) fn for_owner_of(ours: &Path) -> io::Result<Self> {
        let uid = fs::metadata(ours)?.uid();
        if uid != 0 {
            return Ok(Self::Ours { uid });
        }
        let passwd = fs::read_to_string("/etc/passwd")?;
        let found = ["postgres", "nobody"].into_iter().find_map(|name| entry(&passwd, name));
        found.ok_or_else(|| {
            io::Error::other("PostgreSQL does not run as root, and /etc/passwd has neither postgres nor nobody")
        })
    }

    pub(super) fn uid(&self) -> u32 {
        match self {
            Self::Ours { uid } | Self::Other { uid, .. } => *uid,
        }
    }

    /// Makes a command run as this user; std then gives up our supplementary groups by itself.
    pub(super) fn lower(&self, command: &mut Command) {
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
    }

    /// Gives a file or directory of ours to this user.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Ours { .. } => Ok(()),
            Self::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)),
        }
    }

    /// Tells whether this user can get to a directory that belongs to somebody else.
    pub(super) fn reaches(&self, dir: &Path) -> bool {
        let open = |dir: &Path| fs::metadata(dir).is_ok_and(|found| found.permissions().mode() & 0o001 != 0);
        matches!(self, Self::Ours { .. }) || dir.ancestors().all(open)
    }
}

/// A line of passwd: `name:password:uid:gid:...`. macOS writes nobody's numbers as -2.
fn entry(passwd: &str, name: &str) -> Option<Account> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2);
    let mut number = || numbers.next()?.parse().ok().map(|number: i64| number as u32);
    Some(Account::Other { name: name.to_owned(), uid: number()?, gid: number()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_passwd() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nnobody:*:-2:-2::/:/usr/bin/false\npostgres:x:101:104:,:/x:/bin/sh\n";
        let postgres = Account::Other { name: "postgres".into(), uid: 101, gid: 104 };
        assert_eq!(entry(passwd, "postgres"), Some(postgres));
        let nobody = Account::Other { name: "nobody".into(), uid: u32::MAX - 1, gid: u32::MAX - 1 };
        assert_eq!(entry(passwd, "nobody"), Some(nobody));
        assert_eq!(entry(passwd, "root2"), None);
    }

    #[test]
    fn root_is_never_the_account() {
        let dir = tempfile::tempdir().unwrap();
        assert_ne!(Account::for_owner_of(dir.path()).unwrap().uid(), 0);
    }
}
