//! The checker: holds what was written against what was delivered. Knows nothing of how either came about.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::AddAssign;

use serde::Deserialize;

use super::producers::{Outcome, Transaction, Write, data_of};

/// What was found in one file.
#[derive(Debug, Clone)]
pub struct Printed {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Who wrote it.
    pub writers: Writers,
}

/// Who has written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// One process.
    One {
        /// Whether it was killed: then its last line may be torn.
        killed: bool,
    },
    /// All processes, one after the other.
    Many {
        /// How many were killed: each may have left one torn line, in front of a whole one.
        killed: usize,
    },
}

/// A delivery, as the consumer has it.
#[derive(Debug, Clone, Deserialize)]
struct Delivery {
    id: i64,
    payload: Payload,
}

#[derive(Debug, Clone, Deserialize)]
struct Payload {
    /// None in a table without a key.
    key: Option<Key>,
    new: Row,
}

#[derive(Debug, Clone, Deserialize)]
struct Key {
    key: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct Row {
    key: i64,
    v: i64,
    id: String,
    data: String,
}

/// What a run came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Writes that were committed.
    pub committed: usize,
    /// Writes that were rolled back.
    pub rolled_back: usize,
    /// Writes whose connection died in the COMMIT.
    pub unknown: usize,
    /// Committed, but not delivered.
    pub lost: usize,
    /// Rolled back, but delivered.
    pub phantom: usize,
    /// Delivered, but never written.
    pub invented: usize,
    /// Transactions of unknown outcome of which a part was delivered.
    pub split: usize,
    /// Deliveries that differ from what was written, or one write under two ids.
    pub altered: usize,
    /// Delivered again.
    pub duplicates: usize,
    /// How many of these the faults explain.
    pub explained: usize,
    /// Delivered in front of an older change of the same row.
    pub reordered: usize,
    /// Broken lines that no kill explains.
    pub torn: usize,
}

impl Tally {
    /// Checks that nothing is wrong.
    #[track_caller]
    pub fn is_clean(&self) -> &Self {
        let wrong = [self.lost, self.phantom, self.invented, self.split, self.altered, self.reordered, self.torn];
        assert!(wrong == [0; 7] && self.duplicates <= self.explained, "{self}");
        self
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.committed += other.committed;
        self.rolled_back += other.rolled_back;
        self.unknown += other.unknown;
        self.lost += other.lost;
        self.phantom += other.phantom;
        self.invented += other.invented;
        self.split += other.split;
        self.altered += other.altered;
        self.duplicates += other.duplicates;
        self.explained += other.explained;
        self.reordered += other.reordered;
        self.torn += other.torn;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { committed, rolled_back, unknown, lost, phantom, invented, .. } = self;
        let Self { split, altered, duplicates, explained, reordered, torn, .. } = self;
        write!(
            f,
            "committed {committed}, rolled back {rolled_back}, unknown {unknown}: lost {lost}, phantom {phantom}, \
             invented {invented}, split {split}, altered {altered}, duplicates {duplicates} (of at most {explained}), \
             reordered {reordered}, torn {torn}"
        )
    }
}

/// Checks. `explained` is how many events the faults have caught in flight.
pub fn check(transactions: &[Transaction], files: &[Printed], explained: usize) -> Tally {
    let mut tally = Tally { explained, ..Tally::default() };
    let deliveries: Vec<Vec<Delivery>> = files.iter().map(|file| read(file, &mut tally)).collect();
    compare(transactions, &deliveries, &mut tally);
    tally.reordered = deliveries.iter().map(|file| out_of_order(file)).sum::<usize>() + against_the_rows(&deliveries);
    tally
}

/// Reads the lines of a file, and counts those that should not be broken.
fn read(file: &Printed, tally: &mut Tally) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    let mut broken_lines = 0;
    let lines: Vec<&[u8]> = file.bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for (place, line) in lines.iter().enumerate() {
        if let (true, Ok(delivery)) = (line.ends_with(b"\n"), serde_json::from_slice(line)) {
            deliveries.push(delivery);
            continue;
        }
        broken_lines += 1;
        match file.writers {
            Writers::One { killed } => tally.torn += usize::from(!killed || place + 1 < lines.len()),
            Writers::Many { killed } => {
                tally.torn += usize::from(broken_lines > killed);
                deliveries.extend(behind_the_tear(line));
            }
        }
    }
    deliveries
}

/// The whole line that somebody wrote behind a torn one.
fn behind_the_tear(line: &[u8]) -> Option<Delivery> {
    let start = br#"{"type":"event""#;
    let at = line.windows(start.len()).rposition(|window| window == start)?;
    serde_json::from_slice(&line[at..]).ok()
}

fn compare(transactions: &[Transaction], deliveries: &[Vec<Delivery>], tally: &mut Tally) {
    let mut of_write: HashMap<&str, Vec<&Delivery>> = HashMap::new();
    for delivery in deliveries.iter().flatten() {
        of_write.entry(&delivery.payload.new.id).or_default().push(delivery);
    }
    let mut delivered = |write: &Write, tally: &mut Tally| {
        let Some(found) = of_write.remove(write.id.as_str()) else { return false };
        tally.duplicates += found.len() - 1;
        let same = |one: &&Delivery| one.id == found[0].id && is_as_written(&one.payload, write);
        tally.altered += found.iter().filter(|one| !same(one)).count();
        true
    };
    for Transaction { writes, undone, outcome } in transactions {
        let arrived = writes.iter().filter(|write| delivered(write, tally)).count();
        match outcome {
            Outcome::Committed => {
                tally.committed += writes.len();
                tally.lost += writes.len() - arrived;
            }
            Outcome::RolledBack => {
                tally.rolled_back += writes.len();
                tally.phantom += arrived;
            }
            Outcome::Unknown => {
                tally.unknown += writes.len();
                tally.split += usize::from(arrived > 0 && arrived < writes.len());
            }
        }
        tally.rolled_back += undone.len();
        tally.phantom += undone.iter().filter(|write| delivered(write, tally)).count();
    }
    tally.invented = of_write.len();
}

fn is_as_written(Payload { key, new }: &Payload, write: &Write) -> bool {
    key.as_ref().is_none_or(|key| key.key == write.key)
        && new.key == write.key
        && new.v == write.version
        && new.data == data_of(&write.id)
}

/// How many events of a file came for the first time behind a later one of their row.
fn out_of_order(file: &[Delivery]) -> usize {
    let (mut seen, mut latest) = (HashSet::new(), HashMap::new());
    let first = file.iter().filter(|delivery| seen.insert(delivery.id));
    first.filter(|delivery| falls_behind(&mut latest, delivery.payload.new.key, delivery.id)).count()
}

/// How many events have an id that contradicts the order in which the row was changed.
fn against_the_rows(deliveries: &[Vec<Delivery>]) -> usize {
    let mut all: Vec<(i64, i64, i64)> =
        deliveries.iter().flatten().map(|one| (one.id, one.payload.new.key, one.payload.new.v)).collect();
    all.sort_unstable();
    all.dedup();
    let mut latest = HashMap::new();
    all.iter().filter(|(_, key, version)| falls_behind(&mut latest, *key, *version)).count()
}

/// Notes the latest of each key; returns whether there was a later one.
fn falls_behind(latest: &mut HashMap<i64, i64>, key: i64, now: i64) -> bool {
    let latest = latest.entry(key).or_insert(i64::MIN);
    let behind = now <= *latest;
    *latest = now.max(*latest);
    behind
}
