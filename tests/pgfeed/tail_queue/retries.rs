//! What many retries cost, and when they come.

use super::{consume, held, with_queue};
use crate::harness::Database;

/// How many rows were found by an index of the retry table until so many of its rows were gone.
#[track_caller]
fn read_until_gone(db: &Database, index: &str, rows: u32) -> u64 {
    // A session counts what it has read together with what it has removed.
    db.wait_for(&format!("SELECT n_tup_del >= {rows} FROM pg_stat_user_tables WHERE relname = 'retry_q'"));
    let read = format!("SELECT idx_tup_fetch::text FROM pg_stat_user_indexes WHERE indexrelname = '{index}_q'");
    db.value(&read).parse().unwrap()
}

#[test]
fn a_take_reads_no_more_of_what_waits_behind_many_keys_than_it_can_take() {
    let db = with_queue();
    db.sql(
        "INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due)
         SELECT n, now(), k, false, k || ' ' || i, 0, CASE WHEN i = 1 THEN now() END
         FROM generate_series(1, 100) i, generate_series(1, 500) k, LATERAL (SELECT (i - 1) * 500 + k) AS n(n);
         ANALYZE pgfeed.retry_q",
    );
    let output = consume(&db, &["-e"]).run().ok();
    super::in_order(output.lines(), 500, 100);
    let read = read_until_gone(&db, "keys", 50_000);
    assert!(read < 50_000 * 3, "{read}");
}

#[test]
fn a_take_reads_no_more_of_what_was_requeued_than_it_can_take() {
    let db = with_queue();
    db.sql(
        "INSERT INTO pgfeed.dead_q (id, at, key, barrier, payload, attempts)
         SELECT n, now(), n, false, n, 1 FROM generate_series(1, 20000) n",
    );
    db.pgfeed(["tail-queue", "q", "--dead", "--requeue"]).run().ok();
    db.sql("ANALYZE pgfeed.retry_q");
    consume(&db, &["-e"]).run().ok();
    let read = read_until_gone(&db, "due", 20_000);
    assert!(read < 20_000 * 2, "{read}");
}

#[test]
fn what_is_moved_behind_many_does_not_look_through_them() {
    let db = with_queue();
    db.sql(
        "INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due)
         SELECT n - 20000, now(), 1, false, n, 0, CASE WHEN n = 1 THEN now() + interval '1 day' END
         FROM generate_series(1, 20000) n;
         ANALYZE pgfeed.retry_q;
         INSERT INTO pgfeed.queue_q (key, payload) SELECT 2 - (n % 2), n FROM generate_series(1, 1000) n",
    );
    consume(&db, &["--batch", "20", "-n", "500"]).run().ok();
    db.wait_for("SELECT n_tup_ins = 20500 FROM pg_stat_user_tables WHERE relname = 'retry_q'");
    assert_eq!(held(&db), "0 20500 0");
    let read = read_until_gone(&db, "keys", 0);
    assert!(read < 2_000, "{read}");
}

#[test]
fn the_back_off_begins_with_the_failure() {
    let db = with_queue();
    super::store(&db, "x");
    // Each attempt takes longer than the longest back-off.
    let script = "date +%s%3N; sleep 1.2; date +%s%3N; exit 1";
    let always = ["-q", "tail-queue", "q", "-e", "--poll", "50ms", "--backoff", "1s", "--max-attempts", "2"];
    let told = db.pgfeed(always).args(["--", "sh", "-c", script]).run().ok();
    let times: Vec<u64> = told.lines().iter().map(|time| time.parse().unwrap()).collect();
    assert_eq!(times.len(), 4, "{told}");
    assert!(times[2] - times[1] >= 500, "{times:?}");
}

#[test]
fn what_waits_behind_two_that_end_at_once_goes_on_for_who_keeps_no_order() {
    let db = with_queue();
    db.sql(
        "INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due)
         SELECT n, now(), 1, false, n, 1, CASE WHEN n < 3 THEN now() END FROM generate_series(1, 3) n",
    );
    // Another worker, which has let go on what it saw in front, and is about to commit.
    let mut other = db.client();
    other.batch_execute("BEGIN; DELETE FROM pgfeed.retry_q WHERE id = 2").unwrap();
    let consumer = consume(&db, &["--unordered", "--poll", "50ms"]).spawn();
    assert_eq!(consumer.next_line(), "1");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.retry_q WHERE id = 1)");
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(consumer.next_line(), "3");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.retry_q)");
}
