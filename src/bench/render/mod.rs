//! The forms of a report. Each shows the fields of `columns.rs`.

mod columns;
mod histogram;
mod number;
mod table;
mod text;

use super::report::Report;
use columns::{COLUMNS, Cell};

#[cfg(feature = "serve")]
pub use number::micros;
pub use number::{rate, ratio};

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people: a screen a scenario.
    Text,
    /// One JSON object a line for each scenario.
    Json,
    /// One line for each row, under a line of names.
    Csv,
    /// A table, and what follows from it.
    Markdown,
}

/// Which of several reports this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing stands in front of it.
    First,
    /// Another does.
    Later,
}

/// Writes a report in one of its forms, with its last line break.
pub fn render(report: &Report, form: Form, place: Place) -> String {
    match (form, place) {
        (Form::Json, _) => format!("{}\n", serde_json::to_string(report).expect("plain data is always JSON")),
        (Form::Csv, Place::First) => format!("{}\n{}", csv_names(), csv_rows(report)),
        (Form::Csv, Place::Later) => csv_rows(report),
        (Form::Text, Place::First) => text::render(report),
        (Form::Text, Place::Later) => format!("\n{}", text::render(report)),
        (Form::Markdown, Place::First) => markdown(report),
        (Form::Markdown, Place::Later) => format!("\n{}", markdown(report)),
    }
}

fn csv_names() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    format!("scenario,complete,{}", names.join(","))
}

fn csv_rows(report: &Report) -> String {
    let line = |row| {
        let cells: Vec<String> =
            COLUMNS.iter().map(|column| (column.cell)(row).map_or_else(String::new, |cell| csv(&cell))).collect();
        format!("{},{},{}\n", report.scenario, report.complete, cells.join(","))
    };
    report.rows.iter().map(line).collect()
}

fn csv(cell: &Cell) -> String {
    let plain = cell.plain();
    if plain.contains([',', '"', '\n']) { format!("\"{}\"", plain.replace('"', "\"\"")) } else { plain }
}

fn markdown(report: &Report) -> String {
    let mut text = format!("### {}: {}\n\n", report.scenario, report.about);
    for line in text::head(report) {
        text.push_str(&format!("{line}  \n"));
    }
    text.push('\n');
    let shown = table::of(report);
    if let Some(caption) = &shown.caption {
        text.push_str(&format!("{caption}\n\n"));
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(&shown.names));
    let rule: Vec<&str> = shown.right.iter().map(|right| if *right { "---:" } else { "---" }).collect();
    text.push_str(&format!("| {} |\n", rule.join(" | ")));
    shown.lines.iter().for_each(|cells| text.push_str(&line(cells)));
    text.push('\n');
    report.findings.iter().for_each(|finding| text.push_str(&format!("- {finding}\n")));
    text
}
