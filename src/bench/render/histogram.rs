//! A histogram as lines with bars.

use super::number;
use crate::bench::histogram::Bar;
use crate::units::show_count;

/// The longest bar, in characters.
const WIDTH: u64 = 40;
/// Eighths of a character.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Draws bars, the longest as wide as there is room.
pub fn lines(bars: &[Bar]) -> Vec<String> {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let all: u64 = bars.iter().map(|bar| bar.count).sum();
    let digits = show_count(most).len();
    let line = |bar: &Bar| {
        let eighths = (bar.count * WIDTH * 8).div_ceil(most);
        let drawn =
            "█".repeat(usize::try_from(eighths / 8).unwrap_or(0)) + EIGHTHS[usize::try_from(eighths % 8).unwrap_or(0)];
        let below = number::micros(bar.below_us as f64);
        let share = 100.0 * bar.count as f64 / all as f64;
        format!("  below {below:>8}  {:>digits$}  {share:>5.1}%  {drawn}", show_count(bar.count)).trim_end().to_owned()
    };
    bars.iter().map(line).collect()
}
