//! What was found, as one value; the forms of `render` all show its fields.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::compare::Compared;
use super::histogram::{Bar, Latencies, Summary};
use super::plan::{Knob, Plan, Told};
use super::server::Server;
use super::{Delivery, Label, Measured, Scenario, plus};
use crate::units;

/// How far delivery may lag behind the senders, as time and as a part of theirs, before a reader must know.
const LAG: Duration = Duration::from_millis(100);
const LAG_PART: f64 = 0.1;

/// What one scenario has found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Always `bench`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The scenario's name.
    pub scenario: String,
    /// What it measures.
    pub about: String,
    /// Of pgfeed.
    pub version: String,
    /// When it ended, UTC.
    pub at: String,
    /// Whether it was not interrupted.
    pub complete: bool,
    /// Where it was measured.
    pub server: Server,
    /// What was asked for.
    pub plan: Told,
    /// A row for each case.
    pub rows: Vec<Row>,
    /// What follows, in words.
    pub findings: Vec<String>,
}

/// What one case has found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub case: String,
    /// Connections that wrote.
    pub clients: usize,
    /// Connections that listened, or consumed a queue.
    pub listeners: usize,
    /// What is counted, in the plural.
    pub unit: String,
    /// Measurements that the figures are made of.
    pub runs: usize,
    /// How many, of all runs.
    pub count: u64,
    /// For how long, all runs together.
    pub seconds: f64,
    /// So many a second.
    pub rate: Spread,
    /// The rate, as a part of the baseline's.
    pub ratio: Option<f64>,
    /// The case that is the baseline.
    pub baseline: Option<String>,
    /// What others have published, a second.
    pub published: Option<f64>,
    /// Different messages that arrived, at all listeners together.
    pub received: Option<u64>,
    /// The same, a second, until the last of it had arrived.
    pub received_rate: Option<f64>,
    /// What did not arrive.
    pub lost: Option<u64>,
    /// What arrived again.
    pub duplicated: Option<u64>,
    /// What arrived after what was sent later; null where there is no order to be kept.
    pub reordered: Option<u64>,
    /// From when a message was due to its delivery, or a transaction to its commit; microseconds.
    pub latency: Option<Summary>,
    /// The same as a histogram.
    pub histogram: Vec<Bar>,
    /// Against an earlier report.
    pub compared: Option<Compared>,
}

/// The median of the runs, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Spread {
    /// Of at least one value.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median: f64::midpoint(low, high), min: values[0], max: values[values.len() - 1] }
    }
}

impl Report {
    pub(super) fn new(scenario: &Scenario, plan: &Plan, server: &Server, complete: bool) -> Self {
        Self {
            kind: "bench".to_owned(),
            scenario: scenario.name.to_owned(),
            about: scenario.about.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: format!("{:.0}", jiff::Timestamp::now()),
            complete,
            server: server.clone(),
            plan: plan.into(),
            rows: Vec::new(),
            findings: Vec::new(),
        }
    }
}

/// Makes rows of what was measured; a case that was not measured at all has none.
pub(super) fn rows<'a>(cases: impl Iterator<Item = (Label, &'a Vec<Measured>)>, plan: &Plan) -> Vec<Row> {
    let mut rows: Vec<Row> =
        cases.filter(|(_, runs)| !runs.is_empty()).map(|(label, runs)| row(&label, runs, plan)).collect();
    for place in 0..rows.len() {
        let row = &rows[place];
        let is_baseline = |other: &&Row| {
            Some(&other.case) == row.baseline.as_ref()
                && (other.clients, &other.unit) == (row.clients, &row.unit)
                // Where nothing is delivered nobody listens.
                && (other.listeners == row.listeners || other.listeners == 0)
        };
        let ratio = rows.iter().find(is_baseline).map(|other| round(row.rate.median / other.rate.median, 4));
        rows[place].ratio = ratio.filter(|ratio| ratio.is_finite());
    }
    rows
}

fn row(label: &Label, runs: &[Measured], plan: &Plan) -> Row {
    let mut latency = Latencies::default();
    runs.iter().for_each(|run| latency.add(&run.latency));
    let elapsed: Duration = runs.iter().map(|run| run.elapsed).sum();
    let arrived_in: Duration = runs.iter().map(Measured::arrived_in).sum();
    let rate = |run: &Measured| round(run.operations as f64 / run.elapsed.as_secs_f64().max(1e-9), 2);
    let delivery = runs.iter().filter_map(|run| run.delivery).reduce(sum);
    let seconds = round(elapsed.as_secs_f64(), 3);
    Row {
        case: label.name.to_owned(),
        clients: label.clients,
        listeners: label.listeners,
        unit: label.unit.to_owned(),
        runs: runs.len().min(plan.runs),
        count: runs.iter().map(|run| run.operations).sum(),
        seconds,
        rate: Spread::of(runs.iter().map(rate).collect()),
        ratio: None,
        baseline: label.baseline.map(str::to_owned),
        published: label.published,
        received: delivery.map(|all| all.received),
        received_rate: delivery.map(|all| round(all.received as f64 / arrived_in.as_secs_f64().max(1e-9), 2)),
        lost: delivery.and_then(|all| Some(all.expected?.saturating_sub(all.received))),
        duplicated: delivery.map(|all| all.duplicated),
        reordered: delivery.and_then(|all| all.reordered),
        latency: latency.summary(),
        histogram: latency.bars(),
        compared: None,
    }
}

fn sum(one: Delivery, other: Delivery) -> Delivery {
    Delivery {
        expected: one.expected.zip(other.expected).map(|(one, other)| one + other),
        received: one.received + other.received,
        last_ns: one.last_ns.max(other.last_ns),
        duplicated: one.duplicated + other.duplicated,
        reordered: plus(one.reordered, other.reordered),
        cut_off: one.cut_off + other.cut_off,
    }
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// What a reader must know before believing the figures.
pub(super) fn warnings(scenario: &Scenario, rows: &[Row], measured: &[Vec<Measured>], plan: &Plan) -> Vec<String> {
    let mut warnings = Vec::new();
    let all = |count: fn(&Row) -> Option<u64>| rows.iter().filter_map(count).sum::<u64>();
    if rows.iter().any(|row| row.received.is_some()) {
        let (lost, duplicated, reordered) = (all(|row| row.lost), all(|row| row.duplicated), all(|row| row.reordered));
        let arrived = units::show_count(all(|row| row.received));
        let is_known = rows.iter().all(|row| row.received.is_some() == row.lost.is_some());
        let has_order = rows.iter().any(|row| row.reordered.is_some());
        warnings.push(match (lost, duplicated, reordered) {
            _ if !is_known => {
                format!(
                    "{arrived} messages arrived until it was interrupted; {duplicated} twice, {reordered} out of order"
                )
            }
            (0, 0, 0) if has_order => format!("all {arrived} messages arrived: none lost, duplicated or reordered"),
            (0, 0, 0) => format!("all {arrived} messages arrived: none lost or duplicated"),
            _ => format!("{arrived} messages arrived; {lost} lost, {duplicated} duplicated, {reordered} reordered"),
        });
    }
    let cut_off: u64 = measured.iter().flatten().filter_map(|run| run.delivery).map(|all| all.cut_off).sum();
    if cut_off > 0 {
        warnings.push(format!("listeners lost their connection {cut_off} times"));
    }
    // Cases that were not measured have no row.
    for (row, runs) in rows.iter().zip(measured.iter().filter(|runs| !runs.is_empty())) {
        let lag = runs.iter().map(|run| run.arrived_in().saturating_sub(run.elapsed)).max().unwrap_or_default();
        if lag >= LAG && lag.as_secs_f64() > LAG_PART * row.seconds / runs.len() as f64 {
            warnings.push(format!(
                "{}: the last message arrived {:.1} s after all were sent, so that its latencies grow for as long as it runs",
                row.case,
                lag.as_secs_f64()
            ));
        }
    }
    for row in rows {
        let has_pace = scenario.uses.contains(&Knob::Rate) && row.latency.is_some();
        let Some(rate) = plan.rate.filter(|_| has_pace) else { continue };
        if row.rate.median < 0.98 * rate as f64 {
            warnings.push(format!(
                "{}: {rate} a second were asked for and {:.0} reached, so that its latencies grow for as long as it runs",
                row.case, row.rate.median
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests;
