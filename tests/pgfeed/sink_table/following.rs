//! What a table follows: every kind of change, all types, and no column that it was not told about.

use super::{MOVIES, deliver, held, watched};
use crate::harness::Database;
use crate::readme::{code_behind, shell};

const MAP: &str = "table=copy&map=movie_id:id,title:title";

#[test]
fn another_table_with_other_names_is_kept_in_step_from_the_first_row_on() {
    let db = Database::new();
    db.sql(MOVIES);
    db.sql("INSERT INTO movies SELECT n, 'movie ' || n FROM generate_series(1, 2000) n");
    db.sql("CREATE TABLE copy (id int PRIMARY KEY, title text, seen boolean DEFAULT false)");
    db.pgfeed(["install-trigger", "movies", "--queue", "q", "--backfill"]).run().ok();
    db.sql("UPDATE movies SET title = upper(title) WHERE movie_id % 3 = 0; DELETE FROM movies WHERE movie_id % 5 = 0");
    let other = Database::new();
    other.sql("CREATE TABLE copy (id int PRIMARY KEY, title text, seen boolean DEFAULT false)");
    other.sql("INSERT INTO copy VALUES (7, 'old', true), (10, 'goes', true)");
    deliver(&db, &other, MAP).run().ok().stderr_is("");
    let all = "SELECT md5(string_agg(row(id, title)::text, ',' ORDER BY id)) FROM ";
    assert_eq!(
        other.value(&format!("{all} copy")),
        db.value(&format!("{all} (SELECT movie_id AS id, title FROM movies) m"))
    );
    // What the URL does not name is left as it is.
    assert_eq!(other.rows("SELECT id, seen FROM copy WHERE seen"), ["7|t"]);
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn a_truncate_empties_it_only_when_asked() {
    let db = watched(MOVIES, "CREATE TABLE copy (id int PRIMARY KEY, title text)");
    db.sql("INSERT INTO movies VALUES (1, 'one'), (2, 'two')");
    db.sql("TRUNCATE movies; INSERT INTO movies VALUES (3, 'three')");
    let words = "is a TRUNCATE, and truncate=yes was not asked for";
    deliver(&db, &db, MAP).args(["--on-error", "stop"]).run().code(1).stderr_has(words);
    deliver(&db, &db, &format!("{MAP}&truncate=yes")).run().ok();
    assert_eq!(db.rows("SELECT * FROM copy"), ["3|three"]);
}

#[test]
fn every_type_arrives_as_it_was() {
    let columns = "a smallint, b bigint, c numeric, d double precision, e numeric(6,2), f boolean, g bytea, h date,
        i timestamptz, j timestamp, k interval, l uuid, m json, n jsonb, o int[], p text[], q point, r int4range, s inet,
        t varchar(20), u char(4), v bit(3), w mood, x pair, y pair[], z \"char\", \"we\"\"ird\" text, \"Ünï\" text";
    let types = "CREATE TYPE mood AS ENUM ('sad', 'o''k'); CREATE TYPE pair AS (one int, two text);";
    let db = Database::new();
    db.sql(&format!("{types} CREATE TABLE movies (movie_id int PRIMARY KEY, {columns}); CREATE TABLE copy (LIKE movies INCLUDING ALL)"));
    db.pgfeed(["install-trigger", "movies", "--queue", "q"]).run().ok();
    db.sql(
        r#"SET TimeZone = 'Asia/Tokyo';
        INSERT INTO movies VALUES (1, -32768, 9223372036854775807, 12345678901234567890.12345678901234567890, 0.1::float8 + 0.2,
        1234.5, true, '\x00ff5c', '2026-02-28', '2026-11-20 23:28:41.123456+09', 'infinity', '1 mon 2 days 03:04:05.6',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null, "x"],  "a": 2}', '{"b": "\"\\ü"}', '{{1,2},{3,NULL}}',
        ARRAY['a,b', 'c"d', '{}', NULL, ''], '(1.5,-2)', '[1,5)', '10.0.0.1/8', E'tab\there\nline', 'ab', B'101', 'o''k',
        (1, 'x,"y'), ARRAY[(1, NULL)::pair], 'z', 'weird', E'\u2028😀''');
        INSERT INTO movies (movie_id, d, c) VALUES (2, 'NaN', 'NaN'), (3, '-Infinity', -0.00)"#,
    );
    deliver(&db, &db, "table=copy").run().ok().stderr_is("");
    // A json column keeps what it means and not its spaces; all else is the same to the last bit.
    db.sql("ALTER TABLE movies ALTER m TYPE jsonb; ALTER TABLE copy ALTER m TYPE jsonb");
    assert_eq!(
        db.value("SELECT count(*) FROM movies AS one JOIN copy AS two USING (movie_id) WHERE NOT one *<> two"),
        "3"
    );
}

#[test]
fn keys_of_several_columns_identities_and_generated_columns() {
    let movies = "CREATE TABLE movies (a int, b text, v int, PRIMARY KEY (b, a))";
    let copy = "CREATE TABLE copy (serial int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x int GENERATED ALWAYS AS IDENTITY, y text,
                v int, w int GENERATED ALWAYS AS (v * 2) STORED); CREATE UNIQUE INDEX ON copy (x, y)";
    let db = watched(movies, copy);
    db.sql("INSERT INTO movies VALUES (1, 'a', 1), (1, 'b', 2), (2, 'a', 3); UPDATE movies SET v = 7 WHERE a = 2; DELETE FROM movies WHERE b = 'b'");
    deliver(&db, &db, "table=copy&map=a:x,b:y,v:v").run().ok().stderr_is("");
    assert_eq!(db.rows("SELECT x, y, v, w FROM copy ORDER BY x"), ["1|a|1|2", "2|a|7|14"]);
}

#[test]
fn a_table_without_a_key_can_be_followed_by_one_that_is_named() {
    let movies = "CREATE TABLE movies (id int, v text)";
    let db = watched(movies, "CREATE TABLE copy (id int UNIQUE, v text)");
    db.sql("INSERT INTO movies VALUES (1, 'a'), (2, 'b'); UPDATE movies SET v = 'c' WHERE id = 2; DELETE FROM movies WHERE id = 1");
    deliver(&db, &db, "table=copy&key=id").run().ok().stderr_is("");
    assert_eq!(db.rows("SELECT * FROM copy"), ["2|c"]);
}

#[test]
fn a_partitioned_copy_with_triggers_of_its_own() {
    let copy = "CREATE SCHEMA audit; CREATE TABLE log (line text);
        CREATE TABLE copy (id int PRIMARY KEY, title text) PARTITION BY HASH (id);
        CREATE TABLE copy_0 PARTITION OF copy FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE copy_1 PARTITION OF copy FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (TG_OP || ' ' || NEW.id); RETURN NULL; END $$;
        CREATE TRIGGER note AFTER INSERT OR UPDATE ON copy FOR EACH ROW EXECUTE FUNCTION note()";
    // The trigger's function finds its table by the search_path, which is not pgfeed's.
    let db = watched(MOVIES, copy);
    db.sql("INSERT INTO movies VALUES (1, 'one'), (2, 'two')");
    deliver(&db, &db, MAP).run().ok().stderr_is("");
    db.sql("UPDATE movies SET title = 'uno', note = 'x' WHERE movie_id = 1; UPDATE movies SET note = 'not copied' WHERE movie_id = 2");
    deliver(&db, &db, MAP).run().ok().stderr_is("");
    // What differs in nothing is not written again: a ring of tables that follow each other comes to rest.
    assert_eq!(db.rows("SELECT * FROM log ORDER BY line"), ["INSERT 1", "INSERT 2", "UPDATE 1"]);
}

#[test]
fn notifications_are_followed_too() {
    let db = Database::new();
    db.sql(&format!("{MOVIES}; CREATE TABLE copy (id int PRIMARY KEY, title text)"));
    db.pgfeed(["install-trigger", "movies"]).run().ok();
    let running = db.spawn(["listen", "movies", "--to", &super::url(&db, MAP)]);
    running.wait_stderr("listening on movies");
    db.sql("INSERT INTO movies VALUES (1, 'one'), (2, 'two'); DELETE FROM movies WHERE movie_id = 1");
    db.wait_for("SELECT count(*) = 1 AND bool_and(title = 'two') FROM copy");
}

#[test]
fn the_recipe_of_the_readme_works_as_it_is_printed() {
    let db = Database::new();
    // It goes on for ever, but not here.
    let script = code_behind("### Deliver to another table").replace("tail-queue", "tail-queue -e");
    shell(&db, &script, &[]).run().ok();
    assert_eq!(db.rows("SELECT * FROM movies_copy"), ["1|Metropolis"]);
}
