//! A password is nowhere to be seen, however it was given and however a run ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::certificates::stranger;
use super::servers::{BlackHole, closed_port, guarded, member, notify, over_tcp};
use super::tls::good;
use crate::harness::{Output, Pgfeed};

const PASSWORD: &str = "S3cr3t-Canary@";
const ENCODED: &str = "S3cr3t-Canary%40";

/// Checks that nothing of the password was printed: half of it would be bad enough.
#[track_caller]
fn keeps_quiet(output: Output) {
    output.lacks("S3cr3t").lacks("Canary");
}

/// The ways to give a password along with these keys and values, each as a run of a command.
fn ways<'a>(keys: &'a [(&'a str, String)], command: &'a [&'a str]) -> impl Iterator<Item = Pgfeed> + 'a {
    let pairs = |quote: &str, between: &str| {
        let pairs: Vec<_> = keys.iter().map(|(key, value)| format!("{key}={quote}{value}{quote}")).collect();
        pairs.join(between)
    };
    let string = pairs("'", " ");
    let uri = format!("postgres://:{ENCODED}@/?{}", pairs("", "&"));
    let service = format!("[s]\n{}\npassword={PASSWORD}\n", pairs("", "\n"));
    let run = move || Pgfeed::new(command).args(["-vv"]);
    let with_file = move |run: Pgfeed, name: &str, text: &str| {
        fs::write(run.home().join(name), text).unwrap();
        fs::set_permissions(run.home().join(name), fs::Permissions::from_mode(0o600)).unwrap();
        run
    };
    [
        run().args(["-d", &uri]),
        run().args(["-d", &format!("{string} password='{PASSWORD}'")]),
        run().args(["-d", &string]).env("PGPASSWORD", PASSWORD),
        run().env("DATABASE_URL", &uri),
        run().env("DATABASE_URL", format!("{string} password={PASSWORD}")),
        with_file(run().args(["-d", "service=s"]), ".pg_service.conf", &service),
        with_file(run().args(["-d", &string]), ".pgpass", &format!("*:*:*:*:{PASSWORD}\n")),
    ]
    .into_iter()
}

fn keys(place: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    place.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
}

#[test]
fn no_way_to_fail_shows_a_password_however_it_was_given() {
    let (guarded, good, hole, closed) = (guarded(), good(), BlackHole::new(), closed_port().to_string());
    let (database, encrypted) = (guarded.database(), good.database());
    let member = |group| member(&database, group, "another");
    let (scram, md, clear, shut) = (member("scram"), member("md"), member("clear"), member("shut"));
    let (port, ssl_port) = (guarded.cluster().port().to_string(), good.cluster().port().to_string());
    let (name, stranger, hole) = (database.name(), stranger().root(), hole.port().to_string());
    let host = ("host", "127.0.0.1");
    let at = |user| [host, ("port", port.as_str()), ("dbname", name), ("user", user)];
    let with = |place: &[(&'static str, &str)], more: (&'static str, &str)| keys(&[place, &[more]].concat());
    for (place, told) in [
        (keys(&[host, ("port", &closed)]), "connection refused"),
        (keys(&[host, ("port", &hole), ("connect_timeout", "0.1")]), "did not answer within 100ms"),
        (keys(&[("host", "/nonexistent")]), "there is no such socket"),
        (keys(&[("host", "no.such.host.invalid")]), "cannot be resolved"),
        (keys(&at(&scram)), "password authentication failed"),
        (keys(&at(&md)), "password authentication failed"),
        (keys(&at(&clear)), "password authentication failed"),
        (keys(&at(&shut)), "pg_hba.conf rejects"),
        (keys(&at("nobody")), "password authentication failed"),
        (with(&at(&scram), ("sslmode", "require")), "the server does not offer TLS"),
        (with(&at(&scram), ("sslrootcert", "/nonexistent/root")), "names the file /nonexistent/root"),
        (with(&at(&scram), ("channel_binding", "require")), "authentication failed"),
        (
            keys(&[
                host,
                ("port", &ssl_port),
                ("dbname", encrypted.name()),
                ("user", "tls"),
                ("sslmode", "verify-ca"),
                ("sslrootcert", stranger.to_str().unwrap()),
            ]),
            "not signed by one that is trusted",
        ),
        (with(&at(&scram), ("target_session_attrs", "any-will-do")), "is not one of any, read-write"),
        (with(&at(&scram), ("require_auth", "none")), "cannot be honoured"),
    ] {
        for run in ways(&place, &["notify", "x"]) {
            let output = run.run();
            assert!(matches!(output.code, 2 | 3), "{output}");
            keeps_quiet(output.stderr_has(told));
        }
    }
    let log = guarded.cluster().log_text();
    assert!(log.contains("password authentication failed") && !log.contains("Canary"), "{log}");
}

#[test]
fn what_works_shows_no_password_either() {
    let database = guarded().database();
    for group in ["scram", "md", "clear"] {
        let role = member(&database, group, PASSWORD);
        let port = database.server().cluster().port().to_string();
        let place = keys(&[("host", "127.0.0.1"), ("port", &port), ("dbname", database.name()), ("user", &role)]);
        ways(&place, &["notify", "x", "y"]).for_each(|run| keeps_quiet(run.run().ok()));
        for run in ways(&place, &["listen", "x", "--reconnect", "never", "--control"]).take(1) {
            let running = run.spawn();
            running.wait_stderr("listening on x");
            database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^LISTEN'");
            keeps_quiet(running.finish().code(3).stderr_has("connection lost"));
        }
    }
    assert!(!guarded().cluster().log_text().contains("Canary"));
}

#[test]
fn a_server_that_goes_away_is_waited_for_in_silence_about_the_password() {
    let place = keys(&[("host", "127.0.0.1"), ("port", &closed_port().to_string())]);
    for run in ways(&place, &["notify", "x", "--wait-server", "50ms"]) {
        keeps_quiet(run.run().code(3).stderr_has("waiting for it"));
    }
}

#[test]
fn what_cannot_be_read_is_not_quoted() {
    for wrong in [
        format!("postgres://u:{PASSWORD}@host/db"),
        format!("postgres://u:x{PASSWORD}y@host/db"),
        format!("postgres://u:half/{PASSWORD}@host/db"),
        format!("postgres://u:{ENCODED}%zz@host/db"),
        format!("postgres://u:{ENCODED}%00@host/db"),
        format!("postgres://u:p@host:{ENCODED}/db"),
        format!("postgres://u:p@[{ENCODED}/db"),
        format!("postgres://u:p@host/db?{ENCODED}"),
        format!("postgres://u:p@host/db?{ENCODED}=x"),
        format!("postgres://host?password={PASSWORD}x"),
        format!("postgres://u:p@host/db?sslmode={ENCODED}"),
        format!("postgres://host/db?password=a={ENCODED}"),
        format!("mysql://u:{PASSWORD}host/db"),
        format!("host=h password=one {PASSWORD}"),
        format!("host=h password=one {PASSWORD}=two"),
        format!("host=h password='{PASSWORD}"),
        format!("host=h port={PASSWORD}"),
        format!("host=h hostaddr={PASSWORD}"),
        format!("host=h pasword={PASSWORD}"),
        format!("host=u:{PASSWORD}h"),
        format!("host=h connect_timeout={PASSWORD}"),
        format!("host=h keepalives_idle={PASSWORD}"),
        format!("host=h ssl_min_protocol_version={PASSWORD}"),
    ] {
        for run in [notify(&wrong), Pgfeed::new(["notify", "x"]).env("DATABASE_URL", &wrong)] {
            keeps_quiet(run.args(["-vv"]).run().code(2));
        }
    }
    for variable in ["PGHOST", "PGPORT", "PGHOSTADDR", "PGSSLMODE", "PGCONNECT_TIMEOUT", "PGCHANNELBINDING"] {
        keeps_quiet(notify("user=u").env("PGHOST", "/nonexistent").env(variable, PASSWORD).run().code(2));
    }
}

#[test]
fn files_that_cannot_be_used_are_named_and_not_quoted() {
    let place = format!("host=127.0.0.1 port={}", closed_port());
    let exposed = notify(&place);
    fs::write(exposed.home().join(".pgpass"), format!("*:*:*:*:{PASSWORD}")).unwrap();
    fs::set_permissions(exposed.home().join(".pgpass"), fs::Permissions::from_mode(0o644)).unwrap();
    keeps_quiet(exposed.run().code(3).stderr_has(".pgpass is ignored"));
    for line in [format!("password {PASSWORD}"), format!("{PASSWORD}=x"), format!("port={PASSWORD}")] {
        let run = notify("service=s");
        fs::write(run.home().join(".pg_service.conf"), format!("[s]\nhost=h\n{line}\n")).unwrap();
        keeps_quiet(run.run().code(2));
    }
}

#[test]
fn mistakes_on_the_command_line_do_not_repeat_it() {
    let uri = format!("postgres://u:{ENCODED}@h/db");
    let password = format!("--password={PASSWORD}");
    for args in [&["-d", &uri, "--no-such-flag"][..], &["-d", &uri, "--connect-timeout", "soon"], &[&password]] {
        keeps_quiet(Pgfeed::new(["notify", "x"]).args(args).run().code(2));
    }
    keeps_quiet(Pgfeed::new(["-d", &uri]).run().code(2));
    keeps_quiet(Pgfeed::new(["notify", "--help"]).env("DATABASE_URL", &uri).env("PGPASSWORD", PASSWORD).run().ok());
}

#[test]
fn no_process_that_pgfeed_starts_has_a_password_in_its_arguments() {
    // The demo is what starts processes: a server, and a command of the user's.
    let script = "echo \"$DATABASE_URL\"; ps -Ao args";
    let run = Pgfeed::new(["demo", "-p", "0", "--no-writes", "--", "/bin/sh", "-c", script]).run().ok();
    let password = run.lines()[0].split_once("postgres:").and_then(|(_, rest)| rest.split_once('@')).map(|(it, _)| it);
    let password = password.filter(|password| !password.is_empty()).unwrap_or_else(|| panic!("no password\n{run}"));
    let processes = &run.lines()[1..];
    assert!(processes.iter().any(|line| line.contains("pgfeed") && line.contains("demo")), "{run}");
    assert!(!processes.iter().any(|line| line.contains(password)), "{run}");
}

#[test]
fn the_hint_about_a_password_says_where_it_came_from_and_not_what_it_is() {
    let database = guarded().database();
    let role = member(&database, "scram", "another");
    let run = notify(&over_tcp(&database, &role)).env("PGPASSWORD", PASSWORD).run().code(3);
    keeps_quiet(run.stderr_has(&format!("hint: the password of \"{role}\" is wrong")));
}
