//! What becomes of events that a command refuses.

use super::{consume, enqueue, held, in_order, store, with_queue};
use crate::harness::{Database, Output, Pgfeed, Stdout};

/// Delivers to a shell command until nothing is left.
fn deliver(db: &Database, args: &[&str], script: &str) -> Output {
    let always = ["tail-queue", "q", "-e", "--poll", "100ms", "--backoff", "10ms"];
    db.pgfeed(always).args(args).args(["--", "sh", "-c", script]).run()
}

/// Prints the payload, and refuses those that have this in them.
fn refuse(what: &str) -> String {
    format!(
        "read -r line; payload=${{line##*\\\"payload\\\":\\\"}}; payload=${{payload%%\\\"*}}; case $payload in {what}) exit 1;; esac; echo \"$payload\""
    )
}

#[test]
fn a_poison_dies_with_its_error_and_its_neighbours_are_delivered() {
    let db = with_queue();
    db.sql(&enqueue(3, 2));
    let output = deliver(&db, &["--max-attempts", "3"], &refuse("'2 1'")).ok();
    let mut lines = output.lines();
    lines.sort_unstable();
    // The later event of the poison's key goes on once that is dead.
    assert_eq!(lines, ["1 1", "1 2", "2 2", "3 1", "3 2"]);
    assert_eq!(held(&db), "0 0 1");
    let dead = db.pgfeed(["tail-queue", "q", "--dead"]).run().ok().json();
    assert_eq!((&dead[0]["id"], &dead[0]["attempt"], &dead[0]["payload"]), (&2.into(), &3.into(), &"2 1".into()));
    assert_eq!(dead[0]["error"], "exit code 1", "{dead:?}");
}

#[test]
fn in_batch_mode_only_the_poison_dies() {
    for policy in [&["--max-attempts", "3"][..], &["--max-attempts", "1"], &["--on-error", "dead"]] {
        let db = with_queue();
        db.sql(&enqueue(50, 4));
        let log = tempfile::NamedTempFile::new().unwrap();
        let script = format!(
            "all=$(cat); case $all in *'\"7 2\"'*) exit 1;; esac; echo \"$all\" | sed 's/.*\"payload\":\"//; s/\".*//' >> {}",
            log.path().display()
        );
        deliver(&db, &[&["--exec-mode", "batch"], policy].concat(), &script).ok();
        assert_eq!(db.rows("SELECT payload FROM pgfeed.dead_q"), ["7 2"], "{policy:?}");
        assert_eq!(held(&db), "0 0 1", "{policy:?}");
        let delivered = std::fs::read_to_string(log.path()).unwrap();
        assert_eq!(delivered.lines().count(), 199, "{policy:?}");
        let poisoned = delivered.lines().map(|line| if line == "7 1" { "7 1\n7 2" } else { line });
        in_order(poisoned.flat_map(str::lines), 50, 4);
    }
}

#[test]
fn in_batch_mode_a_poison_that_hangs_is_found_though_the_time_for_a_batch_is_over_before() {
    let db = with_queue();
    db.sql(&enqueue(8, 1));
    let script = "all=$(cat); case $all in *'\"7 1\"'*) sleep 60;; esac; echo \"$all\"";
    let args = ["--exec-mode", "batch", "--on-error", "dead", "--exec-timeout", "600ms"];
    let always = ["tail-queue", "q", "-e", "--poll", "100ms"];
    // Half of the hold is over when the second half of a batch has hung.
    let run = db.pgfeed(always).args(args).env("PGFEED_HOLD", "2400").args(["--", "sh", "-c", script]).run().ok();
    assert_eq!(run.lines().len(), 7, "{run}");
    assert_eq!(db.rows("SELECT payload || ': ' || error FROM pgfeed.dead_q"), ["7 1: timed out after 600ms"]);
    assert_eq!(held(&db), "0 0 1");
}

#[test]
fn what_a_dead_stream_left_untried_comes_again_as_its_first_attempt() {
    for order in [&[][..], &["--unordered"]] {
        let db = with_queue();
        db.sql(&enqueue(6, 1));
        let marker = tempfile::tempdir().unwrap();
        // Dies on the second event when it runs for the first time.
        let script = format!(
            "n=0; while read -r line; do n=$((n+1)); id=${{line##*\\\"id\\\":}}; id=${{id%%,*}};
             if [ $n = 2 ] && mkdir {}/died; then exit 1; fi; echo \"$id\"; echo \"$line\" >&2; done",
            marker.path().display()
        );
        let output = deliver(&db, &[&["--exec-mode", "stream"], order].concat(), &script).ok();
        assert_eq!(held(&db), "0 0 0");
        // What it said last is also told as the reason of its end.
        let said: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with('{')).collect();
        let attempts = |attempt: u32| {
            let of_it = format!("\"attempt\":{attempt},");
            said.iter().filter(|line| line.contains(&of_it)).count()
        };
        assert_eq!((attempts(1), attempts(2)), (5, 1), "{output}");
    }
}

#[test]
fn a_failed_event_waits_longer_each_time_and_keeps_its_row_waiting() {
    let db = with_queue();
    db.sql(&enqueue(1, 3));
    let running = db.spawn(["tail-queue", "q", "--backoff", "1h", "--max-attempts", "3", "--", "false"]);
    db.wait_for("SELECT count(*) = 3 FROM pgfeed.retry_q");
    drop(running);
    let due = "SELECT payload, attempts, due IS NULL, due > now() + interval '25 minutes', due < now() + interval '61 minutes'
               FROM pgfeed.retry_q ORDER BY id";
    // An hour, at most 10 minutes, spread by half.
    assert_eq!(
        db.rows(&due.replace("25 minutes", "4 minutes").replace("61 minutes", "10 minutes")),
        ["1 1|1|f|t|t", "1 2|0|t||", "1 3|0|t||"]
    );
    db.sql("UPDATE pgfeed.retry_q SET due = now() WHERE due IS NOT NULL");
    let output = deliver(&db, &[], &refuse("x")).ok();
    assert_eq!(output.lines(), ["1 1", "1 2", "1 3"]);
}

#[test]
fn what_waits_behind_a_failed_event_is_moved_there_in_few_transactions() {
    let db = with_queue();
    db.sql("INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due) VALUES (-1, now(), 1, false, '1 0', 1, now() + interval '1 day')");
    // Among them is one of another key, which stays until its turn.
    db.sql(
        "INSERT INTO pgfeed.queue_q (key, payload) SELECT 1 + (n = 1500)::int, n::text FROM generate_series(1, 3000) n",
    );
    consume(&db, &["--batch", "1", "-n", "1"]).run().ok().stdout_is("1500\n");
    assert_eq!(db.value("SELECT count(DISTINCT xmin::text)::text FROM pgfeed.retry_q WHERE id > 0"), "2");
    consume(&db, &["--batch", "1", "-t", "2s"]).run();
    assert_eq!(held(&db), "0 3000 0");
    let order = "SELECT bool_and(due IS NULL)::text FROM pgfeed.retry_q WHERE id > 0";
    assert_eq!(db.value(order), "true");
}

#[test]
fn what_waits_behind_comes_out_for_who_keeps_no_order_too() {
    let db = with_queue();
    db.sql(&enqueue(1, 3));
    let running = db.spawn(["tail-queue", "q", "--backoff", "1h", "--", "false"]);
    db.wait_for("SELECT count(*) = 3 FROM pgfeed.retry_q");
    running.kill();
    db.sql("UPDATE pgfeed.retry_q SET due = now() WHERE due IS NOT NULL");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pg_locks WHERE classid = 1885824589 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))");
    assert_eq!(deliver(&db, &["--unordered"], &refuse("x")).ok().lines(), ["1 1", "1 2", "1 3"]);
}

#[test]
fn on_error() {
    let db = with_queue();
    db.sql(&enqueue(2, 1));
    deliver(&db, &["--on-error", "stop"], "exit 7").code(1).stderr_has("delivering an event: exit code 7");
    let waiting: Vec<String> =
        db.rows("SELECT payload FROM pgfeed.queue_q UNION ALL SELECT payload FROM pgfeed.retry_q ORDER BY 1");
    assert_eq!(waiting, ["1 1", "2 1"]);
    deliver(&db, &["--on-error", "dead"], "exit 7").ok();
    assert_eq!(held(&db), "0 0 2");
}

#[test]
fn the_dead_are_shown_requeued_and_purged() {
    let db = with_queue();
    db.sql(&enqueue(4, 1));
    deliver(&db, &["--on-error", "dead"], "exit 7").ok();
    let dead = |args: &[&str]| db.pgfeed(["tail-queue", "q", "--dead"]).args(args).run().ok();
    let late = "pgfeed: they come after newer events of their rows that were delivered meanwhile: ";
    dead(&["--requeue", "--id", "2,3,99"])
        .stdout_is("requeued 2 dead events of queue \"q\"\n")
        .stderr_has("pgfeed: queue \"q\" has no dead event with the id 99\n")
        .stderr_has(late);
    for what in [&["--requeue"][..], &["--purge"], &[]] {
        let run = dead(&[what, &["--id", "98,99"]].concat());
        run.stderr_is("pgfeed: queue \"q\" has no dead event with the id 98, 99\n");
    }
    dead(&["--purge", "--id", "1"]).stdout_is("purged 1 dead events of queue \"q\"\n");
    assert_eq!(held(&db), "0 2 1");
    let output = deliver(&db, &[], "cat").ok();
    let events: Vec<_> =
        output.json().iter().map(|event| (event["id"].to_string(), event["attempt"].to_string())).collect();
    assert_eq!(events, [("2".to_owned(), "1".to_owned()), ("3".to_owned(), "1".to_owned())]);
    dead(&["-o", "raw"]).stdout_is("4 1\n");
    dead(&["--purge"]).stdout_is("purged 1 dead events of queue \"q\"\n");
    dead(&[]).stdout_is("");
    db.pgfeed(["tail-queue", "q", "--requeue"]).run().code(2);
    db.pgfeed(["tail-queue", "q", "--id", "1"]).run().code(2);
}

#[test]
fn the_dead_are_shown_page_by_page() {
    let db = with_queue();
    db.sql(
        "INSERT INTO pgfeed.dead_q (id, at, key, barrier, payload, attempts, error)
         SELECT i, now(), 1, false, CASE WHEN i > 1010 THEN repeat('x', 5000000) ELSE i || E' \u{1b}[2J' END, 1, E'no\nway'
         FROM generate_series(-1, 1013) i",
    );
    let dead = |args: &[&str]| db.pgfeed(["tail-queue", "q", "--dead"]).args(args).run().ok();
    let ids: Vec<i64> = dead(&[]).json().iter().map(|event| event["id"].as_i64().unwrap()).collect();
    assert!(ids.into_iter().eq(-1..=1013));
    dead(&["-o", "pretty", "--id", "7"]).stdout_is("7 dead after 1 attempts: no\\nway 7 \\u{001b}[2J\n");
    dead(&["-o", "raw", "-0", "--id", "7,8"]).stdout_is("7 \u{1b}[2J\08 \u{1b}[2J\0");
    let head = db.pgfeed(["tail-queue", "q", "--dead", "-o", "raw"]).stdout(Stdout::Head(1)).run().ok();
    head.stdout_has("-1 \u{1b}[2J\n").stderr_is("");
}

#[test]
fn requeued_events_of_a_row_keep_their_order() {
    let db = with_queue();
    store(&db, "one");
    store(&db, "two");
    db.pgfeed(["-q", "tail-queue", "q", "-e", "--on-error", "dead", "--", "false"]).run().ok();
    db.pgfeed(["tail-queue", "q", "--dead", "--requeue"]).run().ok();
    // Refuses the first event once.
    let script = r#"echo "$PGFEED_ID"; test -e "$HOME/refused" || { touch "$HOME/refused"; exit 1; }"#;
    let words = ["-q", "tail-queue", "q", "-e", "--backoff", "10ms", "--", "sh", "-c", script];
    db.pgfeed(words).run().ok().stdout_is("1\n1\n2\n");
}

#[test]
fn a_reason_that_the_encoding_cannot_hold_is_escaped() {
    let admin = Database::new();
    let name = format!("{}_l1", admin.name());
    admin.sql(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"));
    let url = admin.server().cluster().socket_url(&name);
    let run = |args: &[&str]| Pgfeed::new(args).env("DATABASE_URL", &url).run();
    run(&["notify", "--queue", "q", "--create", "x"]).ok();
    let refuse = "while read -r line; do echo '1 нет'; done";
    let words = ["tail-queue", "q", "-e", "--max-attempts", "2", "--backoff", "10ms", "--poll", "100ms"];
    run(&[&words[..], &["--exec-mode", "stream", "--", "sh", "-c", refuse]].concat()).ok();
    let dead = run(&["tail-queue", "q", "--dead"]).ok().json();
    assert_eq!(dead[0]["error"], "\\u{43d}\\u{435}\\u{442}");
    admin.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
}

#[test]
fn what_has_waited_behind_a_failed_event_goes_on_in_batches() {
    let db = with_queue();
    // The first has not failed itself; one has a time of its own, and those behind it wait for it.
    db.sql(
        "INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due) SELECT n, now(), 1, false, '1 ' || n, 0, NULL
         FROM generate_series(1, 3000) n;
         UPDATE pgfeed.retry_q SET due = now() WHERE id = 1;
         UPDATE pgfeed.retry_q SET due = now() + interval '1 day', attempts = 1 WHERE id = 2501;
         CREATE TABLE takes (events bigint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN INSERT INTO public.takes SELECT pg_catalog.count(*) FROM taken HAVING pg_catalog.count(*) > 0; RETURN NULL; END';
         CREATE TRIGGER note AFTER DELETE ON pgfeed.retry_q REFERENCING OLD TABLE AS taken
           FOR EACH STATEMENT EXECUTE FUNCTION note()",
    );
    let output = consume(&db, &["-n", "2500", "--poll", "50ms"]).run().ok();
    super::in_order(output.lines(), 1, 2500);
    assert_eq!(held(&db), "0 500 0");
    let takes: i64 = db.value("SELECT count(*)::text FROM takes").parse().unwrap();
    // Batches begin small and grow to a thousand.
    assert!(takes < 20, "{takes}");
}

#[test]
fn what_was_read_ahead_of_a_failure_is_not_delivered_twice() {
    let db = with_queue();
    // Batches of 4, 16, 64 and 256 have one with a failure and a following one that is small.
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) SELECT n, n::text FROM generate_series(1, 390) n");
    let failed = std::sync::atomic::AtomicBool::new(false);
    let server = crate::harness::http::Http::start(move |request, _| {
        let is_poison = request.body.contains("\"payload\":\"100\"");
        let first = is_poison && !failed.swap(true, std::sync::atomic::Ordering::SeqCst);
        crate::harness::http::Reply::status(if first { 422 } else { 204 })
    });
    let url = format!("http://127.0.0.1:{}/", server.port());
    db.pgfeed(["tail-queue", "q", "-e", "--backoff", "10ms", "--to", &url]).run().ok();
    assert_eq!((server.got().len(), held(&db).as_str()), (391, "0 0 0"));
}
