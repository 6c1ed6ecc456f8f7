//! A target that is away, cut off, blocked or changed under our hands: nothing is lost, nothing dies, nothing old comes back.

use super::{MOVIES, deliver, held, url, watched};
use crate::harness::proxy::{Cut, Mode};
use crate::harness::{Database, Pgfeed, Signal, own_server, wait_until};

const MAP: &str = "table=copy&map=movie_id:id,title:title";
const COPY: &str = "CREATE TABLE copy (id int PRIMARY KEY, title text)";

/// A run that goes on, to a target behind a proxy.
fn follow(db: &Database, url: &str) -> Pgfeed {
    db.pgfeed(["tail-queue", "q", "--poll", "100ms", "--backoff", "10ms", "--max-attempts", "1", "--to", url])
}

#[test]
fn a_target_that_is_away_at_start_and_later_is_waited_for() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    let proxy = other.proxy();
    proxy.refuse();
    db.sql("INSERT INTO movies SELECT n, 'x' FROM generate_series(1, 100) n");
    let running = follow(&db, &format!("{}?{MAP}", proxy.url(other.name()))).spawn();
    running.wait_stderr("trying again");
    proxy.accept();
    other.wait_for("SELECT count(*) = 100 FROM copy");
    proxy.refuse();
    proxy.cut(Cut::Reset);
    db.sql("UPDATE movies SET title = 'y'");
    running.wait_stderr("trying again");
    proxy.accept();
    other.wait_for("SELECT count(*) = 100 FROM copy WHERE title = 'y'");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    assert_eq!(held(&db), "0 0 0");
    assert_eq!(running.stderr().matches("trying again").count(), 2, "{}", running.stderr());
}

#[test]
fn a_commit_whose_answer_is_lost_is_repeated_without_harm() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    let proxy = other.proxy();
    proxy.set(Mode::LoseAnswerTo("COMMIT"));
    db.sql("INSERT INTO movies VALUES (1, 'one'), (2, 'two')");
    let running = follow(&db, &format!("{}?{MAP}", proxy.url(other.name()))).spawn();
    running.wait_stderr("trying again");
    proxy.set(Mode::Pass);
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    assert_eq!(
        (held(&db), other.rows("SELECT * FROM copy ORDER BY id")),
        ("0 0 0".into(), vec!["1|one".into(), "2|two".into()])
    );
}

#[test]
fn a_table_that_changes_meanwhile_is_looked_at_again() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    for to in [&other, &db] {
        let running = follow(&db, &url(to, MAP)).spawn();
        db.sql("TRUNCATE movies; DELETE FROM pgfeed.queue_q; INSERT INTO movies VALUES (1, 'one')");
        to.wait_for("SELECT count(*) = 1 FROM copy");
        to.sql("ALTER TABLE copy ALTER id TYPE bigint, ADD more int DEFAULT 7");
        db.sql("INSERT INTO movies VALUES (2, 'two')");
        to.wait_for("SELECT count(*) = 2 FROM copy");
        to.sql("ALTER TABLE copy RENAME TO away");
        db.sql("INSERT INTO movies VALUES (3, 'three')");
        running.wait_stderr("trying again");
        to.sql("ALTER TABLE away RENAME TO copy");
        to.wait_for("SELECT count(*) = 3 FROM copy");
        running.wait_stderr("delivering again");
        running.kill();
    }
}

#[test]
fn a_table_that_is_dropped_while_it_runs_is_told_once_and_waited_for() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    for to in [&other, &db] {
        db.sql("TRUNCATE movies; DELETE FROM pgfeed.queue_q");
        let running = follow(&db, &url(to, MAP)).spawn();
        db.sql("INSERT INTO movies VALUES (1, 'one')");
        db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
        to.sql("DROP TABLE copy");
        db.sql("INSERT INTO movies VALUES (2, 'two')");
        running.wait_stderr("relation \"public.copy\" does not exist; trying again\n");
        to.sql(COPY);
        running.wait_stderr("delivering again\n");
        db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
        assert_eq!((to.rows("SELECT * FROM copy"), held(&db)), (vec!["2|two".to_owned()], "0 0 0".to_owned()));
        let told = running.kill();
        assert_eq!(told.stderr.matches("trying again").count(), 1, "{told}");
    }
}

#[test]
fn a_table_that_is_dropped_before_anything_has_come_is_waited_for_too() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    let proxy = other.proxy();
    let running = follow(&db, &format!("{}?{MAP}", proxy.url(other.name()))).spawn();
    wait_until("it has found the table", || proxy.accepted() > 0 && proxy.connections() == 0);
    other.sql("DROP TABLE copy");
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    running.wait_stderr("there is no table copy; trying again\n");
    other.sql(COPY);
    running.wait_stderr("delivering again\n");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    assert_eq!(other.rows("SELECT * FROM copy"), ["1|one"]);
}

#[test]
fn whoever_holds_a_row_is_waited_for() {
    let db = watched(MOVIES, COPY);
    db.sql("INSERT INTO copy VALUES (1, 'held')");
    let mut holder = db.client();
    holder.batch_execute("BEGIN; SELECT FROM copy FOR UPDATE").unwrap();
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    let running = follow(&db, &url(&db, MAP)).spawn();
    db.wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')");
    drop(holder);
    db.wait_for("SELECT title = 'one' FROM copy");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    drop(running);
}

#[test]
fn who_stood_still_and_lost_its_batch_writes_nothing_old_over_what_is_new() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    let proxy = other.proxy();
    let first = follow(&db, &format!("{}?{MAP}", proxy.url(other.name()))).spawn();
    db.sql("INSERT INTO movies VALUES (1, 'first')");
    other.wait_for("SELECT count(*) = 1 FROM copy");
    // What it sends now arrives late; its session with the queue ends meanwhile, and its batch is free for others.
    proxy.set(Mode::Stall);
    db.sql("UPDATE movies SET title = 'old'");
    let in_flight = "FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    db.wait_for(&format!("SELECT count(*) = 1 {in_flight}"));
    db.wait_for(&format!("SELECT COALESCE(bool_or(pg_terminate_backend(pid)), false) {in_flight}"));
    db.sql("UPDATE movies SET title = 'new'");
    let second = follow(&db, &url(&other, MAP)).spawn();
    other.wait_for("SELECT title = 'new' FROM copy");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    proxy.set(Mode::Pass);
    wait_until("the first one has noticed", || first.stderr().contains("trying again"));
    other.wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid())");
    assert_eq!(other.rows("SELECT title FROM copy"), ["new"]);
    drop((first, second));
}

#[test]
fn a_target_that_answers_nothing_does_not_hang_a_stop() {
    let db = watched(MOVIES, COPY);
    let server = own_server();
    let other = server.database();
    other.sql(COPY);
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    let running = follow(&db, &url(&other, MAP)).spawn();
    other.wait_for("SELECT count(*) = 1 FROM copy");
    let proxy = other.proxy();
    drop(running);
    proxy.set(Mode::Stall);
    db.sql("INSERT INTO movies VALUES (2, 'two')");
    let running = follow(&db, &format!("{}?{MAP}&connect_timeout=1", proxy.url(other.name()))).spawn();
    running.wait_stderr("trying again");
    running.signal(Signal::Term);
    running.finish().code(130);
    assert_eq!(held(&db), "1 0 0");
    drop(deliver(&db, &other, MAP).run().ok());
}
