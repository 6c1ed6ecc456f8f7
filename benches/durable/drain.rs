//! How fast a backlog is drained, beside one big COPY whose JSON the server makes, with an old snapshot
//! held open, and beside a transaction that writes.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use postgres::Client;

use crate::{Bench, RUNS, median, report};

const EVENTS: usize = 400_000;

pub fn run(bench: &Bench) {
    let mut client = bench.client();
    let mut notify = bench.pgfeed(&["-q", "notify", "--queue", "drain", "--create", "x"]);
    assert!(notify.status().unwrap().success());
    let [mut ours, mut copy, mut old, mut writing, mut peaks] = [const { Vec::new() }; 5];
    for _ in 0..RUNS {
        fill(&mut client);
        let (rate, peak) = drain(bench);
        ours.push(rate);
        peaks.push(peak);
        fill(&mut client);
        copy.push(by_copy(&mut client));
        // Held while the queue fills and empties: no dead row can be removed.
        let mut holder = bench.client();
        holder.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class").unwrap();
        fill(&mut client);
        old.push(drain(bench).0);
        // It may still commit an id below all that is taken.
        holder.batch_execute("COMMIT; BEGIN; SELECT pg_current_xact_id()").unwrap();
        fill(&mut client);
        writing.push(drain(bench).0);
        holder.batch_execute("COMMIT").unwrap();
    }
    report("drain 400k events as JSON lines; COPY of server's JSON", "/s", &mut ours.clone(), &mut copy, ">= 1.5");
    report("  under an old snapshot; without", "/s", &mut old, &mut ours, ">= 0.5");
    report("  beside a transaction that writes all the time; without", "/s", &mut writing, &mut ours, ">= 0.5");
    println!("{:<56} {:>8.1} MiB {:>14} {:>7}  <= 64 MiB", "  peak memory", median(&mut peaks), "", "");
}

fn fill(client: &mut Client) {
    let fill = format!(
        "TRUNCATE pgfeed.queue_drain;
         INSERT INTO pgfeed.queue_drain (key, payload) SELECT hashint8extended(n % 1000, 0), format(
           '{{\"op\":\"INSERT\",\"schema\":\"public\",\"table\":\"orders\",\"key\":{{\"id\":%s}},\"new\":{{\"id\":%s,\"status\":\"new\",\"amount\":12.5}}}}',
           n, n) FROM generate_series(1, {EVENTS}) n"
    );
    client.batch_execute(&fill).unwrap();
    client.batch_execute("VACUUM ANALYZE pgfeed.queue_drain").unwrap();
    client.batch_execute("CHECKPOINT").unwrap();
}

/// Events a second, and the peak memory in MiB.
fn drain(bench: &Bench) -> (f64, f64) {
    let path = std::env::temp_dir().join("pgfeed-bench-drain");
    let started = Instant::now();
    let mut drain = bench.pgfeed(&["-q", "tail-queue", "drain", "--consume", "-e", "-o", "json"]);
    let mut child = drain.stdout(File::create(&path).unwrap()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut peak: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let memory = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let found =
            memory.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(found.unwrap_or(0.0) / 1024.0);
        std::thread::sleep(Duration::from_millis(5));
    };
    let rate = EVENTS as f64 / started.elapsed().as_secs_f64();
    assert!(status.success());
    let lines = std::fs::read(&path).unwrap().iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, EVENTS);
    std::fs::remove_file(path).unwrap();
    (rate, peak)
}

fn by_copy(client: &mut Client) -> f64 {
    let copy = "COPY (WITH taken AS (DELETE FROM pgfeed.queue_drain RETURNING *)
                SELECT json_build_object('type', 'event', 'queue', 'drain', 'id', id, 'attempt', 1, 'at', at, 'payload', payload::json)
                FROM taken) TO STDOUT";
    let started = Instant::now();
    let mut out = Vec::new();
    client.copy_out(copy).unwrap().read_to_end(&mut out).unwrap();
    let rate = EVENTS as f64 / started.elapsed().as_secs_f64();
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), EVENTS);
    rate
}
