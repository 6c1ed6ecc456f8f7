//! Counts what arrived: each message once, twice, or too late.

use std::collections::HashMap;

use super::stamp::Stamp;

/// Whether what shares a stream has an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// Each after the one before.
    Yes,
    /// They are events of different rows.
    No,
}

/// What one receiver has got.
#[derive(Debug)]
pub struct Tally {
    streams: HashMap<u64, Stream>,
    /// Different messages.
    pub received: u64,
    /// When the last of these came, as [`super::stamp::now_ns`] tells time; 0 of none.
    pub last_ns: u64,
    /// Messages that had come before.
    pub duplicated: u64,
    /// Messages that came after a later one of their stream, where that has an order.
    pub reordered: Option<u64>,
}

#[derive(Debug, Default)]
struct Stream {
    /// A bit for each place.
    seen: Vec<u64>,
    next: u64,
}

impl Tally {
    /// Counts from nothing.
    pub fn new(ordered: Ordered) -> Self {
        let reordered = match ordered {
            Ordered::Yes => Some(0),
            Ordered::No => None,
        };
        Self { streams: HashMap::new(), received: 0, last_ns: 0, duplicated: 0, reordered }
    }

    /// Counts a message that came at `now_ns`. Returns whether it had not come before.
    pub fn count(&mut self, stamp: &Stamp, now_ns: u64) -> bool {
        let stream = self.streams.entry(stamp.stream).or_default();
        let (word, bit) = (usize::try_from(stamp.seq / 64).unwrap_or(usize::MAX), 1_u64 << (stamp.seq % 64));
        if stream.seen.len() <= word {
            stream.seen.resize(word + 1, 0);
        }
        if stream.seen[word] & bit != 0 {
            self.duplicated += 1;
            return false;
        }
        stream.seen[word] |= bit;
        self.received += 1;
        self.last_ns = self.last_ns.max(now_ns);
        if stamp.seq < stream.next {
            self.reordered = self.reordered.map(|reordered| reordered + 1);
        }
        stream.next = stream.next.max(stamp.seq + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamp::Phase;
    use super::*;

    fn count(ordered: Ordered, seqs: &[u64]) -> (u64, u64, Option<u64>) {
        let mut tally = Tally::new(ordered);
        for seq in seqs {
            tally.count(&Stamp { phase: Phase::Measured, stream: 7, seq: *seq, due_ns: 0 }, 0);
        }
        (tally.received, tally.duplicated, tally.reordered)
    }

    #[test]
    fn a_gap_is_no_disorder_and_what_fills_it_later_is() {
        assert_eq!(count(Ordered::Yes, &[0, 1, 2]), (3, 0, Some(0)));
        assert_eq!(count(Ordered::Yes, &[0, 2, 3]), (3, 0, Some(0)));
        assert_eq!(count(Ordered::Yes, &[0, 2, 1, 3]), (4, 0, Some(1)));
        assert_eq!(count(Ordered::No, &[0, 2, 1, 3]), (4, 0, None));
    }

    #[test]
    fn what_comes_twice_counts_once() {
        assert_eq!(count(Ordered::Yes, &[0, 0, 100, 0, 100]), (2, 3, Some(0)));
    }
}
