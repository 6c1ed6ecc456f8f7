//! Transactions a second as writers grow. A commit after a NOTIFY waits for every other such commit of the whole server until
//! that is on disk; a durable trigger rings only when its consumer sleeps.

use crate::bench::report::Row;
use crate::bench::table::{Kind, LONGEST, Table};
use crate::bench::tally::Ordered;
use crate::bench::{Bench, Case, Knob, Label, Measured, Scenario, feed, load, render};
use crate::error::Result;

const NONE: &str = "no trigger";
const NOTIFY: &str = "NOTIFY in the trigger";
const DURABLE: &str = "durable, with a consumer";

pub const SCENARIO: Scenario = Scenario {
    name: "commit",
    about: "transactions of one INSERT as writers grow",
    uses: &[Knob::Clients, Knob::Listeners, Knob::Rate],
    cases,
    findings,
};

fn cases(bench: &Bench) -> Result<Vec<Case>> {
    bench.plan.refuse_long(LONGEST)?;
    let plain = Table::make(bench, "plain", Kind::Plain)?;
    let notified = Table::make(bench, "by_hand", Kind::ByHand)?;
    let durable = Table::make(bench, "durable", Kind::Durable)?;
    let mut cases = Vec::new();
    for clients in bench.plan.clients_or(&[1, 2, 4, 8, 16, 32]) {
        let label = |name, baseline| Label { clients, baseline, ..Label::new(name, "transactions") };
        for (name, table, baseline) in [(NONE, &plain, None), (NOTIFY, &notified, Some(NONE))] {
            let table = table.clone();
            let measure = move |bench: &Bench| {
                table.empty(bench)?;
                load::drive(bench, &mut table.inserters(bench, clients)?)
            };
            cases.push(Case { label: label(name, baseline), measure: Box::new(measure) });
        }
        for listeners in bench.plan.listeners_or(&[1]) {
            let table = durable.clone();
            let label = Label { listeners, ..label(DURABLE, Some(NONE)) };
            cases.push(Case { label, measure: Box::new(move |bench| delivered(bench, &table, clients, listeners)) });
        }
    }
    Ok(cases)
}

/// The writers' rate, while consumers deliver everything.
fn delivered(bench: &Bench, table: &Table, clients: usize, consumers: usize) -> Result<Measured> {
    table.empty(bench)?;
    let consumers = feed::consumers(bench, &table.queue, consumers, Ordered::No)?;
    let mut measured = load::drive(bench, &mut table.inserters(bench, clients)?)?;
    let (delivery, _) = feed::finish(bench, consumers, measured.operations)?;
    measured.delivery = Some(delivery);
    Ok(measured)
}

fn findings(rows: &[Row]) -> Vec<String> {
    let Some(most) = rows.iter().filter(|row| row.case == DURABLE).map(|row| row.clients).max() else {
        return Vec::new();
    };
    let rate = |case: &str| {
        let row = rows.iter().find(|row| row.case == case && row.clients == most);
        row.map(|row| row.rate.median).filter(|rate| *rate > 0.0)
    };
    let (Some(none), Some(notify), Some(durable)) = (rate(NONE), rate(NOTIFY), rate(DURABLE)) else {
        return Vec::new();
    };
    let writers = if most == 1 { "1 writer".to_owned() } else { format!("{most} writers") };
    vec![format!(
        "with {writers}, the durable trigger lets {} times as many transactions commit as NOTIFY in a trigger, and {} of those \
         without any trigger",
        render::ratio(durable / notify),
        render::ratio(durable / none)
    )]
}
