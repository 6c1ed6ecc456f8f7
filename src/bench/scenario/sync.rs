//! Repeats the published measurement of a demo that keeps a second table in step with trigger and queue: every row is inserted,
//! updated and deleted, each in a transaction of its own, and found by its title, which has no index.

use std::time::Instant;

use crate::bench::report::Row;
use crate::bench::table::{Kind, Table};
use crate::bench::{Bench, Case, Label, Measured, Scenario, render};
use crate::error::Result;

/// Rows, unless told otherwise; the published figures are of 10,000.
const ROWS: u64 = 2_000;
/// Transactions, and events, of a row.
const CHANGES: f64 = 3.0;

pub const SCENARIO: Scenario = Scenario {
    name: "sync",
    about: "rows inserted, updated and deleted one by one, found by a title without an index, as a demo published it",
    cases,
    findings,
};

/// Whether titles have an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Index {
    /// As published.
    None,
    /// As one would have it.
    Title,
}

fn cases(bench: &Bench) -> Result<Vec<Case>> {
    bench.plan.refuse_listeners(SCENARIO.name)?;
    let plain = ("no trigger", "no trigger, indexed", Kind::Plain, 903.0);
    let queued = ("queue trigger", "queue trigger, indexed", Kind::Durable, 812.0);
    let mut cases = Vec::new();
    for index in [Index::None, Index::Title] {
        for (name, indexed, kind, published) in [plain, queued] {
            let (name, published) = match index {
                Index::None => (name, Some(published)),
                Index::Title => (indexed, None),
            };
            let mut label = Label::new(name, "operations");
            label.published = published;
            label.baseline = match (kind, index) {
                (Kind::Durable, Index::None) => Some(plain.0),
                (Kind::Durable, Index::Title) => Some(plain.1),
                _ => None,
            };
            let table = make(bench, kind, index)?;
            cases.push(Case { label, measure: Box::new(move |bench| changed(bench, &table)) });
        }
    }
    Ok(cases)
}

fn make(bench: &Bench, kind: Kind, index: Index) -> Result<Table> {
    let name = format!("films_{kind:?}_{index:?}").to_lowercase();
    let quoted = bench.place.name(&name);
    let columns =
        "(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL, seen int NOT NULL DEFAULT 0)";
    bench.place.execute(&format!("CREATE TABLE {quoted} {columns}"))?;
    if index == Index::Title {
        bench.place.execute(&format!("CREATE INDEX ON {quoted} (title)"))?;
    }
    Table::told(bench, &name, kind)
}

/// One client, three passes. An operation is a row's insert, update and delete.
fn changed(bench: &Bench, table: &Table) -> Result<Measured> {
    table.empty(bench)?;
    let mut connection = bench.place.connect()?;
    let rows = bench.plan.count_or(ROWS);
    let statements = [
        format!("INSERT INTO {} (title) VALUES ($1)", table.quoted),
        format!("UPDATE {} SET seen = seen + 1 WHERE title = $1", table.quoted),
        format!("DELETE FROM {} WHERE title = $1", table.quoted),
    ];
    let mut measured = Measured::default();
    let started = Instant::now();
    for (pass, statement) in (0..).zip(&statements) {
        let statement = connection.prepare(statement)?;
        for row in 0..rows {
            if bench.stop.requested().is_some() {
                return Ok(Measured::default());
            }
            let begun = Instant::now();
            connection.execute(&statement, &[&format!("A film that is number {row}")])?;
            measured.latency.record_duration(begun.elapsed());
            bench.watch.at((pass * rows + row) / statements.len() as u64);
        }
    }
    measured.operations = rows;
    measured.elapsed = started.elapsed();
    Ok(measured)
}

fn findings(rows: &[Row]) -> Vec<String> {
    let told = |row: &Row| {
        let published = row.published?;
        let events = render::rate(row.rate.median * CHANGES);
        Some(format!(
            "{}: {events} transactions a second; published were {}",
            row.case,
            render::rate(published * CHANGES)
        ))
    };
    let mut findings: Vec<String> = rows.iter().filter_map(told).collect();
    findings
        .push("an operation is a row's insert, update and delete, in three transactions and three events".to_owned());
    if rows.iter().any(|row| row.count / row.runs.max(1) as u64 != 10_000) {
        findings.push("published figures are of 10,000 rows, which take longer to search: -n 10k".to_owned());
    }
    findings
}
