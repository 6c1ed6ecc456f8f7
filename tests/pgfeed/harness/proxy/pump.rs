//! Forwards one direction of one connection, as the proxy's mode says.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::deaf::Deaf;
use super::stream::Stream;
use super::{Cut, Mode, POLL, Shared};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// What both directions of a connection know about it.
#[derive(Debug, Default)]
pub struct Connection {
    ended: OnceLock<Cut>,
    /// What the server says next gets lost, together with the connection.
    answer_is_lost: AtomicBool,
}

impl Connection {
    /// How the connection ended.
    pub fn ended(&self) -> Option<Cut> {
        self.ended.get().copied()
    }
}

#[derive(Debug)]
pub struct Pump {
    pub shared: Arc<Shared>,
    pub connection: Arc<Connection>,
    pub from: Stream,
    pub to: Stream,
    pub direction: Direction,
    /// How many cuts there had been when the connection began: the next one is its end.
    pub cuts: usize,
    pub deaf: Deaf,
}

/// Goes on, or tells why it stops.
type Step = Result<(), Stop>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Nothing more comes from this side, or can be written to that one.
    Side,
    /// The whole connection ends like this.
    Connection(Cut),
}

impl Pump {
    /// Forwards until the connection ends.
    pub fn run(self) {
        let stop = loop {
            if let Err(stop) = self.step() {
                break stop;
            }
        };
        let how = match (stop, self.direction) {
            (Stop::Connection(how), _) => how,
            // The server sees it and closes, perhaps after some last words, which the other pump forwards.
            (Stop::Side, Direction::ToServer) => return self.to.end_writing(),
            (Stop::Side, Direction::ToClient) => Cut::Close,
        };
        // Whoever was first decided.
        let _ = self.connection.ended.set(how);
    }

    fn step(&self) -> Step {
        self.check_cut()?;
        if self.mode() == Mode::Stall {
            self.shared.sleep(POLL);
            return Ok(());
        }
        let mut chunk = [0; 16 * 1024];
        match self.from.read(&mut chunk) {
            // Nobody learns of an end behind a black hole.
            Ok(0) if self.mode() == Mode::Blackhole => {
                self.shared.sleep(POLL);
                Ok(())
            }
            Ok(0) => Err(Stop::Side),
            Ok(length) => self.forward(&chunk[..length]),
            Err(error) => waits(&error),
        }
    }

    fn forward(&self, bytes: &[u8]) -> Step {
        while self.mode() == Mode::Stall {
            self.check_cut()?;
            self.shared.sleep(POLL);
        }
        if self.direction == Direction::ToClient && self.connection.answer_is_lost.load(SeqCst) {
            return Err(Stop::Connection(Cut::Reset));
        }
        match self.mode() {
            Mode::Pass | Mode::Stall => self.write(bytes),
            Mode::Blackhole => Ok(()),
            Mode::Delay(delay) => {
                self.pause(delay)?;
                self.write(bytes)
            }
            Mode::Slow(rate) => self.write_slowly(bytes, rate),
            Mode::ResetAfter(left) if self.direction == Direction::ToClient => self.write_some(bytes, left),
            Mode::LoseAnswerTo(text) if self.direction == Direction::ToServer => {
                let asked = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                self.connection.answer_is_lost.fetch_or(asked, SeqCst);
                self.write(bytes)
            }
            Mode::Deaf if self.direction == Direction::ToClient => self.write(&self.deaf.without_notifications(bytes)),
            Mode::Deaf | Mode::ResetAfter(_) | Mode::LoseAnswerTo(_) => self.write(bytes),
        }
    }

    fn write(&self, mut bytes: &[u8]) -> Step {
        while !bytes.is_empty() {
            self.check_cut()?;
            match self.to.write(bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(error) => waits(&error)?,
            }
        }
        Ok(())
    }

    fn write_slowly(&self, bytes: &[u8], rate: u32) -> Step {
        for some in bytes.chunks((rate as usize / 100).max(1)) {
            self.pause(Duration::from_secs(1) * some.len() as u32 / rate)?;
            self.write(some)?;
        }
        Ok(())
    }

    /// Writes what is left before the reset; all connections share the count.
    fn write_some(&self, bytes: &[u8], left: usize) -> Step {
        let some = bytes.len().min(left);
        self.write(&bytes[..some])?;
        self.shared.change(|state| state.mode = Mode::ResetAfter(left - some));
        if some == left { Err(Stop::Connection(Cut::Reset)) } else { Ok(()) }
    }

    fn pause(&self, pause: Duration) -> Step {
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.check_cut()?;
            thread::sleep(left.min(POLL));
        }
        Ok(())
    }

    fn mode(&self) -> Mode {
        self.shared.state().mode.clone()
    }

    fn check_cut(&self) -> Step {
        if let Some(how) = self.connection.ended() {
            return Err(Stop::Connection(how));
        }
        let state = self.shared.state();
        if state.cuts > self.cuts { Err(Stop::Connection(state.how)) } else { Ok(()) }
    }
}

/// A timeout is no error: it is the moment to look at the mode again.
fn waits(error: &io::Error) -> Step {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
        _ => Err(Stop::Side),
    }
}
