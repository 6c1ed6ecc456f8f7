//! Memory of `pgfeed listen` while nobody reads its output, and that the server's notification queue is not pinned meanwhile.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::Bench;

/// 280 MB.
const NOTIFICATIONS: i32 = 40_000;
const BUFFER_MIB: f64 = 64.0;

pub fn run(bench: &Bench) {
    let mut listen = bench.pgfeed(&["listen", "bench", "--buffer", "64M", "--overflow", "drop", "--ready-file"]);
    let ready = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-ready");
    let _ = std::fs::remove_file(&ready);
    let mut child = listen.arg(&ready).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    wait("the listener", || ready.exists());
    let mut client = bench.client();
    let send = client
        .prepare("SELECT count(pg_notify('bench', n || repeat('x', 7000))::text) FROM generate_series($1::int, $2) n");
    let send = send.unwrap();
    for first in (1..=NOTIFICATIONS).step_by(1000) {
        client.query(&send, &[&first, &(first + 999)]).unwrap();
    }
    wait("the notification queue to empty", || {
        client.query_one("SELECT pg_notification_queue_usage() = 0", &[]).unwrap().get(0)
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let (what, bar) = ("listen with a stalled reader, peak memory; --buffer", "<= +32 MiB");
    println!("{what:<56} {:>8.1} MiB {:>10.0} MiB {:>7}  {bar}", peak / 1024.0, BUFFER_MIB, "");
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
