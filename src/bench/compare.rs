//! Puts figures beside those of an earlier report.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::report::{Report, Row};
use crate::error::{Error, Result};

/// A row's figures as a part of the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Higher is better.
    pub rate: f64,
    /// Lower is better; null where one of both is not known.
    pub p50: Option<f64>,
    /// See `p50`.
    pub p99: Option<f64>,
}

/// Reads reports, one a line.
///
/// # Errors
/// A usage error when there is none, or something else.
pub fn read(path: &Path) -> Result<Vec<Report>> {
    let doing = |error: Error| error.doing(format!("reading {}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| doing(Error::usage(error.to_string())))?;
    let parse = |line: &str| serde_json::from_str(line).map_err(|error| doing(no_report(&error)));
    let reports: Vec<Report> = text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect::<Result<_>>()?;
    if reports.is_empty() {
        return Err(doing(Error::usage("it is empty")));
    }
    Ok(reports)
}

fn no_report(error: &serde_json::Error) -> Error {
    Error::usage(format!("it is no report: {error}")).hint("pgfeed bench -o json, or --export FILE.json, writes one")
}

/// Compares every row that was there before with as many clients and listeners.
pub fn compare(report: &mut Report, earlier: &[Report]) {
    let Some(before) = earlier.iter().find(|before| before.scenario == report.scenario) else { return };
    let differing = differing(before, report);
    if !differing.is_empty() {
        report.findings.push(format!("compared with a report of another {}", differing.join(", ")));
    }
    for row in &mut report.rows {
        let same = |old: &&Row| {
            (&old.case, old.clients, old.listeners, &old.unit) == (&row.case, row.clients, row.listeners, &row.unit)
        };
        row.compared = before.rows.iter().find(same).map(|old| compared(row, old));
    }
}

/// What both were not measured with alike.
fn differing(old: &Report, new: &Report) -> Vec<&'static str> {
    let (plan, server) = ((&old.plan, &new.plan), (&old.server, &new.server));
    let differs = [
        ("--size", plan.0.size != plan.1.size),
        ("--count", plan.0.count != plan.1.count),
        ("--time", plan.0.seconds != plan.1.seconds),
        ("--rate", plan.0.rate != plan.1.rate),
        ("--warmup", plan.0.warmup != plan.1.warmup),
        ("--runs", plan.0.runs != plan.1.runs),
        ("--flush-delay", server.0.flush_delay_us != server.1.flush_delay_us),
        ("server version", server.0.version != server.1.version),
        ("fsync", server.0.fsync != server.1.fsync),
        ("synchronous_commit", server.0.synchronous_commit != server.1.synchronous_commit),
    ];
    differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

fn compared(new: &Row, old: &Row) -> Compared {
    let part = |new: f64, old: f64| (new / old * 1e4).round() / 1e4;
    let percentile = |of: fn(&super::histogram::Summary) -> Option<f64>| {
        Some(part(new.latency.as_ref().and_then(of)?, old.latency.as_ref().and_then(of)?))
    };
    Compared {
        rate: part(new.rate.median, old.rate.median),
        p50: percentile(|latency| latency.p50),
        p99: percentile(|latency| latency.p99),
    }
}
