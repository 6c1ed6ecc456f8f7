//! What a writer of many rows pays.

use std::time::Instant;

use crate::{Bench, RUNS, report};

/// INSERT of 200,000 rows.
pub fn bulk(bench: &Bench) {
    let mut client = bench.client();
    for table in ["bulk_plain", "bulk_durable"] {
        let columns = "(id int PRIMARY KEY, customer int, status text, amount numeric, at timestamptz)";
        client.batch_execute(&format!("CREATE TABLE {table} {columns}")).unwrap();
    }
    bench.install(&["bulk_durable", "--queue", "bulk"]);
    let mut took: [Vec<f64>; 2] = Default::default();
    for _ in 0..RUNS {
        for (table, took) in ["bulk_plain", "bulk_durable"].iter().zip(&mut took) {
            client.batch_execute(&format!("TRUNCATE {table}, pgfeed.queue_bulk; CHECKPOINT")).unwrap();
            let rows = "SELECT n, n % 1000, 'new', n * 1.5, now() FROM generate_series(1, 200000) n";
            let started = Instant::now();
            client.batch_execute(&format!("INSERT INTO {table} {rows}")).unwrap();
            took.push(started.elapsed().as_secs_f64());
        }
    }
    let [plain, durable] = &mut took;
    report("insert 200k rows, durable; no trigger", "s", durable, plain, "<= 2.8");
}
