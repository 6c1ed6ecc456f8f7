//! The fields of a row, once for all forms that are tables.

use super::number;
use crate::bench::report::Row;
use crate::units::show_count;

/// A field.
pub struct Column {
    /// As in JSON.
    pub name: &'static str,
    /// For people; without one it is in CSV only.
    pub head: Option<&'static str>,
    /// What a row has there.
    pub cell: fn(&Row) -> Option<Cell>,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A name.
    Text(String),
    /// A number of things.
    Count(u64),
    /// So many a second.
    Rate(f64),
    /// A part of something.
    Ratio(f64),
    /// Seconds.
    Seconds(f64),
    /// Microseconds.
    Micros(f64),
}

impl Cell {
    /// For programs.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Rate(value) | Self::Ratio(value) | Self::Seconds(value) | Self::Micros(value) => value.to_string(),
        }
    }

    /// For people.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => show_count(*count),
            Self::Rate(rate) => number::rate(*rate),
            Self::Ratio(ratio) => number::ratio(*ratio),
            Self::Seconds(seconds) => format!("{seconds} s"),
            Self::Micros(micros) => number::micros(*micros),
        }
    }
}

macro_rules! column {
    ($name:literal, $head:expr, $cell:expr) => {
        Column { name: $name, head: $head, cell: $cell }
    };
}

/// All of them, in the order in which they are shown.
pub const COLUMNS: &[Column] = &[
    column!("case", Some("case"), |row| Some(Cell::Text(row.case.clone()))),
    column!("clients", Some("clients"), |row| Some(Cell::Count(row.clients as u64))),
    column!("listeners", Some("listeners"), |row| Some(Cell::Count(row.listeners as u64))),
    column!("unit", None, |row| Some(Cell::Text(row.unit.clone()))),
    column!("runs", None, |row| Some(Cell::Count(row.runs as u64))),
    column!("count", None, |row| Some(Cell::Count(row.count))),
    column!("seconds", None, |row| Some(Cell::Seconds(row.seconds))),
    column!("rate", Some("a second"), |row| Some(Cell::Rate(row.rate.median))),
    column!("rate_min", Some("lowest"), |row| Some(Cell::Rate(row.rate.min))),
    column!("rate_max", Some("highest"), |row| Some(Cell::Rate(row.rate.max))),
    column!("ratio", Some("ratio"), |row| row.ratio.map(Cell::Ratio)),
    column!("baseline", None, |row| row.baseline.clone().map(Cell::Text)),
    column!("published", Some("published"), |row| row.published.map(Cell::Rate)),
    column!("received", None, |row| row.received.map(Cell::Count)),
    column!("received_rate", Some("received/s"), |row| row.received_rate.map(Cell::Rate)),
    column!("lost", Some("lost"), |row| row.lost.map(Cell::Count)),
    column!("duplicated", Some("twice"), |row| row.duplicated.map(Cell::Count)),
    column!("reordered", Some("disordered"), |row| row.reordered.map(Cell::Count)),
    column!("samples", None, |row| Some(Cell::Count(row.latency.as_ref()?.samples))),
    column!("min", None, |row| Some(Cell::Micros(row.latency.as_ref()?.min))),
    column!("mean", None, |row| Some(Cell::Micros(row.latency.as_ref()?.mean))),
    column!("p50", Some("p50"), |row| row.latency.as_ref()?.p50.map(Cell::Micros)),
    column!("p90", Some("p90"), |row| row.latency.as_ref()?.p90.map(Cell::Micros)),
    column!("p99", Some("p99"), |row| row.latency.as_ref()?.p99.map(Cell::Micros)),
    column!("p999", Some("p99.9"), |row| row.latency.as_ref()?.p999.map(Cell::Micros)),
    column!("max", Some("max"), |row| Some(Cell::Micros(row.latency.as_ref()?.max))),
    column!("compared_rate", Some("rate, before=1"), |row| row.compared.map(|compared| Cell::Ratio(compared.rate))),
    column!("compared_p50", Some("p50, before=1"), |row| row.compared?.p50.map(Cell::Ratio)),
    column!("compared_p99", Some("p99, before=1"), |row| row.compared?.p99.map(Cell::Ratio)),
];
