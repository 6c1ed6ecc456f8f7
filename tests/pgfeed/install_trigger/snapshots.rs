//! The SQL of a few plans. A change of what is generated shows here as a diff: review it, then `cargo insta accept`.

use crate::harness::Database;

#[track_caller]
fn sql_of(name: &str, definition: &str, args: &[&str]) {
    let db = Database::new();
    db.sql(definition);
    let up = db.pgfeed(["install-trigger", "--print-sql"]).args(args).run().ok().stdout;
    insta::assert_snapshot!(name, up);
}

const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY, status text, total numeric)";

#[test]
fn statement_level() {
    sql_of("statement_level", ORDERS, &["orders", "--events", "insert,update,delete,truncate"]);
}

#[test]
fn row_level_diff_with_every_option() {
    let args = ["orders", "--payload", "diff", "--exclude", "total", "--update-of", "status", "--skip-unchanged"];
    let more =
        ["--when", "NEW.status LIKE 'ship%'", "--events", "insert,update", "--enable-always", "--channel", "shipped"];
    sql_of("row_level_diff", ORDERS, &[&args[..], &more].concat());
}

#[test]
fn partitioned_without_a_key() {
    let definition = "CREATE TABLE log (at timestamptz, line text) PARTITION BY RANGE (at)";
    sql_of("partitioned_without_a_key", definition, &["log", "--events", "insert"]);
}

#[test]
fn down() {
    let db = Database::new();
    db.sql(ORDERS);
    let down = db.pgfeed(["uninstall-trigger", "orders", "--print-sql"]).run().ok().stdout;
    insta::assert_snapshot!(down, @r#"
    -- To be run in one transaction (psql -1 -f, or what a migration tool begins). When a table cannot be had in time it fails
    -- (55P03), and nothing has changed: run it again. The limit is set for the session, since SET LOCAL would do nothing
    -- outside of a transaction; what the session began with comes back at the end, and with a rollback.
    SET lock_timeout = '3000ms';
    DROP TRIGGER IF EXISTS "!pgfeed_orders_live_b3c8233f_insert" ON "public"."orders";
    DROP TRIGGER IF EXISTS "!pgfeed_orders_live_b3c8233f_update" ON "public"."orders";
    DROP TRIGGER IF EXISTS "!pgfeed_orders_live_b3c8233f_key" ON "public"."orders";
    DROP TRIGGER IF EXISTS "!pgfeed_orders_live_b3c8233f_delete" ON "public"."orders";
    DROP TRIGGER IF EXISTS "!pgfeed_orders_live_b3c8233f_truncate" ON "public"."orders";
    DROP FUNCTION IF EXISTS "pgfeed"."orders_live_b3c8233f"();
    RESET lock_timeout;
    "#);
}
