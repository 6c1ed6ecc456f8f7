//! The last events, held once for all clients: each reads on from where it is, and who falls out at the end was too slow.
//!
//! So a slow client holds nobody's memory but its socket's, and the same events serve those who come back.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::Instant;

use tokio::sync::watch;

use super::entry::Entry;
use crate::feed::event::{ControlKind, Item};

/// Most that is handed to a client at once, in bytes: about what it holds while it is being sent.
const PORTION_BYTES: usize = 256 * 1024;

/// How much is held.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most events.
    pub entries: usize,
    /// Most bytes; one event is held however long.
    pub bytes: usize,
}

/// The last events.
pub struct Log {
    /// Tells the ids of this process from those of another, or of an earlier one.
    epoch: String,
    bounds: Bounds,
    held: RwLock<Held>,
    /// The number of the newest entry.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Held {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// How many there have been.
    count: u64,
    /// Whether the feed is live, as of the last record about it.
    live: bool,
}

impl Held {
    /// The number in front of the oldest entry: whoever has seen this one has missed nothing.
    fn floor(&self) -> u64 {
        self.count - self.entries.len() as u64
    }

    fn live_after(&self, kind: ControlKind) -> bool {
        match kind {
            ControlKind::Ready | ControlKind::Gap => true,
            ControlKind::Lost | ControlKind::Stopped => false,
            ControlKind::Overflow => self.live,
        }
    }

    /// What comes behind a number that is not below the floor.
    fn behind(&self, seen: u64) -> impl Iterator<Item = &Arc<Entry>> {
        let skip = usize::try_from(seen.saturating_sub(self.floor())).unwrap_or(usize::MAX);
        self.entries.range(skip.min(self.entries.len())..)
    }
}

/// That the oldest events which were not read yet are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSlow;

impl Log {
    /// An empty log.
    pub fn new(bounds: Bounds) -> Self {
        let epoch = format!("{:016x}", RandomState::new().hash_one(0));
        Self { epoch, bounds, held: RwLock::default(), newest: watch::Sender::new(0) }
    }

    /// Adds an item; who waits for it is woken by [`Log::wake`]. Called from one thread.
    pub fn append(&self, item: &Item) {
        let seq = self.read().count + 1;
        // Encoded in front of the lock: clients read on meanwhile.
        let entry = Arc::new(Entry::new(seq, &self.id(seq), item));
        let mut held = self.held.write().expect("nobody panics while it holds the log");
        held.bytes += entry.held_bytes();
        held.count = seq;
        if let Item::Control(control) = item {
            held.live = held.live_after(control.kind);
        }
        held.entries.push_back(entry);
        while held.entries.len() > self.bounds.entries || (held.bytes > self.bounds.bytes && held.entries.len() > 1) {
            let Some(gone) = held.entries.pop_front() else { break };
            held.bytes -= gone.held_bytes();
        }
    }

    /// Wakes whoever waits for what was added.
    pub fn wake(&self) {
        let newest = self.read().count;
        self.newest.send_replace(newest);
    }

    /// The id that clients know an entry by.
    pub fn id(&self, seq: u64) -> String {
        format!("{}-{seq}", self.epoch)
    }

    /// The number of an id, if it is one of this process and everything behind it is still there.
    pub fn position(&self, id: &str) -> Option<u64> {
        let (epoch, seq) = id.rsplit_once('-')?;
        let seq = seq.parse().ok().filter(|_| epoch == self.epoch)?;
        let held = self.read();
        (held.floor()..=held.count).contains(&seq).then_some(seq)
    }

    /// The number of the newest entry, 0 when there is none, and whether the feed was live with it.
    pub fn now(&self) -> (u64, bool) {
        let held = self.read();
        (held.count, held.live)
    }

    /// Waits until the feed is live.
    pub async fn until_live(&self) {
        let mut newest = self.newest.subscribe();
        while !self.now().1 {
            // The sender is ours: it is there as long as we are.
            let _ = newest.changed().await;
        }
    }

    /// The number in front of the last `count` entries, or of those that there are.
    pub fn before_last(&self, count: u64) -> u64 {
        let held = self.read();
        held.count.saturating_sub(count).max(held.floor())
    }

    /// Whether somebody who has seen this one can still read what comes behind it.
    pub fn holds_behind(&self, seen: u64) -> bool {
        seen >= self.read().floor()
    }

    /// When the oldest entry came that somebody who has seen this one has not; none when there is none.
    pub fn oldest_behind(&self, seen: u64) -> Option<Instant> {
        self.read().behind(seen).next().map(|entry| entry.at)
    }

    /// Reads on behind a number.
    pub fn reader(self: &Arc<Self>, seen: u64) -> Reader {
        Reader { log: Arc::clone(self), newest: self.newest.subscribe(), seen }
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().expect("nobody panics while it holds the log")
    }
}

/// One client's place in the log.
pub struct Reader {
    log: Arc<Log>,
    newest: watch::Receiver<u64>,
    seen: u64,
}

impl Reader {
    /// The number of the last entry that was handed over.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Waits for more, and hands over a portion of it. Dropped while it waits, it has handed over nothing.
    ///
    /// # Errors
    /// That what comes next is gone.
    pub async fn next(&mut self) -> Result<Vec<Arc<Entry>>, TooSlow> {
        loop {
            self.newest.borrow_and_update();
            let portion = self.portion()?;
            if let Some(last) = portion.last() {
                self.seen = last.seq;
                return Ok(portion);
            }
            if self.newest.changed().await.is_err() {
                // The log is not dropped while it has readers.
                return Err(TooSlow);
            }
        }
    }

    fn portion(&self) -> Result<Vec<Arc<Entry>>, TooSlow> {
        let held = self.log.read();
        if self.seen < held.floor() {
            return Err(TooSlow);
        }
        let mut bytes = 0;
        let portion = held.behind(self.seen).take_while(|entry| {
            let fits = bytes == 0 || bytes + entry.held_bytes() <= PORTION_BYTES;
            bytes += entry.held_bytes();
            fits
        });
        Ok(portion.map(Arc::clone).collect())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::feed::event::{Event, Origin};

    fn items(count: usize) -> Vec<Item> {
        let origin = Origin::Channel { channel: Arc::from("c"), pid: 1 };
        vec![Item::Event(Event { origin, at: Timestamp::UNIX_EPOCH, payload: "x".into() }); count]
    }

    fn append(log: &Log, count: usize) {
        items(count).iter().for_each(|item| log.append(item));
        log.wake();
    }

    fn log(entries: usize, bytes: usize) -> Arc<Log> {
        Arc::new(Log::new(Bounds { entries, bytes }))
    }

    /// The numbers that are there at once behind one.
    fn numbers(log: &Arc<Log>, seen: u64) -> Result<Vec<u64>, TooSlow> {
        Ok(log.reader(seen).portion()?.iter().map(|entry| entry.seq).collect())
    }

    #[test]
    fn the_last_events_are_held_and_older_ones_make_too_slow() {
        let log = log(3, usize::MAX);
        assert_eq!(numbers(&log, 0), Ok(vec![]));
        append(&log, 2);
        append(&log, 3);
        assert_eq!((numbers(&log, 2), numbers(&log, 4)), (Ok(vec![3, 4, 5]), Ok(vec![5])));
        assert_eq!((numbers(&log, 5), numbers(&log, 1)), (Ok(vec![]), Err(TooSlow)));
        assert!(log.holds_behind(2) && !log.holds_behind(1));
        assert_eq!((log.now(), log.before_last(1), log.before_last(9)), ((5, false), 4, 2));
        assert!(log.oldest_behind(4).is_some() && log.oldest_behind(5).is_none());
    }

    #[test]
    fn bytes_are_bounded_but_for_the_last_event() {
        let log = log(usize::MAX, 1);
        append(&log, 3);
        assert_eq!(numbers(&log, 2), Ok(vec![3]));
        assert_eq!(numbers(&log, 1), Err(TooSlow));
    }

    #[test]
    fn ids_of_another_process_or_of_what_is_gone_have_no_position() {
        let log = log(2, usize::MAX);
        assert_eq!(log.position(&log.id(0)), Some(0));
        append(&log, 4);
        let positions: Vec<_> = (0..6).map(|seq| log.position(&log.id(seq))).collect();
        assert_eq!(positions, [None, None, Some(2), Some(3), Some(4), None]);
        for id in ["", "3", "-3", "0-3", &format!("{}-x", log.epoch), &format!("{}--3", log.epoch)] {
            assert_eq!(log.position(id), None, "{id}");
        }
    }

    #[test]
    fn a_portion_is_bounded_and_the_rest_follows() {
        let log = log(usize::MAX, usize::MAX);
        append(&log, 5000);
        let first = numbers(&log, 0).unwrap();
        let last = *first.last().unwrap();
        assert!(last > 100 && last < 5000, "{last}");
        assert_eq!(numbers(&log, last).unwrap()[0], last + 1);
    }
}
