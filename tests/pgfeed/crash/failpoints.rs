//! Deaths at named points of a delivery (src/failpoint.rs): what each repeats is known exactly, and none loses anything.

use serde_json::Value;

use super::consumers::{ABORTED, COMMAND};
use crate::harness::{Database, Pgfeed};

const BATCH: i64 = 4;
const EVENTS: i64 = 10;

fn database() -> Database {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    db.sql(&format!("INSERT INTO t SELECT generate_series(1, {EVENTS})"));
    db
}

fn consume(db: &Database) -> Pgfeed {
    db.pgfeed(["tail-queue", "q", "--consume", "-e", "-o", "json", "--batch", &BATCH.to_string()])
}

fn ids(lines: &[Value]) -> Vec<i64> {
    lines.iter().map(|line| line["id"].as_i64().unwrap()).collect()
}

/// What the process that died has delivered, and what the next one delivers.
fn die_at(db: &Database, point: &str, mutant: Option<&str>) -> (Vec<i64>, Vec<i64>) {
    let mut consuming = consume(db).env("PGFEED_FAIL", point);
    if let Some(mutant) = mutant {
        consuming = consuming.env("PGFEED_MUTANT", mutant);
    }
    let died = consuming.run().code(ABORTED);
    (ids(&died.json()), ids(&consume(db).run().ok().json()))
}

#[test]
fn what_a_death_repeats_is_exact() {
    // The point, how often it is reached before the death, what was delivered until then, and what is delivered after.
    let table = [
        ("after_take:1", 0, 1),
        ("after_take:2", BATCH, BATCH + 1),
        ("after_write:1", 0, 1),
        ("after_write:6", BATCH, BATCH + 1),
        ("before_flush:1", 0, 1),
        ("before_flush:2", BATCH, BATCH + 1),
        ("after_flush:1", BATCH, 1),
        ("after_flush:2", 2 * BATCH, BATCH + 1),
        ("before_commit:1", BATCH, 1),
        ("before_commit:2", 2 * BATCH, BATCH + 1),
        ("after_commit:1", BATCH, BATCH + 1),
        ("after_commit:2", 2 * BATCH, 2 * BATCH + 1),
        ("after_commit:3", EVENTS, EVENTS + 1),
    ];
    for (point, last_before, first_after) in table {
        let db = database();
        let (before, after) = die_at(&db, point, None);
        assert_eq!(before, (1..=last_before).collect::<Vec<_>>(), "before the death at {point}");
        assert_eq!(after, (first_after..=EVENTS).collect::<Vec<_>>(), "after the death at {point}");
    }
}

#[test]
fn what_a_death_repeats_is_exact_for_commands_too() {
    // They have the events by the flush, which waits for their answers.
    let table = [
        ("after_take:2", BATCH, BATCH + 1),
        ("before_flush:2", BATCH, BATCH + 1),
        ("after_flush:2", 2 * BATCH, BATCH + 1),
        ("before_commit:2", 2 * BATCH, BATCH + 1),
        ("after_commit:2", 2 * BATCH, 2 * BATCH + 1),
    ];
    for (point, last_before, first_after) in table {
        let db = database();
        let deliver = |dies_at: &str, code: i32| {
            let delivered = tempfile::NamedTempFile::new().unwrap();
            // One file for every process that there may be, since there is one at a time.
            let command = COMMAND.replace(".$$", "");
            let args = ["tail-queue", "q", "-e", "--batch", &BATCH.to_string(), "--exec-mode", "stream", "--"];
            let delivering = db.pgfeed(args).args(["/bin/sh", "-c", &command]).args([delivered.path()]);
            delivering.env("PGFEED_FAIL", dies_at).run().code(code);
            let text = std::fs::read_to_string(delivered.path()).unwrap();
            ids(&text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(deliver(point, ABORTED), (1..=last_before).collect::<Vec<_>>(), "before the death at {point}");
        assert_eq!(deliver("never:1", 0), (first_after..=EVENTS).collect::<Vec<_>>(), "after the death at {point}");
    }
}

#[test]
fn a_consumer_that_acknowledges_first_is_caught() {
    let (before, after) = die_at(&database(), "after_commit:1", Some("commit_first"));
    let lost: Vec<i64> = (1..=EVENTS).filter(|id| !before.contains(id) && !after.contains(id)).collect();
    assert_eq!(lost, (1..=BATCH).collect::<Vec<_>>());
}
