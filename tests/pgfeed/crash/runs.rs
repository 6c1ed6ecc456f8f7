//! The runs: producers write, consumers deliver, the nemesis strikes; then all is healed, drained and checked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use super::checker::{Tally, check};
use super::consumers::{Arrivals, Consumers, Consuming, Files, Mistake, Refusals};
use super::nemesis::{Fault, plan, strike};
use super::producers::{KEYLESS_TABLE, PRODUCER, Producer, TABLE};
use super::random::Random;
use crate::harness::{Database, Stopping, own_server_with};

const PRODUCERS: usize = 3;
/// Kills after which a long run starts over, with another server.
const ROUND: usize = 20;

/// What a run does to its consumers.
#[derive(Debug, Clone)]
pub struct Run {
    seed: u64,
    files: Files,
    mistake: Option<Mistake>,
    refusals: Refusals,
    table: Table,
    faults: Vec<Fault>,
}

/// What the producers write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Each row has a key.
    Keyed,
    /// None has.
    Keyless,
}

impl Run {
    /// A run with so many kills and half as many other faults.
    pub fn new(seed: u64, files: Files, kills: usize, restarts: usize) -> Self {
        let faults = plan(&mut Random::of(seed, 100), kills, restarts);
        Self { seed, files, mistake: None, refusals: Refusals::Never, table: Table::Keyed, faults }
    }

    /// What takes the events refuses some of them.
    pub fn refusing(self) -> Self {
        Self { refusals: Refusals::Sometimes, ..self }
    }

    /// Without keys. One worker has all events then, so that none of the others reaches a point at which it could die.
    pub fn without_keys(mut self) -> Self {
        self.faults.retain(|fault| !matches!(fault, Fault::Die(_)));
        Self { table: Table::Keyless, ..self }
    }

    /// Runs it.
    pub fn check(&self) -> Tally {
        self.check_arrivals(|_| None)
    }

    /// Runs it, into what a sink for that database says has arrived.
    pub fn check_arrivals(&self, sink: impl Fn(&Database) -> Option<Box<dyn Arrivals>>) -> Tally {
        let started = Instant::now();
        // As a server in use does it: what was committed has to survive the crash of the server.
        let server = own_server_with(|builder| builder.setting("synchronous_commit", "on"));
        let db = server.database();
        db.sql(match self.table {
            Table::Keyed => TABLE,
            Table::Keyless => KEYLESS_TABLE,
        });
        db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
        let tally = self.strike(&db, sink(&db));
        nothing_is_left(&db);
        let Self { seed, files, faults, .. } = self;
        let faults = faults.len();
        eprintln!("seed {seed}, {files:?} files, {faults} faults: {tally}; {:.1} s", started.elapsed().as_secs_f32());
        tally
    }

    fn strike(&self, db: &Database, sink: Option<Box<dyn Arrivals>>) -> Tally {
        let Self { files, mistake, refusals, .. } = *self;
        let how = Consuming { processes: 3, jobs: 2, batch: 20, files, mistake, refusals, spared: 0 };
        let stop = AtomicBool::new(false);
        let mut consumers = Consumers::start(db, how, sink);
        let mut random = Random::of(self.seed, 0);
        let mut explained = 0;
        let transactions = thread::scope(|scope| {
            let _stopping = Stopping(&stop);
            let producers: Vec<_> = (1..=PRODUCERS)
                .map(|number| {
                    let random = Random::of(self.seed, number as u64);
                    let producer = Producer { url: db.url(), number, random, stop: &stop };
                    scope.spawn(move || producer.run())
                })
                .collect();
            for &fault in &self.faults {
                explained += strike(fault, db, &mut consumers, &mut random);
            }
            stop.store(true, Ordering::Relaxed);
            producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect::<Vec<_>>()
        });
        check(&transactions, &consumers.drain(), explained)
    }
}

/// Neither events nor sessions of ours; the server may take a moment to see that a process is gone.
#[track_caller]
pub fn nothing_is_left(db: &Database) {
    for kind in ["queue", "retry", "dead"] {
        assert_eq!(db.value(&format!("SELECT count(*) FROM pgfeed.{kind}_q")), "0", "left in {kind}");
    }
    db.wait_for(&format!(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() \
         AND (application_name LIKE 'pgfeed%' OR application_name = '{PRODUCER}')"
    ));
    db.wait_for("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'");
}

#[test]
fn ten_kills_lose_nothing_and_tear_only_last_lines() {
    Run::new(1, Files::Own, 10, 0).check().is_clean();
}

#[test]
fn ten_kills_and_a_crash_of_the_server_keep_the_order_of_every_row() {
    Run::new(2, Files::Shared, 10, 1).check().is_clean();
}

#[test]
fn commands_that_answer_lose_nothing_either() {
    Run::new(3, Files::OfCommands, 4, 0).check().is_clean();
}

#[test]
fn a_file_that_all_append_to_has_whole_lines_only() {
    Run::new(11, Files::OfFileSink, 6, 0).check().is_clean();
}

#[test]
fn consumers_that_acknowledge_first_are_caught() {
    let faults = vec![Fault::Die("after_commit:1")];
    let run = Run { mistake: Some(Mistake::CommitFirst), faults, ..Run::new(4, Files::Own, 0, 0) };
    let tally = run.check();
    assert!(tally.lost > 0 && tally.phantom + tally.invented + tally.torn == 0, "{tally}");
}

#[test]
fn consumers_that_keep_no_order_are_caught() {
    // Whether two workers overtake each other is a matter of moments, but not five times.
    let overtaken = (5..10).any(|seed| {
        let mistake = Some(Mistake::Unordered);
        let tally = Run { mistake, ..Run::new(seed, Files::Shared, 4, 0) }.check();
        assert!(tally.lost + tally.phantom + tally.invented == 0, "{tally}");
        tally.reordered > 0
    });
    assert!(overtaken);
}

/// For people: `make crash KILLS=2000`, and with a `SEED` and `KILLS` that it has printed, that round again.
#[test]
#[ignore = "takes as long as it is told to"]
fn as_many_kills_as_told() {
    let told = |name: &str| std::env::var(name).ok().map(|value| value.parse::<usize>().expect(name));
    let seed = told("SEED").unwrap_or(std::process::id() as usize * 1000);
    let kills = told("KILLS").unwrap_or(100);
    let kinds = [Files::Own, Files::Shared, Files::OfCommands, Files::OfFileSink];
    let mut total = Tally::default();
    for (round, done) in (0..kills).step_by(ROUND).enumerate() {
        let (seed, kills) = (seed + round, ROUND.min(kills - done));
        eprintln!("SEED={seed} KILLS={kills}");
        let run = Run::new(seed as u64, kinds[seed % kinds.len()], kills, 1);
        // Commands refuse every other time.
        let refuses = run.files == Files::OfCommands && (seed / kinds.len()).is_multiple_of(2);
        total += if refuses { run.refusing() } else { run }.check().is_clean().clone();
    }
    eprintln!("{kills} kills: {total}");
}
