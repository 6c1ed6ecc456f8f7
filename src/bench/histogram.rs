//! Latencies in constant memory: nanoseconds inside, microseconds in reports.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest that is told apart: an hour.
const LONGEST_NS: u64 = 3_600_000_000_000;
/// Samples that must lie beyond a percentile: with fewer it tells of chance.
const BEYOND: f64 = 10.0;
/// The bounds of the bars in each power of ten.
const STEPS: [u64; 3] = [1, 2, 5];

/// Collected latencies.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("bounds that the histogram supports"))
    }
}

impl Latencies {
    /// Adds one, in nanoseconds.
    pub fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    /// Adds one.
    pub fn record_duration(&mut self, duration: Duration) {
        self.record(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all of others.
    pub fn add(&mut self, others: &Self) {
        self.0.add(&others.0).expect("both have the same bounds");
    }

    /// What a report says of them; nothing of none.
    pub fn summary(&self) -> Option<Summary> {
        if self.0.is_empty() {
            return None;
        }
        let us = |ns: f64| (ns / 10.0).round() / 100.0;
        let percentile = |part: f64| {
            let beyond = self.0.len() as f64 * (1.0 - part);
            // One part in a million: 1 - 0.9 is not quite 0.1.
            (beyond + 1e-6 >= BEYOND).then(|| us(self.0.value_at_quantile(part) as f64))
        };
        Some(Summary {
            samples: self.0.len(),
            min: us(self.0.min() as f64),
            mean: us(self.0.mean()),
            p50: percentile(0.5),
            p90: percentile(0.9),
            p99: percentile(0.99),
            p999: percentile(0.999),
            max: us(self.0.max() as f64),
        })
    }

    /// How many lie between 1, 2, 5, 10, 20 ... microseconds, from the first to the last that has any.
    pub fn bars(&self) -> Vec<Bar> {
        let (mut bars, mut from, mut counted) = (Vec::new(), 0, 0);
        for to in (3..).flat_map(|power| STEPS.map(|step| step * 10_u64.pow(power))) {
            if counted == self.0.len() {
                break;
            }
            let count = self.0.iter_recorded().map(|bin| (bin.value_iterated_to(), bin.count_at_value()));
            let count = count.filter(|(value, _)| (from..to).contains(value)).map(|(_, count)| count).sum();
            counted += count;
            from = to;
            if counted > 0 {
                bars.push(Bar { below_us: to / 1000, count });
            }
        }
        bars
    }
}

/// Latencies of a row, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many.
    pub samples: u64,
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Percentiles, by nearest rank; null when too few samples lie beyond.
    pub p50: Option<f64>,
    /// See `p50`.
    pub p90: Option<f64>,
    /// See `p50`.
    pub p99: Option<f64>,
    /// 99.9 per cent; see `p50`.
    pub p999: Option<f64>,
    /// The longest.
    pub max: f64,
}

/// A bar of the histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Its upper bound in microseconds; its lower bound is that of the bar before.
    pub below_us: u64,
    /// How many lie in it.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(micros: impl Iterator<Item = u64>) -> Latencies {
        let mut all = Latencies::default();
        micros.for_each(|us| all.record(us * 1000));
        all
    }

    #[test]
    fn percentiles_need_ten_samples_beyond_them() {
        let few = latencies(1..=999).summary().unwrap();
        assert!(few.p90.is_some() && few.p99.is_none() && few.p999.is_none());
        let many = latencies(1..=1000).summary().unwrap();
        assert!((many.p99.unwrap() - 990.0).abs() < 1.0 && many.p999.is_none(), "{many:?}");
        assert!(latencies(1..=19).summary().unwrap().p50.is_none());
        assert!(latencies(0..0).summary().is_none());
    }

    #[test]
    fn bars_count_everything_once() {
        let bars = latencies([3, 3, 7, 150].into_iter()).bars();
        let expected = [(5, 2), (10, 1), (20, 0), (50, 0), (100, 0), (200, 1)];
        assert_eq!(bars, expected.map(|(below_us, count)| Bar { below_us, count }));
        assert!(latencies(0..0).bars().is_empty());
    }
}
