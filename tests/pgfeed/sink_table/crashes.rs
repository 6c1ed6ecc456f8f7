//! Deaths of pgfeed at every point of a delivery: in the same database each change is applied once, elsewhere the result is the same.

use super::{deliver, held, url, watched};
use crate::harness::{Database, wait_until};

const MOVIES: &str = "CREATE TABLE movies (id int PRIMARY KEY, v int NOT NULL)";
/// A copy that counts what is done to it, and how often a row was written.
const COPY: &str = "CREATE TABLE copy (id int PRIMARY KEY, v int, writes int NOT NULL DEFAULT 1);
    CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.writes := OLD.writes + 1; RETURN NEW; END $$;
    CREATE TRIGGER note_write BEFORE UPDATE ON copy FOR EACH ROW EXECUTE FUNCTION note_write()";
const POINTS: [&str; 7] = [
    "after_take:2",
    "after_write:7",
    "before_flush:2",
    "after_flush:1",
    "after_flush:3",
    "before_commit:2",
    "after_commit:2",
];
const MAP: &str = "table=copy&map=id:id,v:v";

/// Changes every row before each death, and delivers until nothing is left; then both tables must be the same.
fn die_at_every_point(db: &Database, to: &Database) {
    for point in POINTS {
        db.sql("UPDATE movies SET v = v + 1");
        // Each change in a batch of its own, so that none is summed up with another.
        for dies_at in [point, "never:1"] {
            let code = if dies_at == point { 128 + 6 } else { 0 };
            deliver(db, to, MAP).args(["--batch", "4"]).env("PGFEED_FAIL", dies_at).run().code(code);
        }
        assert_eq!(held(db), "0 0 0", "after {point}");
    }
    let all = "SELECT string_agg(id || ' ' || v, ',' ORDER BY id) FROM ";
    assert_eq!(to.value(&format!("{all} copy")), db.value(&format!("{all} movies")));
}

#[test]
fn in_the_database_of_the_queue_every_change_is_applied_exactly_once() {
    let db = watched(MOVIES, COPY);
    db.sql("INSERT INTO movies SELECT n, 0 FROM generate_series(1, 12) n");
    die_at_every_point(&db, &db);
    // The INSERT, and an UPDATE at each point.
    assert_eq!(db.rows("SELECT DISTINCT writes FROM copy"), ["8"]);
}

#[test]
fn a_clone_of_the_database_beside_it_is_another_one() {
    let db = watched(MOVIES, COPY);
    db.sql("INSERT INTO movies SELECT n, 0 FROM generate_series(1, 12) n");
    let other = Database::new();
    other.sql(COPY);
    die_at_every_point(&db, &other);
    assert_eq!(db.value("SELECT count(*) FROM copy"), "0");
}

#[test]
fn kills_leave_both_tables_the_same_and_count_every_change_once() {
    let db = watched(MOVIES, COPY);
    let target = url(&db, MAP);
    let start = || db.spawn(["tail-queue", "q", "-j", "2", "--batch", "25", "--to", &target]);
    let mut running = start();
    // One change of a row is in the queue at a time, so that none is summed up with another.
    for round in 1..=6 {
        db.sql("INSERT INTO movies SELECT n, 1 FROM generate_series(1, 300) n ON CONFLICT (id) DO UPDATE SET v = movies.v + 1");
        wait_until("some of it is there", || db.value(&format!("SELECT count(*) FROM copy WHERE v = {round}")) != "0");
        running.kill();
        running = start();
        db.wait_for(&format!("SELECT count(*) = 300 FROM copy WHERE v = {round}"));
    }
    assert_eq!(db.rows("SELECT DISTINCT v, writes FROM copy"), ["6|6"]);
}
