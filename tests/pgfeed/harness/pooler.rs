//! A private PgBouncer in front of a test's server.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::server::Server;

/// What a session of the server is lent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Session,
    Transaction,
    Statement,
}

/// PgBouncer, which ends with the test, however that ends.
#[derive(Debug)]
pub struct Pooler {
    process: Child,
    port: u16,
    files: PathBuf,
}

/// Ends the pooler when the other end of the pipe is closed.
const GUARD: &str = r#"PATH=$PATH:/usr/sbin:/sbin; pgbouncer "$0" & pooler=$!; read -r _; kill -9 "$pooler""#;

impl Pooler {
    /// Starts one that keeps at most so many sessions for each user of a database.
    pub fn in_front_of(server: &Server, mode: Mode, sessions: u32) -> Self {
        // Somebody else may take the port first: then there is another.
        (0..5).find_map(|_| Self::start(server, mode, sessions)).expect("PgBouncer starts (the package is pgbouncer)")
    }

    fn start(server: &Server, mode: Mode, sessions: u32) -> Option<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).unwrap().port();
        let cluster = server.cluster();
        let (sockets, server_port) = (cluster.socket_dir(), cluster.port());
        // In the server's own folder, which its user can enter and nobody else, and which goes with it.
        let files = sockets.join(format!("pool{port}"));
        fs::create_dir(&files).unwrap();
        let (config, users, log) = (files.join("ini"), files.join("users"), files.join("log"));
        let mode = format!("{mode:?}").to_lowercase();
        fs::write(&users, "\"postgres\" \"\"\n").unwrap();
        fs::write(
            &config,
            format!(
                "[databases]\n* = host={} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir = {}\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\n\
                 default_pool_size = {sessions}\nmax_client_conn = 200\n",
                sockets.display(),
                files.display(),
                users.display()
            ),
        )
        .unwrap();
        let log = fs::File::create(log).unwrap();
        let owner = fs::metadata(cluster.data_dir()).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD]).arg(&config).current_dir(&files);
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        // Like a server it refuses to be root.
        if owner.uid() != fs::metadata(&config).unwrap().uid() {
            for path in [&files, &config, &users] {
                chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
            }
            command.uid(owner.uid()).gid(owner.gid());
        }
        let mut pooler = Self { process: command.spawn().unwrap(), port, files };
        let deadline = Instant::now() + super::DEADLINE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            // The guard lives as long as its pipe, so only the time tells that the pooler has not started.
            if Instant::now() > deadline || pooler.log().contains("FATAL") {
                eprintln!("PgBouncer did not start:\n{}", pooler.log());
                pooler.end();
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(pooler)
    }

    /// The URL of a database through it.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The same over its local socket.
    pub fn socket_url(&self, database: &str) -> String {
        let dir = self.files.display().to_string().replace('/', "%2F");
        format!("postgresql://postgres@{dir}:{}/{database}", self.port)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.files.join("log")).unwrap_or_default()
    }

    fn end(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.end();
    }
}
