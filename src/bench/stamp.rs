//! What every message carries: whether it counts, its place in a stream, and when it was due.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Instant;

/// The least bytes that a payload needs for its stamp.
pub const MIN_BYTES: usize = 40;

/// The column that carries the stamp where a trigger tells a row.
const COLUMN: &str = "\"stamp\":\"";

/// Nanoseconds since this process first asked: sender and receiver are in it, so that both mean the same.
pub fn now_ns() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    u64::try_from(EPOCH.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Which part of a measurement a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It does not count.
    Warmup,
    /// It counts.
    Measured,
    /// It says that nothing follows.
    End,
}

impl Phase {
    fn letter(self) -> char {
        match self {
            Self::Warmup => 'w',
            Self::Measured => 'm',
            Self::End => 'e',
        }
    }
}

/// The stamp of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Whether it counts.
    pub phase: Phase,
    /// What shares an order: a sender, or a row.
    pub stream: u64,
    /// The place in the stream, from 0.
    pub seq: u64,
    /// When it was to be sent, as [`now_ns`] tells time.
    pub due_ns: u64,
}

impl Stamp {
    /// Text of `size` bytes, and of at least [`MIN_BYTES`] less a few, that means the same in JSON as outside.
    pub fn text(&self, size: usize) -> String {
        let mut text = String::with_capacity(size.max(MIN_BYTES));
        let Self { phase, stream, seq, due_ns } = self;
        write!(text, "{} {stream:x} {seq:x} {due_ns:x} ", phase.letter()).expect("a String accepts all writes");
        text.extend(std::iter::repeat_n('x', size.saturating_sub(text.len())));
        text
    }

    /// Finds the stamp of a notification, or of an event that a trigger has made of a row.
    pub fn find(payload: &str) -> Option<Self> {
        let text = payload.find(COLUMN).map_or(payload, |at| &payload[at + COLUMN.len()..]);
        let mut words = text.split(' ');
        let phase = match words.next()? {
            "w" => Phase::Warmup,
            "m" => Phase::Measured,
            "e" => Phase::End,
            _ => return None,
        };
        let mut number = || u64::from_str_radix(words.next()?, 16).ok();
        Some(Self { phase, stream: number()?, seq: number()?, due_ns: number()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_in_the_size_that_was_asked_for() {
        let stamp = Stamp { phase: Phase::Measured, stream: 31, seq: 0xffff_ffff, due_ns: 1 << 50 };
        let text = stamp.text(100);
        assert_eq!(text.len(), 100);
        assert_eq!(Stamp::find(&text), Some(stamp));
        assert_eq!(Stamp::find(&format!("{{\"new\":{{\"id\":1,\"stamp\":\"{text}\"}}}}")), Some(stamp));
        assert!(stamp.text(MIN_BYTES).len() == MIN_BYTES);
        assert_eq!(Stamp::find("hello"), None);
    }
}
