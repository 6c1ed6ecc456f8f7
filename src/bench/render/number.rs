//! Measured numbers for people: three digits that mean something, and a unit.

use crate::units::show_count;

/// Nine quadrillion: above it not every whole number is an f64.
const LARGEST: f64 = 9.0e15;

/// So many a second: `9.53`, `186`, `11,260`.
pub fn rate(rate: f64) -> String {
    match rate {
        ..10.0 => format!("{rate:.2}"),
        10.0..100.0 => format!("{rate:.1}"),
        _ => show_count(whole(rate)),
    }
}

/// A ratio: `0.91`, `13.6`.
pub fn ratio(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { rate(ratio) }
}

/// A latency, in microseconds: `59 us`, `1.84 ms`, `2.10 s`.
pub fn micros(micros: f64) -> String {
    let (value, unit) = match micros {
        ..1_000.0 => (micros, "us"),
        1_000.0..1_000_000.0 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let digits = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "kept within both bounds")]
fn whole(value: f64) -> u64 {
    value.round().clamp(0.0, LARGEST) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_mean_something() {
        assert_eq!([0.0, 9.527, 18.62, 186.2, 11_259.6].map(rate), ["0.00", "9.53", "18.6", "186", "11,260"]);
        assert_eq!([0.912, 13.6].map(ratio), ["0.91", "13.6"]);
        assert_eq!(
            [0.5, 59.2, 812.0, 1840.0, 2_100_000.0].map(micros),
            ["0.50 us", "59.2 us", "812 us", "1.84 ms", "2.10 s"]
        );
    }
}
