//! A report for people, on one screen.

use super::{histogram, number, table};
use crate::bench::report::Report;
use crate::units::show_count;

/// Writes it.
pub fn render(report: &Report) -> String {
    let mut lines = vec![format!("{}: {}", report.scenario, report.about)];
    lines.extend(head(report));
    lines.push(String::new());
    let table = table::of(report);
    lines.extend(table.caption.iter().cloned());
    lines.extend(aligned(&table));
    lines.extend(bars(report));
    lines.push(String::new());
    lines.extend(report.findings.iter().map(|finding| format!("* {finding}")));
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// What the figures depend on, in lines.
pub fn head(report: &Report) -> Vec<String> {
    let (server, plan) = (&report.server, &report.plan);
    let cores = match server.cores {
        1 => "1 processor here".to_owned(),
        cores => format!("{cores} processors here"),
    };
    let simulated = match server.flush_delay_us {
        0.0 => String::new(),
        delay => format!(", {} of it simulated", number::micros(delay)),
    };
    let on_off = if server.fsync { "on" } else { "off: nothing is safe from a crash" };
    let amount = match (plan.count, plan.seconds) {
        (Some(count), _) => format!("{} of each", show_count(count)),
        (None, seconds) => format!("{} s of each", seconds.unwrap_or_default()),
    };
    let pace = plan.rate.map_or_else(String::new, |rate| format!(", {} a second", show_count(rate)));
    let runs = if plan.runs > 1 { format!(", medians of {} runs", plan.runs) } else { String::new() };
    let mut lines = vec![
        format!("PostgreSQL {} by {}, {cores}", server.version, server.transport),
        format!(
            "synchronous_commit {}, fsync {on_off}; a flush takes {}{simulated}",
            server.synchronous_commit,
            number::micros(server.flush_us)
        ),
        format!("{amount} after {} s of warm-up{pace}{runs}, payloads of {} bytes", plan.warmup, plan.size),
    ];
    if !report.complete {
        lines.push("INTERRUPTED: these figures are of a part only".to_owned());
    }
    lines
}

fn aligned(table: &table::Table) -> Vec<String> {
    let wide = |text: &String| text.chars().count();
    let width = |column: usize| {
        let cells = table.lines.iter().map(|line| wide(&line[column]));
        cells.chain([wide(&table.names[column])]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.names.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).zip(&table.right).map(|((cell, width), right)| {
            let space = " ".repeat(width - wide(cell));
            if *right { format!("{space}{cell}") } else { format!("{cell}{space}") }
        });
        padded.collect::<Vec<_>>().join("   ")
    };
    std::iter::once(line(&table.names)).chain(table.lines.iter().map(line)).collect()
}

/// The histogram of the last row that delivered something: of a sweep the one under most load.
fn bars(report: &Report) -> Vec<String> {
    let Some(row) = report.rows.iter().rev().find(|row| row.received.is_some() && !row.histogram.is_empty()) else {
        return Vec::new();
    };
    let what = match (row.clients, row.listeners) {
        (1, 0 | 1) => row.case.clone(),
        (clients, 0 | 1) => format!("{}, {clients} clients", row.case),
        (1, listeners) => format!("{}, {listeners} listeners", row.case),
        (clients, listeners) => format!("{}, {clients} clients, {listeners} listeners", row.case),
    };
    let mut lines = vec![String::new(), format!("{what}: how long each took")];
    lines.extend(histogram::lines(&row.histogram));
    lines
}
