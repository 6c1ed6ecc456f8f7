//! A soak: writers, consumers and a listener for as long as told, faults all the while, and an eye on what grows.

use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::checker::check;
use super::consumers::{Consumers, Consuming, Files, Refusals};
use super::nemesis::{Fault, POINTS, strike};
use super::producers::{Producer, TABLE};
use super::random::Random;
use super::runs::nothing_is_left;
use crate::harness::{Database, Running, Signal, Stdout, Stopping, own_server_with};

/// Between two faults.
const PAUSE: Duration = Duration::from_secs(10);
/// Between two crashes of the server.
const RESTARTS: Duration = Duration::from_secs(300);
/// What a process may need more at the end than after the first minute.
const GROWTH_KIB: u64 = 16 * 1024;
/// Lines on stderr that a fault may cost each process.
const LINES_PER_FAULT: usize = 20;

/// What a process needs.
#[derive(Debug, Clone, Copy)]
struct Needs {
    memory_kib: u64,
    descriptors: usize,
}

impl Needs {
    fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        Self { memory_kib: memory.trim().trim_end_matches(" kB").parse().unwrap(), descriptors }
    }
}

/// For people: `make soak MINUTES=20`, with the `SEED` that it has printed the same faults again.
#[test]
#[ignore = "takes as long as it is told to"]
fn as_long_as_told() {
    let told = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    let seed = told("SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let length = Duration::from_secs(60 * told("MINUTES").unwrap_or(20));
    eprintln!("SEED={seed} MINUTES={}", length.as_secs() / 60);
    let server = own_server_with(|builder| builder.setting("synchronous_commit", "on"));
    let db = server.database();
    db.sql(TABLE);
    db.pgfeed(["install-trigger", "t", "--queue", "q", "--channel", "c"]).run().ok();
    let nowhere = Stdout::To(File::options().write(true).open("/dev/null").unwrap());
    let listener = db.pgfeed(["listen", "c", "-o", "json", "--control"]).stdout(nowhere).spawn();
    listener.wait_stderr("listening on c");
    soak(&db, &listener, seed, length);
    listener.signal(Signal::Term);
    let log = listener.finish().code(130).stderr;
    eprintln!(
        "the listener told {} lines; the server logged {} lines",
        log.lines().count(),
        server.cluster().log_text().lines().count()
    );
    nothing_is_left(&db);
}

fn soak(db: &Database, listener: &Running, seed: u64, length: Duration) {
    let how = Consuming {
        processes: 3,
        jobs: 2,
        batch: 50,
        files: Files::Own,
        mistake: None,
        refusals: Refusals::Never,
        spared: 1,
    };
    let mut consumers = Consumers::start(db, how, None);
    consumers.wait_until_ready();
    let spared = consumers.pid(0);
    let stop = AtomicBool::new(false);
    let mut watch =
        Watch { started: Instant::now(), pids: [spared, listener.pid()], first: None, last: None, faults: 0 };
    let mut explained = 0;
    let transactions = thread::scope(|scope| {
        let _stopping = Stopping(&stop);
        let producer =
            |number| Producer { url: db.url(), number, random: Random::of(seed, number as u64), stop: &stop };
        let producers: Vec<_> = (1..=2).map(|number| scope.spawn(move || producer(number).run())).collect();
        let (mut random, mut restarted) = (Random::of(seed, 0), Instant::now());
        while watch.started.elapsed() < length {
            let fault = if restarted.elapsed() >= RESTARTS {
                restarted = Instant::now();
                Fault::Restart
            } else {
                let die = Fault::Die(POINTS[random.index(POINTS.len())]);
                let faults = [Fault::Kill, die, Fault::Stand, Fault::Term, Fault::EndConsumers, Fault::EndProducer];
                faults[random.index(faults.len())]
            };
            explained += strike(fault, db, &mut consumers, &mut random);
            watch.look(&consumers, db);
            thread::sleep(PAUSE);
        }
        stop.store(true, Ordering::Relaxed);
        producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect::<Vec<_>>()
    });
    watch.conclude(consumers.stderr(0).lines().count());
    let tally = check(&transactions, &consumers.drain(), explained);
    eprintln!("{} faults: {tally}", watch.faults);
    tally.is_clean();
}

/// What the processes that are never killed need, over time.
struct Watch {
    started: Instant,
    pids: [u32; 2],
    first: Option<[Needs; 2]>,
    last: Option<[Needs; 2]>,
    faults: usize,
}

impl Watch {
    fn look(&mut self, consumers: &Consumers, db: &Database) {
        self.faults += 1;
        let needs = self.pids.map(Needs::of);
        if self.started.elapsed() > Duration::from_secs(60) && self.first.is_none() {
            self.first = Some(needs);
        }
        self.last = Some(needs);
        if self.faults.is_multiple_of(6) {
            let [consumer, listener] = needs;
            let (seconds, delivered) = (self.started.elapsed().as_secs(), consumers.progress() >> 20);
            let waiting = db.value("SELECT count(*) FROM pgfeed.queue_q");
            eprintln!(
                "{seconds:>5} s: {} faults, {delivered} MiB delivered, {waiting} waiting; consumer {consumer:?}, listener {listener:?}",
                self.faults
            );
        }
    }

    fn conclude(&self, lines: usize) {
        eprintln!("the consumer that was spared told {lines} lines");
        assert!(lines <= LINES_PER_FAULT * self.faults, "{lines} lines for {} faults", self.faults);
        let (Some(first), Some(last)) = (self.first, self.last) else { return };
        for (first, last) in first.iter().zip(&last) {
            assert!(last.memory_kib <= first.memory_kib + GROWTH_KIB, "{first:?} has become {last:?}");
            // A connection that is made anew may be counted twice for a moment.
            assert!(last.descriptors <= first.descriptors + 8, "{first:?} has become {last:?}");
        }
    }
}
