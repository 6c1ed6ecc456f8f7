//! Which server, database and user: in `-d`, in flags, in DATABASE_URL and in PG* variables; and the other keys of libpq.

use std::path::Path;

use super::servers::{closed_port, guarded, notify, session, target};
use crate::harness::{Database, Pgfeed};

/// The sources from the strongest to the weakest; each names another of everything.
const SOURCES: [&str; 5] = ["conninfo", "flag", "service", "url", "variable"];

/// A run that hears from all but the strongest of the sources.
fn without_strongest(missing: usize) -> Pgfeed {
    let mut run = Pgfeed::new(["notify", "x"]);
    std::fs::write(
        run.home().join(".pg_service.conf"),
        "[s]\nhost=/nonexistent/service\nport=3\nuser=service\ndbname=service\n",
    )
    .unwrap();
    for source in &SOURCES[missing..] {
        run = match *source {
            "conninfo" => run.args(["-d", "host=/nonexistent/conninfo port=1 user=conninfo dbname=conninfo"]),
            "flag" => run.args(["-h", "/nonexistent/flag", "-p", "2", "-U", "flag"]),
            "service" => run.env("PGSERVICE", "s"),
            "url" => run.env("DATABASE_URL", "postgres://url@%2Fnonexistent%2Furl:4/url"),
            _ => run
                .env("PGHOST", "/nonexistent/variable")
                .env("PGPORT", "5")
                .env("PGUSER", "variable")
                .env("PGDATABASE", "variable"),
        };
    }
    run
}

#[test]
fn each_source_yields_to_the_stronger_ones() {
    for (missing, name) in SOURCES.iter().enumerate() {
        // No flag names the database: there, the next source decides.
        let dbname = if *name == "flag" { "service" } else { name };
        let place = format!("socket /nonexistent/{name}/.s.PGSQL.{}", missing + 1);
        assert_eq!(target(without_strongest(missing)), format!("database \"{dbname}\" on {place} as \"{name}\""));
    }
}

#[test]
fn each_key_is_looked_up_by_itself() {
    let run = Pgfeed::new(["notify", "x", "-d", "user=one", "-p", "2"])
        .env("DATABASE_URL", "postgres://not@used/this")
        .env("PGHOST", "/nonexistent/variable")
        .env("PGUSER", "variable")
        .env("PGPORT", "5");
    assert_eq!(target(run), "database \"one\" on socket /nonexistent/variable/.s.PGSQL.2 as \"one\"");
}

#[test]
fn nothing_said_means_the_local_socket_and_ones_own_name() {
    let me = String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let me = me.trim();
    let dir = if Path::new("/var/run/postgresql").is_dir() { "/var/run/postgresql" } else { "/tmp" };
    // A port that no server has: nobody's server is talked to.
    let run = Pgfeed::new(["notify", "x", "-p", "1"]).env_remove("PGHOST");
    assert_eq!(target(run), format!("database \"{me}\" on socket {dir}/.s.PGSQL.1 as \"{me}\""));
}

#[test]
fn a_name_a_string_and_a_uri_lead_to_the_same_place() {
    let database = Database::new();
    let cluster = database.server().cluster();
    let (dir, port, name) = (cluster.socket_dir().to_str().unwrap(), cluster.port().to_string(), database.name());
    let encoded = dir.replace('/', "%2F");
    let flags = ["-h", dir, "-p", &port, "-U", "postgres"];
    for run in [
        Pgfeed::new(["-d", name]).args(flags),
        Pgfeed::new(["-d", &format!("host = '{dir}' port={port} user=postgres dbname='{name}'")]),
        Pgfeed::new(["-d", &format!("postgresql://postgres@{encoded}:{port}/{name}")]),
        Pgfeed::new(["-d", &format!("postgres:///{name}?host={dir}&port={port}&user=postgres")]),
        Pgfeed::new(["-d", &format!("postgres://?dbname={name}")]).args(flags),
        Pgfeed::new([] as [&str; 0]).env("DATABASE_URL", database.url()),
        Pgfeed::new(flags).env("DATABASE_URL", name),
        Pgfeed::new([] as [&str; 0])
            .env("PGHOST", dir)
            .env("PGPORT", &port)
            .env("PGUSER", "postgres")
            .env("PGDATABASE", name),
    ] {
        assert_eq!(session(&database, run, "datname || ' ' || usename"), format!("{name} postgres"));
    }
}

#[test]
fn unusual_names_arrive_as_they_are() {
    let database = Database::new();
    let role = database.role("o'dd @:/?#%\"ü ");
    let encoded: String = role.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let dir = database.server().cluster().socket_dir().display().to_string();
    let uri = format!("postgres://{encoded}@{}/{}", dir.replace('/', "%2f"), database.name());
    assert_eq!(session(&database, Pgfeed::new(["-d", &uri]), "usename"), role);
    let string = format!("host={dir} dbname={} user='{}'", database.name(), role.replace('\'', r"\'"));
    assert_eq!(session(&database, Pgfeed::new(["-d", &string]), "usename"), role);
}

#[test]
fn the_first_host_that_answers_is_taken() {
    let database = Database::new();
    let cluster = database.server().cluster();
    let (dir, port, dead) = (cluster.socket_dir().display().to_string(), cluster.port(), closed_port());
    let place = format!("on socket {dir}/.s.PGSQL.{port} in");
    let proxy = database.proxy();
    for (conninfo, place) in [
        (format!("host=127.0.0.1,{dir} port={dead},{port}"), &place),
        (format!("host=/nonexistent,{dir} port={port}"), &place),
        (format!("host={dir},127.0.0.1 port={port},{dead}"), &place),
        (format!("postgres://127.0.0.1:{dead},{}:{port}/", dir.replace('/', "%2F")), &place),
        (
            format!("hostaddr=127.0.0.1,127.0.0.1 port={dead},{}", proxy.port()),
            &format!("127.0.0.1:{} in", proxy.port()),
        ),
    ] {
        let run = notify(&conninfo).args(["-v"]).env("PGUSER", "postgres").env("PGDATABASE", database.name());
        run.run().ok().stderr_has(place);
    }
}

#[test]
fn lists_of_different_lengths_are_refused() {
    notify("host=a,b,c port=1,2")
        .run()
        .code(2)
        .stderr_is("pgfeed: error: port in -d has another number of entries than host\n");
    Pgfeed::new(["notify", "x", "-h", "a,b"])
        .env("PGHOSTADDR", "::1")
        .run()
        .code(2)
        .stderr_is("pgfeed: error: PGHOSTADDR has another number of entries than host\n");
}

#[test]
fn the_application_name_is_the_commands_unless_somebody_names_another() {
    let database = Database::new();
    let name = |run: Pgfeed| session(&database, run, "application_name");
    assert_eq!(name(database.pgfeed([] as [&str; 0])), "pgfeed listen");
    assert_eq!(name(database.pgfeed([] as [&str; 0]).env("PGAPPNAME", "mine")), "mine");
    let given = format!("{}?application_name=given", database.url());
    assert_eq!(name(database.pgfeed(["-d", &given]).env("PGAPPNAME", "mine")), "given");
    let fallback = format!("{}?fallback_application_name=back", database.url());
    assert_eq!(name(database.pgfeed(["-d", &fallback])), "back");
}

#[test]
fn a_one_shot_is_called_by_its_command_too() {
    let database = guarded().database();
    database.pgfeed(["notify", "x"]).run().ok();
    let log = database.server().cluster().log_text();
    assert!(log.contains(&format!("database={} application_name=pgfeed notify\n", database.name())), "{log}");
}

#[test]
fn options_reach_the_session() {
    let database = Database::new();
    database.sql("CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY)");
    let install = || database.pgfeed(["install-trigger", "t", "--dry-run"]);
    install().run().code(2);
    install().env("PGOPTIONS", "-c search_path=other").run().ok().stdout_has("other.t");
    let url = format!("{}?options=-c%20search_path%3Dother", database.url());
    install().args(["-d", &url]).env("PGOPTIONS", "-c search_path=public").run().ok().stdout_has("other.t");
}

#[test]
fn what_is_not_a_key_is_named_and_its_value_is_not() {
    notify("hots=S3cr3t").run().code(2).stderr_is("pgfeed: error: -d: unknown key \"hots\"\n");
    notify("postgres://h/d?sslmod=S3cr3t").run().code(2).stderr_is("pgfeed: error: -d: unknown key \"sslmod\"\n");
    let url = Pgfeed::new(["notify", "x"]).env("DATABASE_URL", "postgres://h/d?hots=S3cr3t");
    url.run().code(2).stderr_is("pgfeed: error: DATABASE_URL: unknown key \"hots\"\n");
}

#[test]
fn what_is_no_value_is_told_by_its_key() {
    for (conninfo, told) in [
        ("port=S3cr3t", "port in -d is not a number from 1 to 65535"),
        ("connect_timeout=S3cr3t", "connect_timeout in -d is not a number"),
        ("sslmode=S3cr3t", "sslmode in -d is not one of disable, allow, prefer, require, verify-ca, verify-full"),
        (
            "require_auth=S3cr3t",
            "require_auth in -d cannot be honoured: the method of authentication cannot be chosen: it is the server's choice",
        ),
    ] {
        notify(&format!("host=h {conninfo}")).run().code(2).stderr_is(&format!("pgfeed: error: {told}\n"));
    }
    let run = notify("host=h").env("PGTARGETSESSIONATTRS", "S3cr3t").run().code(2);
    run.stderr_has("PGTARGETSESSIONATTRS is not one of any, read-write").lacks("S3cr3t");
}

#[test]
fn a_host_with_an_at_sign_is_refused_and_not_shown() {
    let told = "holds an @ (one that belongs to a password is written as %40 in a URI)";
    let run = Pgfeed::new(["notify", "x", "-h", "S3cr3t@host"]).run().code(2);
    run.stderr_is(&format!("pgfeed: error: host in the command line {told}\n"));
    let run = Pgfeed::new(["notify", "x"]).env("PGHOST", "S3cr3t@host").run().code(2);
    run.stderr_is(&format!("pgfeed: error: PGHOST {told}\n"));
    notify("postgres://u:half@S3cr3t@host/db").run().code(2).stderr_has("must be written as %40").lacks("S3cr3t");
}
