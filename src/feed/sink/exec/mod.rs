//! The exec sink: hands events to a command, as JSON lines on its stdin. Never through a shell, and never in arguments.

mod answers;
mod heard;
mod launcher;
mod once;
mod process;
mod round;
mod stream;
mod variables;
mod verdict;
mod watch;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

use super::super::event::{Event, Item, Origin};
use super::super::format::{Format as _, Json};
use super::super::hold::Hold;
use super::super::{Outcome, Refuses, Sink, Undelivered, Written};
use super::isolate::{Offer, isolate};
use crate::error::Result;
use crate::stop::Stop;
use crate::sys;
use launcher::Launcher;
pub use launcher::Stderr;
use stream::Stream;
use variables::Variables;
use verdict::Verdict;
use watch::{STOP_GRACE, STOPPED_GRACE, Stopping};

/// How long after the first signal a feed with commands may take: a command in flight has five seconds to finish, and is then
/// ended. For [`signal::watch`](crate::signal::watch).
pub const GRACE: Duration = STOP_GRACE.saturating_add(STOPPED_GRACE).saturating_add(Duration::from_secs(1));

/// How events are handed to processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A process per event.
    Each,
    /// A process for everything between two flushes. When it refuses events of a queue, halves of them are offered to further
    /// processes, until those that are at fault are refused alone. (Notifications are offered once.)
    Batch,
    /// One process for as long as it lives. Events of a queue it answers one by one on its stdout, notifications not at all.
    Stream,
}

/// Runs a command. It is to be used by one thread: the processes end with the thread that started them.
pub struct Exec {
    mode: Mode,
    launcher: Launcher,
    timeout: Option<Duration>,
    hold: Option<Hold>,
    stopping: Stopping,
    stream: Stream,
    work: Work,
}

/// What was written since the last flush.
#[derive(Default)]
struct Work {
    lines: Vec<u8>,
    events: Vec<Pending>,
}

/// One event of it.
struct Pending {
    /// Where its line ends.
    end: usize,
    /// Its number, when it is of a queue.
    id: Option<i64>,
    /// What must be delivered in order shares this.
    key: Option<i64>,
    variables: Variables,
}

impl Work {
    fn line(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.events[before].end);
        &self.lines[start..self.events[place].end]
    }

    /// The lines of the events at these places, which ascend. All but what waits behind a refused event are next to each other.
    fn lines(&self, places: &[usize]) -> Cow<'_, [u8]> {
        let [first, .., last] = places else {
            return Cow::Borrowed(places.first().map_or(&[], |only| self.line(*only)));
        };
        if last - first + 1 == places.len() {
            let start = self.events[*first].end - self.line(*first).len();
            return Cow::Borrowed(&self.lines[start..self.events[*last].end]);
        }
        Cow::Owned(places.iter().map(|place| self.line(*place)).collect::<Vec<_>>().concat())
    }

    /// All from `place` on as undelivered for the same reason.
    fn undelivered_from(&self, place: usize, reason: Option<&str>) -> Vec<Undelivered> {
        (place..self.events.len()).map(|place| Undelivered { place, reason: reason.map(str::to_owned) }).collect()
    }
}

impl Exec {
    /// Will run `command`, which is a program and its arguments. An event, a batch, or in mode stream the oldest event that is
    /// open, may take as long as `timeout`; none is without limit. A `stop` leaves what is in flight five seconds. `warn` is told
    /// what is odd about a process of mode stream: that it prints what is no answer, or has ended badly while it was idle.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(
        command: &[OsString],
        mode: Mode,
        timeout: Option<Duration>,
        stop: &Stop,
        warn: impl Fn(&str) + Send + 'static,
    ) -> Result<Self> {
        sys::expect_children();
        Ok(Self {
            mode,
            launcher: Launcher::new(command),
            timeout,
            hold: None,
            stopping: Stopping::new(stop)?,
            stream: Stream::new(Box::new(warn)),
            work: Work::default(),
        })
    }

    /// Looks whether the program is there.
    ///
    /// # Errors
    /// That it is not, or may not be executed.
    pub fn look(&self) -> Result<()> {
        self.launcher.look()
    }

    /// Offers no further event when half of the time for which a batch is held is over: the rest was not tried.
    #[must_use]
    pub fn within(mut self, hold: Option<Hold>) -> Self {
        self.hold = hold;
        self
    }

    /// Sets a variable for every process.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.launcher.env(name, value);
        self
    }

    /// Decides where the stderr of every process goes.
    #[must_use]
    pub fn stderr(mut self, stderr: Stderr) -> Self {
        self.launcher.stderr(stderr);
        self
    }

    /// Runs a process for each event.
    fn each(&mut self) -> Result<Outcome> {
        let mut undelivered = Vec::new();
        for (place, event) in self.work.events.iter().enumerate() {
            if self.hold.as_ref().is_some_and(Hold::is_half_over) {
                undelivered.extend(self.work.undelivered_from(place, None));
                break;
            }
            let line = self.work.line(place);
            match once::run(&self.launcher, &event.variables, line, &mut self.stopping, self.timeout)? {
                Verdict::Delivered => {}
                Verdict::Refused(reason) => undelivered.push(Undelivered { place, reason: Some(reason) }),
                Verdict::NotNow(why) if place == 0 => return Ok(Outcome::Unavailable(why)),
                Verdict::NotNow(why) => {
                    undelivered.extend(self.work.undelivered_from(place, None));
                    return Ok(Outcome::Short(undelivered, why));
                }
                Verdict::Stopped => {
                    undelivered.extend(self.work.undelivered_from(place, None));
                    break;
                }
            }
        }
        Ok(outcome(undelivered))
    }

    /// Runs one process for all events, and for halves of what is refused. Where the time for which the batch is held does not
    /// allow as many as it takes, the pump takes fewer events the next time, in the end one.
    fn batch(&mut self) -> Result<Outcome> {
        let Self { work, launcher, stopping, timeout, hold, .. } = self;
        // A feed of notifications delivers at most once.
        if work.events[0].id.is_none() {
            let verdict = once::run(launcher, &work.events[0].variables, &work.lines, stopping, *timeout)?;
            return Ok(match verdict {
                Verdict::Delivered => Outcome::Delivered,
                Verdict::Refused(reason) => Outcome::AllBut(work.undelivered_from(0, Some(&reason))),
                Verdict::Stopped => Outcome::AllBut(work.undelivered_from(0, None)),
                Verdict::NotNow(why) => Outcome::Unavailable(why),
            });
        }
        let mut not_now = None;
        let offer = |places: &[usize]| -> Result<Offer> {
            if not_now.is_some() || hold.as_ref().is_some_and(Hold::is_half_over) {
                return Ok(Offer::NotTried);
            }
            let variables = &work.events[places[0]].variables;
            Ok(match once::run(launcher, variables, &work.lines(places), stopping, *timeout)? {
                Verdict::Delivered => Offer::Taken,
                Verdict::Refused(reason) => Offer::Refused(reason),
                Verdict::Stopped => Offer::NotTried,
                Verdict::NotNow(why) => {
                    not_now = Some(why);
                    Offer::NotTried
                }
            })
        };
        let count = work.events.len();
        let undelivered = isolate(count, count, |place| work.events[place].key, offer)?;
        Ok(match not_now {
            Some(why) => Outcome::Short(undelivered, why),
            None => outcome(undelivered),
        })
    }
}

impl Sink for Exec {
    fn refuses(&self) -> Refuses {
        if self.mode == Mode::Batch { Refuses::InOrder } else { Refuses::Events }
    }

    fn write(&mut self, item: &Item) -> Result<Written> {
        let Item::Event(event) = item else { return Ok(Written::Taken) };
        Json { control: false }.append(&mut self.work.lines, item);
        self.work.lines.push(b'\n');
        let variables = if self.mode == Mode::Each { Variables::of_event(event) } else { Variables::of_feed(event) };
        self.work.events.push(Pending { end: self.work.lines.len(), id: id_of(event), key: event.key(), variables });
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        if self.work.events.is_empty() {
            return Ok(Outcome::Delivered);
        }
        let outcome = match self.mode {
            Mode::Each => self.each(),
            Mode::Batch => self.batch(),
            Mode::Stream => {
                let offers = || !self.hold.as_ref().is_some_and(Hold::is_half_over);
                self.stream.deliver(&self.work, &self.launcher, &mut self.stopping, self.timeout, &offers)
            }
        };
        self.work.lines.clear();
        self.work.events.clear();
        outcome
    }

    /// Ends the process of mode stream: its stdin ends, and it may take as long for what it has still to do as for an event.
    fn close(&mut self) -> Result<()> {
        self.stream.close(&self.launcher, &mut self.stopping, self.timeout)
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        // Whoever wanted to know how it ends has closed it.
        let _ = self.close();
    }
}

fn id_of(event: &Event) -> Option<i64> {
    match &event.origin {
        Origin::Channel { .. } => None,
        Origin::Queue { id, .. } => Some(*id),
    }
}

fn outcome(undelivered: Vec<Undelivered>) -> Outcome {
    if undelivered.is_empty() { Outcome::Delivered } else { Outcome::AllBut(undelivered) }
}
