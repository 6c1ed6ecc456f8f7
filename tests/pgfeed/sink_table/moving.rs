//! Rows whose key changes: they keep what nobody has told about, where that is known to be theirs.

use super::{MOVIES, deliver, held, url, watched};
use crate::harness::Database;

const MAP: &str = "table=copy&map=movie_id:id,title:title";
/// With a column that the map does not name.
const COPY: &str = "CREATE TABLE copy (id int PRIMARY KEY, title text, stars int)";

fn copied(db: &Database) -> Vec<String> {
    db.rows("SELECT * FROM copy ORDER BY id")
}

#[test]
fn a_row_that_changes_its_key_keeps_what_was_not_told_and_one_that_comes_again_is_new() {
    let (db, other) = (watched(MOVIES, COPY), Database::new());
    other.sql(COPY);
    for to in [&db, &other] {
        let deliver = || deliver(&db, to, MAP).run().ok().stderr_is("");
        db.sql("DELETE FROM movies; INSERT INTO movies VALUES (1, 'one'), (2, 'two')");
        deliver();
        to.sql("UPDATE copy SET stars = id");
        db.sql("UPDATE movies SET movie_id = 3 WHERE movie_id = 1; UPDATE movies SET title = 'dos' WHERE movie_id = 2");
        deliver();
        assert_eq!(copied(to), ["2|dos|2", "3|one|1"]);
        db.sql("DELETE FROM movies WHERE movie_id = 2; INSERT INTO movies VALUES (2, 'zwei')");
        deliver();
        assert_eq!(copied(to), ["2|zwei|", "3|one|1"]);
        // Swapped: in no order of single rows, but in that of the changes.
        db.sql(
            "BEGIN; UPDATE movies SET movie_id = 9 WHERE movie_id = 2; UPDATE movies SET movie_id = 2 WHERE movie_id = 3;
                UPDATE movies SET movie_id = 3 WHERE movie_id = 9; COMMIT",
        );
        deliver();
        assert_eq!(copied(to), ["2|one|1", "3|zwei|"]);
    }
}

#[test]
fn many_rows_move_in_one_statement() {
    let db = watched(MOVIES, COPY);
    db.sql("INSERT INTO movies SELECT n, 'm' || n FROM generate_series(1, 100) n");
    deliver(&db, &db, MAP).run().ok();
    db.sql("UPDATE copy SET stars = id; UPDATE movies SET movie_id = movie_id + 1000");
    // A batch begins small: what it does not hold both parts of comes anew.
    deliver(&db, &db, MAP).run().ok().stderr_is("");
    assert_eq!(db.value("SELECT count(*) FROM copy"), "100");
    assert_eq!(
        db.value("SELECT count(*) FROM copy WHERE id BETWEEN 1001 AND 1100 AND title = 'm' || (id - 1000)"),
        "100"
    );
    assert_eq!(db.value("SELECT count(*) FROM copy WHERE stars <> id - 1000"), "0");
}

#[test]
fn a_row_whose_new_key_is_taken_in_the_copy_goes() {
    let db = watched(MOVIES, COPY);
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    deliver(&db, &db, MAP).run().ok();
    db.sql("UPDATE copy SET stars = 1; INSERT INTO copy VALUES (2, 'not ours', 5); UPDATE movies SET movie_id = 2");
    deliver(&db, &db, MAP).run().ok().stderr_is("");
    assert_eq!(copied(&db), ["2|one|5"]);
}

#[test]
fn what_a_late_worker_has_to_say_of_a_move_brings_no_row_back() {
    let db = watched(MOVIES, COPY);
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    deliver(&db, &db, MAP).run().ok();
    db.sql("UPDATE movies SET movie_id = 2; DELETE FROM movies");
    // As if the worker that has the old key were the last: its event is of another key, and so of another slot.
    db.sql(
        "CREATE TABLE late AS SELECT * FROM pgfeed.queue_q WHERE payload LIKE '%moved_to%';
            DELETE FROM pgfeed.queue_q WHERE id IN (SELECT id FROM late)",
    );
    deliver(&db, &db, MAP).run().ok();
    assert_eq!(copied(&db), ["1|one|"]);
    db.sql("INSERT INTO pgfeed.queue_q OVERRIDING SYSTEM VALUE SELECT * FROM late");
    deliver(&db, &db, MAP).run().ok().stderr_is("");
    assert_eq!(copied(&db), Vec::<String>::new());
}

#[test]
fn a_move_that_was_refused_for_a_while_brings_no_row_back() {
    // Even one worker may come to the end of the old key last: that is why such an end, alone, moves nothing.
    let db = watched(MOVIES, &format!("{COPY}; CREATE TABLE review (copy_id int REFERENCES copy)"));
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    deliver(&db, &db, MAP).run().ok();
    db.sql("INSERT INTO review VALUES (1); UPDATE movies SET movie_id = 2; DELETE FROM movies");
    let follow = ["tail-queue", "q", "--poll", "100ms", "--backoff", "10ms", "--max-attempts", "60000", "--to"];
    let running = db.spawn(follow.into_iter().chain([url(&db, MAP).as_str()]));
    running.wait_stderr("attempt 2: update or delete on table \"copy\" violates foreign key constraint");
    assert_eq!((held(&db), copied(&db)), ("0 1 0".to_owned(), vec!["1|one|".to_owned()]));
    db.sql("DELETE FROM review");
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.retry_q)");
    assert_eq!(copied(&db), Vec::<String>::new());
}

#[test]
fn a_key_that_the_table_does_not_let_change_is_written_anew() {
    // An identity that is always generated can be written, but not changed.
    let db =
        watched(MOVIES, "CREATE TABLE copy (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, title text, stars int)");
    db.sql("INSERT INTO movies VALUES (1, 'one'), (2, 'two')");
    deliver(&db, &db, MAP).run().ok();
    db.sql("UPDATE copy SET stars = 1; UPDATE movies SET movie_id = 3 WHERE movie_id = 1");
    deliver(&db, &db, MAP).args(["--max-attempts", "1"]).run().ok().stderr_is("");
    assert_eq!(copied(&db), ["2|two|1", "3|one|"]);
}

#[test]
fn keys_of_several_columns_move() {
    let movies = "CREATE TABLE movies (a int, b varchar(9), v int, PRIMARY KEY (b, a))";
    let db = watched(movies, "CREATE TABLE copy (x int, y varchar(9), v int, stars int, PRIMARY KEY (x, y))");
    let deliver = || deliver(&db, &db, "table=copy&map=a:x,b:y,v:v").run().ok().stderr_is("");
    db.sql("INSERT INTO movies VALUES (1, 'a', 1), (1, 'b', 2)");
    deliver();
    db.sql("UPDATE copy SET stars = v; UPDATE movies SET b = 'c', v = 7 WHERE b = 'a'; UPDATE movies SET a = 2, b = 'c' WHERE b = 'b'");
    deliver();
    assert_eq!(db.rows("SELECT * FROM copy ORDER BY x"), ["1|c|7|1", "2|c|2|2"]);
}
