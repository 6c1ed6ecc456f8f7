//! Durations, sizes and counts as people write them (`1m30s`, `64k`, `2m`), and as they are shown.

use std::time::Duration;

/// The shortest interval.
const SHORTEST: Duration = Duration::from_millis(1);

/// The server keeps `lock_timeout` in milliseconds and 31 bits: 24.8 days.
const LONGEST_LOCK_WAIT: Duration = Duration::from_secs(24 * 86_400);

/// Parses `250ms`, `10s`, `5m`, `1h30m`, `2d`; a bare number is seconds.
///
/// # Errors
/// A sentence that says which forms are understood.
pub fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("'{text}' is not a duration: write it like 250ms, 10s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| refused());
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refused)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(refused()),
        };
        let number: f64 = number.parse().map_err(|_| refused())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| refused())?;
        total = total.checked_add(part).ok_or_else(refused)?;
        rest = tail;
    }
    if text.is_empty() { Err(refused()) } else { Ok(total) }
}

/// Parses how long the server may wait for a lock: a [`duration`], but not one that its setting cannot hold.
///
/// # Errors
/// A sentence that says which forms are understood, or what the longest is.
pub fn lock_wait(text: &str) -> Result<Duration, String> {
    let wait = duration(text)?;
    if wait > LONGEST_LOCK_WAIT {
        return Err(format!("'{text}' is more than a server can wait: at most 24d"));
    }
    Ok(wait)
}

/// Parses how often to do something, or 0 for never: as an [`interval`] otherwise.
///
/// # Errors
/// A sentence that says which forms are understood, or what the shortest is.
pub fn interval_or_never(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() { Ok(duration) } else { interval(text) }
}

/// Parses how often to do something: a [`duration`], but not one that would leave no time for anything else.
///
/// # Errors
/// A sentence that says which forms are understood, or what the shortest is.
pub fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval < SHORTEST {
        return Err(format!("'{text}' is too often: at least 1ms"));
    }
    Ok(interval)
}

/// Parses a number of bytes: `64`, `4k`, `1M`, `2G` (powers of 1024).
///
/// # Errors
/// A sentence that says which forms are understood.
pub fn size(text: &str) -> Result<u64, String> {
    scaled(text, 1024).ok_or_else(|| format!("'{text}' is not a size: write it like 64, 4k or 1M"))
}

/// Parses a number of things: `500`, `10k`, `2m` (powers of 1000).
///
/// # Errors
/// A sentence that says which forms are understood.
pub fn count(text: &str) -> Result<u64, String> {
    scaled(text, 1000).ok_or_else(|| format!("'{text}' is not a number: write it like 500, 10k or 2m"))
}

fn scaled(text: &str, base: u64) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let power = match unit {
        "" => 0,
        "k" | "K" => 1,
        "m" | "M" => 2,
        "g" | "G" => 3,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(base.checked_pow(power)?)
}

/// Shows a duration in the unit that a person would choose: `1.830s`, `12ms`, `2m05s`.
pub fn show_duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 if duration.as_millis() == 0 => format!("{}us", duration.as_micros()),
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{:.1}s", duration.as_secs_f64()),
        60..3600 => format!("{}m{:02}s", duration.as_secs() / 60, duration.as_secs() % 60),
        _ => format!("{}h{:02}m", duration.as_secs() / 3600, duration.as_secs() % 3600 / 60),
    }
}

/// Shows a number of things with its thousands apart: `1,234,567`.
pub fn show_count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        for wrong in ["", "s", "5x", "-1", "1e400", "inf", "nan", "5 s", "1h30", "99999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn intervals_are_not_nothing() {
        assert_eq!(interval("1ms"), Ok(Duration::from_millis(1)));
        for wrong in ["0", "0s", "999us", "1e-9", "x"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn never_is_an_interval_where_that_is_said() {
        assert_eq!(interval_or_never("0s"), Ok(Duration::ZERO));
        assert_eq!(interval_or_never("1ms"), Ok(Duration::from_millis(1)));
        for wrong in ["1us", "999us", "x"] {
            assert!(interval_or_never(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_lock_is_waited_for_as_long_as_a_server_can() {
        assert_eq!(lock_wait("24d"), Ok(LONGEST_LOCK_WAIT));
        assert!(lock_wait("1000h").is_err() && lock_wait("25d").is_err());
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(size("64"), Ok(64));
        assert_eq!(size("4k"), Ok(4096));
        assert_eq!(size("1M"), Ok(1 << 20));
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(count("2m"), Ok(2_000_000));
        for wrong in ["", "k", "-1", "1.5k", "99999999999g", "18446744073709551616"] {
            assert!(size(wrong).is_err() && count(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_are_shown_with_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(show_count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn durations_are_shown_in_a_fitting_unit() {
        assert_eq!(show_duration(Duration::from_micros(12)), "12us");
        assert_eq!(show_duration(Duration::from_millis(1830)), "1.8s");
        assert_eq!(show_duration(Duration::from_secs(125)), "2m05s");
    }
}
