//! Who is let in, who is not, and what is said then.

use super::servers::{guarded, member, notify, over_socket, over_tcp};
use crate::harness::{Database, own_server_with};

/// What the server's log says of this role and has in it.
fn logged(database: &Database, role: &str, what: &str) -> usize {
    let log = database.server().cluster().log_text();
    log.lines().filter(|line| line.contains(role) && line.contains(what)).count()
}

#[test]
fn every_method_lets_in_who_knows_the_password() {
    let database = guarded().database();
    for group in ["scram", "md", "clear"] {
        let role = member(&database, group, "it's right");
        for conninfo in [over_tcp(&database, &role), over_socket(&database, &role)] {
            notify(&conninfo).env("PGPASSWORD", "it's right").run().ok().stderr_is("");
            notify(&format!(r"{conninfo} password='it\'s right'")).env("PGPASSWORD", "wrong").run().ok();
        }
        assert_eq!(logged(&database, &role, "connection authorized"), 4, "{group}");
    }
    let role = member(&database, "open", "whatever");
    notify(&over_tcp(&database, &role)).run().ok();
}

#[test]
fn a_wrong_password_is_tried_once() {
    let database = guarded().database();
    for group in ["scram", "md", "clear"] {
        let role = member(&database, group, "right");
        let conninfo = over_tcp(&database, &role);
        let place = format!("database \"{}\" on 127.0.0.1:{}", database.name(), database.server().cluster().port());
        // Not with time to wait, and not at another host either.
        let run = notify(&format!("{conninfo} password=wrong")).args(["--wait-server", "20s"]).run().code(3);
        run.stderr_is(&format!(
            "pgfeed: error: connecting to {place} as \"{role}\": password authentication failed for user \"{role}\"\n  \
             sqlstate: 28P01\n  hint: the password of \"{role}\" is wrong\n"
        ));
        assert_eq!(logged(&database, &role, "password authentication failed"), 1, "{group}");
    }
}

#[test]
fn a_wrong_password_is_not_tried_at_another_host() {
    let database = guarded().database();
    let role = member(&database, "scram", "right");
    let twice = over_tcp(&database, &role).replace("host=127.0.0.1", "host=127.0.0.1,localhost");
    notify(&twice).env("PGPASSWORD", "wrong").run().code(3).stderr_has("password authentication failed");
    assert_eq!(logged(&database, &role, "password authentication failed"), 1);
}

#[test]
fn a_missing_password_is_not_asked_for() {
    let database = guarded().database();
    for group in ["scram", "md", "clear"] {
        let role = member(&database, group, "right");
        let run = notify(&over_socket(&database, &role)).args(["--wait-server", "20s"]).run().code(3);
        run.stderr_has("the server asks for a password, and none was given\n").stderr_has("PGPASSWORD or ~/.pgpass");
    }
}

#[test]
fn who_is_not_known_or_not_allowed_is_told_so_once() {
    let database = guarded().database();
    let open = member(&database, "open", "x");
    let shut = member(&database, "shut", "x");
    let asleep = database.role("asleep");
    database.sql(&format!("GRANT open TO {asleep}; ALTER ROLE {asleep} NOLOGIN"));
    let elsewhere = over_tcp(&database, &open).replace(database.name(), "nowhere");
    for (conninfo, role, code, message, hint) in [
        (over_socket(&database, "nobody_1"), "nobody_1", "28000", "role \"nobody_1\" does not exist", "-U"),
        (
            elsewhere,
            "nowhere",
            "3D000",
            "database \"nowhere\" does not exist",
            "-d names the database (now \"nowhere\")",
        ),
        (over_tcp(&database, &asleep), &asleep, "28000", "is not permitted to log in", "-U names the user"),
        (over_tcp(&database, &shut), &shut, "28000", "pg_hba.conf rejects connection", "pg_hba.conf has no line"),
    ] {
        let run = notify(&conninfo).args(["--wait-server", "20s"]).run().code(3);
        run.stderr_has(message)
            .stderr_has(&format!("\n  sqlstate: {code}\n"))
            .stderr_has("\n  hint: ")
            .stderr_has(hint);
        assert_eq!(logged(&database, role, "FATAL"), 1, "{message}");
    }
}

#[test]
fn a_full_server_is_waited_for() {
    let server = own_server_with(|b| {
        b.setting("max_connections", "6").setting("superuser_reserved_connections", "3").setting("max_wal_senders", "0")
    });
    let database = server.database();
    let role = database.role("app");
    let mut sessions: Vec<_> = (0..3).map(|_| database.client_as(&role)).collect();
    notify(&database.url_as(&role)).run().code(3).stderr_has("\n  sqlstate: 53300\n");
    let run = notify(&database.url_as(&role)).args(["--wait-server", "30s"]).spawn();
    run.wait_stderr("; waiting for it");
    sessions.clear();
    run.finish().ok();
}

#[test]
fn a_role_that_may_not_have_more_sessions_is_waited_for() {
    let database = Database::new();
    let role = database.role("app");
    database.sql(&format!("ALTER ROLE {role} CONNECTION LIMIT 1"));
    let session = database.client_as(&role);
    let run = notify(&database.url_as(&role)).run().code(3);
    run.stderr_has("too many connections for role")
        .stderr_has("sqlstate: 53300\n  hint: all connections that the server,");
    let run = notify(&database.url_as(&role)).args(["--wait-server", "30s"]).spawn();
    run.wait_stderr("; waiting for it");
    drop(session);
    run.finish().ok();
}
