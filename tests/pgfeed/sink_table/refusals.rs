//! Changes that the table refuses: they die with the server's words, and nothing else does.

use super::{MOVIES, deliver, held, watched};
use crate::harness::Database;
use crate::tail_queue::store;

const MAP: &str = "table=copy&map=movie_id:id,title:title";

/// A copy that refuses some titles, in another database too.
fn picky() -> (Database, Database) {
    let copy = "CREATE TABLE copy (id int PRIMARY KEY, title varchar(9) UNIQUE CHECK (title <> 'bad'))";
    let other = Database::new();
    other.sql(copy);
    (watched(MOVIES, copy), other)
}

#[test]
fn one_bad_row_of_many_dies_alone() {
    let (db, other) = picky();
    for to in [&db, &other] {
        db.sql("TRUNCATE movies; DELETE FROM pgfeed.queue_q; DELETE FROM pgfeed.dead_q");
        db.sql("INSERT INTO movies SELECT n, CASE n WHEN 300 THEN 'bad' WHEN 500 THEN 'much too long' ELSE 't' || n END FROM generate_series(1, 900) n");
        db.sql("UPDATE movies SET title = 'again ' || movie_id WHERE movie_id IN (1, 300)");
        let output = deliver(&db, to, MAP).args(["--max-attempts", "2"]).run().ok();
        output
            .clone()
            .stderr_has("attempt 2: new row for relation \"copy\" violates check constraint \"copy_title_check\"");
        output.stderr_has("value too long for type character varying(9)");
        // What came later for the same row goes on when the bad one is dead.
        assert_eq!(to.value("SELECT count(*) FROM copy"), "899");
        assert_eq!(to.rows("SELECT title FROM copy WHERE id IN (1, 300) ORDER BY id"), ["again 1", "again 300"]);
        assert_eq!(held(&db), "0 0 2");
    }
}

#[test]
fn rows_that_pass_something_unique_on_do_so_in_the_order_of_the_changes() {
    let (db, other) = picky();
    db.sql("INSERT INTO movies VALUES (1, 'a'), (2, 'b')");
    deliver(&db, &db, MAP).run().ok();
    // Whatever the order of single rows, the last states alone would collide on the way.
    db.sql(
        "UPDATE movies SET title = 'c' WHERE movie_id = 1; UPDATE movies SET title = 'a' WHERE movie_id = 2;
            UPDATE movies SET title = 'b' WHERE movie_id = 1",
    );
    deliver(&db, &db, MAP).run().ok().stderr_is("");
    assert_eq!(db.rows("SELECT title FROM copy ORDER BY id"), ["b", "a"]);
    db.sql("UPDATE movies SET note = 'all of it'");
    deliver(&db, &other, MAP).run().ok();
    assert_eq!(other.rows("SELECT title FROM copy ORDER BY id"), ["b", "a"]);
}

#[test]
fn what_is_checked_at_the_commit_refuses_only_itself() {
    for elsewhere in [false, true] {
        let copy = "CREATE TABLE maker (id int PRIMARY KEY); INSERT INTO maker VALUES (1);
            CREATE TABLE copy (id int PRIMARY KEY, maker int REFERENCES maker DEFERRABLE INITIALLY DEFERRED)";
        let other = Database::new();
        other.sql(copy);
        let db = watched("CREATE TABLE movies (id int PRIMARY KEY, maker int)", copy);
        db.sql("INSERT INTO movies VALUES (1, 1), (2, 2), (3, 1)");
        let to = if elsewhere { &other } else { &db };
        deliver(&db, to, "table=copy")
            .args(["--on-error", "dead"])
            .run()
            .ok()
            .stderr_has("violates foreign key constraint");
        assert_eq!(to.rows("SELECT * FROM copy ORDER BY id"), ["1|1", "3|1"]);
        assert_eq!(held(&db), "0 0 1");
    }
}

#[test]
fn what_is_no_change_of_such_a_row_is_refused() {
    let db = watched(MOVIES, "CREATE TABLE copy (id int PRIMARY KEY, title text)");
    let change = |change: &str| store(&db, change);
    let about = r#""schema":"public","table":"movies""#;
    change("text");
    change(&format!(r#"{{"op":"INSERT",{about},"new":{{"movie_id":null,"title":"x"}}}}"#));
    change(&format!(r#"{{"op":"INSERT",{about},"key":{{"movie_id":6}},"new":{{"movie_id":"six","title":"x"}}}}"#));
    change(r#"{"op":"DELETE","schema":"public","table":"others","key":{"movie_id":7}}"#);
    change(&format!(r#"{{"op":"INSERT",{about},"key":{{"movie_id":8}},"new":{{"movie_id":8,"title":{{"a":[1]}}}}}}"#));
    // All of one key: each waits for the one before to be dead.
    deliver(&db, &db, &format!("{MAP}&from=movies")).args(["--on-error", "dead"]).run().ok();
    let expected = [
        "its payload is not a change of a row",
        "\"movie_id\" is null, and part of the key",
        "invalid input syntax for type integer: \"six\"",
        "it is a change of public.others, and not of movies",
    ];
    assert_eq!(db.rows("SELECT error FROM pgfeed.dead_q ORDER BY id"), expected);
    assert_eq!(db.rows("SELECT * FROM copy"), ["8|{\"a\":[1]}"]);
}

#[test]
fn keys_that_are_equal_and_written_differently_are_one_row() {
    let movies = "CREATE TABLE movies (movie_id numeric PRIMARY KEY, title text)";
    let db = watched(movies, "CREATE TABLE copy (id numeric PRIMARY KEY, title text)");
    db.sql("INSERT INTO movies VALUES (1.0, 'a'), (2, 'b'); UPDATE movies SET movie_id = 1.00, title = 'c' WHERE movie_id = 1;
            UPDATE movies SET title = 'd' WHERE movie_id = 2");
    deliver(&db, &db, MAP).run().ok().stderr_is("");
    assert_eq!(db.rows("SELECT * FROM copy ORDER BY id"), ["1.00|c", "2|d"]);
}

#[test]
fn an_operator_that_somebody_has_planted_is_not_used() {
    // It fits varchar better than pg_catalog's own, which are for text.
    let planted = "CREATE TABLE log (line text); CREATE FUNCTION planted(varchar, varchar) RETURNS boolean LANGUAGE sql
            AS $$ INSERT INTO log VALUES (current_user); SELECT true $$;
        CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = planted)";
    let movies = "CREATE TABLE movies (id varchar(9) PRIMARY KEY, v int)";
    let db = watched(movies, &format!("CREATE TABLE copy (id varchar(9) PRIMARY KEY, v int); {planted}"));
    db.sql("INSERT INTO movies VALUES ('a', 1), ('b', 2), ('c', 3)");
    deliver(&db, &db, "table=copy").run().ok();
    db.sql("DELETE FROM movies WHERE v = 1; UPDATE movies SET id = 'd' WHERE v = 2");
    deliver(&db, &db, "table=copy").run().ok().stderr_is("");
    assert_eq!(db.rows("SELECT * FROM log"), Vec::<String>::new());
    assert_eq!(db.rows("SELECT * FROM copy ORDER BY id"), ["c|3", "d|2"]);
}

#[test]
fn a_row_that_a_trigger_refuses_in_the_words_of_the_server_dies_alone() {
    let refusing = "CREATE TABLE copy (id int PRIMARY KEY, title text);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (to_jsonb(COALESCE(NEW, OLD)) ->> 'title') LIKE 'bad%' THEN
                RAISE 'not this one' USING ERRCODE = right(to_jsonb(COALESCE(NEW, OLD)) ->> 'title', 5);
            END IF;
            RETURN COALESCE(NEW, OLD); END $$;
        CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON copy FOR EACH ROW EXECUTE FUNCTION refuse()";
    let (db, other) = (watched(MOVIES, refusing), Database::new());
    other.sql(refusing);
    for to in [&db, &other] {
        db.sql("DELETE FROM movies; DELETE FROM pgfeed.queue_q; DELETE FROM pgfeed.dead_q");
        // Alone, when nothing has worked yet; and among others.
        db.sql("INSERT INTO movies VALUES (1, 'bad 42501')");
        let output = deliver(&db, to, MAP).args(["--max-attempts", "2"]).run().ok();
        output.stderr_has("event").stderr_has("attempt 2: not this one");
        db.sql("INSERT INTO movies SELECT n, CASE n WHEN 5 THEN 'bad 42P01' WHEN 9 THEN 'bad 0A000' WHEN 17 THEN 'bad 28000'
            WHEN 20 THEN 'bad 3F000' WHEN 25 THEN 'bad 25006' ELSE 't' END FROM generate_series(2, 24) n");
        deliver(&db, to, MAP).args(["--on-error", "dead"]).run().ok();
        assert_eq!(to.rows("SELECT count(*), count(*) FILTER (WHERE id IN (1, 5, 9, 17, 20)) FROM copy"), ["19|0"]);
        assert_eq!(held(&db), "0 0 5");
    }
}

#[test]
fn a_table_that_refuses_everything_is_no_fault_of_an_event() {
    let refusing = "CREATE TABLE copy (id int PRIMARY KEY, title text);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'closed' USING ERRCODE = '42501'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON copy FOR EACH STATEMENT EXECUTE FUNCTION refuse()";
    let db = watched(MOVIES, refusing);
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    deliver(&db, &db, MAP).args(["--max-attempts", "1"]).run().code(1).stderr_has("closed");
    db.sql("ALTER TABLE copy DISABLE TRIGGER refuse");
    let running =
        db.spawn(["tail-queue", "q", "--poll", "100ms", "--max-attempts", "1", "--to", &super::url(&db, MAP)]);
    db.wait_for("SELECT count(*) = 1 FROM copy");
    db.sql("ALTER TABLE copy ENABLE TRIGGER refuse; INSERT INTO movies VALUES (2, 'two')");
    running.wait_stderr("closed; trying again");
    db.sql("ALTER TABLE copy DISABLE TRIGGER refuse");
    db.wait_for("SELECT count(*) = 2 FROM copy");
    drop(running);
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn a_type_that_somebody_has_planted_is_not_used() {
    // In front of pg_catalog's own; and where no setting puts anything in front: a temporary table is a type too.
    let planted = "CREATE SCHEMA kinds; CREATE TYPE kinds.mood AS ENUM ('sad', 'happy'); CREATE DOMAIN kinds.short AS varchar(9);
        CREATE SCHEMA planted; CREATE DOMAIN planted.mood AS text; CREATE DOMAIN planted.short AS date;
        CREATE DOMAIN planted.date AS text; CREATE DOMAIN planted.uuid AS text; CREATE DOMAIN planted.inet AS text;
        CREATE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            CREATE TEMP TABLE IF NOT EXISTS jsonb (x int); CREATE TEMP TABLE IF NOT EXISTS cidr (x int); RETURN NULL; END $$";
    let columns = "day date, who uuid, mood kinds.mood, name kinds.short, doc jsonb, seen inet[], net cidr";
    let table = |name: &str| format!("CREATE TABLE {name} ({columns}, stars int, PRIMARY KEY (day, who, net))");
    let copy = format!(
        "{planted}; {}; CREATE TRIGGER plant AFTER INSERT OR UPDATE OR DELETE ON copy FOR EACH STATEMENT EXECUTE FUNCTION plant()",
        table("copy")
    );
    let db = Database::new();
    let other = Database::new();
    for to in [&db, &other] {
        to.sql(&copy);
        to.sql(&format!("ALTER DATABASE {} SET search_path = planted, pg_catalog, public", to.name()));
    }
    db.client().batch_execute(&format!("SET search_path = public; {}", table("movies"))).unwrap();
    db.pgfeed(["install-trigger", "movies", "--queue", "q"]).run().ok();
    let map = "table=copy&map=day:day,who:who,mood:mood,name:name,doc:doc,seen:seen,net:net";
    for to in [&db, &other] {
        let deliver = || deliver(&db, to, map).args(["--on-error", "stop"]).run().ok().stderr_is("");
        db.sql("DELETE FROM movies; INSERT INTO movies SELECT '2026-01-01'::pg_catalog.date + n, (repeat('0', 31) || n)::pg_catalog.uuid, 'sad', 'x', '{\"a\": 1}',
            ARRAY['10.0.0.1'::pg_catalog.inet], '10.0.0.0/8' FROM generate_series(1, 3) n");
        deliver();
        to.sql("UPDATE copy SET stars = 1");
        db.sql("DELETE FROM movies WHERE day = '2026-01-02'; UPDATE movies SET mood = 'happy' WHERE day = '2026-01-03'; UPDATE movies SET net = '10.1.0.0/16' WHERE day = '2026-01-04'");
        deliver();
        assert_eq!(
            to.rows("SELECT day, mood, name, doc, seen, net, stars FROM copy ORDER BY day"),
            [
                "2026-01-03|happy|x|{\"a\": 1}|{10.0.0.1}|10.0.0.0/8|1",
                "2026-01-04|sad|x|{\"a\": 1}|{10.0.0.1}|10.1.0.0/16|1"
            ]
        );
    }
}
