//! pg_service.conf: connections by name.

use super::servers::{notify, target};
use crate::harness::Pgfeed;

const SERVICES: &str =
    "# ours\n[shop]\nhost=/nonexistent/shop\nuser=app\ndbname=shop\n\n[other]\nhost=/nonexistent/other\n";
const SHOP: &str = "database \"shop\" on socket /nonexistent/shop/.s.PGSQL.5432 as \"app\"";

#[test]
fn a_service_is_named_in_a_string_or_a_variable() {
    let with_file = |run: Pgfeed| {
        std::fs::write(run.home().join(".pg_service.conf"), SERVICES).unwrap();
        run
    };
    assert_eq!(target(with_file(notify("service=shop"))), SHOP);
    assert_eq!(target(with_file(notify("postgres:///?service=shop"))), SHOP);
    assert_eq!(target(with_file(Pgfeed::new(["notify", "x"]).env("PGSERVICE", "shop"))), SHOP);
    assert_eq!(target(with_file(Pgfeed::new(["notify", "x"]).env("DATABASE_URL", "service=shop"))), SHOP);
    let stronger = target(with_file(notify("service=shop dbname=mine")));
    assert_eq!(stronger, SHOP.replacen("shop", "mine", 1));
}

#[test]
fn the_file_is_where_libpq_looks() {
    let dir = tempfile::tempdir().unwrap();
    let named = dir.path().join("named.conf");
    std::fs::write(&named, SERVICES).unwrap();
    assert_eq!(target(notify("service=shop").env("PGSERVICEFILE", &named)), SHOP);
    assert_eq!(target(notify(&format!("service=shop servicefile={}", named.display()))), SHOP);
    std::fs::rename(&named, dir.path().join("pg_service.conf")).unwrap();
    assert_eq!(target(notify("service=shop").env("PGSYSCONFDIR", dir.path())), SHOP);
}

#[test]
fn a_service_that_is_not_there_is_a_usage_error() {
    let run = notify("service=shop").env("PGSYSCONFDIR", "/nonexistent").run().code(2);
    run.stderr_has("pgfeed: error: no service file defines the service \"shop\"\n  hint: services are read from");
    let run = notify("service=shop").env("PGSERVICEFILE", "/nonexistent/file").run().code(2);
    run.stderr_has("service file /nonexistent/file: No such file");
}

#[test]
fn a_line_that_cannot_be_read_is_told_by_its_number() {
    let run = notify("service=shop");
    std::fs::write(run.home().join(".pg_service.conf"), "[shop]\nhost=h\npassword S3cr3t\n").unwrap();
    run.run().code(2).stderr_has(".pg_service.conf, line 3: this is not key=value").lacks("S3cr3t");
}
