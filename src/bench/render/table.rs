//! The rows of a report as a table for people: only what there is to see.

use super::columns::{COLUMNS, Cell, Column};
use super::number;
use crate::bench::report::{Report, Row};

/// A table of text.
#[derive(Debug)]
pub struct Table {
    /// What all numbers are, where no column says it.
    pub caption: Option<String>,
    /// The names of the columns.
    pub names: Vec<String>,
    /// Which columns hold numbers, which stand to the right.
    pub right: Vec<bool>,
    /// The lines, each with a cell for every column.
    pub lines: Vec<Vec<String>>,
}

/// A column for each case when writers grow, else a line for each row.
pub fn of(report: &Report) -> Table {
    let cases = different(report.rows.iter().map(|row| row.case.as_str()));
    let clients = different(report.rows.iter().map(|row| row.clients));
    let one_each = report.rows.len() <= cases.len() * clients.len();
    let delivers_only_counts = report.rows.iter().all(|row| row.published.is_none() && row.compared.is_none());
    if cases.len() > 1 && clients.len() > 1 && one_each && delivers_only_counts {
        return matrix(report, &cases, &clients);
    }
    list(report)
}

fn matrix(report: &Report, cases: &[&str], clients: &[usize]) -> Table {
    let units = different(report.rows.iter().map(|row| row.unit.as_str())).join(" or ");
    let baseline = report.rows.iter().find_map(|row| row.baseline.as_deref());
    let beside = baseline.map_or_else(String::new, |baseline| format!(" (beside {baseline})"));
    let names: Vec<String> = ["clients"].iter().chain(cases).map(|name| (*name).to_owned()).collect();
    let line = |clients: &usize| {
        let cell = |case: &&str| {
            let row = report.rows.iter().find(|row| row.clients == *clients && row.case == *case);
            row.map_or_else(String::new, with_ratio)
        };
        std::iter::once(clients.to_string()).chain(cases.iter().map(cell)).collect()
    };
    let caption = Some(format!("{units} a second{beside}"));
    Table { caption, right: vec![true; names.len()], names, lines: clients.iter().map(line).collect() }
}

fn with_ratio(row: &Row) -> String {
    let ratio = row.ratio.map_or_else(String::new, |ratio| format!(" ({})", number::ratio(ratio)));
    format!("{}{ratio}", number::rate(row.rate.median))
}

fn list(report: &Report) -> Table {
    let rows = &report.rows;
    let units = different(rows.iter().map(|row| row.unit.as_str()));
    let shown: Vec<&Column> = COLUMNS.iter().filter(|column| is_shown(column, rows)).collect();
    let name = |column: &&Column| match (column.name, units.as_slice()) {
        ("rate", [unit]) => format!("{unit}/s"),
        _ => column.head.unwrap_or_default().to_owned(),
    };
    let cell = |column: &Column, row: &Row| {
        let shown = (column.cell)(row).map_or_else(String::new, |cell| cell.shown());
        match (column.name, units.len()) {
            ("rate", 2..) => format!("{shown} {}", row.unit),
            _ => shown,
        }
    };
    Table {
        caption: None,
        names: shown.iter().map(name).collect(),
        right: shown.iter().map(|column| column.name != "case").collect(),
        lines: rows.iter().map(|row| shown.iter().map(|column| cell(column, row)).collect()).collect(),
    }
}

/// Whether a column says anything that the others do not.
fn is_shown(column: &Column, rows: &[Row]) -> bool {
    let cells = || rows.iter().filter_map(|row| (column.cell)(row));
    let is_zero = |cell: Cell| cell == Cell::Count(0);
    match column.name {
        _ if column.head.is_none() => false,
        "clients" => cells().any(|cell| cell != Cell::Count(1)),
        "listeners" => cells().any(|cell| !is_zero(cell.clone()) && cell != Cell::Count(1)),
        "rate_min" | "rate_max" => rows.iter().any(|row| row.runs > 1),
        "lost" | "duplicated" | "reordered" => !cells().all(is_zero),
        "received_rate" => rows.iter().any(|row| row.received.is_some_and(|received| received != row.count)),
        _ => cells().next().is_some(),
    }
}

/// Each value once, in the order of the first.
fn different<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut different = Vec::new();
    for value in values {
        if !different.contains(&value) {
            different.push(value);
        }
    }
    different
}
