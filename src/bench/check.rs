//! Conditions on figures, as of `--fail-if`: `p99>5ms`, `rate<10k`, `lost>0`.

use super::report::{Report, Row};
use crate::error::{Error, Result};
use crate::units;

/// A condition that must not hold for any row.
#[derive(Debug, Clone)]
pub struct Check {
    text: String,
    metric: Metric,
    relation: Relation,
    bound: f64,
}

/// A figure of a row, if it has it.
type Metric = fn(&Row) -> Option<f64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What a bound is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Duration,
    Count,
    Ratio,
}

const METRICS: [(&str, Unit, Metric); 14] = [
    ("rate", Unit::Count, |row| Some(row.rate.median)),
    ("ratio", Unit::Ratio, |row| row.ratio),
    ("compared", Unit::Ratio, |row| row.compared.map(|compared| compared.rate)),
    ("received", Unit::Count, |row| row.received.map(|count| count as f64)),
    ("lost", Unit::Count, |row| row.lost.map(|count| count as f64)),
    ("duplicated", Unit::Count, |row| row.duplicated.map(|count| count as f64)),
    ("reordered", Unit::Count, |row| row.reordered.map(|count| count as f64)),
    ("min", Unit::Duration, |row| row.latency.as_ref().map(|latency| latency.min)),
    ("mean", Unit::Duration, |row| row.latency.as_ref().map(|latency| latency.mean)),
    ("p50", Unit::Duration, |row| row.latency.as_ref().and_then(|latency| latency.p50)),
    ("p90", Unit::Duration, |row| row.latency.as_ref().and_then(|latency| latency.p90)),
    ("p99", Unit::Duration, |row| row.latency.as_ref().and_then(|latency| latency.p99)),
    ("p999", Unit::Duration, |row| row.latency.as_ref().and_then(|latency| latency.p999)),
    ("max", Unit::Duration, |row| row.latency.as_ref().map(|latency| latency.max)),
];

impl Check {
    /// Parses a condition.
    ///
    /// # Errors
    /// A usage error that says what can be asked.
    pub fn parse(text: &str) -> Result<Self> {
        let names = || METRICS.map(|(name, _, _)| name).join(", ");
        let refused = |why: String| {
            Error::usage(format!("--fail-if '{text}': {why}"))
                .hint(format!("write it like p99>5ms, rate<10k, lost>0 or ratio<0.8, with one of {}", names()))
        };
        let at = text.find(['<', '>']).ok_or_else(|| refused("it compares nothing".to_owned()))?;
        let (name, rest) = (text[..at].trim(), &text[at + 1..]);
        let (rest, or_equal) = rest.strip_prefix('=').map_or((rest, false), |rest| (rest, true));
        let relation = match (&text[at..=at], or_equal) {
            ("<", false) => Relation::Less,
            ("<", true) => Relation::AtMost,
            (_, false) => Relation::Greater,
            (_, true) => Relation::AtLeast,
        };
        let found = METRICS.iter().find(|(known, _, _)| *known == name);
        let (_, unit, metric) = found.ok_or_else(|| refused(format!("'{name}' is not measured")))?;
        let bound = bound(*unit, rest.trim()).map_err(refused)?;
        Ok(Self { text: text.to_owned(), metric: *metric, relation, bound })
    }

    /// Checks all rows that have the figure.
    ///
    /// # Errors
    /// The first row for which the condition holds (exit 4); that no row has the figure, so that nothing can be said.
    pub fn run(&self, reports: &[Report]) -> Result<()> {
        let mut looked_at = 0;
        for (report, row) in reports.iter().flat_map(|report| report.rows.iter().map(move |row| (report, row))) {
            let Some(value) = (self.metric)(row) else { continue };
            looked_at += 1;
            if self.relation.holds(value, self.bound) {
                let clients = row.clients;
                let message = format!(
                    "{} holds for {}, {}, with {clients} clients: it is {value}",
                    self.text, report.scenario, row.case
                );
                return Err(Error::check(message));
            }
        }
        if looked_at == 0 {
            let error = Error::check(format!("{}: no row has that figure", self.text));
            return Err(
                error.hint("a percentile needs ten samples beyond it, compared an earlier report with that row")
            );
        }
        Ok(())
    }
}

impl Relation {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::Greater => value > bound,
            Self::AtLeast => value >= bound,
        }
    }
}

/// In the unit of the figure: microseconds, a number, a ratio.
fn bound(unit: Unit, text: &str) -> Result<f64, String> {
    match unit {
        Unit::Duration => units::duration(text).map(|duration| duration.as_secs_f64() * 1e6),
        Unit::Count => units::count(text).map(|count| count as f64),
        Unit::Ratio => text.parse().map_err(|_| format!("'{text}' is not a ratio")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_conditions() {
        for (text, relation, bound) in [
            ("p99>5ms", Relation::Greater, 5000.0),
            ("p50 >= 1s", Relation::AtLeast, 1e6),
            ("rate<10k", Relation::Less, 10_000.0),
            ("ratio<=0.8", Relation::AtMost, 0.8),
        ] {
            let check = Check::parse(text).unwrap();
            assert_eq!((check.relation, check.bound), (relation, bound), "{text}");
        }
        for wrong in ["", "p99", "p98>5ms", "p99>5x", "rate<", "lost=0", "<5", "ratio<a"] {
            assert!(Check::parse(wrong).is_err(), "{wrong}");
        }
    }
}
