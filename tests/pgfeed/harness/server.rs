//! The servers of the tests: one that all tests of a run share, and servers of their own for tests that break them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use pgfeed::cluster::{Builder, Cluster, Shutdown};

use super::database::{Database, Keep};

/// A private server, which ends with the last thing that uses it, or with the test process.
#[derive(Debug, Clone)]
pub struct Server(Arc<Cluster>);

/// The server that all tests of this process share. Its settings are PostgreSQL's, but that nothing waits for the disk.
///
/// Nothing drops it: when the process ends, in whatever way, the cluster's guard sees it.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let builder = builder().setting("max_connections", "200");
        // To look at what a failed test has left in its database.
        let builder = match std::env::var_os("PGFEED_TEST_KEEP") {
            Some(dir) => builder.keep(dir),
            None => builder,
        };
        start(&builder)
    })
}

/// The major version of the servers.
pub fn server_major() -> u32 {
    let version = server().cluster().binaries().version().unwrap();
    let number = version
        .split_whitespace()
        .find_map(|word| word.split('.').next()?.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok());
    number.unwrap_or_else(|| panic!("no version in {version}"))
}

/// A server for one test, which may stop, restart and freeze it.
pub fn own_server() -> Server {
    own_server_with(|builder| builder)
}

/// The same with other settings.
pub fn own_server_with(settings: impl FnOnce(Builder) -> Builder) -> Server {
    start(&settings(builder()))
}

/// A server without anything in particular, from the template of this target directory.
pub fn builder() -> Builder {
    Cluster::builder().templates(concat!(env!("CARGO_TARGET_TMPDIR"), "/templates")).temp_dir(temp_dir())
}

/// Where the servers of the tests live: in memory if there is plenty, so that no disk decides how long the tests take.
/// (ext4 without a journal makes files ten times more slowly for minutes after many were removed: measured.)
pub fn temp_dir() -> PathBuf {
    static IN_MEMORY: OnceLock<bool> = OnceLock::new();
    let plenty_kib = 2 << 20;
    let in_memory = IN_MEMORY.get_or_init(|| free_kib("/dev/shm").is_some_and(|free| free >= plenty_kib));
    if *in_memory && std::env::var_os("TMPDIR").is_none() { "/dev/shm".into() } else { std::env::temp_dir() }
}

/// What `df` calls available, in its fourth column.
fn free_kib(dir: &str) -> Option<u64> {
    let output = Command::new("df").args(["-Pk", dir]).output().ok().filter(|output| output.status.success())?;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    table.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

fn start(builder: &Builder) -> Server {
    super::hang::watched();
    match builder.start() {
        Ok(cluster) => Server(Arc::new(cluster)),
        Err(error) => {
            panic!("{error}\n{}", error.notes().map(|(label, text)| format!("{label}: {text}\n")).collect::<String>())
        }
    }
}

impl Server {
    /// A new database on this server. It is not dropped, since the server ends with the test.
    pub fn database(&self) -> Database {
        Database::on(self, Keep::WithServer)
    }

    /// The cluster, for what only it can do: restart, freeze, data and log.
    pub fn cluster(&self) -> &Cluster {
        &self.0
    }

    /// The folder of the server's programs.
    pub fn bin_dir(&self) -> &Path {
        self.0.binaries().dir()
    }

    /// A client that comes with the server; where none did, the one on the PATH.
    pub fn program(&self, name: &str) -> PathBuf {
        let own = self.bin_dir().join(name);
        if own.exists() { own } else { name.into() }
    }

    /// Puts lines in front of pg_hba.conf, where the first that fits decides, and waits until they hold.
    pub fn hba(&self, lines: &str) {
        let path = self.0.data_dir().join("pg_hba.conf");
        let old = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{lines}\n{old}")).unwrap();
        let mut client = postgres::Client::connect(&self.0.socket_url("postgres"), postgres::NoTls).unwrap();
        let loaded_at = "SELECT pg_conf_load_time()::text";
        let before: String = client.query_one(loaded_at, &[]).unwrap().get(0);
        client.batch_execute("SELECT pg_reload_conf()").unwrap();
        super::wait_until("the server has reloaded its files", || {
            client.query_one(loaded_at, &[]).unwrap().get::<_, String>(0) != before
        });
    }
}

/// A hot standby that follows a server. The server is restarted for it: a copy of its data is made while it is down.
pub fn standby_of(primary: &Server) -> Server {
    let standby = own_server();
    let (from, to) = (primary.cluster(), standby.cluster());
    to.halt(Shutdown::Fast).unwrap();
    from.halt(Shutdown::Fast).unwrap();
    fs::remove_dir_all(to.data_dir()).unwrap();
    let copied = Command::new("cp").arg("-a").args([from.data_dir(), to.data_dir()]).status();
    assert!(copied.expect("cp runs").success());
    from.launch().unwrap();
    let mut settings = fs::OpenOptions::new().append(true).open(to.data_dir().join("postgresql.auto.conf")).unwrap();
    let (dir, port) = (from.socket_dir().display(), from.port());
    writeln!(settings, "primary_conninfo = 'host={dir} port={port} user=postgres'").unwrap();
    // The server removes it when it is promoted, and so has to own it.
    let (owner, signal) = (fs::metadata(to.data_dir()).unwrap(), to.data_dir().join("standby.signal"));
    fs::write(&signal, "").unwrap();
    chown(&signal, Some(owner.uid()), Some(owner.gid())).unwrap();
    to.launch().unwrap();
    standby
}
