//! The files of sql/ run under psql as they stand, so that they can be read, tried and changed without this program.

use std::path::{Path, PathBuf};

use crate::harness::Database;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")
}

/// What has to run before a file, besides the sample.
fn before(file: &str) -> &'static [&'static str] {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    match file {
        "queue.sql" => &[QUEUE[0], QUEUE[1]],
        "queue_registry.sql" | "copy_table.sql" | "copy_keys.sql" | "copy_put.sql" | "copy_remove.sql"
        | "copy_move.sql" => &[QUEUE[0]],
        _ if text.contains("_sample/*{}*/") && text.contains("pgfeed.") && !file.starts_with("live") => &QUEUE,
        "sample.sql" => &[],
        "shop_changes.sql" => &["sample.sql", "shop.sql"],
        "anything.sql" | "backfill.sql" | "bury.sql" | "dead.sql" | "end_of_queue.sql" | "enqueue.sql"
        | "lock_queue.sql" | "make_way.sql" | "peek.sql" | "promote.sql" | "put_off.sql" | "queue_facts.sql"
        | "remove.sql" | "requeue.sql" | "restored.sql" | "retry.sql" | "take.sql" | "take_retry.sql"
        | "unseen.sql" => &["sample.sql", "queue.sql"],
        _ => &["sample.sql"],
    }
}

/// What makes the sample queue.
const QUEUE: [&str; 3] = ["sample.sql", "queue_registry.sql", "queue.sql"];

#[test]
fn every_file_runs_under_psql() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // A part of a function, which is nothing by itself.
        .filter(|name| name.ends_with(".sql") && name != "durable_condition.sql")
        .collect();
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    for file in &files {
        let db = Database::new();
        let mut args = vec!["-1".to_owned()];
        for name in before(file).iter().copied().chain([file.as_str()]) {
            args.extend(["-f".to_owned(), folder().join(name).display().to_string()]);
        }
        let output = db.psql(args, "").ok();
        assert!(!output.stderr.contains("ERROR"), "{output}");
    }
}

#[test]
fn the_sample_functions_tell_the_sample_table() {
    for (file, triggers) in [
        ("live_row.sql", "CREATE TRIGGER x AFTER INSERT OR UPDATE OR DELETE ON sample FOR EACH ROW"),
        (
            "live_statement.sql",
            "CREATE TRIGGER x AFTER INSERT ON sample REFERENCING NEW TABLE AS changes FOR EACH STATEMENT",
        ),
    ] {
        let db = Database::new();
        for name in ["sample.sql", file] {
            db.psql(["-f"].into_iter().chain([folder().join(name).to_str().unwrap()]), "").ok();
        }
        db.sql(&format!("{triggers} EXECUTE FUNCTION pgfeed.sample_live()"));
        let mut feed = crate::live_trigger::feed::Feed::of(&db, ["sample"]);
        db.sql("INSERT INTO sample VALUES (1, 'a')");
        assert_eq!(feed.event()["new"].to_string(), r#"{"id":1,"title":"a"}"#, "{file}");
    }
}
