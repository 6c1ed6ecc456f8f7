//! A backlog of two million events: the rate at the end is that at the start, and memory stays flat.

use std::fs::File;
use std::time::{Duration, Instant};

use super::{consume, held, with_queue};
use crate::harness::{Database, Stdout};

const EVENTS: u64 = 2_000_000;

/// Drains the queue; gives the peak of memory in KiB, and the times in which a quarter of all was delivered.
fn drain(db: &Database) -> (u64, Vec<Duration>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let out = File::create(file.path()).unwrap();
    let mut running = consume(db, &["-e"]).deadline(Duration::from_secs(900)).stdout(Stdout::To(out)).spawn();
    // All payloads are 100 bytes, and a newline.
    let whole = EVENTS * 101;
    let (mut peak, mut quarters, mut since) = (0, Vec::new(), Instant::now());
    while running.is_running() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap_or_default();
        let now = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if file.as_file().metadata().unwrap().len() >= whole * (quarters.len() as u64 + 1) / 4 {
            quarters.push(since.elapsed());
            since = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    running.finish().ok();
    assert_eq!(file.as_file().metadata().unwrap().len(), whole);
    assert_eq!(held(db), "0 0 0");
    quarters.resize(4, since.elapsed());
    eprintln!("peak {peak} KiB, quarters {quarters:?}");
    (peak, quarters)
}

#[test]
#[ignore = "takes minutes"]
fn a_large_backlog_is_drained_evenly_in_little_memory() {
    for old_snapshot in [false, true] {
        let db = with_queue();
        let mut holder = db.client();
        if old_snapshot {
            // No dead row can be removed.
            holder.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class").unwrap();
        }
        db.sql(&format!("INSERT INTO pgfeed.queue_q (key, payload) SELECT n % 1000, repeat('x', 100) FROM generate_series(1, {EVENTS}) n"));
        let (peak, quarters) = drain(&db);
        assert!(peak <= 64 * 1024, "{peak} KiB");
        assert!(quarters[3] <= quarters[0] * 3, "{quarters:?}");
    }
}
