//! What writers pay: many small transactions with a slow flush, and one bulk insert.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::{Bench, RUNS, report};

const CLIENTS: &str = "16";
const SECONDS: &str = "4";

/// 16 clients, single rows, a flush of 1 ms.
pub fn commits(bench: &Bench) {
    let mut client = bench.client();
    for table in ["plain", "notified", "durable"] {
        client
            .batch_execute(&format!("CREATE TABLE {table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int)"))
            .unwrap();
    }
    client
        .batch_execute(
            "CREATE FUNCTION notified() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM pg_notify('notified', row_to_json(NEW)::text); RETURN NULL; END $$;
             CREATE TRIGGER notified AFTER INSERT ON notified FOR EACH ROW EXECUTE FUNCTION notified()",
        )
        .unwrap();
    bench.install(&["durable", "--queue", "writes"]);
    let mut tps: [Vec<f64>; 5] = Default::default();
    for _ in 0..3 {
        tps[0].push(pgbench(bench, "plain"));
        tps[1].push(pgbench(bench, "notified"));
        client.batch_execute("TRUNCATE pgfeed.queue_writes").unwrap();
        tps[2].push(pgbench(bench, "durable"));
        client.batch_execute("TRUNCATE pgfeed.queue_writes").unwrap();
        let one = consumer(bench, "1");
        tps[3].push(pgbench(bench, "durable"));
        end(one);
        // Two workers, one of which gets no events: the key of a second one is in another slot, and nobody writes there.
        let two = [consumer(bench, "1"), consumer(bench, "1")];
        tps[4].push(pgbench(bench, "durable"));
        two.into_iter().for_each(end);
    }
    let [plain, notified, durable, one, two] = &mut tps;
    report("16 writers, flush 1 ms, durable; no trigger", "tx/s", &mut durable.clone(), plain, ">= 0.85");
    report("  with one consumer delivering all", "tx/s", one, plain, ">= 0.65");
    report("  with two consumers", "tx/s", two, plain, ">= 0.65");
    report("  beside NOTIFY in the trigger", "tx/s", durable, notified, "");
}

fn pgbench(bench: &Bench, table: &str) -> f64 {
    let script = format!("INSERT INTO {table} (v) VALUES (1);\n");
    let mut command = Command::new(bench.cluster.binaries().path("pgbench"));
    command.args(["-n", "-c", CLIENTS, "-j", "2", "-T", SECONDS, "-f", "/dev/stdin", &bench.cluster.url("postgres")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let tps = output.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap();
    tps.split(' ').next().unwrap().parse().unwrap()
}

fn consumer(bench: &Bench, jobs: &str) -> Child {
    let mut command = bench.pgfeed(&["-q", "tail-queue", "writes", "--consume", "-j", jobs]);
    let null = std::fs::File::create(std::env::temp_dir().join("pgfeed-bench-consumed")).unwrap();
    command.stdout(null).spawn().unwrap()
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = std::fs::remove_file(std::env::temp_dir().join("pgfeed-bench-consumed"));
}

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
