//! Changes that a trigger of the table refuses as if that would pass: while others get through it is their own fault, and else nobody's.

use super::{MOVIES, deliver, held, url, watched};
use crate::harness::Running;
use crate::harness::{Database, wait_until};

const MAP: &str = "table=copy&map=movie_id:id,title:title";
/// A copy that refuses some titles with an SQLSTATE of their own, and counts how often.
const COPY: &str = "CREATE TABLE copy (id int PRIMARY KEY, title text); CREATE SEQUENCE refusals; CREATE TABLE closed (with_code text);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE code text := (SELECT min(with_code) FROM closed); BEGIN
        IF code IS NULL AND NEW.title LIKE 'bad%' THEN code := right(NEW.title, 5); END IF;
        IF code IS NOT NULL THEN PERFORM nextval('refusals'); RAISE 'not now' USING ERRCODE = code; END IF;
        RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON copy FOR EACH ROW EXECUTE FUNCTION refuse()";

#[test]
fn a_row_that_is_refused_as_if_that_would_pass_dies_alone_after_some_time() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    for to in [&db, &other] {
        db.sql("DELETE FROM movies; DELETE FROM pgfeed.queue_q; DELETE FROM pgfeed.dead_q");
        db.sql(
            "INSERT INTO movies SELECT n, COALESCE('bad ' || code, 't') FROM generate_series(1, 300) n LEFT JOIN
             (VALUES (1, '40001'), (7, '57014'), (8, '53300'), (150, '08006'), (151, '55P03'), (152, 'XX000'), (300, '25006'))
             AS bad (id, code) ON bad.id = n; UPDATE movies SET title = 'good' WHERE movie_id = 7",
        );
        let run = deliver(&db, to, MAP).args(["--max-attempts", "2"]).run().ok();
        run.stderr_has("attempt 2: not now").lacks("trying again");
        assert_eq!(held(&db), "0 0 7");
        // What came later for the same row goes on when the bad one is dead.
        assert_eq!(
            to.rows(
                "SELECT count(*), min(title) FILTER (WHERE id = 7), count(*) FILTER (WHERE id IN (1, 8, 300)) FROM copy"
            ),
            ["294|good|0"]
        );
        assert!(to.value("SELECT last_value >= 7 * 6 FROM refusals") == "t");
    }
}

#[test]
fn a_table_that_takes_no_rows_for_now_is_nobodys_fault_though_it_lets_them_go() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    for to in [&db, &other] {
        db.sql("DELETE FROM movies; DELETE FROM pgfeed.queue_q");
        let follow = ["tail-queue", "q", "--poll", "100ms", "--backoff", "10ms", "--max-attempts", "1", "--to"];
        let running = db.spawn(follow.into_iter().chain([url(to, MAP).as_str()]));
        db.sql("INSERT INTO movies SELECT n, 't' FROM generate_series(1, 100) n");
        to.wait_for("SELECT count(*) = 100 FROM copy");
        // Its removals go on: they are no proof that it takes anything.
        to.sql("INSERT INTO closed VALUES ('53300')");
        db.sql("UPDATE movies SET title = 'u' WHERE movie_id <= 12; DELETE FROM movies WHERE movie_id > 12");
        to.wait_for("SELECT count(*) = 12 FROM copy");
        let refusals = || to.value("SELECT last_value FROM refusals").parse::<u64>().unwrap();
        let before = refusals();
        wait_until("it was tried many times", || refusals() > before + 12 * 6);
        running.wait_stderr("not now; trying again");
        assert_eq!(db.value("SELECT count(*) FROM pgfeed.dead_q"), "0");
        to.sql("TRUNCATE closed");
        to.wait_for("SELECT count(*) = 12 FROM copy WHERE title = 'u'");
        db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
        running.kill().lacks("refused");
        assert_eq!(held(&db), "0 0 0");
    }
}

#[test]
fn what_the_server_says_of_a_locked_row_is_waited_for() {
    let copy =
        "CREATE TABLE copy (id int PRIMARY KEY, title text); CREATE FUNCTION hurry() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM set_config('lock_timeout', '50ms', true); RETURN NULL; END $$;
        CREATE TRIGGER hurry BEFORE INSERT ON copy FOR EACH STATEMENT EXECUTE FUNCTION hurry()";
    let (db, other) = (watched(MOVIES, copy), Database::new());
    other.sql(copy);
    db.sql("INSERT INTO movies SELECT n, 't' FROM generate_series(1, 9) n");
    deliver(&db, &other, MAP).run().ok();
    let mut holder = other.client();
    holder.batch_execute("BEGIN; SELECT FROM copy WHERE id = 5 FOR UPDATE").unwrap();
    db.sql("UPDATE movies SET title = 'u'");
    let follow = ["tail-queue", "q", "--poll", "100ms", "--backoff", "10ms", "--max-attempts", "1", "--to"];
    let running = db.spawn(follow.into_iter().chain([url(&other, MAP).as_str()]));
    running.wait_stderr("canceling statement due to lock timeout; trying again");
    // The others of its batch wait with it, since nobody is to blame.
    assert_eq!(other.value("SELECT title FROM copy WHERE id = 6"), "t");
    drop(holder);
    other.wait_for("SELECT count(*) = 9 FROM copy WHERE title = 'u'");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    running.kill().lacks("refused");
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn one_that_was_alone_makes_way_for_those_that_come_later() {
    let db = watched(MOVIES, COPY);
    let follow = ["tail-queue", "q", "--poll", "100ms", "--backoff", "10ms", "--max-attempts", "1", "--to"];
    let running = db.spawn(follow.into_iter().chain([url(&db, MAP).as_str()]));
    db.sql("INSERT INTO movies VALUES (1, 'bad 40001')");
    db.wait_for("SELECT last_value > 2 FROM refusals");
    assert_eq!(held(&db), "0 1 0");
    db.sql("INSERT INTO movies VALUES (2, 't')");
    db.wait_for("SELECT count(*) = 1 FROM copy");
    db.wait_for("SELECT count(*) = 1 FROM pgfeed.dead_q WHERE error = 'not now'");
    running.kill().stderr_has("trying again");
    assert_eq!(held(&db), "0 0 1");
}

/// Delivers each event once at most, and tells soon what it waits for.
fn follow(db: &Database, parameters: &str) -> Running {
    let words = ["tail-queue", "q", "--poll", "100ms", "--backoff", "10ms", "--max-attempts", "1", "--to"];
    db.spawn(words.into_iter().chain([url(db, parameters).as_str()]))
}

#[test]
fn columns_that_come_and_go_on_both_sides_are_followed() {
    let db = watched(
        "CREATE TABLE movies (id int PRIMARY KEY, title text)",
        "CREATE TABLE copy (id int PRIMARY KEY, title text)",
    );
    let running = follow(&db, "table=copy");
    db.sql("INSERT INTO movies VALUES (1, 'a')");
    db.wait_for("SELECT count(*) = 1 FROM copy");
    db.sql("ALTER TABLE copy DROP title; ALTER TABLE movies DROP title; INSERT INTO movies VALUES (2)");
    db.wait_for("SELECT count(*) = 2 FROM copy");
    assert_eq!((running.stderr().as_str(), held(&db).as_str()), ("", "0 0 0"));
}

#[test]
fn what_no_change_tells_is_waited_for() {
    let db = watched(MOVIES, "CREATE TABLE copy (movie_id int PRIMARY KEY, title text, stars int)");
    db.sql("INSERT INTO movies SELECT n, 'b' FROM generate_series(1, 49) n");
    let running = follow(&db, "table=copy");
    running.wait_stderr(
        "\"new\" has no \"stars\" (with map= only the columns that it names are kept in step); trying again",
    );
    assert!(held(&db).ends_with(" 0"), "{}", held(&db));
    db.sql("ALTER TABLE copy DROP stars");
    db.wait_for("SELECT count(*) = 49 FROM copy");
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.dead_q"), "0");
}

#[test]
fn what_one_change_does_not_tell_while_others_do_is_its_own_fault() {
    let db = watched(MOVIES, "CREATE TABLE copy (id int PRIMARY KEY, title text)");
    let change = |key: i32, rest: &str| {
        let about = r#""op":"INSERT","schema":"public","table":"movies""#;
        db.sql(&format!("INSERT INTO pgfeed.queue_q (key, payload) VALUES ({key}, '{{{about},{rest}}}')"));
    };
    change(1, r#""key":{"movie_id":1},"new":{"movie_id":1}"#);
    change(2, r#""key":{"movie_id":2}"#);
    change(3, r#""key":{"id":3},"new":{"movie_id":3,"title":"x"}"#);
    db.sql("INSERT INTO movies SELECT n, 't' FROM generate_series(4, 40) n");
    deliver(&db, &db, MAP).args(["--on-error", "dead"]).run().ok();
    let expected = [
        "\"new\" has no \"title\" (with map= only the columns that it names are kept in step)",
        "the change tells no \"new\" (a trigger with --payload row does)",
        "its key is (id), and the table's is that of (movie_id): say with key= which is meant, or with map= what its columns are called there",
    ];
    assert_eq!(db.rows("SELECT error FROM pgfeed.dead_q ORDER BY id"), expected);
    assert_eq!(db.value("SELECT count(*) FROM copy"), "37");
}
