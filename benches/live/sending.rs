//! How fast `pgfeed notify` sends, and how long one takes from the shell.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{Bench, RUNS, report};

const LINES: usize = 200_000;
const STARTS: usize = 40;

/// A line each from a file, beside arrays of 1000 given to unnest by hand.
pub fn lines(bench: &Bench) {
    let payloads: Vec<String> = (0..LINES).map(|n| format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(80))).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-lines");
    let mut file = File::create(&path).unwrap();
    file.write_all(payloads.join("\n").as_bytes()).unwrap();
    let mut client = bench.client();
    let unnest = client.prepare("SELECT pg_notify('bench', p) FROM unnest($1::text[]) p").unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let started = Instant::now();
        for chunk in payloads.chunks(1000) {
            client.query(&unnest, &[&chunk]).unwrap();
        }
        theirs.push(LINES as f64 / started.elapsed().as_secs_f64());
        let mut notify = bench.pgfeed(&["notify", "bench", "--lines", "-q"]);
        let started = Instant::now();
        assert!(notify.stdin(File::open(&path).unwrap()).status().unwrap().success());
        ours.push(LINES as f64 / started.elapsed().as_secs_f64());
    }
    report("notify --lines; unnest by hand", "/s", &mut ours, &mut theirs, ">= 0.85");
}

/// The whole process, beside psql.
pub fn start_up(bench: &Bench) {
    let time = |mut command: Command| {
        let started = Instant::now();
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        started.elapsed().as_secs_f64() * 1e3
    };
    let psql = bench.cluster.binaries().path("psql");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        ours.push(time(bench.pgfeed(&["notify", "bench", "x"])));
        let mut command = Command::new(&psql);
        command.args(["-X", "-q", "-d", &bench.url(), "-c", "SELECT pg_notify('bench', 'x')"]);
        theirs.push(time(command));
    }
    report("notify bench x, whole process; psql -c", "ms", &mut ours, &mut theirs, "<= 0.7");
}
