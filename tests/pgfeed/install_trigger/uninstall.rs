//! What uninstall-trigger removes, and what not.

use super::installed;
use crate::harness::Database;
use crate::live_trigger::feed::install;

/// Three installations: two on a, one on b.
fn three() -> Database {
    let db = Database::new();
    db.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)");
    install(&db, ["a", "b", "--events", "insert"]);
    install(&db, ["a", "--events", "insert", "--channel", "x"]);
    db
}

#[test]
fn one_table() {
    let db = three();
    let output = db.pgfeed(["uninstall-trigger", "a"]).run().ok().stderr_is("");
    let mut lines = output.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["removed   public.a -> channel \"a\"", "removed   public.a -> channel \"x\""]);
    assert_eq!(installed(&db).len(), 1);
    db.pgfeed(["install-trigger", "b", "--events", "insert", "--check"]).run().ok();
}

#[test]
fn one_channel() {
    let db = three();
    db.pgfeed(["uninstall-trigger", "--table", "a", "b", "--channel", "x"])
        .run()
        .ok()
        .stdout_is("removed   public.a -> channel \"x\"\n");
    assert_eq!(installed(&db).len(), 2);
}

#[test]
fn all_also_what_a_dropped_table_left_behind() {
    let db = three();
    db.sql("DROP TABLE a");
    assert_eq!(installed(&db).iter().filter(|one| !one.contains(" on ")).count(), 2);
    db.pgfeed(["uninstall-trigger", "a"]).run().code(2).stderr_has("there is no table a");
    let output = db.pgfeed(["uninstall-trigger", "--all"]).run().ok().stderr_is("");
    let mut lines = output.lines();
    lines.sort_unstable();
    let expected = [
        "removed   (a table that is gone) -> channel \"a\"",
        "removed   (a table that is gone) -> channel \"x\"",
        "removed   public.b -> channel \"b\"",
    ];
    assert_eq!(lines, expected);
    assert_eq!(installed(&db), [""; 0]);
}

#[test]
fn nothing_to_do_is_fine_and_said() {
    let db = three();
    db.pgfeed(["uninstall-trigger", "b", "--channel", "y"])
        .run()
        .ok()
        .stdout_is("")
        .stderr_is("pgfeed: nothing to remove: nothing tells channel \"y\" there\n");
    db.pgfeed(["uninstall-trigger", "--all"]).run().ok();
    db.pgfeed(["uninstall-trigger", "--all"]).run().ok().stdout_is("").stderr_is("pgfeed: nothing to remove\n");
    db.pgfeed(["uninstall-trigger", "b", "-o", "json"]).run().ok().stdout_is("");
}

#[test]
fn dry_run_and_json() {
    let db = three();
    db.pgfeed(["uninstall-trigger", "b", "--dry-run"]).run().ok().stdout_is("remove    public.b -> channel \"b\"\n");
    assert_eq!(installed(&db).len(), 3);
    let json = db.pgfeed(["uninstall-trigger", "b", "-o", "json"]).run().ok().json();
    assert_eq!(json, [serde_json::json!({"action": "removed", "table": "public.b", "channel": "b"})]);
}

#[test]
fn what_others_have_is_left_alone() {
    let db = three();
    db.sql(
        "CREATE FUNCTION pgfeed.mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''x'', ''y''); RETURN NULL; END';
         CREATE TRIGGER mine AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION pgfeed.mine();
         CREATE TABLE pgfeed.mine (a int)",
    );
    db.pgfeed(["uninstall-trigger", "--all"]).run().ok();
    assert_eq!(installed(&db), ["mine on a -> pgfeed.mine"]);
    assert_eq!(db.value("SELECT to_regclass('pgfeed.mine')"), "pgfeed.mine");
}

#[test]
fn it_never_cascades_to_what_others_have_built_upon_ours() {
    let db = three();
    let function =
        install(&db, ["b", "--events", "insert", "-o", "json"]).json()[0]["function"].as_str().unwrap().to_owned();
    db.sql(&format!("CREATE TABLE mine (id int PRIMARY KEY); CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION {function}()"));
    let before = installed(&db);
    let output = db.pgfeed(["uninstall-trigger", "b"]).run().code(1).stdout_is("");
    output
        .stderr_has("uninstalling from public.b: cannot drop function")
        .stderr_has("sqlstate: 2BP01")
        .stderr_has("detail: trigger mine on table public.mine depends on");
    assert_eq!(installed(&db), before);
    db.pgfeed(["install-trigger", "b", "--events", "insert", "--check"]).run().ok();
}

#[test]
fn what_is_named_must_be_there() {
    let db = three();
    db.pgfeed(["uninstall-trigger"]).run().code(2).stderr_has("no table is named");
    db.pgfeed(["uninstall-trigger", "nothing"]).run().code(2).stderr_has("there is no table nothing");
    db.pgfeed(["uninstall-trigger", "--all", "a"]).run().code(2).stderr_has("cannot be used with");
    assert_eq!(installed(&db).len(), 3);
}

#[test]
fn a_renamed_table_is_found_by_its_new_name() {
    let db = three();
    db.sql("ALTER TABLE b RENAME TO c");
    db.pgfeed(["uninstall-trigger", "c"]).run().ok().stdout_is("removed   public.c -> channel \"b\"\n");
}

#[test]
fn a_queue_that_is_not_there_or_not_fed_is_said_so() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    for (words, told) in [
        (&["--queue", "typo"][..], "there is no queue \"typo\" in schema pgfeed"),
        (&["--queue", "q", "--schema", "typo"], "there is no queue \"q\" in schema typo"),
        (&["t", "--queue", "typo"], "nothing feeds queue \"typo\" of schema pgfeed there"),
        (&["t", "--channel", "typo"], "nothing tells channel \"typo\" there"),
    ] {
        let run = db.pgfeed(["uninstall-trigger"]).args(words).run().ok().stdout_is("");
        run.stderr_is(&format!("pgfeed: nothing to remove: {told}\n"));
    }
}
