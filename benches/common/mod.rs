//! What the measurements share: medians, and one line for each figure.

/// Each figure is the median of this many runs; the two sides take turns.
pub const RUNS: usize = 5;

/// Prints what the columns are.
pub fn header() {
    println!("{:<56} {:>12} {:>14} {:>7}  bar", "medians of interleaved runs", "pgfeed", "compared with", "ratio");
}

/// Prints one line: two medians, and how the first relates to the second.
pub fn report(what: &str, unit: &str, ours: &mut [f64], theirs: &mut [f64], bar: &str) {
    let (ours, theirs) = (median(ours), median(theirs));
    println!("{what:<56} {:>12} {:>14} {:>7.2}  {bar}", show(ours, unit), show(theirs, unit), ours / theirs);
}

fn show(value: f64, unit: &str) -> String {
    if value >= 1000.0 { format!("{value:.0} {unit}") } else { format!("{value:.2} {unit}") }
}

/// The middle value.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
