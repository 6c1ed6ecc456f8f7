//! Installing into queues and removing them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{delivered, durable, install};
use crate::harness::{Database, Stopping};

fn relations(db: &Database) -> Vec<String> {
    db.rows("SELECT relname FROM pg_class WHERE relnamespace = 'pgfeed'::regnamespace AND relkind = 'r' ORDER BY 1")
}

#[test]
fn forty_at_once_into_a_new_queue() {
    let db = Database::new();
    let tables: Vec<String> = (0..40).map(|n| format!("t{n}")).collect();
    db.sql(&tables.iter().map(|table| format!("CREATE TABLE {table} (id int PRIMARY KEY);")).collect::<String>());
    let installs: Vec<_> = tables.iter().map(|t| db.spawn(["install-trigger", "--queue", "q", t])).collect();
    for install in installs {
        install.finish().ok().stderr_is("");
    }
    db.sql(&tables.iter().map(|table| format!("INSERT INTO {table} VALUES (1);")).collect::<String>());
    assert_eq!(delivered(&db, &[]).len(), 40);
}

#[test]
fn a_migration_up_and_down() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    let up = install(&db, &["t", "--print-sql"]).stderr_is("").stdout;
    let down = db.pgfeed(["uninstall-trigger", "t", "--queue", "q", "--print-sql"]).run().ok().stdout;
    assert_eq!(db.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'pgfeed'"), "0");
    for _ in 0..2 {
        db.psql(["-1"], &up).ok();
    }
    install(&db, &["t", "--check"]).stdout_has("unchanged");
    db.sql("INSERT INTO t VALUES (1)");
    assert_eq!(delivered(&db, &[]).len(), 1);
    let triggers = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal";
    assert_eq!(db.value(triggers), "4");
    db.psql(["-1"], &down).ok();
    assert_eq!(db.value(triggers), "0");
    install(&db, &["t"]);
    let down = db.pgfeed(["uninstall-trigger", "--queue", "q", "--print-sql"]).run().ok().stdout;
    db.psql(["-1"], &down).ok();
    assert_eq!(relations(&db), ["queue"]);
    assert_eq!(db.value(triggers), "0");
}

#[test]
fn a_script_that_removes_a_queue_keeps_one_that_holds_events_by_then() {
    for kind in ["queue", "retry", "dead"] {
        let db = Database::new();
        durable(&db, "id int PRIMARY KEY", &[]);
        let script = |args: &[&str]| {
            db.pgfeed(["uninstall-trigger", "--queue", "q", "--print-sql"]).args(args).run().ok().stderr_is("").stdout
        };
        // Printed while the queue is empty.
        let (down, purge) = (script(&[]), script(&["--purge"]));
        db.sql("INSERT INTO t VALUES (1)");
        if kind != "queue" {
            let error = if kind == "dead" { "dead" } else { "stop" };
            db.pgfeed(["tail-queue", "q", "-e", "--backoff", "1h", "--on-error", error, "--", "false"]).run();
        }
        let holds = format!("SELECT count(*) FROM pgfeed.{kind}_q");
        assert_eq!(db.value(&holds), "1");
        let refused = db.psql(["-1"], &down);
        refused.stderr_has("queue \"q\" holds events: ").stderr_has("--purge");
        assert_eq!(db.value(&holds), "1");
        // Neither is anything lost where a script goes on after errors, nor to a snapshot from before the event.
        db.psql(["-v", "ON_ERROR_STOP=0"], &down).stderr_has("holds events");
        let early = format!("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;\n{down}");
        db.psql(["-v", "ON_ERROR_STOP=0"], &early).stderr_has("at isolation level read committed only");
        assert_eq!(db.value(&holds), "1");
        // What is printed now does not hold it against the queue that it is full today.
        assert!(script(&[]).contains("holds events"));
        db.psql(["-1"], &purge).ok();
        assert_eq!(relations(&db), ["queue"]);
    }
}

#[test]
fn a_queue_of_any_name_comes_and_goes() {
    let db = Database::new();
    let name = "a$pgfeed$b 'c\\' \"d\" /*{e}*/f/*{}*/";
    let store = || drop(db.pgfeed(["notify", "--create", "--queue", name, "x"]).run().ok());
    store();
    db.pgfeed(["tail-queue", name, "--consume", "-e", "-o", "raw"]).run().ok().stdout_is("x\n");
    store();
    let remove = |args: &[&str]| db.pgfeed(["uninstall-trigger", "--queue", name]).args(args).run();
    remove(&[]).code(1).stderr_has(" holds events: 1 waiting, 0 retrying, 0 dead\n");
    remove(&["--purge"]).ok();
    db.pgfeed(["notify", "--create", "--queue", name, "-l"]).stdin("").run().ok();
    db.psql(["-1"], &remove(&["--print-sql"]).ok().stdout).ok();
    assert_eq!(relations(&db), ["queue"]);
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue"), "0");
}

#[test]
fn a_queue_with_events_is_not_dropped_unless_they_are_purged() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    db.sql("INSERT INTO t VALUES (1), (2)");
    let refused = db.pgfeed(["uninstall-trigger", "--queue", "q"]).run().code(1).stdout_is("");
    refused.stderr_has("queue \"q\" holds events: 2 waiting, 0 retrying, 0 dead").stderr_has("--purge");
    // All or nothing: the trigger is still there.
    db.sql("INSERT INTO t VALUES (3)");
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_q"), "3");
    db.pgfeed(["uninstall-trigger", "--queue", "q", "--purge"]).run().ok();
    assert_eq!(relations(&db), ["queue"]);
    db.sql("INSERT INTO t VALUES (4)");
}

#[test]
fn writers_do_not_fail_while_triggers_and_queues_come_and_go() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int)");
    let done = AtomicBool::new(false);
    let written: u64 = thread::scope(|scope| {
        let stopping = Stopping(&done);
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let (mut client, done) = (db.client(), &done);
                scope.spawn(move || {
                    let mut written = 0;
                    while !done.load(Ordering::Relaxed) {
                        written += client.execute("INSERT INTO t (a) VALUES (1)", &[]).unwrap();
                    }
                    written
                })
            })
            .collect();
        let run = |words: &[&str]| drop(db.pgfeed(words).run().ok());
        for _ in 0..3 {
            run(&["install-trigger", "t", "--queue", "q"]);
            run(&["uninstall-trigger", "t", "--queue", "q"]);
            run(&["install-trigger", "t", "--queue", "q"]);
            run(&["uninstall-trigger", "--queue", "q", "--purge"]);
        }
        drop(stopping);
        writers.into_iter().map(|writer| writer.join().expect("no write fails")).sum()
    });
    assert_eq!(db.value("SELECT count(*) FROM t"), written.to_string());
    assert_eq!(relations(&db), ["queue"]);
}

#[test]
fn queues_of_one_name_in_two_schemas_are_fed_side_by_side() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    install(&db, &["t", "--schema", "team2"]).stdout_has("created   public.t").stderr_is("");
    for schema in ["pgfeed", "team2"] {
        install(&db, &["t", "--schema", schema, "--check"]);
    }
    db.sql("INSERT INTO t VALUES (1)");
    assert_eq!((delivered(&db, &[]).len(), delivered(&db, &["--schema", "team2"]).len()), (1, 1));
    let told = db.pgfeed(["status", "-o", "json"]).run().ok().json();
    let schemas = told[0]["triggers"].as_array().unwrap().iter().map(|one| one["queue_schema"].as_str());
    assert_eq!(schemas.collect::<Vec<_>>(), [None, Some("team2")]);
    db.pgfeed(["status"]).run().ok().stdout_has(" durable   q        ").stdout_has(" durable   team2.q  ");
    db.pgfeed(["status", "--schema", "team2"]).run().ok().stdout_has(" durable   pgfeed.q  ");
    let down = ["uninstall-trigger", "t", "--queue", "q", "--schema", "team2"];
    let script = db.pgfeed(down).args(["--print-sql"]).run().ok().stdout;
    db.psql(["-1"], &script).ok();
    install(&db, &["t", "--check"]);
    install(&db, &["t", "--schema", "team2"]).stdout_has("created");
    db.pgfeed(["uninstall-trigger", "t", "--queue", "q"]).run().ok().stdout_has("removed   public.t");
    install(&db, &["t", "--schema", "team2", "--check"]);
    db.pgfeed(down).run().ok().stdout_has("removed   public.t");
    assert_eq!(db.value("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), "0");
}

#[test]
fn what_another_schema_has_under_the_plain_name_keeps_it() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    let name = |schema: &str| -> String {
        let found = install(&db, &["t", "--schema", schema, "-o", "json"]).json().remove(0);
        found["function"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned()
    };
    let plain = name("pgfeed");
    db.pgfeed(["uninstall-trigger", "t"]).run().ok();
    let derived = name("team2");
    assert_ne!(plain, derived);
    // As it was made before the schema was a part of it.
    let triggers = db.rows("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal");
    db.sql(&format!("ALTER FUNCTION team2.{derived}() RENAME TO {plain}"));
    for trigger in &triggers {
        db.sql(&format!("ALTER TRIGGER \"{trigger}\" ON t RENAME TO \"{}\"", trigger.replace(&derived, &plain)));
    }
    install(&db, &["t", "--schema", "team2", "--check"]).stdout_has("unchanged");
    db.pgfeed(["status"]).run().ok().stdout_has(" current\n");
    install(&db, &["t"]).stdout_has("created");
    install(&db, &["t", "--schema", "team2", "--check"]);
    db.pgfeed(["uninstall-trigger", "t", "--queue", "q", "--schema", "team2"]).run().ok();
    install(&db, &["t", "--check"]).stdout_has("unchanged");
    db.sql("INSERT INTO t VALUES (1)");
    assert_eq!(delivered(&db, &[]).len(), 1);
}

#[test]
fn a_table_of_the_queue_that_is_gone_is_told_and_made_by_the_same_install() {
    for (kind, state) in [("queue", "failing"), ("retry", "drifted"), ("dead", "drifted")] {
        let db = Database::new();
        durable(&db, "id int PRIMARY KEY", &[]);
        let gone = format!("\"pgfeed\".\"{kind}_q\"");
        db.sql(&format!("DROP TABLE {gone}"));
        let told = db.pgfeed(["status", "-o", "json"]).run().json();
        let trigger = &told[0]["triggers"][0];
        assert_eq!((&trigger["state"], &trigger["detail"]), (&state.into(), &format!("{gone} is gone").into()));
        let install = ["install-trigger", "t", "--queue", "q"];
        db.pgfeed(install).args(["--check"]).run().code(4);
        db.pgfeed(["uninstall-trigger", "--queue", "q"])
            .run()
            .code(1)
            .stderr_has(&format!("{gone} is gone"))
            .stderr_has("hint: ");
        db.pgfeed(install).run().ok().stdout_has("replaced");
        db.pgfeed(install).run().ok().stdout_has("unchanged");
        db.sql("INSERT INTO t VALUES (1)");
        assert_eq!(delivered(&db, &[]).len(), 1);
        db.sql(&format!("DROP TABLE {gone}"));
        db.pgfeed(["uninstall-trigger", "--queue", "q", "--purge"]).run().ok();
        assert_eq!(relations(&db), ["queue"]);
    }
}
