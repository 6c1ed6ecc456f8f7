//! TLS: what each sslmode asks for, and which certificates of a server are believed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::sync::OnceLock;

use pgfeed::cluster::{Builder, Tcp};

use super::certificates::{Certificate, authority, self_signed, stranger};
use super::servers::{notify, over_tcp};
use crate::harness::{Database, Pgfeed, Server, own_server_with};

/// How roles may come in over TCP.
const RULES: &str = "\
hostssl all tls 127.0.0.1/32 trust\n\
hostnossl all plain 127.0.0.1/32 trust\n\
host all either 127.0.0.1/32 trust\n\
hostnossl all asked 127.0.0.1/32 scram-sha-256\n\
hostssl all certified 127.0.0.1/32 cert\n\
host all tls,plain,asked,certified 127.0.0.1/32 reject\n";

/// A server with this certificate, and with the roles of [`RULES`].
pub fn server_with(certificate: &Certificate, settings: impl FnOnce(Builder) -> Builder) -> Server {
    let server = own_server_with(|builder| settings(builder.tcp(Tcp::AnyFree).setting("log_connections", "on")));
    let data = server.cluster().data_dir();
    let owner = fs::metadata(data).unwrap();
    for (from, name) in [
        (&certificate.certificate, "server.crt"),
        (&certificate.key, "server.key"),
        (&authority().root(), "clients.crt"),
    ] {
        let file = data.join(name);
        fs::copy(from, &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let database = server.database();
    for role in ["tls", "plain", "asked", "either", "certified"] {
        database.sql(&format!("CREATE ROLE {role} LOGIN"));
    }
    database.sql("ALTER SYSTEM SET ssl = on");
    database.sql("ALTER SYSTEM SET ssl_ca_file = 'clients.crt'");
    server.hba(RULES);
    server
}

/// One whose certificate is good for `localhost`, `db.example` and 127.0.0.1.
pub fn good() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| server_with(&authority().server("DNS:localhost,DNS:db.example,IP:127.0.0.1"), |b| b))
}

/// Whether a run, which succeeds, has come in encrypted: the server's log says so, once for each session.
#[track_caller]
pub fn is_encrypted(database: &Database, run: Pgfeed) -> bool {
    let sessions = || {
        let log = database.server().cluster().log_text();
        let mine = format!("database={} application_name=pgfeed notify", database.name());
        log.lines().filter(|line| line.contains(&mine)).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = sessions().len();
    run.run().ok().stderr_is("");
    let came: Vec<_> = sessions().split_off(before);
    assert_eq!(came.len(), 1, "{came:?}");
    came[0].contains("SSL enabled")
}

fn path(file: &Path) -> String {
    format!("sslrootcert={}", file.display())
}

#[test]
fn each_mode_encrypts_when_it_says() {
    let database = good().database();
    let root = path(&authority().root());
    for (mode, tls, plain, either) in [
        ("", Some(true), Some(false), true),
        ("sslmode=disable", None, Some(false), false),
        ("sslmode=allow", Some(true), Some(false), false),
        ("sslmode=prefer", Some(true), Some(false), true),
        ("sslmode=require", Some(true), None, true),
        (&format!("sslmode=verify-ca {root}"), Some(true), None, true),
        (&format!("sslmode=verify-full {root}"), Some(true), None, true),
    ] {
        for (role, expected) in [("tls", tls), ("plain", plain), ("either", Some(either))] {
            let run = notify(&format!("{} {mode}", over_tcp(&database, role)));
            match expected {
                Some(encrypted) => assert_eq!(is_encrypted(&database, run), encrypted, "{mode} as {role}"),
                None => {
                    run.run().code(3).stderr_has("sqlstate: 28000").stderr_has("hint: the server's pg_hba.conf");
                }
            }
        }
    }
}

#[test]
fn of_two_tries_the_one_that_came_further_is_told() {
    let database = good().database();
    database.sql("ALTER ROLE asked PASSWORD 'right'");
    let run = |password: &str| notify(&over_tcp(&database, "asked")).env("PGPASSWORD", password);
    assert!(!is_encrypted(&database, run("right")));
    run("wrong").run().code(3).stderr_has("password authentication failed for user \"asked\"");
    notify(&over_tcp(&database, "asked"))
        .run()
        .code(3)
        .stderr_has("the server asks for a password, and none was given");
    let both = notify(&format!("{} sslmode=allow", over_tcp(&database, "nobody"))).run().code(3);
    both.stderr_has("none was given");
}

#[test]
fn a_server_without_tls_is_left_alone_where_tls_is_required() {
    let database = Database::new();
    let proxy = database.proxy();
    let run = |mode: &str| notify(&format!("{}?sslmode={mode}", proxy.url(database.name())));
    for mode in ["disable", "allow", "prefer"] {
        run(mode).run().ok();
    }
    let told = format!(
        "pgfeed: error: connecting to database \"{}\" on 127.0.0.1:{} as \"postgres\": the server does not offer TLS\n  \
         hint: sslmode=prefer connects without encryption then\n",
        database.name(),
        proxy.port()
    );
    run("require").args(["--wait-server", "20s"]).run().code(3).stderr_is(&told);
    run("verify-full").env("PGSSLROOTCERT", authority().root()).run().code(3).stderr_is(&told);
}

#[test]
fn a_local_socket_is_never_encrypted() {
    let database = good().database();
    assert!(!is_encrypted(&database, notify(&database.url()).env("PGSSLMODE", "require")));
}

#[test]
fn the_name_must_be_in_the_certificate_for_verify_full() {
    let database = good().database();
    let root = authority().root();
    let with = |host: &str| over_tcp(&database, "tls").replace("host=127.0.0.1", host);
    let run = |host: &str, mode: &str| notify(&format!("{} sslmode={mode} {}", with(host), path(&root)));
    for host in ["host=localhost", "host=127.0.0.1", "host=db.example hostaddr=127.0.0.1", "hostaddr=127.0.0.1"] {
        assert!(is_encrypted(&database, run(host, "verify-full")), "{host}");
    }
    let wrong = "host=other.example hostaddr=127.0.0.1";
    let refused = run(wrong, "verify-full").args(["--wait-server", "20s"]).run().code(3);
    refused
        .stderr_has("TLS: the server's certificate is not valid for name \"other.example\"")
        .stderr_has("subjectAltName");
    assert!(is_encrypted(&database, run(wrong, "verify-ca")));
}

#[test]
fn only_the_authority_that_is_named_is_trusted() {
    let database = good().database();
    let run = |mode: &str| notify(&format!("{} sslmode={mode}", over_tcp(&database, "tls")));
    for mode in ["verify-ca", "verify-full", "require"] {
        let refused = run(mode).env("PGSSLROOTCERT", stranger().root()).run().code(3);
        refused.stderr_has("TLS: the server's certificate is not signed by one that is trusted\n  hint: sslrootcert");
        let trusted = run(mode).env("PGSSLROOTCERT", authority().root());
        assert!(is_encrypted(&database, trusted), "{mode}");
    }
    for mode in ["prefer", "allow"] {
        assert!(is_encrypted(&database, run(mode).env("PGSSLROOTCERT", stranger().root())), "{mode}");
    }
}

#[test]
fn a_root_file_in_the_home_directory_is_found() {
    let database = good().database();
    let run = |mode: &str, root: &Path| {
        let run = notify(&format!("{} sslmode={mode}", over_tcp(&database, "tls")));
        fs::create_dir(run.home().join(".postgresql")).unwrap();
        fs::copy(root, run.home().join(".postgresql/root.crt")).unwrap();
        run
    };
    assert!(is_encrypted(&database, run("verify-full", &authority().root())));
    // libpq's rule: with a root file, require is verify-ca.
    run("require", &stranger().root()).run().code(3).stderr_has("not signed by one that is trusted");
    assert!(is_encrypted(&database, run("require", &authority().root())));
    let none = notify(&format!("{} sslmode=verify-ca", over_tcp(&database, "tls"))).run().code(2);
    none.stderr_has("sslmode in -d asks to verify the server's certificate, but ~/.postgresql/root.crt does not exist");
    let none = notify("host=h sslmode=verify-ca sslrootcert=/nonexistent/root").run().code(2);
    none.stderr_has("sslrootcert in -d names the file /nonexistent/root: No such file");
}

#[test]
fn the_systems_authorities_are_trusted_when_asked_for() {
    let database = good().database();
    let run = || notify(&format!("{} sslrootcert=system", over_tcp(&database, "tls")));
    run().env("SSL_CERT_FILE", stranger().root()).run().code(3).stderr_has("not signed by one that is trusted");
    assert!(is_encrypted(&database, run().env("SSL_CERT_FILE", authority().root())));
    let wrong = over_tcp(&database, "tls").replace("host=127.0.0.1", "host=other.example hostaddr=127.0.0.1");
    let full = notify(&format!("{wrong} sslrootcert=system")).env("SSL_CERT_FILE", authority().root()).run().code(3);
    full.stderr_has("not valid for name \"other.example\"");
    notify("host=h sslrootcert=system sslmode=require").run().code(2).stderr_has("too weak for sslrootcert=system");
}

#[test]
fn an_expired_certificate_is_refused_unless_nothing_is_verified() {
    let server = server_with(&authority().expired_server("IP:127.0.0.1"), |b| b);
    let database = server.database();
    let run = |mode: &str| notify(&format!("{} sslmode={mode}", over_tcp(&database, "tls")));
    for mode in ["verify-ca", "verify-full"] {
        let refused = run(mode).env("PGSSLROOTCERT", authority().root()).run().code(3);
        refused.stderr_has("TLS: the server's certificate has expired\n  hint: the server needs a new one\n");
    }
    assert!(is_encrypted(&database, run("require")));
}

#[test]
fn a_certificate_can_be_its_own_authority() {
    let dir = tempfile::tempdir().unwrap();
    let certificate = self_signed(dir.path(), "DNS:db.example,IP:127.0.0.1");
    let server = server_with(&certificate, |b| b);
    let database = server.database();
    let run = |host: &str, mode: &str, root: &Path| {
        let conninfo = over_tcp(&database, "tls").replace("host=127.0.0.1", host);
        notify(&format!("{conninfo} sslmode={mode} {}", path(root)))
    };
    let its_own = &certificate.certificate;
    assert!(is_encrypted(&database, run("host=127.0.0.1", "verify-ca", its_own)));
    assert!(is_encrypted(&database, run("host=127.0.0.1", "verify-full", its_own)));
    let wrong = "host=other.example hostaddr=127.0.0.1";
    assert!(is_encrypted(&database, run(wrong, "verify-ca", its_own)));
    run(wrong, "verify-full", its_own).run().code(3).stderr_has("not valid for name \"other.example\"");
    let told = "TLS: the server's certificate is self-signed, and not trusted\n  hint: sslrootcert must hold";
    run("host=127.0.0.1", "verify-ca", &authority().root()).run().code(3).stderr_has(told);
}

#[test]
fn a_revoked_certificate_is_refused() {
    let certificate = stranger().server("IP:127.0.0.1");
    let server = server_with(&certificate, |b| b);
    let database = server.database();
    let run = || notify(&format!("{} sslmode=verify-full {}", over_tcp(&database, "tls"), path(&stranger().root())));
    assert!(is_encrypted(&database, run()));
    let list = stranger().revoke(&certificate);
    run().env("PGSSLCRL", &list).run().code(3).stderr_has("TLS: the server's certificate was revoked");
}

#[test]
fn a_server_that_only_speaks_old_tls_is_told_so_and_prefer_goes_on_without() {
    let old =
        |b: Builder| b.setting("ssl_min_protocol_version", "TLSv1").setting("ssl_max_protocol_version", "TLSv1.1");
    let server = server_with(&authority().server("IP:127.0.0.1"), old);
    let database = server.database();
    let conninfo = over_tcp(&database, "either");
    notify(&format!("{conninfo} sslmode=require")).run().code(3).stderr_has("TLS: ");
    assert!(!is_encrypted(&database, notify(&conninfo)));
}
