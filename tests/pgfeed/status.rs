//! Status: what is installed, how full the queues are, who uses them, and what is in the way.

use serde_json::Value;

use crate::harness::{Database, Signal, own_server, own_server_with};

fn status(db: &Database) -> Value {
    db.pgfeed(["status", "-o", "json"]).run().ok().stderr_is("").json().remove(0)
}

/// The states of the triggers, by table and destination.
fn states(status: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let state = |trigger: &Value| {
        let to = if trigger["queue"].is_null() { &trigger["channel"] } else { &trigger["queue"] };
        format!("{} {} {}", word(&trigger["table"]), word(to), word(&trigger["state"]))
    };
    let mut states: Vec<String> = status["triggers"].as_array().unwrap().iter().map(state).collect();
    states.sort();
    states
}

#[test]
fn an_empty_database_has_nothing_to_tell() {
    let db = Database::new();
    let told = db.pgfeed(["status"]).run().ok().stderr_is("");
    told.stdout_has("triggers: none\n\nqueues: none\n\nconsumers: none\n");
    let json = status(&db);
    assert_eq!((json["triggers"].to_string(), json["queues"].to_string()), ("[]".into(), "[]".into()));
    assert_eq!(json["server"]["is_standby"], false);
    assert!(json["notification_queue"]["usage"].is_number());
}

#[test]
fn every_state_of_a_trigger_is_told() {
    let db = Database::new();
    for table in ["current", "drifted", "narrowed", "disabled", "orphan", "gone", "unread", "conditional"] {
        db.sql(&format!("CREATE TABLE {table} (id int PRIMARY KEY, note text)"));
    }
    let install = |words: &[&str]| db.pgfeed([&["install-trigger"], words].concat()).run().ok();
    install(&["current", "drifted", "disabled", "orphan", "unread"]);
    install(&["narrowed", "--columns", "id,note"]);
    install(&["conditional", "--when", "NEW.note <> ''", "--events", "insert"]);
    install(&["current", "--queue", "q"]);
    db.sql("ALTER TABLE narrowed DROP COLUMN note");
    db.sql("ALTER TABLE drifted DROP CONSTRAINT drifted_pkey");
    db.sql("ALTER TABLE disabled DISABLE TRIGGER ALL");
    db.sql("DROP TABLE orphan");
    db.sql(
        "DO $$ DECLARE f regprocedure; BEGIN SELECT tgfoid::regprocedure INTO f FROM pg_trigger WHERE tgrelid = 'unread'::regclass LIMIT 1; \
         EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, 'pgfeed {\"version\":99}'); END $$",
    );
    db.sql(
        "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER \"!pgfeed_x_insert\" AFTER INSERT ON gone EXECUTE FUNCTION mine()",
    );
    let json = status(&db);
    assert_eq!(
        states(&json),
        [
            "- orphan orphaned",
            "public.conditional conditional current",
            "public.current current current",
            "public.current q current",
            "public.disabled disabled disabled",
            "public.drifted drifted drifted",
            "public.gone - foreign",
            "public.narrowed narrowed drifted",
            "public.unread - unknown",
        ]
    );
    let text = db.pgfeed(["status"]).run().ok().stderr_is("");
    text.stdout_has("durable   q ").stdout_has("insert,update,delete").stdout_has("is disabled");
}

#[test]
fn what_a_trigger_was_asked_is_told_in_the_words_of_its_flags() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, status text, \"of, all\" text)");
    let install = |words: &[&str]| db.pgfeed([&["install-trigger", "t"], words].concat()).run().ok();
    install(&["--channel", "a"]);
    install(&["--channel", "b", "--exclude", "status,\"of, all\"", "--skip-unchanged", "--enable-always"]);
    install(&["--channel", "c", "--events", "update", "--update-of", "status", "--when", "NEW.\"of, all\" = 'x\ny'"]);
    install(&["--queue", "q", "--columns", "status,id", "--doorbell", "never"]);
    let told = db.pgfeed(["status"]).run().ok().stdout;
    let triggers = told.split("\n\n").find(|part| part.starts_with("triggers:")).unwrap();
    insta::assert_snapshot!(triggers, @r#"
    triggers:
      table     delivery  to  events                payload  state    options
      public.t  live      a   insert,update,delete  row      current
      public.t  live      b   insert,update,delete  row      current  --exclude status,"of, all" --skip-unchanged --enable-always
      public.t  live      c   update                row      current  --update-of status --when "NEW.\"of, all\" = 'x\ny'"
      public.t  durable   q   insert,update,delete  row      current  --columns status,id --doorbell never
    "#);
    let json = status(&db);
    let triggers: Vec<String> = json["triggers"].as_array().unwrap().iter().map(Value::to_string).collect();
    insta::assert_snapshot!(triggers.join("\n"), @r#"
    {"channel":"a","delivery":"live","events":["insert","update","delete"],"payload":"row","state":"current","table":"public.t"}
    {"channel":"b","delivery":"live","enable_always":true,"events":["insert","update","delete"],"exclude":["status","of, all"],"payload":"row","skip_unchanged":true,"state":"current","table":"public.t"}
    {"channel":"c","delivery":"live","events":["update"],"payload":"row","state":"current","table":"public.t","update_of":["status"],"when":"NEW.\"of, all\" = 'x\ny'"}
    {"columns":["status","id"],"delivery":"durable","doorbell":"never","events":["insert","update","delete"],"payload":"row","queue":"q","state":"current","table":"public.t"}
    "#);
}

#[test]
fn queues_tell_how_full_they_are_and_who_takes_from_them() {
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "q", "--create", "-l"]).stdin("1\n2\n3\n4\n").run().ok();
    db.sql("UPDATE pgfeed.queue_q SET at = now() - interval '1 hour' WHERE id = 1");
    let json = status(&db);
    let queue = &json["queues"][0];
    assert_eq!(["waiting", "retrying", "dead"].map(|kind| queue[kind].as_i64()), [Some(4), Some(0), Some(0)]);
    assert!((3599.0..3700.0).contains(&queue["oldest_seconds"].as_f64().unwrap()), "{queue}");
    assert_eq!((queue["added_per_second"].as_f64(), queue["delivered_per_second"].as_f64()), (Some(0.0), Some(0.0)));

    db.pgfeed(["tail-queue", "-e", "--max-attempts", "1", "-n", "2", "--", "false"]).run();
    let run = db.spawn(["tail-queue", "--consume", "-j", "2"]);
    db.wait_for("SELECT count(*) = 64 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database() AND classid = 1885824595");
    let json = status(&db);
    let consumers = json["queues"][0]["consumers"].as_array().unwrap();
    let slots: Vec<i64> = consumers.iter().map(|one| one["slots"].as_i64().unwrap()).collect();
    assert_eq!((slots.iter().sum::<i64>(), slots.len()), (64, 3), "{consumers:?}");
    assert_eq!(consumers.iter().filter(|one| one["mode"] == "ordered").count(), 2);
    assert_eq!(json["sessions"].as_array().unwrap().len(), 3);
    assert!(json["queues"][0]["dead"].as_i64().unwrap() > 0);
    run.signal(Signal::Term);
    run.finish().code(130);
}

#[test]
fn who_holds_dead_rows_back_is_named() {
    // A server of its own: on the shared one somebody else may have an older snapshot.
    let server = own_server_with(|builder| builder.setting("max_prepared_transactions", "2"));
    let (db, elsewhere) = (server.database(), server.database());
    // In another database they hold nothing back here.
    let mut other = elsewhere.client();
    other.batch_execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'elsewhere'").unwrap();
    other.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    assert!(status(&db)["oldest_snapshot"].is_null());
    assert!(status(&elsewhere)["oldest_snapshot"]["who"].is_string());
    let mut holder = db.client();
    holder
        .batch_execute("SET application_name = 'the holder'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .unwrap();
    let who = status(&db)["oldest_snapshot"]["who"].to_string();
    assert!(who.contains("the holder, postgres, ") && who.contains("idle in transaction"), "{who}");
    drop(other);
    elsewhere.sql("ROLLBACK PREPARED 'elsewhere'");
}

#[test]
fn of_those_who_may_hold_the_notification_queue_listeners_come_first() {
    let server = own_server();
    let db = server.database();
    let mut sessions = Vec::new();
    for (application, statement) in [("older", "SELECT 1"), ("pgfeed listen", "SELECT 1"), ("other", "LISTEN x")] {
        let mut session = db.client();
        session.batch_execute(&format!("SET application_name = '{application}'; BEGIN")).unwrap();
        session.batch_execute(statement).unwrap();
        sessions.push(session);
    }
    let suspects = include_str!("../../sql/status_notification_queue.sql");
    assert!(suspects.contains("'10 seconds'"));
    let suspects = suspects.trim_end().trim_end_matches(';').replace("'10 seconds'", "'0 seconds'");
    let named = db.rows(&format!("SELECT application FROM ({suspects}\n) s"));
    assert_eq!(named, ["pgfeed listen", "other", "older"]);
}

#[test]
fn a_listener_is_seen() {
    let db = Database::new();
    let run = db.spawn(["listen", "c"]);
    run.wait_stderr("listening on c");
    let json = status(&db);
    assert_eq!(json["sessions"][0]["application"], "pgfeed listen");
    let mut other = db.client();
    other.batch_execute("LISTEN d").unwrap();
    assert_eq!(status(&db)["sessions"].as_array().unwrap().iter().filter(|one| one["listens"] == true).count(), 2);
}

#[test]
fn watching_looks_again_until_it_is_stopped() {
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "q", "--create", "x"]).run().ok();
    let run = db.spawn(["status", "-o", "json", "--watch=500ms"]);
    run.wait_stdout_line(|line| line.contains("\"waiting\":1"));
    db.pgfeed(["notify", "--queue", "q", "y"]).run().ok();
    let line = run.wait_stdout_line(|line| line.contains("\"waiting\":2"));
    let rate = serde_json::from_str::<Value>(&line).unwrap()["queues"][0]["added_per_second"].as_f64().unwrap();
    assert!(rate > 0.0, "{line}");
    run.signal(Signal::Term);
    run.finish().code(130);
}

#[test]
fn a_role_without_rights_is_told_what_it_may_see() {
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "q", "--create", "x"]).run().ok();
    let role = db.role("reader");
    db.sql(&format!("GRANT USAGE ON SCHEMA pgfeed TO {role}; GRANT SELECT ON pgfeed.queue TO {role}"));
    let told = db.pgfeed(["status"]).env("DATABASE_URL", db.url_as(&role)).run().ok();
    told.stdout_has("permission denied for table").stdout_has("GRANT pg_monitor to it");
}

#[test]
fn a_role_that_may_not_even_look_is_told_what_it_lacks() {
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "q", "--create", "x"]).run().ok();
    let role = db.role("stranger");
    let as_stranger = |command: &str| db.pgfeed([command]).env("DATABASE_URL", db.url_as(&role)).run();
    let grants = "GRANT USAGE ON SCHEMA \"pgfeed\" TO the role, and GRANT SELECT ON \"pgfeed\".\"queue\" TO the role";
    as_stranger("status").code(1).stderr_has("permission denied for schema pgfeed").stderr_has(grants);
    let told = as_stranger("doctor").code(4).stdout_has("permission denied for schema pgfeed");
    told.stdout_has(&format!("-> {grants}")).lacks("run it again");
    db.sql(&format!("GRANT USAGE ON SCHEMA pgfeed TO {role}"));
    as_stranger("status").code(1).stderr_has("permission denied for table queue").stderr_has(grants);
    db.sql(&format!("GRANT SELECT ON pgfeed.queue TO {role}"));
    as_stranger("status").ok();
}
