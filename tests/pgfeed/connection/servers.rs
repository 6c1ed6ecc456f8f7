//! The other ends of connections: a server that asks who one is, ports where nobody answers; and how to see who came.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pgfeed::cluster::Tcp;
use pgfeed::sql::{ident, literal};

use crate::harness::{Database, Output, Pgfeed, Server, own_server_with};

/// How the guarded server asks a role who it is: the name of a group, and the method for its members.
const METHODS: [(&str, &str); 5] =
    [("scram", "scram-sha-256"), ("md", "md5"), ("clear", "password"), ("open", "trust"), ("shut", "reject")];

/// A server that asks members of the groups in [`METHODS`] who they are, also over the local socket. It logs all that it hears.
pub fn guarded() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = own_server_with(|builder| {
            builder.tcp(Tcp::AnyFree).setting("log_connections", "on").setting("log_statement", "all")
        });
        let database = server.database();
        let mut lines = String::new();
        for (group, method) in METHODS {
            database.sql(&format!("CREATE ROLE {group}"));
            lines += &format!("local all +{group} {method}\nhost all +{group} 127.0.0.1/32 {method}\n");
        }
        server.hba(&lines);
        server
    })
}

/// Makes a role that the guarded server asks by this method. The server's log does not learn its password from us.
pub fn member(database: &Database, group: &str, password: &str) -> String {
    let role = database.role(group);
    let encryption = if group == "md" { "md5" } else { "scram-sha-256" };
    let mut client = database.client();
    client.batch_execute("SET log_statement = none").unwrap();
    client.batch_execute(&format!("SET password_encryption = {}", literal(encryption))).unwrap();
    client.batch_execute(&format!("ALTER ROLE {} PASSWORD {}", ident(&role), literal(password))).unwrap();
    client.batch_execute(&format!("GRANT {group} TO {}", ident(&role))).unwrap();
    role
}

/// The conninfo of a database over TCP.
pub fn over_tcp(database: &Database, role: &str) -> String {
    let port = database.server().cluster().port();
    format!("host=127.0.0.1 port={port} dbname={} user={role}", database.name())
}

/// The same over the local socket.
pub fn over_socket(database: &Database, role: &str) -> String {
    let cluster = database.server().cluster();
    format!("host={} port={} dbname={} user={role}", cluster.socket_dir().display(), cluster.port(), database.name())
}

/// A port of this machine where nobody listens.
pub fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Takes connections for as long as it lives, and never says a word.
pub struct BlackHole(TcpListener);

impl BlackHole {
    pub fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}

/// A notification that nobody hears, sent to see what becomes of the connection.
pub fn notify(conninfo: &str) -> Pgfeed {
    // What the harness says of the host would stand beside a hostaddr in a string.
    Pgfeed::new(["notify", "x", "y", "-d", conninfo]).env_remove("PGHOST")
}

/// Where the run says that it could not connect to, when everything it was told leads to sockets that are not there.
#[track_caller]
pub fn target(run: Pgfeed) -> String {
    let output = run.run().code(3);
    let told = output.stderr.lines().next().unwrap_or_default();
    let told = told.strip_prefix("pgfeed: error: connecting to ").and_then(|told| told.split_once(": "));
    let Some((target, "there is no such socket")) = told else { panic!("no target is named\n{output}") };
    target.to_owned()
}

/// What pg_stat_activity shows of the only session that listens in this database.
#[track_caller]
pub fn session(database: &Database, run: Pgfeed, column: &str) -> String {
    let running = run.args(["listen", "x"]).spawn();
    running.wait_stderr("listening on x");
    let query = "FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^LISTEN'";
    let value = database.value(&format!("SELECT {column} {query}"));
    running.kill();
    database.wait_for(&format!("SELECT count(*) = 0 {query}"));
    value
}

/// Runs it, and says how it ended and how long it took.
#[track_caller]
pub fn timed(run: Pgfeed) -> (Output, Duration) {
    let started = Instant::now();
    let output = run.run();
    (output, started.elapsed())
}
