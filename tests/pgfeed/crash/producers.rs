//! Producers: threads that write in transactions as a seed plans them, and note what became of each.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

use super::random::Random;
use crate::harness::DEADLINE;

/// Few keys, so that all producers write to all of them.
const KEYS: u64 = 24;
/// What their sessions are called, for whoever wants to end one.
pub const PRODUCER: &str = "producer";
/// The table that they write to: the version of a row tells the true order of its changes.
pub const TABLE: &str =
    "CREATE TABLE t (key bigint PRIMARY KEY, v bigint NOT NULL, id text NOT NULL, data text NOT NULL)";
/// The same without a primary key: all of its events share one key, also those of transactions that commit in another order than
/// they write.
pub const KEYLESS_TABLE: &str =
    "CREATE TABLE t (key bigint UNIQUE, v bigint NOT NULL, id text NOT NULL, data text NOT NULL)";

const WRITE: &str = "INSERT INTO t VALUES ($1, 1, $2, $3) \
    ON CONFLICT (key) DO UPDATE SET v = t.v + 1, id = excluded.id, data = excluded.data RETURNING v";

/// A row that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// `PRODUCER-TRANSACTION-NUMBER`.
    pub id: String,
    /// The row.
    pub key: i64,
    /// Which change of the row it is. One that is rolled back leaves its version to the next.
    pub version: i64,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server said so.
    Committed,
    /// By us, or by a death before the COMMIT.
    RolledBack,
    /// The connection died in the COMMIT.
    Unknown,
}

/// What a producer has done at once.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// What it wrote.
    pub writes: Vec<Write>,
    /// What it wrote and took back to a savepoint.
    pub undone: Vec<Write>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a row holds beside its id: everything that a format could break, in all sizes.
pub fn data_of(id: &str) -> String {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let mut random = Random::of(hasher.finish(), 0);
    let length = if random.percent(5) { random.index(8000) } else { random.index(200) };
    let letters =
        ['a', 'Z', ' ', '"', '\\', '\n', '\r', '\t', '\u{1}', '\u{7f}', 'é', '\u{2028}', '😀', '{', '}', '\''];
    (0..length).map(|_| letters[random.index(letters.len())]).collect()
}

/// One producer.
pub struct Producer<'a> {
    /// The database; a lost connection is made anew.
    pub url: String,
    /// Its number, the first part of its ids.
    pub number: usize,
    /// Decides everything that it does.
    pub random: Random,
    /// The wish to stop.
    pub stop: &'a AtomicBool,
}

impl Producer<'_> {
    /// Writes until it is told to stop.
    pub fn run(mut self) -> Vec<Transaction> {
        let mut transactions = Vec::new();
        let mut session = self.connect();
        while !self.stop.load(Ordering::Relaxed) {
            if session.is_closed() {
                session = self.connect();
            }
            transactions.push(self.transaction(&mut session, transactions.len()));
            thread::sleep(Duration::from_micros(self.random.below(2000)));
        }
        transactions
    }

    fn connect(&self) -> Client {
        let deadline = Instant::now() + DEADLINE;
        let mut config: postgres::Config = self.url.parse().unwrap();
        config.application_name(PRODUCER);
        loop {
            match config.connect(NoTls) {
                Ok(client) => return client,
                Err(error) => assert!(Instant::now() < deadline, "no server for a producer: {error}"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn transaction(&mut self, session: &mut Client, number: usize) -> Transaction {
        // In the order of their keys, so that producers cannot lock each other out.
        let mut keys: Vec<i64> = (0..=self.random.below(5)).map(|_| self.random.below(KEYS).cast_signed()).collect();
        keys.sort_unstable();
        let mut done = Transaction { writes: Vec::new(), undone: Vec::new(), outcome: Outcome::RolledBack };
        if self.write(session, number, &keys, &mut done).is_err() {
            return done;
        }
        if self.random.percent(20) {
            thread::sleep(Duration::from_millis(self.random.below(20)));
        }
        if self.random.percent(20) {
            // Whether the session lives to hear it or not.
            drop(session.batch_execute("ROLLBACK"));
            return done;
        }
        done.outcome = Outcome::Unknown;
        if session.batch_execute("COMMIT").is_ok() {
            done.outcome = Outcome::Committed;
        }
        done
    }

    fn write(
        &mut self,
        session: &mut Client,
        number: usize,
        keys: &[i64],
        done: &mut Transaction,
    ) -> Result<(), postgres::Error> {
        session.batch_execute("BEGIN")?;
        for (place, &key) in keys.iter().enumerate() {
            let undo = self.random.percent(10);
            if undo {
                session.batch_execute("SAVEPOINT before")?;
            }
            let id = format!("{}-{number}-{place}", self.number);
            let row = session.query_one(WRITE, &[&key, &id, &data_of(&id)])?;
            let write = Write { id, key, version: row.get(0) };
            if undo {
                session.batch_execute("ROLLBACK TO before")?;
                done.undone.push(write);
            } else {
                done.writes.push(write);
            }
        }
        Ok(())
    }
}
