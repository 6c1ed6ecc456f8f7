//! What a consumer's role needs, and what its settings cannot break.

use super::{enqueue, held, with_queue};
use crate::harness::Database;

/// The least grants with which a consumer delivers, retries and buries. UPDATE on the queue is for `--unordered`, which locks
/// the rows that it takes.
const CONSUMER: &str = "GRANT USAGE ON SCHEMA pgfeed TO consumer; GRANT SELECT ON pgfeed.queue TO consumer;
    GRANT SELECT, DELETE ON pgfeed.queue_q TO consumer;
    GRANT SELECT, INSERT, UPDATE, DELETE ON pgfeed.retry_q TO consumer;
    GRANT INSERT ON pgfeed.dead_q TO consumer";
/// With which one looks.
const LOOKER: &str =
    "GRANT USAGE ON SCHEMA pgfeed TO looker; GRANT SELECT ON pgfeed.queue, pgfeed.queue_q, pgfeed.retry_q TO looker";
/// What `--dead --requeue` and `--purge` need besides.
const DEAD: &str = "GRANT SELECT, DELETE ON pgfeed.dead_q TO consumer";

fn grant(db: &Database, name: &str, grants: &str) -> String {
    let role = db.role(name);
    db.sql(&grants.replace(&format!("TO {name}"), &format!("TO {role}")));
    role
}

#[test]
fn the_least_grants() {
    let db = with_queue();
    db.sql(&enqueue(3, 2));
    let looker = grant(&db, "looker", LOOKER);
    let look = db.pgfeed(["tail-queue", "-e", "-o", "raw"]).env("DATABASE_URL", db.url_as(&looker)).run().ok();
    assert_eq!(look.lines().len(), 6);
    let consumer = grant(&db, "consumer", CONSUMER);
    let run = |args: &[&str]| {
        db.pgfeed(["tail-queue", "q", "--backoff", "10ms"]).args(args).env("DATABASE_URL", db.url_as(&consumer)).run()
    };
    let poison =
        ["-e", "--max-attempts", "2", "--", "sh", "-c", "read -r line; case $line in *'\"2 1\"'*) exit 1;; esac"];
    run(&poison).ok();
    assert_eq!(held(&db), "0 0 1");
    run(&["--dead"]).code(1).stderr_has("permission denied for table dead_q");
    db.sql(&DEAD.replace("consumer", &consumer));
    run(&["--dead", "--requeue"]).ok().stdout_is("requeued 1 dead events of queue \"q\"\n");
    run(&["--consume", "-e", "-o", "raw"]).ok().stdout_is("2 1\n");
    db.sql(&enqueue(1, 1));
    run(&["--consume", "-e", "--unordered"]).code(1).stderr_has("permission denied for table queue_q");
    db.sql(&format!("GRANT UPDATE ON pgfeed.queue_q TO {consumer}"));
    run(&["--consume", "-e", "--unordered", "-o", "raw"]).ok().stdout_is("1 1\n");
}

#[test]
fn defaults_of_the_role_do_not_matter() {
    let db = with_queue();
    let consumer = grant(&db, "consumer", CONSUMER);
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "statement_timeout = 100",
        "row_security = on",
        "idle_in_transaction_session_timeout = 50",
        "search_path = nowhere",
    ] {
        db.sql(&format!("ALTER ROLE {consumer} RESET ALL; ALTER ROLE {consumer} SET {setting}"));
        db.sql(&enqueue(2, 3));
        // A statement of the consumer takes longer than the role's timeout.
        let mut lock = db.client();
        lock.batch_execute("BEGIN; LOCK TABLE pgfeed.retry_q").unwrap();
        let consuming = db
            .pgfeed(["tail-queue", "q", "-e", "-j", "2", "--", "sh", "-c", "sleep 0.02; cat"])
            .env("DATABASE_URL", db.url_as(&consumer))
            .spawn();
        db.wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND clock_timestamp() - query_start > '200 ms')");
        lock.batch_execute("COMMIT").unwrap();
        let output = consuming.finish().ok().stderr_is("");
        assert_eq!(output.lines().len(), 6, "{setting}");
    }
}

#[test]
fn row_security_hides_nothing_silently() {
    let db = with_queue();
    let consumer = grant(&db, "consumer", CONSUMER);
    db.sql(&enqueue(1, 1));
    db.sql("ALTER TABLE pgfeed.queue_q ENABLE ROW LEVEL SECURITY");
    let refused = db.pgfeed(["tail-queue", "q", "--consume", "-e"]).env("DATABASE_URL", db.url_as(&consumer)).run();
    refused.code(1).stderr_has("row-level security");
    assert_eq!(held(&db), "1 0 0");
}
