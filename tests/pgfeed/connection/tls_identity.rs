//! TLS: certificates by which a client says who it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::certificates::{Certificate, authority, stranger};
use super::servers::{notify, over_tcp};
use super::tls::{good, is_encrypted};
use crate::harness::{Database, Pgfeed};

fn run(database: &Database, identity: &Certificate) -> Pgfeed {
    let Certificate { certificate, key } = identity;
    let files = format!("sslcert={} sslkey={}", certificate.display(), key.display());
    notify(&format!("{} sslmode=require {files}", over_tcp(database, "certified")))
}

#[test]
fn the_right_certificate_lets_in() {
    let database = good().database();
    let identity = authority().client("certified");
    assert!(is_encrypted(&database, run(&database, &identity)));
    let found = notify(&over_tcp(&database, "certified"));
    let dir = found.home().join(".postgresql");
    fs::create_dir(&dir).unwrap();
    fs::copy(&identity.certificate, dir.join("postgresql.crt")).unwrap();
    fs::copy(&identity.key, dir.join("postgresql.key")).unwrap();
    assert!(is_encrypted(&database, found));
}

#[test]
fn no_certificate_and_anothers_do_not() {
    let database = good().database();
    let none = notify(&format!("{} sslmode=require", over_tcp(&database, "certified"))).run().code(3);
    none.stderr_has("connection requires a valid client certificate").stderr_has("sslcert and sslkey its certificate");
    let other = run(&database, &authority().client("somebody")).run().code(3);
    other.stderr_has("certificate authentication failed for user \"certified\"");
}

#[test]
fn a_foreign_certificate_is_refused_for_good() {
    let database = good().database();
    let foreign = run(&database, &stranger().client("certified")).args(["--wait-server", "20s"]).run().code(3);
    foreign.stderr_has("TLS: the server refused: UnknownCA\n  hint: does it want a client certificate");
}

#[test]
fn a_key_must_be_there_be_ours_alone_and_fit() {
    let database = good().database();
    let identity = authority().client("certified");
    let other = authority().client("certified");
    let mixed = Certificate { certificate: identity.certificate.clone(), key: other.key.clone() };
    run(&database, &mixed).run().code(3).stderr_has("it.crt: ");
    let no_key = Certificate { certificate: identity.certificate.clone(), key: "/nonexistent/key".into() };
    run(&database, &no_key).run().code(2).stderr_has("sslkey in -d names the file /nonexistent/key: No such file");
    let no_pem = Certificate { certificate: "/dev/null".into(), key: identity.key.clone() };
    run(&database, &no_pem).run().code(3).stderr_has("/dev/null: there is nothing of that kind in this PEM file");
    fs::set_permissions(&identity.key, fs::Permissions::from_mode(0o644)).unwrap();
    run(&database, &identity).run().code(2).stderr_has("which others may read: its permissions should be u=rw (0600)");
}
