//! .pgpass: passwords by host, port, database and user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::servers::{guarded, member, notify, over_socket, over_tcp};
use crate::harness::{Database, Pgfeed};

/// Writes a file that only its owner may read.
fn write(path: &Path, lines: &str) {
    fs::write(path, lines).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A run with these lines in its `~/.pgpass`.
fn with_lines(conninfo: &str, lines: &str) -> Pgfeed {
    let run = notify(conninfo);
    write(&run.home().join(".pgpass"), lines);
    run
}

fn somebody() -> (Database, String) {
    let database = guarded().database();
    let role = member(&database, "scram", "right");
    (database, role)
}

#[test]
fn the_first_line_that_fits_gives_the_password() {
    let (database, role) = somebody();
    let (port, name) = (database.server().cluster().port(), database.name());
    let others = "# 127.0.0.1:*:*:*:wrong\nother:*:*:*:wrong\n*:1:*:*:wrong\n*:*:other:*:wrong\n*:*:*:other:wrong\n";
    for line in
        ["*:*:*:*:right\n", &format!("127.0.0.1:{port}:{name}:{role}:right"), "127.0.0.1:*:*:*:right\r\n*:*:*:*:wrong"]
    {
        with_lines(&over_tcp(&database, &role), &format!("{others}{line}")).run().ok().stderr_is("");
    }
    let run = with_lines(&over_tcp(&database, &role), others).run().code(3);
    run.stderr_has("the server asks for a password, and none was given");
}

#[test]
fn each_host_has_its_own_password() {
    let (database, role) = somebody();
    // The name is looked at, and not what it resolves to.
    let string = over_tcp(&database, &role).replace("host=127.0.0.1", "host=db.example hostaddr=127.0.0.1");
    with_lines(&string, "127.0.0.1:*:*:*:wrong\ndb.example:*:*:*:right").run().ok();
    let address = over_tcp(&database, &role).replace("host=", "hostaddr=");
    with_lines(&address, "127.0.0.1:*:*:*:right").run().ok();
    let two = over_tcp(&database, &role).replace("host=127.0.0.1", "host=/nonexistent,127.0.0.1");
    with_lines(&two, "localhost:*:*:*:wrong\n127.0.0.1:*:*:*:right").run().ok();
}

#[test]
fn a_local_socket_is_localhost() {
    let (database, role) = somebody();
    with_lines(&over_socket(&database, &role), "127.0.0.1:*:*:*:wrong\nlocalhost:*:*:*:right").run().ok();
    let dir = database.server().cluster().socket_dir().display().to_string();
    with_lines(&over_socket(&database, &role), &format!("/other:*:*:*:wrong\n{dir}:*:*:*:right")).run().ok();
}

#[test]
fn colons_and_backslashes_are_escaped() {
    let database = guarded().database();
    let role = member(&database, "scram", r"a:b\c:d");
    for line in [r"*:*:*:*:a\:b\\c\:d", r"*:*:*:*:a:b\\c:d"] {
        with_lines(&over_tcp(&database, &role), line).run().ok();
    }
}

#[test]
fn a_file_that_others_may_read_is_ignored_with_a_warning() {
    let (database, role) = somebody();
    let run = with_lines(&over_tcp(&database, &role), "*:*:*:*:right");
    let path = run.home().join(".pgpass");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let warning = format!(
        "pgfeed: warning: password file {} is ignored: others may read it; its permissions should be u=rw (0600) or less\n",
        path.display()
    );
    run.run().code(3).stderr_has(&warning).stderr_has("none was given");
    // When it is not needed, nobody is troubled with it.
    let run = with_lines(&over_tcp(&database, &role), "*:*:*:*:wrong").env("PGPASSWORD", "right");
    fs::set_permissions(run.home().join(".pgpass"), fs::Permissions::from_mode(0o644)).unwrap();
    run.run().ok().stderr_is("");
}

#[test]
fn another_file_can_be_named() {
    let (database, role) = somebody();
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("mine"), dir.path().join("other"));
    write(&path, "*:*:*:*:right");
    write(&other, "*:*:*:*:wrong");
    let string = over_tcp(&database, &role);
    with_lines(&string, "*:*:*:*:wrong").env("PGPASSFILE", &path).run().ok();
    let named = format!("{string} passfile={}", path.display());
    with_lines(&named, "*:*:*:*:wrong").env("PGPASSFILE", &other).run().ok();
    let told = notify(&string).env("PGPASSFILE", &other).run().code(3);
    told.stderr_has(&format!("hint: the password came from {}", other.display()));
}
