//! Deaths of pgfeed at every point of a delivery: in the same database each change is applied once, elsewhere the result is the same.

use pgfeed::cluster::Shutdown;

use super::{deliver, held, url, watched};
use crate::harness::{Database, own_server_with, wait_until};

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

/// What is killed while a batch is half applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Pgfeed,
    Target,
}

#[test]
fn kills_of_either_side_leave_a_table_on_another_server_the_same() {
    let db = watched(MOVIES, COPY);
    // As a server in use does it: what it has acknowledged survives its crash.
    let server = own_server_with(|builder| builder.setting("synchronous_commit", "on"));
    let other = server.database();
    other.sql(COPY);
    let target = url(&other, MAP);
    let start = || {
        db.spawn([
            "tail-queue",
            "q",
            "-j",
            "2",
            "--batch",
            "25",
            "--poll",
            "100ms",
            "--max-attempts",
            "1",
            "--to",
            &target,
        ])
    };
    let all = |db: &Database, table: &str| {
        db.value(&format!("SELECT COALESCE(string_agg(id || ' ' || v, ',' ORDER BY id), '') FROM {table}"))
    };
    let is_the_same = || held(&db) == "0 0 0" && all(&other, "copy") == all(&db, "movies");
    let mut running = start();
    db.sql("INSERT INTO movies SELECT n, 0 FROM generate_series(1, 300) n");
    wait_until("all is there", is_the_same);
    for round in [Killed::Pgfeed, Killed::Target, Killed::Target, Killed::Pgfeed] {
        // Somebody holds a row, so that a batch stops in the middle.
        let mut holder = other.client();
        holder
            .batch_execute(
                "BEGIN; SELECT FROM copy WHERE id = (SELECT id FROM copy ORDER BY id OFFSET 150 LIMIT 1) FOR UPDATE",
            )
            .unwrap();
        db.sql("UPDATE movies SET v = v + 1; DELETE FROM movies WHERE id % 50 = 7; UPDATE movies SET id = id + 1000 WHERE id % 50 = 9 AND id < 1000;
            INSERT INTO movies SELECT max(id) + 1, 0 FROM movies");
        other.wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)");
        match round {
            Killed::Pgfeed => {
                running.kill();
                running = start();
                drop(holder);
            }
            Killed::Target => server.cluster().restart(Shutdown::Immediate).unwrap(),
        }
        wait_until(&format!("all is the same after the kill of {round:?}"), is_the_same);
    }
    assert!(!running.stderr().contains("refused"), "{}", running.stderr());
}
