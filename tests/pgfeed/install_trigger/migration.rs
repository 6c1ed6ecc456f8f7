//! --print-sql of both commands: an up and a down that run under psql in one transaction.

use std::process::Command;

use super::installed;
use crate::harness::{Database, Output, Pgfeed};
use crate::live_trigger::feed::Feed;

fn run_script(db: &Database, script: &Output) {
    let output = db.psql(["-1", "-f", "-"], &script.stdout).ok();
    // Nothing but notices that something was not there to be dropped, or was there already.
    assert_eq!(output.stderr.matches("psql:").count(), output.stderr.matches(", skipping\n").count(), "{output}");
}

/// Up, check, down, on a table with a hard name.
#[track_caller]
fn up_and_down(table: &str, definition: &str, args: &[&str]) {
    let db = Database::new();
    db.sql(definition);
    let run = |command: &'static str, more: &[&str]| db.pgfeed([command, table]).args(more).run().ok().stderr_is("");
    let down_first = run("uninstall-trigger", &["--print-sql"]);
    let up = run("install-trigger", &[args, &["--print-sql"]].concat());
    assert_eq!(installed(&db), [""; 0]);
    run_script(&db, &up);
    run("install-trigger", &[args, &["--check"]].concat());
    let after_up = installed(&db);
    run_script(&db, &up);
    assert_eq!(installed(&db), after_up, "twice is once");
    let down = run("uninstall-trigger", &["--print-sql"]);
    assert_eq!(installed(&db), after_up);
    run_script(&db, &down);
    assert_eq!(installed(&db), [""; 0]);
    run_script(&db, &down);
    // The down that was written before the up had run does as well.
    run_script(&db, &up);
    run_script(&db, &down_first);
    assert_eq!(installed(&db), [""; 0]);
}

#[test]
fn up_and_down_of_ordinary_tables() {
    let definition = "CREATE TABLE t (id int PRIMARY KEY, a text)";
    up_and_down("t", definition, &[]);
    up_and_down("t", definition, &["--events", "insert,truncate", "--payload", "diff", "--enable-always"]);
    up_and_down("t", definition, &["--when", "NEW.a = E'a\\'b\\\\c;' AND NEW.a <> '$pgfeed$'", "--events", "insert"]);
}

#[test]
fn up_and_down_of_a_table_with_hard_names() {
    let definition = "CREATE SCHEMA \"o'r\\der\"; CREATE TABLE \"o'r\\der\".\"$pgfeed$ \"\"x\n;--\" (\"i'd\\\" int PRIMARY KEY, \"$$\" text)";
    up_and_down("\"o'r\\der\".\"$pgfeed$ \"\"x\n;--\"", definition, &["--payload", "diff"]);
}

#[test]
fn up_and_down_of_a_partitioned_table() {
    let definition =
        "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p PARTITION OF t DEFAULT";
    up_and_down("t", definition, &["--enable-always"]);
}

#[test]
fn a_later_up_takes_away_what_an_earlier_one_made() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a text)");
    let up = |args: &[&str]| run_script(&db, &db.pgfeed(["install-trigger", "t", "--print-sql"]).args(args).run().ok());
    let check = |args: &[&str]| drop(db.pgfeed(["install-trigger", "t", "--check"]).args(args).run().ok());
    for args in
        [&["--events", "insert,update,delete,truncate"][..], &["--events", "insert"], &["--payload", "full"], &[]]
    {
        up(args);
        check(args);
    }
}

/// One event for each change, when `up` has run after what happened to an earlier installation.
#[track_caller]
fn replaces(happened: &str, table: &str, args: &[&str]) {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "t", "--channel", "c"]).run().ok();
    let function = db.value("SELECT tgfoid::regproc FROM pg_trigger WHERE tgrelid = 't'::regclass LIMIT 1");
    db.sql(&happened.replace("$function", &function));
    let args = [&[table, "--channel", "c"], args].concat();
    let up = db.pgfeed(["install-trigger", "--print-sql"]).args(&args).run().ok();
    for _ in ["once", "twice"] {
        run_script(&db, &up);
        db.pgfeed(["install-trigger", "--check"]).args(&args).run().ok();
    }
    let mut feed = Feed::of(&db, ["c"]);
    db.sql(&format!("INSERT INTO {table} VALUES (1); UPDATE {table} SET id = 2; DELETE FROM {table}"));
    assert_eq!(feed.told().len(), 4);
    assert_eq!(installed(&db).len(), 4, "nothing is left of the earlier one");
}

#[test]
fn an_up_takes_the_place_of_what_there_is_under_another_name() {
    replaces("ALTER TABLE t RENAME TO u", "u", &[]);
    replaces("CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s", "s.t", &[]);
    replaces("ALTER FUNCTION $function RENAME TO other", "t", &[]);
    replaces("CREATE TRIGGER more AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION $function()", "t", &[]);
    // It is somebody else's now.
    replaces("COMMENT ON FUNCTION $function() IS NULL", "t", &["--force"]);
}

#[test]
fn the_script_runs_on_another_database_and_feeds_it() {
    let (here, there) = (Database::new(), Database::new());
    for db in [&here, &there] {
        db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    }
    let up = here.pgfeed(["install-trigger", "t", "--print-sql"]).run().ok();
    run_script(&there, &up);
    there.pgfeed(["install-trigger", "t", "--check"]).run().ok();
    let mut feed = Feed::of(&there, ["t"]);
    there.sql("INSERT INTO t VALUES (1)");
    assert_eq!(feed.told().len(), 1);
}

#[test]
fn a_dump_restored_is_the_same_installation() {
    let (here, there) = (Database::new(), Database::new());
    here.sql(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE b_1 PARTITION OF b DEFAULT",
    );
    let args = ["install-trigger", "a", "b", "--enable-always", "--events", "insert,truncate"];
    here.pgfeed(args).run().ok();
    let mut dump = Command::new(here.server().program("pg_dump"));
    dump.arg("-d").arg(here.url());
    let dump = Pgfeed::command(dump).run().ok().stdout;
    there.psql(["-1", "-o", "/dev/null", "-f", "-"], &dump).ok();
    assert_eq!(installed(&there), installed(&here));
    there.pgfeed(args).args(["--check"]).run().ok();
}

#[test]
fn down_of_everything_removes_everything() {
    let db = Database::new();
    db.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "a", "b", "--schema", "other"]).run().ok();
    db.pgfeed(["install-trigger", "a", "--channel", "x"]).run().ok();
    run_script(&db, &db.pgfeed(["uninstall-trigger", "--all", "--print-sql"]).run().ok());
    assert_eq!(installed(&db), [""; 0]);
}
