//! Measures what LISTEN/NOTIFY and the queue cost: scenarios, load, statistics, reports. Knows no command line and no terminal.

mod bare;
pub mod check;
pub mod compare;
mod counting;
mod feed;
mod histogram;
mod load;
mod place;
pub mod plan;
#[cfg(feature = "amqp")]
mod rabbit;
mod receiver;
pub mod render;
pub mod report;
mod scenario;
mod server;
mod stamp;
mod table;
mod tally;

use std::time::Duration;

use crate::error::Result;
use crate::stop::Stop;
use histogram::Latencies;
pub use place::{Place, leftovers};
pub use plan::{Amount, Knob, Outlet, Plan};
use report::{Report, Row};
pub use scenario::SCENARIOS;
pub use server::Server;
use tally::Tally;

/// Something to measure: one file, and one line in the registry.
pub struct Scenario {
    /// As on the command line.
    pub name: &'static str,
    /// What it measures, for people.
    pub about: &'static str,
    /// What it makes use of, of what not all do.
    pub uses: &'static [Knob],
    /// Checks the plan, makes tables and triggers, and says what is measured, in the order of the report.
    cases: fn(&Bench) -> Result<Vec<Case>>,
    /// The ratios that matter, in words.
    findings: fn(&[Row]) -> Vec<String>,
}

/// One row of the report to be.
struct Case {
    label: Label,
    /// Measures once; called as often as there are runs.
    measure: Measure,
}

type Measure = Box<dyn FnMut(&Bench) -> Result<Measured>>;

/// What distinguishes a row from the others.
#[derive(Debug, Clone)]
struct Label {
    name: &'static str,
    clients: usize,
    listeners: usize,
    /// What is counted, in the plural.
    unit: &'static str,
    /// The name of the row, with as many clients and listeners, that the rate is compared with.
    baseline: Option<&'static str>,
    /// What others have published for this, a second.
    published: Option<f64>,
}

impl Label {
    fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name, clients: 1, listeners: 0, unit, baseline: None, published: None }
    }
}

/// What one measurement has found.
#[derive(Debug, Default)]
struct Measured {
    operations: u64,
    elapsed: Duration,
    /// When that began, as [`stamp::now_ns`] tells time, where delivery may take longer.
    started_ns: Option<u64>,
    /// How long a message took from the moment it was due to its delivery, or a transaction to its commit.
    latency: Latencies,
    delivery: Option<Delivery>,
}

impl Measured {
    /// How long the messages took to arrive, all together: receivers may need longer than senders.
    fn arrived_in(&self) -> Duration {
        let arriving = self.delivery.zip(self.started_ns);
        let arriving = arriving.map_or(0, |(delivery, started_ns)| delivery.last_ns.saturating_sub(started_ns));
        self.elapsed.max(Duration::from_nanos(arriving))
    }

    /// Nobody has waited for all that was sent.
    fn interrupted(mut self) -> Self {
        self.delivery = self.delivery.map(|delivery| Delivery { expected: None, ..delivery });
        self
    }
}

/// What arrived of what was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Delivery {
    /// Once for everybody who was to get it; not known when it was interrupted.
    expected: Option<u64>,
    received: u64,
    /// When the last of these came; 0 when not known.
    last_ns: u64,
    duplicated: u64,
    /// Of what has an order at all.
    reordered: Option<u64>,
    /// How often a listener lost its connection.
    cut_off: u64,
}

impl Delivery {
    /// Nothing yet, of so much.
    fn of(expected: u64) -> Self {
        Self { expected: Some(expected), ..Self::default() }
    }

    /// Adds what one listener has got.
    fn add(&mut self, tally: &Tally) {
        self.received += tally.received;
        self.last_ns = self.last_ns.max(tally.last_ns);
        self.duplicated += tally.duplicated;
        self.reordered = plus(self.reordered, tally.reordered);
    }
}

/// Adds what is known.
fn plus(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).reduce(|one, other| one + other)
}

/// Whoever wants to know how far it is.
pub trait Watch {
    /// A measurement begins, the `number`th `of` so many.
    fn begin(&self, what: &str, number: usize, of: usize);
    /// So much of it is done. Called many times a second.
    fn at(&self, done: u64);
}

/// What a scenario works with.
pub struct Bench<'a> {
    /// What was asked for.
    pub plan: &'a Plan,
    /// Where it happens.
    pub place: &'a Place,
    /// The wish to stop: what was measured until then is reported.
    pub stop: &'a Stop,
    /// Who hears of the progress.
    pub watch: &'a dyn Watch,
}

impl Bench<'_> {
    /// Measures all cases of a scenario, in turns, so that what disturbs the machine for a while disturbs all of them.
    ///
    /// # Errors
    /// A usage error when the plan does not fit; what the server says.
    pub fn run(&self, scenario: &Scenario, server: &Server) -> Result<Report> {
        let doing = |error: crate::error::Error| error.doing(format!("measuring {}", scenario.name));
        let mut cases = (scenario.cases)(self).map_err(doing)?;
        let mut measured: Vec<Vec<Measured>> = cases.iter().map(|_| Vec::new()).collect();
        let total = cases.len() * self.plan.runs;
        'runs: for run in 0..self.plan.runs {
            for (place, case) in cases.iter_mut().enumerate() {
                self.watch.begin(&case.label.told(), run * measured.len() + place + 1, total);
                let one = (case.measure)(self);
                if self.stop.requested().is_some() {
                    // It may have nothing to tell, or be a statement that was cancelled.
                    measured[place].extend(one.ok().filter(|one| one.operations > 0).map(Measured::interrupted));
                    break 'runs;
                }
                measured[place].push(one.map_err(doing)?);
            }
        }
        let labels = cases.into_iter().map(|case| case.label);
        let mut report = Report::new(scenario, self.plan, server, self.stop.requested().is_none());
        report.rows = report::rows(labels.zip(&measured), self.plan);
        report.findings = (scenario.findings)(&report.rows);
        report.findings.extend(report::warnings(scenario, &report.rows, &measured, self.plan));
        Ok(report)
    }
}

impl Label {
    /// For people, while it is measured.
    fn told(&self) -> String {
        let mut told = format!("{}, {}", self.unit, self.name);
        if self.clients > 1 {
            told.push_str(&format!(", {} clients", self.clients));
        }
        if self.listeners > 1 {
            told.push_str(&format!(", {} listeners", self.listeners));
        }
        told
    }
}
