//! CPU and latency of `pgfeed listen`, beside a C program on libpq that prints the same lines.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use postgres::{Client, Statement};

use crate::{Bench, RUNS, report};

const NOTIFICATIONS: usize = 300_000;
const SAMPLES: usize = 1_000;

/// A program that listens on `bench` and prints.
struct Listener {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Listener {
    fn start(mut command: Command, ready: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(ready) {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "the listener ended");
        }
        let lines = BufReader::with_capacity(1 << 20, child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn pgfeed(bench: &Bench) -> Self {
        Self::start(bench.pgfeed(&["listen", "bench"]), "listening")
    }

    fn reference(bench: &Bench) -> Self {
        let mut command = Command::new(&bench.reference);
        command.arg(bench.url());
        Self::start(command, "ready")
    }

    fn next_line(&mut self, line: &mut Vec<u8>) {
        line.clear();
        assert!(self.lines.read_until(b'\n', line).unwrap() > 0, "the listener ended");
    }

    /// CPU time of all threads so far.
    fn cpu(&self) -> Duration {
        let tasks = Path::new("/proc").join(self.child.id().to_string()).join("task");
        let times = std::fs::read_dir(tasks).unwrap().map(|task| {
            let schedstat = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            schedstat.split(' ').next().unwrap().parse::<u64>().unwrap()
        });
        Duration::from_nanos(times.sum())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub fn cpu(bench: &Bench) {
    let mut client = bench.client();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (mut pgfeed, mut reference) = (Listener::pgfeed(bench), Listener::reference(bench));
        let before = [pgfeed.cpu(), reference.cpu()];
        let drain = |listener: &mut Listener| {
            let mut line = Vec::new();
            (0..NOTIFICATIONS).for_each(|_| listener.next_line(&mut line));
        };
        std::thread::scope(|scope| {
            scope.spawn(|| drain(&mut pgfeed));
            scope.spawn(|| drain(&mut reference));
            send(&mut client);
        });
        let each = |listener: &Listener, before: Duration| {
            (listener.cpu() - before).as_secs_f64() * 1e6 / NOTIFICATIONS as f64
        };
        ours.push(each(&pgfeed, before[0]));
        theirs.push(each(&reference, before[1]));
    }
    report("listen -o json, CPU per notification; C and libpq", "us", &mut ours, &mut theirs, "<= 2");
}

fn send(client: &mut Client) {
    let text = "SELECT count(pg_notify('bench', format('{\"op\":\"INSERT\",\"key\":{\"id\":%s},\"new\":{\"id\":%s,\"status\":\"new\",\"amount\":12.50,\"note\":\"%s\"}}', n, n, repeat('x', 20)))::text) FROM generate_series($1::int, $2) n";
    let statement = client.prepare(text).unwrap();
    for batch in 0..NOTIFICATIONS / 1000 {
        let first = i32::try_from(batch * 1000 + 1).unwrap();
        client.query(&statement, &[&first, &(first + 999)]).unwrap();
    }
}

pub fn latency(bench: &Bench) {
    let mut client = bench.client();
    let notify = client.prepare("SELECT pg_notify('bench', $1)").unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // One at a time, so that neither takes the other's processor.
    for _ in 0..RUNS {
        ours.extend(samples(Listener::pgfeed(bench), &mut client, &notify));
        theirs.extend(samples(Listener::reference(bench), &mut client, &notify));
    }
    report("NOTIFY to line on stdout, p50; C and libpq", "us", &mut ours, &mut theirs, "<= 1.3");
}

fn samples(mut listener: Listener, client: &mut Client, notify: &Statement) -> Vec<f64> {
    let mut line = Vec::new();
    let sample = |n: usize| {
        let payload = format!("{{\"n\":{n}}}");
        let started = Instant::now();
        client.query(notify, &[&payload]).unwrap();
        listener.next_line(&mut line);
        started.elapsed().as_secs_f64() * 1e6
    };
    (0..SAMPLES).map(sample).collect()
}
