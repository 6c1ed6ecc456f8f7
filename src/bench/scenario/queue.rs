//! From a writer through a durable queue to its delivery, and how fast a backlog is drained.

use std::time::Instant;

use crate::bench::load::{self, Turn};
use crate::bench::stamp::{Phase, Stamp, now_ns};
use crate::bench::table::{Kind, Table};
use crate::bench::tally::Ordered;
use crate::bench::{Bench, Case, Delivery, Label, Measured, Scenario, feed};
use crate::error::Result;

/// Rows that each writer updates in turns: the events of a row have an order, which is checked.
const ROWS_PER_CLIENT: u64 = 16;
/// Events of the backlog, unless told otherwise.
const BACKLOG: u64 = 200_000;

pub const SCENARIO: Scenario = Scenario {
    name: "queue",
    about: "events from writers through a durable queue to their delivery by one worker",
    cases,
    findings: |_| Vec::new(),
};

fn cases(bench: &Bench) -> Result<Vec<Case>> {
    bench.plan.refuse_listeners(SCENARIO.name)?;
    let table = Table::make(bench, "durable", Kind::Durable)?;
    let mut cases = Vec::new();
    for clients in bench.plan.clients_or(&[1]) {
        let label = Label { clients, listeners: 1, ..Label::new("write to delivery", "events") };
        let table = table.clone();
        cases.push(Case { label, measure: Box::new(move |bench| delivered(bench, &table, clients)) });
    }
    let label = Label { listeners: 1, ..Label::new("drain of a backlog", "events") };
    cases.push(Case { label, measure: Box::new(move |bench| drained(bench, &table)) });
    Ok(cases)
}

fn delivered(bench: &Bench, table: &Table, clients: usize) -> Result<Measured> {
    table.empty(bench)?;
    let rows = clients as u64 * ROWS_PER_CLIENT - 1;
    let fill = "INSERT INTO {table} SELECT n, '' FROM pg_catalog.generate_series(0, {rows}) n";
    bench.place.execute(&fill.replace("{table}", &table.quoted).replace("{rows}", &rows.to_string()))?;
    let consumer = feed::consumer(bench, &table.queue, Ordered::Yes)?;
    let mut measured = load::drive(bench, &mut updaters(bench, table, clients)?)?;
    consumer.wait_received(bench, measured.operations);
    let receiver = consumer.end()?;
    let mut delivery = Delivery::of(measured.operations);
    delivery.add(&receiver.tally, 0);
    measured.delivery = Some(delivery);
    // Up to the delivery, and not only to the commit.
    measured.latency = receiver.latency;
    Ok(measured)
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

/// One big transaction fills the queue; from the start of a worker to its last delivery.
fn drained(bench: &Bench, table: &Table) -> Result<Measured> {
    table.empty(bench)?;
    let events = bench.plan.count_or(BACKLOG);
    // The server counts, in hexadecimal as the stamp does; each row has one event.
    let stamp = Stamp { phase: Phase::Measured, stream: 0, seq: 0, due_ns: now_ns() }.text(0);
    let (head, tail) = stamp.split_once(" 0 0 ").unwrap_or_default();
    let fill = format!(
        "INSERT INTO {} (stamp) SELECT pg_catalog.rpad('{head} 0 ' || pg_catalog.to_hex(n) || ' {tail}', {}, 'x') \
         FROM pg_catalog.generate_series(0, {events} - 1) n",
        table.quoted, bench.plan.size
    );
    bench.place.connect()?.batch_execute(&fill)?;
    if bench.stop.requested().is_some() {
        return Ok(Measured::default());
    }
    let started = Instant::now();
    let consumer = feed::consumer(bench, &table.queue, Ordered::No)?;
    consumer.wait_received(bench, events);
    let elapsed = started.elapsed();
    let receiver = consumer.end()?;
    let mut delivery = Delivery::of(events);
    delivery.add(&receiver.tally, 0);
    Ok(Measured { operations: receiver.tally.received, elapsed, delivery: Some(delivery), ..Measured::default() })
}
