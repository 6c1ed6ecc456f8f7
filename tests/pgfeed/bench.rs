//! `pgfeed bench`: what it counts, tells and leaves behind. How fast anything is does not matter here.

mod faults;
mod reports;
mod safety;
mod scenarios;
mod sinks;

use serde_json::Value;

use crate::harness::{Database, Pgfeed};

/// A measurement without a warm-up, which reports in JSON.
pub fn bench(db: &Database, words: &[&str]) -> Pgfeed {
    db.pgfeed(["bench", "-o", "json", "--warmup", "0"]).args(words)
}

/// Runs a measurement that must succeed, and be complete.
#[track_caller]
pub fn report(db: &Database, words: &[&str]) -> Value {
    let output = bench(db, words).run().ok();
    let mut reports = output.json();
    assert_eq!(reports.len(), 1, "{output}");
    assert_eq!(reports[0]["complete"], true, "{output}");
    reports.remove(0)
}

/// The schemas that measurements have left.
pub fn schemas(db: &Database) -> Vec<String> {
    db.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^pgfeed_bench' ORDER BY 1")
}
