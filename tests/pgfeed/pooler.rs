//! Behind PgBouncer: what works through a pool of each mode, and what says why it does not.

use std::collections::HashMap;

use crate::harness::pooler::{Mode, Pooler};
use crate::harness::proxy::{Mode as Fault, Proxy};
use crate::harness::{Database, Pgfeed, Signal, own_server, server};

const WARNING: &str = "and through one nobody can be woken: the queue is looked at every second";

fn through(pooler: &Pooler, db: &Database, args: &[&str]) -> Pgfeed {
    Pgfeed::new(args).env("DATABASE_URL", pooler.url(db.name()))
}

/// A table of orders with a durable trigger, and that many rows of four customers in it.
fn orders(db: &Database, rows: u32) {
    db.sql("CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
    db.pgfeed(["install-trigger", "orders", "--queue", "q"]).run().ok();
    db.sql(&format!("INSERT INTO orders SELECT g FROM generate_series(1, {rows}) g"));
}

#[test]
fn listen_says_that_a_transaction_pool_is_deaf() {
    let db = Database::new();
    for (mode, sessions) in [(Mode::Transaction, 1), (Mode::Transaction, 20), (Mode::Statement, 2)] {
        let pooler = Pooler::in_front_of(server(), mode, sessions);
        for url in [pooler.url(db.name()), pooler.socket_url(db.name())] {
            let told = Pgfeed::new(["listen", "c", "--wait-server", "20s"]).env("DATABASE_URL", url).run().code(3);
            told.stdout_is("")
                .stderr_has("through one no notification ever comes\n  hint: connect to the server itself");
        }
    }
}

#[test]
fn a_session_pool_changes_nothing() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Session, 20);
    let run = through(&pooler, &db, &["listen", "c", "-n", "1", "-o", "raw"]).spawn();
    run.wait_stderr("listening on c");
    db.pgfeed(["notify", "c", "heard"]).run().ok();
    run.finish().ok().stdout_is("heard\n");
}

#[test]
fn a_session_pool_with_nothing_left_for_a_second_client_is_taken_as_it_is() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Session, 1);
    through(&pooler, &db, &["notify", "c", "x"]).run().ok();
}

#[test]
fn everything_but_listening_works_through_a_transaction_pool() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Transaction, 3);
    let pooled = |args: &[&str]| through(&pooler, &db, args).run().ok();
    db.sql("CREATE TABLE public.orders (id int PRIMARY KEY)");
    pooled(&["install-trigger", "orders", "--channel", "c"]).stdout_has("created");
    pooled(&["install-trigger", "orders", "--queue", "q", "--backfill"]).stdout_has("created");
    pooled(&["install-trigger", "orders", "--queue", "q", "--check"]).stdout_has("unchanged");
    db.sql("INSERT INTO orders SELECT generate_series(1, 3)");
    through(&pooler, &db, &["notify", "c", "-l"]).stdin("a\nb\n").run().ok().stderr_has("sent 2 notifications");
    through(&pooler, &db, &["notify", "--queue", "q", "-l"]).stdin("a\nb\n").run().ok().stderr_has("sent 2 events");
    assert_eq!(pooled(&["tail-queue", "-e"]).stderr_has(WARNING).lines().len(), 5);
    assert_eq!(pooled(&["tail-queue", "-e", "--consume", "-j", "3"]).stderr_has(WARNING).lines().len(), 5);
    pooled(&["tail-queue", "--dead"]).stdout_is("");
    // What judges the rows by themselves is gone with its transaction: the session is others' as well.
    let fails = ["--events", "insert", "--when", "1 / (NEW.id - 2) <> 0"];
    for _ in ["once", "twice"] {
        let again = [&["install-trigger", "orders", "--queue", "q", "--backfill"], &fails[..]].concat();
        pooled(&again).stderr_has("failed for 1 row").stderr_has("stored 3 rows");
    }
    pooled(&["uninstall-trigger", "--all"]).stdout_has("removed");
}

#[test]
fn a_long_backlog_that_waits_keeps_no_other_table_waiting() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Transaction, 3);
    db.pgfeed(["notify", "--queue", "q", "--create", "x"]).run().ok();
    // A TRUNCATE of table 1 waits for an event that failed, and 1500 later ones of the table for the TRUNCATE.
    db.sql(
        "DELETE FROM pgfeed.queue_q;
         INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due)
           VALUES (0, now(), (1::bigint << 32) + 1, false, 'failed', 1, now() + interval '1 day');
         INSERT INTO pgfeed.queue_q (key, barrier, payload) VALUES (1::bigint << 32, true, 'truncated');
         INSERT INTO pgfeed.queue_q (key, payload) SELECT (1::bigint << 32) + 2, 'waits' FROM generate_series(1, 1500);
         INSERT INTO pgfeed.queue_q (key, payload) SELECT (2::bigint << 32) + 64 * n + 17, 'goes on' FROM generate_series(1, 5) n",
    );
    let consumer = through(&pooler, &db, &["tail-queue", "q", "--consume", "-o", "raw", "-n", "5", "-t", "20s"]);
    consumer.run().ok().stdout_is(&"goes on\n".repeat(5));
}

#[test]
fn two_consumers_behind_a_transaction_pool_keep_the_order() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Transaction, 8);
    orders(&db, 30);
    for _ in 0..20 {
        db.sql("UPDATE orders SET n = n + 1");
    }
    let args = ["tail-queue", "q", "--consume", "-j", "2", "--batch", "7", "-o", "raw", "-e"];
    let consumers = [through(&pooler, &db, &args).spawn(), through(&pooler, &db, &args).spawn()];
    let outputs = consumers.map(|consumer| consumer.finish().ok());
    let mut seen = HashMap::<i64, Vec<i64>>::new();
    for event in outputs.iter().flat_map(|output| output.json()) {
        seen.entry(event["key"]["id"].as_i64().unwrap()).or_default().push(event["new"]["n"].as_i64().unwrap());
    }
    assert_eq!(seen.len(), 30);
    for (row, numbers) in seen {
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..=20).collect::<Vec<_>>(), "row {row}");
    }
    let locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE locktype = 'advisory' AND datname = current_database()";
    assert_eq!(db.value(locks), "0");
}

#[test]
fn a_consumer_behind_a_transaction_pool_delivers_what_is_added() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Transaction, 4);
    orders(&db, 3);
    let run = through(&pooler, &db, &["tail-queue", "q", "--consume", "-o", "raw"]).spawn();
    for n in 1..=3 {
        db.sql(&format!("UPDATE orders SET n = {n} WHERE id = 1"));
        run.wait_stdout_line(|line| line.contains(&format!("\"n\":{n}")));
    }
    db.wait_for("SELECT count(*) = 0 FROM pgfeed.queue_q");
    run.signal(Signal::Term);
    run.finish().code(130).stderr_has(WARNING);
}

#[test]
fn a_refused_event_behind_a_transaction_pool_comes_again_and_dies() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Transaction, 4);
    orders(&db, 4);
    let args = [
        "tail-queue",
        "q",
        "-e",
        "--max-attempts",
        "2",
        "--backoff",
        "1ms",
        "--",
        "/bin/sh",
        "-c",
        "! grep -q '\"id\":2,'",
    ];
    through(&pooler, &db, &args).run().ok().stderr_has("is dead after its last attempt");
    assert_eq!(db.rows("SELECT attempts, payload::json->'key'->>'id' FROM pgfeed.dead_q"), ["2|2"]);
    through(&pooler, &db, &["tail-queue", "q", "--dead", "--requeue"]).run().ok().stdout_has("requeued 1 dead event");
    through(&pooler, &db, &["tail-queue", "q", "-e", "--", "true"]).run().ok();
    assert_eq!(db.value("SELECT (SELECT count(*) FROM pgfeed.dead_q) + (SELECT count(*) FROM pgfeed.retry_q)"), "0");
}

#[test]
fn a_pooled_and_a_direct_consumer_agree_who_owns_what() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Transaction, 4);
    orders(&db, 0);
    let direct = db.spawn(["tail-queue", "q", "--consume", "--unordered"]);
    db.wait_for("SELECT count(*) > 0 FROM pg_locks WHERE classid = 1885824597 AND locktype = 'advisory'");
    db.sql("INSERT INTO orders VALUES (1)");
    let told = through(&pooler, &db, &["tail-queue", "q", "--consume", "-e"]).run().code(2);
    told.stderr_has("others consume queue \"q\" with --unordered, so it cannot be consumed in order");
    drop(direct);
}

#[test]
fn the_settings_of_a_shared_session_stay_as_they_are() {
    let server = own_server();
    let db = server.database();
    let pooler = Pooler::in_front_of(&server, Mode::Transaction, 1);
    orders(&db, 2);
    through(&pooler, &db, &["tail-queue", "q", "-e", "--consume"]).run().ok();
    through(&pooler, &db, &["tail-queue", "q", "-e"]).run().ok();
    through(&pooler, &db, &["listen", "c"]).run().code(3);
    through(&pooler, &db, &["uninstall-trigger", "orders"]).run().ok();
    // With one session for all, this is the one that they had.
    let mut client = postgres::Client::connect(&pooler.url(db.name()), postgres::NoTls).unwrap();
    // What PgBouncer itself sets is left out, and what a transaction has of its own.
    let changed = "SELECT string_agg(name || '=' || setting, ' ') FROM pg_settings WHERE source = 'session' \
                   AND name NOT IN ('client_encoding', 'application_name', 'DateStyle', 'TimeZone', 'standard_conforming_strings', \
                                    'transaction_isolation', 'transaction_read_only')";
    let changed = client.simple_query(changed).unwrap();
    let changed = changed.iter().find_map(|answer| match answer {
        postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(changed, None);
}

#[test]
fn whoever_looks_through_a_transaction_pool_skips_nothing_when_a_commit_fails() {
    let db = Database::new();
    let pooler = Pooler::in_front_of(server(), Mode::Transaction, 8);
    orders(&db, 1);
    let proxy = Proxy::in_front_of_port(pooler.port());
    let args = ["tail-queue", "q", "-o", "raw", "--poll", "100ms"];
    let run = Pgfeed::new(args).env("DATABASE_URL", proxy.url(db.name())).spawn();
    run.next_line();
    proxy.set(Fault::LoseAnswerTo("COMMIT"));
    db.sql("INSERT INTO orders SELECT generate_series(2, 3)");
    run.wait_stderr("trying again");
    proxy.set(Fault::Pass);
    for _ in 0..2 {
        run.next_line();
    }
    assert_eq!(run.lines().len(), 3);
}
