//! What commits late is not passed over, and a taking statement takes no more than its limit.

use super::{consume, held, store, with_queue};

#[test]
fn what_commits_late_with_a_lower_id_comes_before_what_its_row_tells_later() {
    let db = with_queue();
    // Key 1 is late; keys 2 to 4 push the floor up all the time meanwhile, in the same worker.
    let mut late = db.client();
    late.batch_execute("BEGIN; INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, 'late')").unwrap();
    let consumer = consume(&db, &["--poll", "50ms"]).spawn();
    for n in 0..20 {
        db.sql(&format!("INSERT INTO pgfeed.queue_q (key, payload) SELECT 2 + g % 3, 'other' FROM generate_series(1, 5) g; SELECT {n}"));
        consumer.wait_stdout_line(|line| line == "other");
    }
    // Transactions that started later and ended: the late one alone holds the floor.
    late.batch_execute("COMMIT").unwrap();
    store(&db, "later");
    assert_eq!(consumer.wait_stdout_line(|line| line != "other"), "late");
    assert_eq!(consumer.wait_stdout_line(|line| line != "other"), "later");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
}

#[test]
fn a_late_subtransaction_and_a_prepared_transaction_hold_the_floor() {
    let server = crate::harness::own_server_with(|builder| builder.setting("max_prepared_transactions", "5"));
    let db = server.database();
    super::make_queue(&db, "q");
    let mut late = db.client();
    late.batch_execute(
        "BEGIN; SAVEPOINT s; INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, 'savepoint'); RELEASE s",
    )
    .unwrap();
    db.sql("BEGIN; INSERT INTO pgfeed.queue_q (key, payload) VALUES (2, 'prepared'); PREPARE TRANSACTION 'p'");
    let consumer = consume(&db, &["--poll", "50ms"]).spawn();
    for n in 0..10 {
        db.sql(&format!("INSERT INTO pgfeed.queue_q (key, payload) VALUES (3, 'other {n}')"));
        assert_eq!(consumer.next_line(), format!("other {n}"));
    }
    db.sql("COMMIT PREPARED 'p'");
    assert_eq!(consumer.next_line(), "prepared");
    late.batch_execute("COMMIT").unwrap();
    assert_eq!(consumer.next_line(), "savepoint");
}

#[test]
fn a_take_keeps_to_its_limit_whatever_the_statistics_say() {
    let db = with_queue();
    store(&db, "1");
    db.sql("VACUUM ANALYZE pgfeed.queue_q");
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) SELECT n, n FROM generate_series(2, 20000) n");
    let mut left = 20_000;
    let settings =
        ["enable_hashjoin=off", "enable_indexscan=off", "enable_tidscan=off", "enable_nestloop=off", "enable_sort=off"];
    for setting in settings {
        for order in [&[][..], &["--unordered"]] {
            let options = format!("-c {setting}");
            consume(&db, &["-n", "3", "--batch", "3"]).args(order).env("PGOPTIONS", options).run().ok();
            left -= 3;
            assert_eq!(held(&db), format!("{left} 0 0"), "{setting}");
        }
    }
    db.sql("ANALYZE pgfeed.queue_q");
    consume(&db, &["-n", "1"]).run().ok();
    assert_eq!(held(&db), format!("{} 0 0", left - 1));
}

#[test]
fn what_commits_late_in_front_of_a_failed_event_of_its_key_does_not_wait_for_ever() {
    let db = with_queue();
    let mut late = db.client();
    late.batch_execute("BEGIN; INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, 'late')").unwrap();
    store(&db, "failed");
    let script = "grep -q late && echo late";
    let consumer = db.spawn(["tail-queue", "q", "--poll", "50ms", "--backoff", "1h", "--", "sh", "-c", script]);
    db.wait_for("SELECT EXISTS (SELECT FROM pgfeed.retry_q)");
    late.batch_execute("COMMIT").unwrap();
    // It is older than the one that failed, so it has its turn first, and now.
    assert_eq!(consumer.next_line(), "late");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    store(&db, "later");
    db.wait_for("SELECT array_agg(payload ORDER BY id) = '{failed,later}' FROM pgfeed.retry_q");
}
