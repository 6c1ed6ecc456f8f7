//! From a writer through a durable queue to its delivery, and how fast a backlog is drained.

use std::sync::Arc;
use std::time::Instant;

use crate::bench::bare::Sample;
use crate::bench::feed::Feed;
use crate::bench::load::{self, Turn};
use crate::bench::report::Row;
use crate::bench::stamp::{Phase, Stamp, now_ns};
use crate::bench::table::{Kind, Table};
use crate::bench::tally::Ordered;
use crate::bench::{Bench, Case, Knob, Label, Measured, Outlet, Scenario, bare, feed};
use crate::error::Result;

/// Rows that each writer updates in turns: the events of a row have an order, which is checked.
const ROWS_PER_CLIENT: u64 = 16;
/// Events of the backlog, unless told otherwise.
const BACKLOG: u64 = 200_000;

pub const SCENARIO: Scenario = Scenario {
    name: "queue",
    about: "events from writers through a durable queue to their delivery",
    uses: &[Knob::Clients, Knob::Listeners, Knob::Rate, Knob::To],
    cases,
    findings,
};

fn cases(bench: &Bench) -> Result<Vec<Case>> {
    let table = Table::make(bench, "durable", Kind::Durable)?;
    let mut cases = Vec::new();
    let consumers = bench.plan.listeners_or(&[1]);
    for clients in bench.plan.clients_or(&[1]) {
        for listeners in consumers.iter().copied() {
            let label = Label { clients, listeners, ..Label::new("write to delivery", "events") };
            let table = table.clone();
            cases.push(Case { label, measure: Box::new(move |bench| delivered(bench, &table, clients, listeners)) });
        }
    }
    for listeners in consumers.iter().copied() {
        let label = Label { listeners, ..Label::new("drain of a backlog", "events") };
        let table = table.clone();
        let measure = move |bench: &Bench| {
            drained(bench, &table, || feed::consumers(bench, &table.queue, listeners, Ordered::No))
        };
        cases.push(Case { label, measure: Box::new(measure) });
    }
    if let Some(to) = &bench.plan.to {
        into_sink(&table, to, &consumers, &mut cases)?;
    }
    Ok(cases)
}

/// A sink, and behind it its client library alone, which removes what the sink has left under our names.
fn into_sink(table: &Table, to: &Outlet, consumers: &[usize], cases: &mut Vec<Case>) -> Result<()> {
    let library = bare::beside(to)?;
    for listeners in consumers.iter().copied() {
        let (table, to) = (table.clone(), Arc::clone(&to.destination));
        let label = Label { listeners, baseline: Some(library.name), ..Label::new("drain into the sink", "events") };
        let measure =
            move |bench: &Bench| drained(bench, &table, || feed::deliveries(bench, &table.queue, &to, listeners));
        cases.push(Case { label, measure: Box::new(measure) });
    }
    for listeners in consumers.iter().copied() {
        let (table, to) = (table.clone(), to.clone());
        let label = Label { listeners, ..Label::new(library.name, "events") };
        let measure = move |bench: &Bench| {
            let events = bench.plan.count_or(BACKLOG);
            fill(bench, &table, events.min(Sample::ENOUGH))?;
            let sample = Sample::of(bench, &table.queue)?;
            if bench.stop.requested().is_some() {
                return Ok(Measured::default());
            }
            library.measure(bench, &to, &sample, listeners, events)
        };
        cases.push(Case { label, measure: Box::new(measure) });
    }
    Ok(())
}

fn findings(rows: &[Row]) -> Vec<String> {
    bare::told(rows.iter().map(|row| row.case.as_str())).into_iter().collect()
}

fn delivered(bench: &Bench, table: &Table, clients: usize, consumers: usize) -> Result<Measured> {
    table.empty(bench)?;
    let last = clients as u64 * ROWS_PER_CLIENT - 1;
    let rows = format!("SELECT n, '' FROM pg_catalog.generate_series(0, {last}) n");
    bench.place.execute(&format!("INSERT INTO {} {rows}", table.quoted))?;
    let consumers = feed::consumers(bench, &table.queue, consumers, Ordered::Yes)?;
    let written = load::drive(bench, &mut updaters(bench, table, clients)?)?;
    let (delivery, latency) = feed::finish(bench, consumers, written.operations)?;
    // Up to the delivery, and not only to the commit.
    Ok(Measured { delivery: Some(delivery), latency, ..written })
}

fn updaters(
    bench: &Bench,
    table: &Table,
    clients: usize,
) -> Result<Vec<impl FnMut(Turn) -> Result<()> + Send + use<>>> {
    let size = bench.plan.size;
    let update = format!("UPDATE {} SET stamp = $2 WHERE id = $1", table.quoted);
    let connect = |_| {
        let mut connection = bench.place.connect()?;
        let update = connection.prepare(&update)?;
        Ok(move |turn: Turn| {
            let (row, stamp) = turn.row_stamp(ROWS_PER_CLIENT);
            connection.execute(&update, &[&i64::try_from(row).unwrap_or(i64::MAX), &stamp.text(size)])?;
            Ok(())
        })
    };
    (0..clients).map(connect).collect()
}

/// One big transaction fills the queue; from the start of the consumers to the last delivery.
fn drained(bench: &Bench, table: &Table, start: impl Fn() -> Result<Vec<Feed>>) -> Result<Measured> {
    let events = bench.plan.count_or(BACKLOG);
    fill(bench, table, events)?;
    if bench.stop.requested().is_some() {
        return Ok(Measured::default());
    }
    let started = Instant::now();
    let (delivery, _) = feed::finish(bench, start()?, events)?;
    let elapsed = started.elapsed();
    Ok(Measured { operations: delivery.received, elapsed, delivery: Some(delivery), ..Measured::default() })
}

/// So many events, and no others, in one transaction.
fn fill(bench: &Bench, table: &Table, events: u64) -> Result<()> {
    table.empty(bench)?;
    // The server counts, in hexadecimal as the stamp does; each row has one event.
    let stamp = Stamp { phase: Phase::Measured, stream: 0, seq: 0, due_ns: now_ns() }.text(0);
    let (head, tail) = stamp.split_once(" 0 0 ").unwrap_or_default();
    let fill = format!(
        "INSERT INTO {} (stamp) SELECT pg_catalog.rpad('{head} 0 ' || pg_catalog.to_hex(n) || ' {tail}', {}, 'x') \
         FROM pg_catalog.generate_series(0, {events} - 1) n",
        table.quoted, bench.plan.size
    );
    Ok(bench.place.connect()?.batch_execute(&fill)?)
}
