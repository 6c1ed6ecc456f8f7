//! Events through commands.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{Bench, RUNS, median, report};

const SPAWNED: usize = 500;
const STREAMED: usize = 100_000;
/// Answers each line with the event's id.
const ANSWER: &str = "{ match($0, /\"id\":[0-9]+/); print substr($0, RSTART + 5, RLENGTH - 5); fflush() }";

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
