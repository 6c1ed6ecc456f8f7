//! The queue source: hands over what a worker takes, and settles it in the same transaction.

mod settle;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::records::{self, Records};
use crate::backoff::{Backoff, Random};
use crate::connection::{Allowance, Connection, Settings, is_transient};
use crate::error::{Error, Result};
use crate::feed::event::Item;
use crate::feed::hold::Hold;
use crate::feed::{Poll, Settled, Source, Undelivered};
use crate::queue::doorbell::{Bell, Waiting};
use crate::queue::{Batch, Order, Queue, Take, Taken, Taker, delay};
use crate::stop::Stop;
pub(crate) use settle::item;

/// How often an idle worker looks whether slots are free: their worker may have died.
const LOOK_FOR_SLOTS: Duration = Duration::from_secs(1);

/// How events are taken, and what becomes of those that are refused.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Whether the order of a row's events is kept.
    pub order: Order,
    /// How long a batch may take to be delivered; none is without limit.
    pub hold: Option<Duration>,
    /// About the most bytes of payload in a batch.
    pub bytes: usize,
    /// After this many attempts an event is dead.
    pub max_attempts: i32,
    /// The delay before the second attempt; doubled each time.
    pub first_delay: Duration,
}

/// Whoever wants to know how a worker fares.
pub trait Observer: Send {
    /// The connection is lost, or could not be made; it is tried again.
    fn lost(&self, error: &Error);
    /// The connection is back.
    fn back(&self);
    /// An event gets no more attempts.
    fn buried(&self, id: i64, reason: &str);
}

/// One worker's source.
pub struct QueueSource {
    settings: Settings,
    allowance: Allowance,
    queue: Queue,
    name: Arc<str>,
    policy: Policy,
    hold: Option<Hold>,
    bell: Arc<Bell>,
    kick: u64,
    /// Whether to take at the next occasion: after a kick, and as long as there is something.
    eager: bool,
    /// When it took the last time, or tried to.
    took_at: Instant,
    taker: Option<Taker>,
    backoff: Backoff,
    /// Until when to leave the server alone, since a connection was lost; none while all is well.
    lost: Option<Instant>,
    observer: Box<dyn Observer>,
    /// Where somebody wants control records.
    records: Option<Arc<Records>>,
    random: Random,
    stop: Stop,
}

impl QueueSource {
    /// Connects a worker.
    ///
    /// # Errors
    /// That it cannot connect; a usage error when others consume the queue in another order.
    pub fn open(
        settings: Settings,
        queue: Queue,
        policy: Policy,
        bell: Arc<Bell>,
        observer: Box<dyn Observer>,
        stop: &Stop,
    ) -> Result<Self> {
        let allowance = Allowance::default();
        let taker = connect(&settings, &allowance, &queue, policy)?;
        Ok(Self {
            name: Arc::from(queue.name.as_str()),
            settings,
            allowance,
            queue,
            policy,
            hold: policy.hold.map(Hold::new),
            bell,
            kick: 0,
            eager: true,
            took_at: Instant::now(),
            taker: Some(taker),
            backoff: Backoff::new(),
            lost: None,
            observer,
            records: None,
            random: Random::new(),
            stop: stop.clone(),
        })
    }

    /// Tells of its connection in control records too.
    #[must_use]
    pub fn with_records(self, records: Option<Arc<Records>>) -> Self {
        Self { records, ..self }
    }

    /// How long its batches are held, unless that is without limit.
    pub fn hold(&self) -> Option<Hold> {
        self.hold.clone()
    }

    /// Takes; a lost connection is told, and nothing is taken for now.
    fn take(&mut self, max: usize) -> Result<Vec<Taken>> {
        let batch = Batch { events: max, bytes: self.policy.bytes };
        self.took_at = Instant::now();
        let taken = self.worker().and_then(|taker| taker.take(&batch));
        self.hold.iter().for_each(Hold::begin);
        let taken = self.unless_lost(taken)?;
        // Connecting alone proves little: on a standby it works, and taking does not.
        if taken.is_some() && self.lost.take().is_some() {
            self.backoff.reset();
            self.observer.back();
            self.records.iter().for_each(|records| records.back());
        }
        Ok(match taken {
            Some(Take::Events(events)) => events,
            Some(Take::Moved) => {
                self.eager = true;
                Vec::new()
            }
            None => Vec::new(),
        })
    }

    fn worker(&mut self) -> Result<&mut Taker> {
        let taker = match self.taker.take() {
            Some(taker) => taker,
            None => connect(&self.settings, &self.allowance, &self.queue, self.policy)?,
        };
        Ok(self.taker.insert(taker))
    }

    /// Between two kicks there is nothing to take but what others have left.
    fn look_for_slots(&mut self) -> Result<()> {
        let Some(taker) = &mut self.taker else { return Ok(()) };
        let claimed = taker.look_for_slots();
        self.eager |= self.unless_lost(claimed)?.unwrap_or(true);
        Ok(())
    }

    /// A transient error costs the connection, and a pause: what was in flight comes again.
    fn unless_lost<T>(&mut self, answer: Result<T>) -> Result<Option<T>> {
        let error = match answer {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) if !is_transient(&error) => return Err(error),
            Err(error) => error,
        };
        self.taker = None;
        self.eager = true;
        if self.lost.replace(Instant::now() + self.backoff.wait()).is_none() {
            self.observer.lost(&error);
            self.records.iter().for_each(|records| records.lost(&error));
        }
        Ok(None)
    }

    /// Leaves a server alone that was lost a moment ago, though not beyond `until`.
    fn pause(&self, until: Instant) {
        let Some(again_at) = self.lost else { return };
        self.stop.pause(until.min(again_at).saturating_duration_since(Instant::now()));
    }
}

fn connect(settings: &Settings, allowance: &Allowance, queue: &Queue, policy: Policy) -> Result<Taker> {
    let connection = Connection::open(settings)?.allowing(allowance);
    Taker::new(connection, queue, policy.order, policy.hold)
}

impl Source for QueueSource {
    fn poll(&mut self, wait: Duration, max: usize) -> Result<Poll> {
        // Not longer than until the next look for free slots: what is reserved for this worker may be needed by others.
        let until = Instant::now() + wait.min(LOOK_FOR_SLOTS);
        // Whoever waits for the workers may be cut off and not know it: it asks a server that need not answer.
        self.eager |= self.took_at.elapsed() >= self.bell.poll();
        loop {
            self.pause(until);
            let records = records::waiting(self.records.as_deref(), max);
            if !records.is_empty() {
                return Ok(Poll::Batch(records));
            }
            let taken = if max > 0 && self.eager && self.lost.is_none_or(|again_at| again_at <= Instant::now()) {
                self.eager = false;
                self.take(max)?
            } else {
                Vec::new()
            };
            if !taken.is_empty() {
                self.eager = true;
                self.bell.found();
                let batch = taken.into_iter().map(|taken| item(&self.name, taken)).collect();
                let again = self.taker.as_ref().is_some_and(Taker::has_taken_again);
                return Ok(if again { Poll::Again(batch) } else { Poll::Batch(batch) });
            }
            if self.stop.requested().is_some() {
                return Ok(Poll::Idle);
            }
            // What was in front is out of the way.
            if self.eager && max > 0 && self.lost.is_none() {
                if Instant::now() >= until {
                    return Ok(Poll::Idle);
                }
                continue;
            }
            // A worker without a connection must not count as one that has found nothing.
            if self.lost.is_some() {
                if max == 0 {
                    self.stop.pause(until.saturating_duration_since(Instant::now()));
                }
                if Instant::now() >= until {
                    return Ok(Poll::Idle);
                }
                continue;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.bell.wait(self.kick, left) {
                Waiting::Kicked(kick) => (self.kick, self.eager) = (kick, true),
                Waiting::Emptied => return Ok(Poll::Ended),
                Waiting::Failed(error) => return Err(error),
                Waiting::TimedOut => {
                    self.look_for_slots()?;
                    return Ok(Poll::Idle);
                }
            }
        }
    }

    fn settle(&mut self, batch: Vec<Item>, undelivered: &[Undelivered]) -> Result<Settled> {
        self.settle_batch(&batch, undelivered)
    }

    fn give_back(&mut self, batch: Vec<Item>, wait: Duration) -> Result<()> {
        let Some(taker) = &mut self.taker else { return Ok(()) };
        if taker.has_taken_again() {
            return self.put_off(&batch, wait);
        }
        let given_back = taker.give_back();
        self.unless_lost(given_back).map(drop)
    }

    fn holder(&mut self) -> Result<Option<&mut Connection>> {
        self.taker.as_mut().map_or(Ok(None), Taker::holder)
    }

    fn secure(&mut self) -> Result<()> {
        self.taker.as_mut().map_or(Ok(()), Taker::secure)
    }

    fn stay(&mut self) -> Result<()> {
        let Some(taker) = &mut self.taker else { return Ok(()) };
        let stayed = taker.stay();
        self.unless_lost(stayed).map(drop)
    }

    fn step_aside(&mut self) -> Result<()> {
        let Some(taker) = &mut self.taker else { return Ok(()) };
        let aside = taker.step_aside();
        self.unless_lost(aside).map(drop)
    }

    fn puts_off(&self) -> Option<Duration> {
        Some(delay(self.policy.first_delay, 1, 1.0))
    }

    fn keeps_order(&self) -> bool {
        self.policy.order == Order::Ordered
    }
}
