//! Latency from an idle queue, and events through commands.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Bench, RUNS, median, report};

const SAMPLES: usize = 500;
const SPAWNED: usize = 500;
const STREAMED: usize = 100_000;
/// Answers each line with the event's id.
const ANSWER: &str = "{ match($0, /\"id\":[0-9]+/); print substr($0, RSTART + 5, RLENGTH - 5); fflush() }";

/// From the writer's INSERT to the line, when nothing happened for a while before.
pub fn latency(bench: &Bench) {
    let mut client = bench.client();
    client.batch_execute("CREATE TABLE idle (id int PRIMARY KEY)").unwrap();
    bench.install(&["idle", "--queue", "idle"]);
    let ready = std::env::temp_dir().join("pgfeed-bench-ready");
    let mut tail = bench.pgfeed(&["-q", "tail-queue", "idle", "--consume", "--poll", "1h", "--ready-file"]);
    let mut child = tail.arg(&ready).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !ready.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let insert = client.prepare("INSERT INTO idle VALUES ($1)").unwrap();
    let mut line = String::new();
    let mut took: Vec<f64> = (0..i32::try_from(SAMPLES).unwrap())
        .map(|n| {
            std::thread::sleep(Duration::from_millis(10));
            let started = Instant::now();
            client.execute(&insert, &[&n]).unwrap();
            line.clear();
            lines.read_line(&mut line).unwrap();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = std::fs::remove_file(ready);
    let p50 = median(&mut took);
    let p99 = took[SAMPLES * 99 / 100];
    println!(
        "{:<56} {:>9.2} ms {:>11.2} ms {:>7}  p50 <= 2, p99 <= 20 ms",
        "idle insert to line, p50 and p99", p50, p99, ""
    );
}

/// A process for each event, and one for all.
pub fn commands(bench: &Bench) {
    let mut client = bench.client();
    let mut notify = bench.pgfeed(&["-q", "notify", "--queue", "work", "--create", "x"]);
    assert!(notify.status().unwrap().success());
    let mut fill = |events: usize| {
        let fill = format!(
            "TRUNCATE pgfeed.queue_work; INSERT INTO pgfeed.queue_work (key, payload) SELECT n, '{{}}' FROM generate_series(1, {events}) n"
        );
        client.batch_execute(&fill).unwrap();
    };
    let (mut each, mut xargs, mut stream) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        fill(SPAWNED);
        each.push(rate(SPAWNED, bench.pgfeed(&["-q", "tail-queue", "work", "-e", "--", "/bin/true"])));
        xargs.push(by_xargs());
        fill(STREAMED);
        let words = ["-q", "tail-queue", "work", "-e", "--exec-mode", "stream", "--", "awk", ANSWER];
        stream.push(rate(STREAMED, bench.pgfeed(&words)));
    }
    report("a process per event; xargs -n1", "/s", &mut each, &mut xargs, ">= 0.6");
    println!("{:<56} {:>10.0} /s {:>14} {:>7}  >= 50k/s", "mode stream, awk that answers", median(&mut stream), "", "");
}

fn rate(events: usize, mut command: Command) -> f64 {
    let started = Instant::now();
    assert!(command.status().unwrap().success());
    events as f64 / started.elapsed().as_secs_f64()
}

fn by_xargs() -> f64 {
    let started = Instant::now();
    let mut child = Command::new("xargs").args(["-n1", "/bin/true"]).stdin(Stdio::piped()).spawn().unwrap();
    let words: String = (0..SPAWNED).map(|n| format!("{n}\n")).collect();
    child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    SPAWNED as f64 / started.elapsed().as_secs_f64()
}
