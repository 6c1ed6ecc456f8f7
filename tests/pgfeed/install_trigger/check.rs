//! --check: 0 when everything is as asked, 4 when it is not, whatever was changed by hand; an install mends it.

use crate::harness::Database;
use crate::live_trigger::feed::{Feed, install};

#[track_caller]
fn checked(db: &Database, args: &[&str], code: i32, says: &str) {
    let output = db.pgfeed(["install-trigger", "--check"]).args(args).run().code(code).stdout_has(says);
    if code == 4 {
        output.stderr_is(
            "pgfeed: error: the installation differs from what is asked\n  hint: install-trigger without --check mends it\n",
        );
    } else {
        output.stderr_is("");
    }
}

/// What drifted is found, an install mends it, and then events come.
#[track_caller]
fn is_mended(drift: &str) {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a int)");
    let json = install(&db, ["t", "-o", "json"]).json();
    let (function, trigger) = (json[0]["function"].as_str().unwrap(), json[0]["triggers"][0].as_str().unwrap());
    checked(&db, &["t"], 0, "unchanged public.t");
    db.sql(&drift.replace("$function", function).replace("$trigger", &format!("\"{trigger}\"")));
    checked(&db, &["t"], 4, "replace   public.t");
    install(&db, ["t"]).stdout_has("replaced  public.t");
    checked(&db, &["t"], 0, "unchanged public.t");
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (1, 2); UPDATE t SET id = 2; DELETE FROM t");
    assert_eq!(feed.told().len(), 4, "{drift}");
}

#[test]
fn nothing_is_installed() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    checked(&db, &["t"], 4, "create    public.t");
    assert_eq!(super::installed(&db), [""; 0]);
}

#[test]
fn other_options_are_asked() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a int)");
    install(&db, ["t"]);
    for other in [
        &["--events", "insert"][..],
        &["--payload", "full"],
        &["--columns", "a"],
        &["--update-of", "a"],
        &["--skip-unchanged"],
        &["--enable-always"],
        &["--schema", "other"],
        &["--when", "true"],
    ] {
        checked(&db, &[&["t"], other].concat(), 4, "replace   public.t");
    }
    checked(&db, &["t", "--channel", "other"], 4, "create    public.t");
}

#[test]
fn a_function_was_replaced() {
    is_mended("CREATE OR REPLACE FUNCTION $function() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
}

#[test]
fn the_function_of_a_trigger_is_another() {
    is_mended(
        "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         DROP TRIGGER $trigger ON t",
    );
}

#[test]
fn a_trigger_was_disabled_enabled_otherwise_renamed_or_dropped() {
    for drift in [
        "ALTER TABLE t DISABLE TRIGGER $trigger",
        "ALTER TABLE t DISABLE TRIGGER ALL",
        "ALTER TABLE t ENABLE REPLICA TRIGGER $trigger",
        "ALTER TABLE t ENABLE ALWAYS TRIGGER $trigger",
        "ALTER TRIGGER $trigger ON t RENAME TO renamed",
        "DROP TRIGGER $trigger ON t",
    ] {
        is_mended(drift);
    }
}

#[test]
fn a_trigger_was_replaced_by_one_at_the_wrong_level() {
    is_mended(
        "DROP TRIGGER $trigger ON t; CREATE TRIGGER $trigger AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION $function()",
    );
}

#[test]
fn a_trigger_was_replaced_by_one_that_fires_less_often() {
    let insert = "CREATE OR REPLACE TRIGGER $trigger AFTER INSERT ON t";
    let call = "EXECUTE FUNCTION $function()";
    for drift in [
        format!("{insert} REFERENCING NEW TABLE AS other FOR EACH STATEMENT {call}"),
        format!("{insert} FOR EACH STATEMENT {call}"),
        format!("{insert} REFERENCING NEW TABLE AS changes FOR EACH STATEMENT WHEN (false) {call}"),
    ] {
        is_mended(&drift);
    }
    // Of updates: of one column, of some rows, and for the key of others.
    let db = Database::new();
    db.sql("CREATE TABLE t (id int, a int, b int, PRIMARY KEY (id, a))");
    let args = ["t", "--update-of", "b", "--skip-unchanged"];
    let json = install(&db, [&args[..], &["-o", "json"]].concat()).json();
    let (function, trigger) = (json[0]["function"].as_str().unwrap(), json[0]["triggers"][1].as_str().unwrap());
    let shape = db.value(&format!("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = '{trigger}'"));
    for (from, to) in [
        ("AFTER UPDATE ON", "AFTER UPDATE OF b ON"),
        (" AND ", " OR "),
        ("record_image_ne", "record_ne"),
        ("old.b", "old.id"),
        ("old.*", "new.*"),
        ("()", "('an argument')"),
    ] {
        assert!(shape.contains(from), "{shape}");
        let other = shape.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER").replacen(from, to, 1);
        db.sql(&other);
        checked(&db, &args, 4, "replace   public.t");
        let status = db.pgfeed(["status", "-o", "json"]).run().ok().json();
        assert_eq!(status[0]["triggers"][0]["state"], "drifted", "{other}");
        install(&db, args).stdout_has("replaced");
        checked(&db, &args, 0, "unchanged");
    }
    db.sql(&format!("ALTER FUNCTION {function} RESET ALL"));
    checked(&db, &args, 4, "replace   public.t");
}

#[test]
fn the_settings_of_the_function_were_changed() {
    for change in ["RESET ALL", "SET search_path = public", "SET work_mem = '1MB'", "SECURITY DEFINER"] {
        is_mended(&format!("ALTER FUNCTION $function {change}"));
    }
}

#[test]
fn a_column_was_added_dropped_or_renamed() {
    let db = Database::new();
    db.sql("CREATE TABLE t (gone int, id int, a int, CONSTRAINT k PRIMARY KEY (id)); ALTER TABLE t DROP COLUMN gone");
    let args = ["t", "--skip-unchanged", "--update-of", "a"];
    install(&db, args);
    db.sql("ALTER TABLE t ADD COLUMN b text");
    checked(&db, &args, 0, "unchanged");
    db.sql("ALTER TABLE t RENAME COLUMN id TO key");
    checked(&db, &args, 4, "replace");
    install(&db, args);
    checked(&db, &args, 0, "unchanged");
}

#[test]
fn the_function_was_moved_or_renamed() {
    is_mended("ALTER FUNCTION $function RENAME TO renamed");
    is_mended("CREATE SCHEMA other; ALTER FUNCTION $function SET SCHEMA other");
}

#[test]
fn the_key_was_dropped() {
    is_mended("ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id, a)");
}

#[test]
fn the_table_or_its_schema_was_renamed() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    install(&db, ["t", "--channel", "c"]);
    db.sql("ALTER TABLE t RENAME TO u");
    checked(&db, &["u", "--channel", "c"], 4, "replace   public.u");
    install(&db, ["u", "--channel", "c"]).stdout_has("replaced  public.u");
    db.sql("CREATE SCHEMA s; ALTER TABLE u SET SCHEMA s");
    checked(&db, &["s.u", "--channel", "c"], 4, "replace   s.u");
    install(&db, ["s.u", "--channel", "c"]);
    let mut feed = Feed::of(&db, ["c"]);
    db.sql("INSERT INTO s.u VALUES (1)");
    let event = feed.event();
    assert_eq!((event["schema"].as_str(), event["table"].as_str()), (Some("s"), Some("u")));
    assert_eq!(super::installed(&db).len(), 4);
}

#[test]
fn check_and_unchanged_installs_wait_for_nobody() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    install(&db, ["t"]);
    let mut holder = db.client();
    holder.batch_execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").unwrap();
    checked(&db, &["t"], 0, "unchanged");
    install(&db, ["t"]).stdout_has("unchanged");
}

#[test]
fn a_change_of_the_function_alone_does_not_wait_for_writers() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a int)");
    install(&db, ["t", "--exclude", "a"]);
    let mut writer = db.client();
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (1, 1)").unwrap();
    install(&db, ["t"]).stdout_has("replaced");
}
