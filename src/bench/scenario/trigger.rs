//! What each kind of trigger costs whoever writes: single rows, and many with one statement.

use std::time::Instant;

use crate::bench::load;
use crate::bench::report::Row;
use crate::bench::table::{Kind, LONGEST, Table};
use crate::bench::{Bench, Case, Knob, Label, Measured, Scenario, render};
use crate::error::Result;

/// Rows of the one statement, unless told otherwise.
const ROWS: u64 = 200_000;

const NONE: &str = "no trigger";
const MANY_NONE: &str = "many rows, no trigger";
const MANY_BY_HAND: &str = "many rows, NOTIFY by hand";
const MANY_IN_FULL: &str = "many rows, telling as much";
const MANY_LIVE: &str = "many rows, live";

/// A table, its name for single rows and the one for many, and the kind of trigger.
const KINDS: [(&str, &str, &str, Kind); 5] = [
    ("plain", NONE, MANY_NONE, Kind::Plain),
    ("by_hand", "NOTIFY by hand, per row", MANY_BY_HAND, Kind::ByHand),
    ("in_full", "the same, telling as much", MANY_IN_FULL, Kind::ByHandInFull),
    ("live", "live (--channel)", MANY_LIVE, Kind::Live),
    ("durable", "durable (--queue)", "many rows, durable", Kind::Durable),
];

pub const SCENARIO: Scenario = Scenario {
    name: "trigger",
    about: "what a trigger costs whoever inserts, one row a transaction and many rows a statement",
    uses: &[Knob::Clients, Knob::Rate],
    cases,
    findings,
};

fn cases(bench: &Bench) -> Result<Vec<Case>> {
    bench.plan.refuse_long(LONGEST)?;
    let tables: Vec<Table> =
        KINDS.iter().map(|(table, _, _, kind)| Table::make(bench, table, *kind)).collect::<Result<_>>()?;
    let mut cases = Vec::new();
    for clients in bench.plan.clients_or(&[1]) {
        for (table, (_, name, _, kind)) in tables.iter().zip(KINDS) {
            let baseline = (kind != Kind::Plain).then_some(NONE);
            let label = Label { clients, baseline, ..Label::new(name, "transactions") };
            let table = table.clone();
            cases.push(Case { label, measure: Box::new(move |bench| single(bench, &table, clients)) });
        }
    }
    for (table, (_, _, name, kind)) in tables.into_iter().zip(KINDS) {
        let baseline = (kind != Kind::Plain).then_some(MANY_NONE);
        let label = Label { baseline, ..Label::new(name, "rows") };
        cases.push(Case { label, measure: Box::new(move |bench| many(bench, &table)) });
    }
    Ok(cases)
}

fn single(bench: &Bench, table: &Table, clients: usize) -> Result<Measured> {
    table.empty(bench)?;
    load::drive(bench, &mut table.inserters(bench, clients)?)
}

fn many(bench: &Bench, table: &Table) -> Result<Measured> {
    table.empty(bench)?;
    let rows = bench.plan.count_or(ROWS);
    let mut connection = bench.place.connect()?;
    let insert = format!(
        "INSERT INTO {} (stamp) SELECT pg_catalog.rpad(n::text, {}, 'x') FROM pg_catalog.generate_series(1, {rows}) n",
        table.quoted, bench.plan.size
    );
    let started = Instant::now();
    connection.batch_execute(&insert)?;
    let elapsed = started.elapsed();
    table.empty(bench)?;
    Ok(Measured { operations: rows, elapsed, ..Measured::default() })
}

fn findings(rows: &[Row]) -> Vec<String> {
    let told = |row: &Row| {
        let ratio = row.ratio.filter(|_| row.unit == "rows")?;
        Some(format!(
            "{}: one INSERT takes {} times as long as without a trigger",
            row.case,
            render::ratio(1.0 / ratio)
        ))
    };
    let rate = |case: &str| rows.iter().find(|row| row.case == case).map(|row| row.rate.median);
    let beside = |(case, what)| {
        let part = rate(case)? / rate(MANY_LIVE)?;
        Some(format!("many rows, live: it takes {} of the time of {what}", render::ratio(part)))
    };
    let by_hand = [(MANY_BY_HAND, "NOTIFY by hand"), (MANY_IN_FULL, "NOTIFY by hand that tells as much")];
    rows.iter().filter_map(told).chain(by_hand.into_iter().filter_map(beside)).collect()
}
