//! A link that one side takes for open: the server has ended a session, and its client has not heard of it.

use std::fs;

use crate::harness::proxy::{Cut, Mode};
use crate::harness::{Database, Signal, wait_until};
use crate::tail_queue::{consume, held, make_queue, store};

#[test]
fn a_consumer_that_is_cut_off_loses_its_batch_to_another() {
    let (db, dir) = (Database::new(), tempfile::tempdir().unwrap());
    make_queue(&db, "q");
    (1..=3).for_each(|n| store(&db, &format!("\"1 {n}\"")));
    let proxy = db.proxy();
    let script = "cat >> seen; until [ -e go ]; do sleep 0.01; done";
    let cut_off =
        db.pgfeed(["tail-queue", "q", "--", "/bin/sh", "-c", script]).env("DATABASE_URL", proxy.url(db.name()));
    let cut_off = cut_off.current_dir(dir.path()).spawn();
    let seen = || fs::read_to_string(dir.path().join("seen")).unwrap_or_default();
    wait_until("the command has the first event", || seen().contains("1 1"));
    proxy.set(Mode::Blackhole);
    // What the server does by itself when the transaction was idle for longer than the command may take, and 30 s more.
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgfeed tail-queue' AND datname = current_database()");
    let other = consume(&db, &["-n", "3"]).run().ok();
    assert_eq!(other.lines(), ["\"1 1\"", "\"1 2\"", "\"1 3\""]);

    // When it hears of it, it goes on with what is new: the event that it had was not its own any more.
    fs::write(dir.path().join("go"), "").unwrap();
    proxy.set(Mode::Pass);
    proxy.cut(Cut::Reset);
    cut_off.wait_stderr("trying again");
    store(&db, "\"1 4\"");
    wait_until("it goes on", || seen().contains("1 4"));
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    assert_eq!((held(&db).as_str(), seen().lines().count()), ("0 0 0", 2));
    cut_off.signal(Signal::Term);
    cut_off.finish().code(130);
}

#[test]
fn a_server_that_is_silent_while_its_kernel_acknowledges_is_given_up() {
    for words in [&["--consume"][..], &[]] {
        let db = Database::new();
        make_queue(&db, "q");
        let proxy = db.proxy();
        let tail = db.pgfeed(["tail-queue", "q", "-o", "raw", "--poll", "200ms"]).args(words);
        let tail = tail.env("DATABASE_URL", proxy.url(db.name())).env("PGFEED_ANSWER", "500").spawn();
        store(&db, "1");
        assert_eq!(tail.next_line(), "1");
        if !words.is_empty() {
            db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
        }
        proxy.set(Mode::Blackhole);
        tail.wait_stderr("given up waiting for the server; trying again");
        // What was swallowed is missing in the old connections; new ones work.
        proxy.set(Mode::Pass);
        store(&db, "2");
        assert_eq!(tail.next_line(), "2", "{words:?}");
    }
}

#[test]
fn a_server_that_needs_longer_than_it_gets_is_given_longer() {
    let db = Database::new();
    make_queue(&db, "q");
    db.sql(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN OLD; END';
         CREATE TRIGGER dawdle BEFORE DELETE ON pgfeed.queue_q FOR EACH ROW EXECUTE FUNCTION dawdle()",
    );
    store(&db, "1");
    let proxy = db.proxy();
    let tail = consume(&db, &["--poll", "200ms", "-n", "1"]);
    let tail = tail.env("DATABASE_URL", proxy.url(db.name())).env("PGFEED_ANSWER", "500").spawn();
    tail.wait_stderr("given up waiting for the server; trying again");
    tail.finish().ok().stdout_is("1\n");
    assert_eq!(held(&db), "0 0 0");
}
