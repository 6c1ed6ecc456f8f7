//! What goes wrong for every row is said once a transaction: a line for each would drown the session that writes, and the server's log.

use super::{delivered, durable, install};
use crate::harness::Database;
use crate::live_trigger::feed::Writer;

/// Installations that warn of each row, or each statement, once column `a` is dropped; and the one warning.
const ALTERED: [(&[&str], &str); 3] = [
    (&["--payload", "diff"], "record \"old\" has no field \"a\""),
    (&["--columns", "id,a", "--when", "true"], "record \"new\" has no field \"a\""),
    (&["--columns", "id,a"], "column r.a does not exist"),
];

const WRITE: &str = "UPDATE t SET b = b + 1; UPDATE t SET b = b + 1 WHERE id = 1; INSERT INTO t SELECT i, 0 FROM generate_series(101, 150) i; \
     DELETE FROM t WHERE id > 100";

/// A table of a hundred rows, whose durable trigger lists a column that is dropped.
fn altered(args: &[&str]) -> Database {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY, b int, a int", args);
    db.sql("INSERT INTO t SELECT i, 0 FROM generate_series(1, 100) i; ALTER TABLE t DROP COLUMN a; TRUNCATE pgfeed.queue_q");
    db
}

#[test]
fn a_column_that_is_gone_warns_once_a_transaction() {
    for (args, error) in ALTERED {
        let db = altered(args);
        let mut writer = Writer::of(&db);
        let warning = [format!("pgfeed: UPDATE of public.t: {error}")];
        // A transaction each.
        for _ in 0..2 {
            assert_eq!(writer.sql(WRITE), warning, "{args:?}");
        }
        assert_eq!(writer.sql("BEGIN; UPDATE t SET b = 0"), warning, "{args:?}");
        assert_eq!(writer.sql("SAVEPOINT s; UPDATE t SET b = 1; RELEASE s"), [""; 0], "{args:?}");
        assert_eq!(writer.sql("UPDATE t SET b = 2; ROLLBACK"), [""; 0], "{args:?}");
        assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_q"), "402", "{args:?}");
    }
}

#[test]
fn each_table_warns_of_each_kind() {
    let db = altered(&["--payload", "diff", "--when", "1 / NEW.b > 0", "--events", "insert,update"]);
    db.sql("CREATE TABLE u (id int PRIMARY KEY, b int, a int)");
    install(&db, &["u", "--columns", "id,a"]);
    db.sql("ALTER TABLE u DROP COLUMN a");
    let mut writer = Writer::of(&db);
    let expected = [
        "pgfeed: UPDATE of public.t: record \"old\" has no field \"a\"",
        "pgfeed: UPDATE of public.t: division by zero",
        "pgfeed: INSERT of public.u: column r.a does not exist",
    ];
    let changes = "UPDATE t SET b = 1; UPDATE t SET b = 0; INSERT INTO u VALUES (1); UPDATE u SET b = 1; UPDATE t SET b = 0; DELETE FROM u";
    for _ in 0..2 {
        assert_eq!(writer.sql(changes), expected);
    }
}

#[test]
fn who_may_not_set_a_setting_writes_all_the_same() {
    for (args, error) in ALTERED {
        let db = Database::new();
        let owner = db.role("owner");
        db.sql(&format!("CREATE TABLE t (id int PRIMARY KEY, b int, a int); ALTER TABLE t OWNER TO {owner}"));
        // The function belongs to the table's owner then.
        install(&db, &[&["t"], args].concat());
        db.sql("ALTER TABLE t DROP COLUMN a; REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC");
        let mut writer = Writer::at(&db.url_as(&owner));
        let warnings = writer.sql("INSERT INTO t VALUES (1, 0); UPDATE t SET b = 1; UPDATE t SET b = 2");
        let told = warnings.iter().filter(|warning| **warning == format!("pgfeed: UPDATE of public.t: {error}"));
        assert_eq!(told.count(), 2, "{args:?}: {warnings:?}");
        let events = delivered(&db, &[]);
        assert_eq!(events.len(), 3, "{args:?}");
        assert!(events[2].starts_with(r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1"#), "{args:?}: {events:?}");
    }
}
