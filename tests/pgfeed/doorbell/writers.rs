//! Writers that store numbers just when whoever waits for the queue falls asleep.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, Statement};

use crate::harness::Database;

/// The statement of sql/enqueue.sql, for one event of some row.
const STORE: &str = "WITH stored AS (INSERT INTO pgfeed.queue_sample (key, payload) VALUES ($1, $2) RETURNING id) \
                     SELECT CASE WHEN NOT pg_try_advisory_xact_lock_shared(1885824600, (SELECT id FROM pgfeed.queue)) \
                     THEN pg_notify('pgfeed:sample', '')::text END FROM stored";

/// Which slots the events belong to.
#[derive(Clone, Copy)]
pub enum Keys {
    Many,
    One,
    /// One after the other.
    EverySlot,
}

/// Stores numbers from 0 until there are so many, in rounds: each writer has a transaction at some moment soon after all of the
/// round before was delivered, for which it calls `wait_for`. So nothing that comes later wakes who has missed something. Ends
/// when that was in vain.
/// Returns when each number was committed.
pub fn stored_by(
    db: &Database,
    seed: u64,
    writers: u32,
    events: u32,
    keys: Keys,
    wait_for: &dyn Fn(usize) -> bool,
) -> BTreeMap<u32, Instant> {
    let mut writers: Vec<Writer> = (0..writers).map(|number| Writer::new(db, seed * 100 + u64::from(number))).collect();
    let (mut stored, mut next) = (BTreeMap::new(), 0);
    while next < events {
        let first = next;
        let round: Vec<Option<(u32, Instant)>> = thread::scope(|scope| {
            let write = |(number, writer): (u32, &'_ mut Writer)| writer.write(number, keys);
            let threads: Vec<_> = (first..).zip(&mut writers).map(|one| scope.spawn(move || write(one))).collect();
            next += u32::try_from(threads.len()).unwrap();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        stored.extend(round.into_iter().flatten());
        if !wait_for(stored.len()) {
            break;
        }
    }
    stored
}

/// Stores so many numbers by each writer, one after the other. Returns when each was committed.
pub fn steadily(db: &Database, writers: u32, each: u32) -> BTreeMap<u32, Instant> {
    let write = |writer: u32| {
        let mut client = db.client();
        let store = client.prepare(STORE).unwrap();
        let numbers = (0..each).map(move |number| number * writers + writer);
        let stored = numbers.map(|number| {
            client.query(&store, &[&i64::from(number), &number.to_string()]).unwrap();
            let at = Instant::now();
            thread::sleep(Duration::from_millis(2));
            (number, at)
        });
        stored.collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..writers).map(|writer| scope.spawn(move || write(writer))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

struct Writer {
    client: Client,
    store: Statement,
    random: Random,
}

impl Writer {
    fn new(db: &Database, seed: u64) -> Self {
        let mut client = db.client();
        let store = client.prepare(STORE).unwrap();
        Self { client, store, random: Random(seed) }
    }

    /// One transaction. Returns when it was committed, if it was.
    fn write(&mut self, number: u32, keys: Keys) -> Option<(u32, Instant)> {
        let Self { client, store, random } = self;
        let key = match keys {
            Keys::Many => i64::try_from(random.below(1 << 40)).unwrap(),
            Keys::One => 0,
            Keys::EverySlot => i64::from(number),
        };
        // While they fall asleep, mostly; or when they sleep.
        let longest = if random.below(10) == 0 { 30_000 } else { 4_000 };
        thread::sleep(Duration::from_micros(random.below(longest)));
        let mut transaction = client.transaction().unwrap();
        transaction.query(&*store, &[&key, &number.to_string()]).unwrap();
        if random.below(4) == 0 {
            thread::sleep(Duration::from_micros(random.below(5_000)));
        }
        if random.below(16) == 0 {
            transaction.rollback().unwrap();
            return None;
        }
        transaction.commit().unwrap();
        Some((number, Instant::now()))
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
