//! Where a worker looks: not at all that was taken before, and yet at everything that may have come.

use super::{consume, enqueue, held, in_order, store, with_queue};
use crate::durable_trigger::doorbell::wait_for_a_sleeper;
use crate::harness::{Database, Running};

/// Index entries of the queue that were read, also dead ones.
fn entries_read(db: &Database) -> u64 {
    db.wait_for("SELECT idx_tup_read > 0 FROM pg_stat_user_indexes WHERE indexrelname = 'qkey_q'");
    db.value("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'qkey_q'").parse().unwrap()
}

#[test]
fn who_writes_for_long_does_not_make_every_take_look_through_all_that_was_taken() {
    let db = with_queue();
    let mut long = db.client();
    long.batch_execute("BEGIN; INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, '1 1')").unwrap();
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) SELECT n, n || ' 1' FROM generate_series(2, 20000) n");
    let consumer = consume(&db, &["--poll", "100ms"]).spawn();
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    // What it writes comes nevertheless, in front of what its row tells later.
    long.batch_execute("INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, '1 2'); COMMIT").unwrap();
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, '1 3')");
    consumer.wait_stdout_line(|line| line == "1 3");
    let output = consumer.kill();
    let of_the_row: Vec<&str> = output.lines().into_iter().filter(|line| line.starts_with("1 ")).collect();
    assert_eq!((output.lines().len(), of_the_row), (20_002, vec!["1 1", "1 2", "1 3"]));
    let read = entries_read(&db);
    assert!(read < 120_000, "{read} entries for 20,002 events");
}

/// A consumer that delivers its first batch of four, and has read the next one, until it is let go.
fn in_its_first_batch(db: &Database, args: &[&str]) -> Running {
    let script = r#"cat; while [ ! -e "$HOME/go" ]; do sleep 0.01; done"#;
    let exec = ["--exec-mode", "batch", "--batch", "4", "--", "sh", "-c", script];
    let consumer = db.pgfeed(["tail-queue", "q"]).args(args).args(exec).env("PGFEED_MANY", "2").spawn();
    consumer.wait_stdout_line(|line| line.contains("\"1 1\""));
    consumer
}

/// Lets it go once somebody waits for a lock that it has on the queue.
fn let_go(db: &Database, consumer: &Running) {
    db.wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'pgfeed.queue_q'::regclass AND NOT granted)");
    std::fs::write(consumer.home().join("go"), "").unwrap();
}

#[test]
fn a_table_that_is_rewritten_between_two_batches_costs_no_event_and_repeats_none() {
    let db = with_queue();
    db.sql(&enqueue(4, 20));
    // The first batch holds the table until the rewrite waits for it; the next one has been read by then.
    let consumer = in_its_first_batch(&db, &["-e"]);
    let rewriting = std::thread::spawn({
        let mut client = db.client();
        move || client.batch_execute("VACUUM FULL pgfeed.queue_q").unwrap()
    });
    let_go(&db, &consumer);
    let output = consumer.finish().ok();
    rewriting.join().unwrap();
    let events = output.json();
    in_order(events.iter().map(|event| event["payload"].as_str().unwrap()), 4, 20);
    assert_eq!(held(&db), "0 0 0");
    output.stderr_is("");
}

#[test]
fn a_lock_between_two_batches_that_lasts_miscounts_nothing() {
    let db = with_queue();
    db.sql(&enqueue(4, 20));
    let consumer = in_its_first_batch(&db, &["-n", "8"]);
    let mut locking = db.client();
    let locked = std::thread::spawn(move || {
        locking.batch_execute("BEGIN; LOCK TABLE pgfeed.queue_q IN SHARE MODE").unwrap();
        locking
    });
    let_go(&db, &consumer);
    consumer.wait_stderr("lock timeout");
    assert_eq!(held(&db), "76 0 0");
    drop(locked.join().unwrap());
    let output = consumer.finish().ok();
    let events = output.json();
    in_order(events.iter().map(|event| event["payload"].as_str().unwrap()), 4, 2);
    assert_eq!(held(&db), "72 0 0");
}

#[test]
fn a_removal_that_is_refused_repeats_one_batch_and_no_more() {
    let db = with_queue();
    db.sql(&enqueue(4, 5));
    db.sql(
        "CREATE SEQUENCE refusals;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           PERFORM nextval('public.refusals'); RAISE serialization_failure; END $$",
    );
    let consumer = in_its_first_batch(&db, &["-e"]);
    let refusing = std::thread::spawn({
        let mut client = db.client();
        let trigger = "CREATE TRIGGER refuse BEFORE DELETE ON pgfeed.queue_q EXECUTE FUNCTION refuse()";
        move || client.batch_execute(trigger).unwrap()
    });
    let_go(&db, &consumer);
    refusing.join().unwrap();
    db.wait_for("SELECT last_value >= 3 FROM refusals");
    db.sql("DROP TRIGGER refuse ON pgfeed.queue_q");
    let mut events = consumer.finish().ok().json();
    assert_eq!(events.len(), 24);
    let repeated: Vec<_> = events.drain(4..8).map(|event| event["id"].clone()).collect();
    assert_eq!(repeated, events[4..8].iter().map(|event| event["id"].clone()).collect::<Vec<_>>());
    in_order(events.iter().map(|event| event["payload"].as_str().unwrap()), 4, 5);
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn what_is_put_below_the_floor_by_hand_is_found() {
    let db = with_queue();
    let consumer = consume(&db, &["--poll", "50ms"]).env("PGFEED_BELOW", "200").spawn();
    for n in 0..5 {
        db.sql(&format!(
            "INSERT INTO pgfeed.queue_q (key, payload) SELECT 1, 'n' FROM generate_series(1, 4); SELECT {n}"
        ));
        (0..4).for_each(|_| assert_eq!(consumer.next_line(), "n"));
    }
    db.sql("INSERT INTO pgfeed.queue_q (id, key, payload) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'by hand')");
    assert_eq!(consumer.next_line(), "by hand");
}

#[test]
fn an_event_of_before_that_is_delivered_again_does_not_hide_ids_that_begin_anew() {
    let db = with_queue();
    db.sql("ALTER TABLE pgfeed.queue_q ALTER id RESTART WITH 1000");
    store(&db, "old");
    let script = r#"read -r event; echo "$event"; [ -e "$HOME/mended" ]"#;
    let args =
        ["tail-queue", "q", "--poll", "1h", "--backoff", "1s", "--max-attempts", "100", "--", "sh", "-c", script];
    let consumer = db.spawn(args);
    db.wait_for("SELECT EXISTS (SELECT FROM pgfeed.retry_q)");
    db.sql("TRUNCATE pgfeed.queue_q RESTART IDENTITY");
    std::fs::write(consumer.home().join("mended"), "").unwrap();
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.retry_q)");
    for payload in ["new", "newer"] {
        wait_for_a_sleeper(&db);
        store(&db, payload);
        db.sql("SELECT pg_notify('pgfeed:q', '')");
        consumer.wait_stdout_line(|line| line.contains(&format!("\"{payload}\"")));
    }
}

#[test]
fn what_waits_behind_a_barrier_costs_other_tables_no_look_at_barriers_for_each_event() {
    let db = with_queue();
    // A TRUNCATE that is tried again in an hour, what its table has told since, and behind that another table's.
    db.sql(
        "INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due)
           VALUES (-1, now(), 1::bigint << 32, true, 'truncated', 1, now() + interval '1 hour');
         INSERT INTO pgfeed.queue_q (key, payload) SELECT (1::bigint << 32) + n, 'behind' FROM generate_series(1, 20000) n;
         INSERT INTO pgfeed.queue_q (key, payload) VALUES (2::bigint << 32, 'other')",
    );
    let consumer = consume(&db, &["-n", "1"]).run().ok();
    consumer.stdout_is("other\n");
    assert_eq!(held(&db), "20000 1 0");
    let scans = "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname IN ('barriers_q', 'rbarriers_q')";
    db.wait_for(&format!("SELECT ({scans}) > 0"));
    let scans: u64 = db.value(scans).parse().unwrap();
    assert!(scans < 1000, "{scans} looks at barriers");
}
