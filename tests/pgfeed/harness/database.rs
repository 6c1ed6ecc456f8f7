//! A database for one test, with what a test does to it from outside pgfeed.

use std::ffi::OsStr;
use std::fmt::Write;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use pgfeed::sql::ident;
use postgres::{Client, NoTls};

use super::command::{Output, Pgfeed};
use super::proxy::Proxy;
use super::running::Running;
use super::server::{Server, server};

/// A database of its own. It is dropped with the test, unless the test fails.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
    keep: Keep,
    roles: Mutex<Vec<String>>,
}

/// What happens to a database at the end of its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is dropped if the test succeeds.
    OnFailure,
    /// Nothing: its server ends as well.
    WithServer,
}

impl Database {
    /// A new, empty database on the shared server.
    pub fn new() -> Self {
        Self::on(server(), Keep::OnFailure)
    }

    pub(super) fn on(server: &Server, keep: Keep) -> Self {
        super::hang::watched();
        let name = unique_name();
        let database = Self { server: server.clone(), name, keep, roles: Mutex::default() };
        database.admin(&format!("CREATE DATABASE {}", ident(&database.name)));
        database
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server that it is on.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its URL for the superuser, over the local socket.
    pub fn url(&self) -> String {
        self.url_as("postgres")
    }

    /// Its URL for another role.
    pub fn url_as(&self, role: &str) -> String {
        self.server.cluster().socket_url_as(&self.name, role)
    }

    /// A connection that has nothing of pgfeed's.
    pub fn client(&self) -> Client {
        self.client_as("postgres")
    }

    /// The same for another role.
    pub fn client_as(&self, role: &str) -> Client {
        Client::connect(&self.url_as(role), NoTls).expect("a connection to the test database")
    }

    /// Runs statements in a session of their own.
    #[track_caller]
    pub fn sql(&self, statements: &str) {
        if let Err(error) = self.client().batch_execute(statements) {
            panic!("{}\n{statements}", pgfeed::error::Error::from(error));
        }
    }

    /// The rows of a query as text: columns separated by `|`, as psql shows them unaligned.
    #[track_caller]
    pub fn rows(&self, query: &str) -> Vec<String> {
        let printed = self.psql(["-At", "-c", query], "").ok().stdout;
        printed.lines().map(str::to_owned).collect()
    }

    /// The only value of a query, as text.
    #[track_caller]
    pub fn value(&self, query: &str) -> String {
        let mut rows = self.rows(query);
        assert_eq!(rows.len(), 1, "{query} gave {rows:?}");
        rows.remove(0)
    }

    /// Runs psql on this database, without anybody's .psqlrc.
    #[track_caller]
    pub fn psql<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>, stdin: &str) -> Output {
        let mut command = Command::new(self.server.program("psql"));
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d"]).arg(self.url()).args(args);
        Pgfeed::command(command).stdin(stdin).run()
    }

    /// Creates a role that may log in, and whose name begins like this but belongs to this database alone.
    pub fn role(&self, name: &str) -> String {
        let role = format!("{name}_{}", self.name.rsplit('_').next().unwrap_or_default());
        self.admin(&format!("CREATE ROLE {} LOGIN", ident(&role)));
        self.roles.lock().unwrap().push(role.clone());
        role
    }

    /// Begins to describe a run of pgfeed with this database.
    pub fn pgfeed<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Pgfeed {
        Pgfeed::new(args).env("DATABASE_URL", self.url()).env("PGFEED_PG_BIN", self.server.bin_dir())
    }

    /// Starts pgfeed with this database in the background.
    #[track_caller]
    pub fn spawn<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Running {
        self.pgfeed(args).spawn()
    }

    /// A proxy in front of this database's server; its URL for this database is `proxy.url(db.name())`.
    pub fn proxy(&self) -> Proxy {
        Proxy::in_front_of(&self.server)
    }

    /// Waits until a query gives `t` or `true`; each look is a session of its own.
    #[track_caller]
    pub fn wait_for(&self, query: &str) {
        let mut client = self.client();
        super::wait_until(query, || client.query_one(query, &[]).expect(query).get(0));
    }

    fn admin(&self, statement: &str) {
        let mut client = Client::connect(&self.server.cluster().socket_url("postgres"), NoTls).unwrap();
        if let Err(error) = client.batch_execute(statement) {
            panic!("{statement}: {}", pgfeed::error::Error::from(error));
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.keep == Keep::WithServer {
            return;
        }
        if thread::panicking() {
            eprintln!("the database of this test was {}; with PGFEED_TEST_KEEP=DIR its data stays in DIR", self.name);
            return;
        }
        // FORCE ends the sessions that the test has left behind.
        let mut statements = vec![format!("DROP DATABASE {} WITH (FORCE)", ident(&self.name))];
        let roles = self.roles.get_mut().unwrap();
        statements.extend(roles.iter().map(|role| format!("DROP ROLE {}", ident(role))));
        statements.iter().for_each(|statement| self.admin(statement));
    }
}

/// The test's name and a number: libtest names each test's thread after it.
fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let thread = thread::current();
    let mut name = thread.name().unwrap_or("test").replace("::", "_");
    name.truncate(50);
    write!(name, "_{}", NUMBER.fetch_add(1, Ordering::Relaxed)).expect("a String takes everything");
    name
}
