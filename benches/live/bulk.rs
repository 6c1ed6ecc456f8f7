//! A bulk insert with pgfeed's live trigger, beside triggers that people write by hand at row level, and none.

use std::time::Instant;

use postgres::Client;

use crate::{Bench, RUNS, report};

const ROWS: i64 = 200_000;

/// What is written by hand most often.
const LITTLE: &str = "json_build_object('op', TG_OP, 'table', TG_TABLE_NAME, 'new', row_to_json(NEW))";
/// What pgfeed tells.
const SAME: &str = "json_build_object('op', TG_OP, 'schema', TG_TABLE_SCHEMA, 'table', TG_TABLE_NAME, \
    'key', json_build_object('id', NEW.id), 'new', row_to_json(NEW), \
    'txid', pg_current_xact_id()::text, 'at', clock_timestamp())";

pub fn run(bench: &Bench) {
    let mut client = bench.client();
    for table in ["plain", "fed", "little", "same"] {
        let columns = "(id int PRIMARY KEY, customer int, status text, amount numeric, at timestamptz)";
        client.batch_execute(&format!("CREATE TABLE {table} {columns}")).unwrap();
    }
    assert!(bench.pgfeed(&["install-trigger", "fed"]).output().unwrap().status.success());
    by_hand(&mut client, "little", LITTLE);
    by_hand(&mut client, "same", SAME);
    let mut took: [Vec<f64>; 4] = Default::default();
    for _ in 0..RUNS {
        for (table, took) in ["plain", "fed", "little", "same"].iter().zip(&mut took) {
            took.push(insert(&mut client, table));
        }
    }
    let [plain, fed, little, same] = &mut took;
    report("insert 200k rows, live; by hand, row level, the same", "s", fed, same, "<= 0.6");
    report("  by hand, row level, op, table and row only", "s", fed, little, "");
    report("  no trigger", "s", fed, plain, "");
}

fn by_hand(client: &mut Client, table: &str, payload: &str) {
    let text = format!(
        "CREATE FUNCTION {table}() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_notify('{table}', {payload}::text); RETURN NULL; END $$;
         CREATE TRIGGER by_hand AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}()"
    );
    client.batch_execute(&text).unwrap();
}

fn insert(client: &mut Client, table: &str) -> f64 {
    client.batch_execute(&format!("TRUNCATE {table}; CHECKPOINT")).unwrap();
    let insert =
        format!("INSERT INTO {table} SELECT n, n % 1000, 'new', n * 1.5, now() FROM generate_series(1, {ROWS}) n");
    let started = Instant::now();
    client.batch_execute(&insert).unwrap();
    started.elapsed().as_secs_f64()
}
