//! A password that is easy to find must be found nowhere: not in what any command prints, nor in what it hands to a child.

use crate::connection::servers::{guarded, member};
use crate::harness::{Database, Pgfeed};

const PASSWORD: &str = "S3cr3t-Canary@";
const ENCODED: &str = "S3cr3t-Canary%40";

/// A database whose owner has that password, and its URL with it.
fn guarded_database() -> (Database, String) {
    let db = guarded().database();
    let role = member(&db, "scram", PASSWORD);
    db.sql(&format!("GRANT ALL ON DATABASE {} TO {role}; GRANT ALL ON SCHEMA public TO {role}", db.name()));
    let port = db.server().cluster().port();
    let url = format!("postgresql://{role}:{ENCODED}@127.0.0.1:{port}/{}", db.name());
    (db, url)
}

#[test]
fn no_command_shows_the_password() {
    let (_db, url) = guarded_database();
    let run = |words: &[&str], code: i32| {
        let output = Pgfeed::new(["-vv", "-d", &url]).args(words).stdin("{\"a\":1}\n").run().code(code);
        output.lacks("S3cr3t").lacks("Canary")
    };
    let psql =
        |statement: &str| postgres::Client::connect(&url, postgres::NoTls).unwrap().batch_execute(statement).unwrap();
    psql("CREATE TABLE t (id int PRIMARY KEY)");
    run(&["install-trigger", "t", "--queue", "q", "--backfill"], 0);
    run(&["install-trigger", "t", "--when", "NEW.nothing = 1"], 2);
    run(&["install-trigger", "nowhere"], 2);
    run(&["install-trigger", "pg_catalog.pg_class"], 1);
    psql("INSERT INTO t VALUES (1)");
    run(&["status"], 0);
    run(&["status", "-o", "json"], 0);
    run(&["doctor"], 0);
    run(&["notify", "c", "-"], 0);
    run(&["notify", "--queue", "nowhere", "x"], 2);
    run(&["tail-queue", "-e"], 0);
    run(&["tail-queue", "-e", "--max-attempts", "1", "--", "false"], 0);
    run(&["tail-queue", "--dead"], 0);
    run(&["tail-queue", "-e", "--", "/nonexistent/command"], 1);
    run(&["listen", "c", "--connect-timeout", "soon"], 2);
    run(&["uninstall-trigger", "--all"], 0);
    assert!(!guarded().cluster().log_text().contains("Canary"));
}

#[test]
fn a_child_gets_no_password_that_its_caller_did_not_give_it() {
    let (db, url) = guarded_database();
    let listen =
        Pgfeed::new(["listen", "c", "-n", "1", "-d", &url, "--", "/bin/sh", "-c", "env; cat; ps -o args= -p $$"]);
    let listen = listen.spawn();
    listen.wait_stderr("listening on c");
    db.sql("NOTIFY c, 'x'");
    let output = listen.finish().ok().stdout_has("PGFEED_CHANNEL=c").stdout_has("\"payload\":\"x\"");
    output.lacks("S3cr3t").lacks("Canary");

    let enqueue = Pgfeed::new(["notify", "--queue", "q", "--create", "x", "-d", &url]);
    enqueue.run().ok();
    let tail = Pgfeed::new(["tail-queue", "-e", "-d", &url, "--", "env"]).run().ok();
    tail.stdout_has("PGFEED_QUEUE=q").lacks("S3cr3t").lacks("Canary");
}
