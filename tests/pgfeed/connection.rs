//! Where the connection goes, and what is said when it cannot; that nothing waits longer than it may, and no secret is told.

// Servers that want passwords and certificates, what is not a server, and what a run says of its connection.
pub mod servers;
// Certificates, made by openssl.
pub mod certificates;

// Which host, port, database and user: strings, files and variables, and which of them wins.
mod conninfo;
mod password_file;
mod service_file;
// Who is let in, who is not, and what is said then.
mod authentication;
mod tls;
mod tls_identity;
// Nothing hangs, and waiting for a server ends.
mod deadlines;
// A primary among standbys.
pub mod standby;
// What a role or a database has set does not matter.
mod session;
// A password is nowhere to be seen, however a run ends.
mod secrets;
