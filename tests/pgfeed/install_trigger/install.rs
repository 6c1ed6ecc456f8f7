//! Several tables and channels, and what is printed.

use serde_json::json;

use super::installed;
use crate::harness::Database;
use crate::live_trigger::feed::{Feed, install};

const TWO: &str = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)";

#[test]
fn the_result_says_what_was_done() {
    let db = Database::new();
    db.sql(TWO);
    let created = "created   public.a -> channel \"a\" (insert, update, delete; payload row)\n";
    install(&db, ["a"]).stdout_is(created);
    let unchanged = "unchanged public.a -> channel \"a\" (insert, update, delete; payload row)\n";
    install(&db, ["--table", "public.a"]).stdout_is(unchanged);
    let replaced = "replaced  public.a -> channel \"a\" (insert, truncate; payload keys)\n";
    install(&db, ["a", "--events", "truncate,insert", "--payload", "keys"]).stdout_is(replaced);
    install(&db, ["-q", "a", "--events", "truncate,insert", "--payload", "keys"]).stdout_has("unchanged");
    assert_eq!(installed(&db).len(), 2);
}

#[test]
fn json_says_the_same_for_programs() {
    let db = Database::new();
    db.sql(TWO);
    let lines = install(&db, ["a", "--table", "b", "-o", "json", "--events", "insert"]).json();
    let line = |action: &str, table: &str, function: &str| {
        json!({
            "action": action, "table": format!("public.{table}"), "channel": table, "events": ["insert"], "payload": "row",
            "function": format!("pgfeed.{function}"), "triggers": [format!("!pgfeed_{function}_insert")],
        })
    };
    let function = |line: &serde_json::Value| line["function"].as_str().unwrap()["pgfeed.".len()..].to_owned();
    // Flags come first.
    assert_eq!(lines, [line("created", "b", &function(&lines[0])), line("created", "a", &function(&lines[1]))]);
    let planned = install(&db, ["a", "-o", "json", "--events", "insert,delete", "--dry-run"]).json();
    assert_eq!((&planned[0]["action"], &planned[0]["events"]), (&json!("replace"), &json!(["insert", "delete"])));
}

#[test]
fn a_table_named_twice_is_installed_once() {
    let db = Database::new();
    db.sql(TWO);
    install(&db, ["a", "public.a", "--table", "A"])
        .stdout_is("created   public.a -> channel \"a\" (insert, update, delete; payload row)\n");
}

#[test]
fn all_tables_or_none() {
    let db = Database::new();
    db.sql(TWO);
    db.pgfeed(["install-trigger", "a", "missing", "b"])
        .run()
        .code(2)
        .stdout_is("")
        .stderr_has("there is no table missing");
    db.pgfeed(["install-trigger", "a", "b", "--columns", "id,x"]).run().code(2).stderr_has("public.a has no column x");
    assert_eq!(installed(&db), [""; 0]);
    install(&db, ["a", "b"]);
    assert_eq!(installed(&db).len(), 8);
}

#[test]
fn another_channel_adds_and_the_same_one_updates() {
    let db = Database::new();
    db.sql(TWO);
    install(&db, ["a", "--events", "insert"]);
    install(&db, ["a", "--events", "insert", "--channel", "other", "--payload", "keys"]);
    let mut feed = Feed::of(&db, ["a", "other"]);
    db.sql("INSERT INTO a VALUES (1)");
    let mut told: Vec<_> = feed.events().iter().map(|event| event["new"].to_string()).collect();
    told.sort();
    assert_eq!(told, ["null", r#"{"id":1}"#]);
    install(&db, ["a", "--events", "insert", "--channel", "other"]).stdout_has("replaced");
    assert_eq!(installed(&db).len(), 2);
    db.sql("INSERT INTO a VALUES (2)");
    assert_eq!(feed.events().iter().filter(|event| event["new"]["id"] == 2).count(), 2);
}

#[test]
fn several_tables_may_share_a_channel() {
    let db = Database::new();
    db.sql(TWO);
    install(&db, ["a", "b", "--channel", "all"]);
    let mut feed = Feed::of(&db, ["all"]);
    db.sql("INSERT INTO b VALUES (1); INSERT INTO a VALUES (1)");
    let tables: Vec<_> = feed.events().iter().map(|event| event["table"].to_string()).collect();
    assert_eq!(tables, ["\"b\"", "\"a\""]);
}

#[test]
fn dry_run_shows_the_plan_and_changes_nothing() {
    let db = Database::new();
    db.sql(TWO);
    let plan = "create    public.a -> channel \"a\" (insert, update, delete; payload row)\n";
    install(&db, ["a", "--dry-run"]).stdout_is(plan);
    assert_eq!(db.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'pgfeed'"), "0");
    install(&db, ["a"]);
    install(&db, ["a", "--dry-run"]).stdout_has("unchanged public.a");
    install(&db, ["a", "--payload", "diff", "--dry-run"]).stdout_has("replace   public.a");
    install(&db, ["a", "--check"]);
}

#[test]
fn schema_puts_the_objects_elsewhere_and_moves_them() {
    let db = Database::new();
    db.sql(TWO);
    install(&db, ["a", "--events", "insert"]);
    install(&db, ["a", "--events", "insert", "--schema", "Else\"where"]).stdout_has("replaced");
    let after = installed(&db);
    assert!(after.len() == 1 && after[0].contains(" -> \"Else\"\"where\"."), "{after:?}");
}

#[test]
fn a_table_with_the_former_name_of_another_keeps_both_apart() {
    let db = Database::new();
    db.sql(TWO);
    install(&db, ["a", "--events", "insert"]);
    db.sql("ALTER TABLE a RENAME TO a_old; CREATE TABLE a (id int PRIMARY KEY)");
    let refused = db.pgfeed(["install-trigger", "a", "--events", "insert"]).run().code(1);
    refused
        .stderr_has("tells the changes of public.a_old\n")
        .stderr_has("hint: if public.a_old was renamed, install on it again first");
    install(&db, ["a_old", "--channel", "a", "--events", "insert"]).stdout_has("replaced  public.a_old");
    install(&db, ["a", "--events", "insert"]).stdout_has("created   public.a ");
    let mut feed = Feed::of(&db, ["a"]);
    db.sql("INSERT INTO a VALUES (1); INSERT INTO a_old VALUES (2)");
    let told: Vec<_> = feed.events().iter().map(|event| format!("{}{}", event["table"], event["key"]["id"])).collect();
    assert_eq!(told, ["\"a\"1", "\"a_old\"2"]);
}

#[test]
fn a_function_left_behind_is_made_anew_and_not_handed_its_old_owner() {
    let db = Database::new();
    let squatter = db.role("squatter");
    db.sql(TWO);
    let function = install(&db, ["a", "-o", "json"]).json()[0]["function"].as_str().unwrap().to_owned();
    db.sql(&format!(
        "ALTER FUNCTION {function} OWNER TO {squatter}; DROP TABLE a; CREATE TABLE a (id int PRIMARY KEY)"
    ));
    install(&db, ["a"]).stdout_has("created");
    assert_eq!(
        db.value(&format!("SELECT proowner::regrole FROM pg_proc WHERE oid = '{function}'::regproc")),
        "postgres"
    );
}

#[test]
fn what_is_not_ours_is_replaced_by_force_only() {
    let db = Database::new();
    db.sql(TWO);
    let plan = &install(&db, ["a", "-o", "json", "--events", "insert", "--dry-run"]).json()[0];
    let (function, trigger) = (plan["function"].as_str().unwrap(), plan["triggers"][0].as_str().unwrap());
    db.sql(&format!(
        "CREATE SCHEMA pgfeed; CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER \"{trigger}\" AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION {function}()"
    ));
    let again = ["install-trigger", "a", "--events", "insert"];
    for mode in [&[][..], &["--dry-run"]] {
        let refused = db.pgfeed(again).args(mode).run().code(1).stdout_is("");
        refused
            .stderr_has(&format!("trigger {trigger} on public.a is in the way, and is not pgfeed's"))
            .stderr_has("hint: --force");
    }
    db.sql(&format!("DROP TRIGGER \"{trigger}\" ON a"));
    db.pgfeed(again).run().code(1).stderr_has(&format!("function {function} is in the way, and is not pgfeed's"));
    db.sql(&format!(
        "CREATE CONSTRAINT TRIGGER \"{trigger}\" AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION {function}()"
    ));
    db.pgfeed(again).args(["--force"]).run().ok().stderr_is("").stdout_has("created");
    let mut feed = Feed::of(&db, ["a"]);
    db.sql("INSERT INTO a VALUES (1)");
    assert_eq!(feed.event()["key"]["id"], 1);
}

#[test]
fn a_partition_that_its_root_tells_already_is_warned_of() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE middle PARTITION OF root DEFAULT PARTITION BY RANGE (id);
         CREATE TABLE leaf PARTITION OF middle DEFAULT; CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent)",
    );
    let warning = |part: &str, whole: &str| {
        format!(
            "pgfeed: warning: public.{part} is a partition of public.{whole}, and both tell channel \"root\": a change of its rows is told twice\n"
        )
    };
    install(&db, ["root", "--channel", "other"]);
    install(&db, ["leaf"]);
    let run = |args: &[&str]| db.pgfeed(["install-trigger"]).args(args).run().ok();
    run(&["root"]).stderr_is(&warning("leaf", "root"));
    run(&["leaf"]).stderr_is(&warning("leaf", "root")).stdout_has("unchanged");
    db.pgfeed(["uninstall-trigger", "--all"]).run().ok();
    run(&["root", "leaf"]).stderr_is(&warning("leaf", "root"));
    // What is inherited otherwise has triggers of its own only.
    install(&db, ["parent", "child", "--channel", "c"]);
}

#[test]
fn verbose_twice_shows_the_text_of_every_statement_and_no_payload() {
    let db = Database::new();
    db.sql(TWO);
    let told = db.pgfeed(["-vv", "install-trigger", "a"]).run().ok();
    told.stderr_has("\npgfeed: sql: CREATE OR REPLACE TRIGGER")
        .stderr_has("('search_path', 'pg_catalog')")
        .stderr_has("\npgfeed: sql: COMMIT\n");
    let told = db.pgfeed(["-vv", "notify", "c", "a payload"]).run().ok();
    told.stderr_has("pg_notify").lacks("a payload");
    let queue = db.pgfeed(["-vv", "notify", "--queue", "q", "--create", "a payload"]).run().ok();
    queue.stderr_has("CREATE TABLE").lacks("a payload");
    let told = db.pgfeed(["-vv", "tail-queue", "q", "-e", "--consume", "-o", "raw"]).run().ok();
    told.stdout_is("a payload\n").stderr_has("DELETE FROM");
    let told = db.pgfeed(["-vv", "listen", "c", "-t", "1s"]).run().ok();
    told.stderr_has("pgfeed: sql: LISTEN \"c\"\n").stderr_has("pgfeed: connected to PostgreSQL ");
    let told = db.pgfeed(["-v", "listen", "c", "-t", "1s"]).run().ok();
    assert!(told.stderr.contains("connected to PostgreSQL") && !told.stderr.contains("sql:"), "{told}");
}

#[test]
fn names_that_could_forge_a_line_are_escaped_in_text_and_exact_in_json() {
    let db = Database::new();
    db.sql("CREATE TABLE \"x\n\u{202e}\" (id int PRIMARY KEY)");
    let name = "\"x\n\u{202e}\"";
    install(&db, [name]).stdout_is(
        "created   public.x\\n\\u{202e} -> channel \"x\\n\\u{202e}\" (insert, update, delete; payload row)\n",
    );
    assert_eq!(install(&db, [name, "-o", "json"]).json()[0]["channel"], "x\n\u{202e}");
    db.pgfeed(["uninstall-trigger", name])
        .run()
        .ok()
        .stdout_is("removed   public.x\\n\\u{202e} -> channel \"x\\n\\u{202e}\"\n");
}
