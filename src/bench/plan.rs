//! What was asked for, as plain data.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::feed::sink::registry::{self, Acknowledgement, Destination};
use crate::feed::sink::target::Target;
use crate::secret::Secret;

/// How much to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many messages, transactions or rows, all clients together.
    Count(u64),
    /// For so long.
    Time(Duration),
}

/// A part of the plan that only some scenarios use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// Numbers of writers.
    Clients,
    /// Numbers of listeners or consumers.
    Listeners,
    /// A pace.
    Rate,
    /// A sink.
    To,
}

impl Knob {
    /// Its flag.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Clients => "--clients",
            Self::Listeners => "--listeners",
            Self::Rate => "--rate",
            Self::To => "--to",
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Numbers of connections that write; empty leaves it to the scenario.
    pub clients: Vec<usize>,
    /// Numbers of connections that listen; empty leaves it to the scenario.
    pub listeners: Vec<usize>,
    /// Bytes of payload.
    pub size: usize,
    /// How much of each case.
    pub amount: Amount,
    /// So many a second, all clients together, whether the server keeps up or not.
    pub rate: Option<u64>,
    /// What runs before that and does not count.
    pub warmup: Duration,
    /// How often each case is measured.
    pub runs: usize,
    /// What stands in front of every flush.
    pub flush_delay: Duration,
    /// Where events are delivered to besides.
    pub to: Option<Outlet>,
}

/// A sink, as `--to` names it.
#[derive(Clone)]
pub struct Outlet {
    /// Its URL, which may hold a password.
    pub url: Secret,
    /// The same, checked.
    pub destination: Arc<dyn Destination>,
}

/// The URL may hold a password, and is not shown.
impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet").finish_non_exhaustive()
    }
}

impl Outlet {
    /// Reads and checks a URL.
    ///
    /// # Errors
    /// Usage errors.
    pub fn read(url: &str) -> Result<Self> {
        let destination = Arc::from(registry::prepare(url, Acknowledgement::Needed)?);
        Ok(Self { url: Secret::new(url), destination })
    }

    /// Refuses what is no RabbitMQ, since a scenario that consumes from it again must know it; and to be told where the messages
    /// go and what is in them, which is for the scenario to say.
    ///
    /// # Errors
    /// A usage error.
    pub fn check_broker(&self) -> Result<()> {
        let mut target = Target::parse(self.url.expose())?;
        if !matches!(target.scheme(), "amqp" | "amqps") {
            return Err(Error::usage("sync delivers through RabbitMQ only: --to amqp://USER:PASSWORD@HOST:PORT"));
        }
        match ["exchange", "key", "declare", "body"].into_iter().find(|name| target.take(name).is_some()) {
            Some(name) => Err(Error::usage(format!("--to {}: sync sets {name} itself: leave it out", target.shown()))),
            None => Ok(()),
        }
    }
}

impl Plan {
    /// The least bytes of a payload.
    pub const MIN_SIZE: usize = super::stamp::MIN_BYTES;

    /// The numbers of clients to measure.
    pub fn clients_or(&self, default: &[usize]) -> Vec<usize> {
        if self.clients.is_empty() { default.to_vec() } else { self.clients.clone() }
    }

    /// The numbers of listeners to measure.
    pub fn listeners_or(&self, default: &[usize]) -> Vec<usize> {
        if self.listeners.is_empty() { default.to_vec() } else { self.listeners.clone() }
    }

    /// Refuses what a scenario makes no use of.
    ///
    /// # Errors
    /// A usage error that names the flag.
    pub fn refuse_unused(&self, scenario: &str, used: &[Knob]) -> Result<()> {
        let given = [
            (Knob::Clients, !self.clients.is_empty()),
            (Knob::Listeners, !self.listeners.is_empty()),
            (Knob::Rate, self.rate.is_some()),
            (Knob::To, self.to.is_some()),
        ];
        match given.iter().find(|(knob, is_given)| *is_given && !used.contains(knob)) {
            Some((knob, _)) => Err(Error::usage(format!("{scenario} makes no use of {}: leave it out", knob.flag()))),
            None => Ok(()),
        }
    }

    /// How many, where a scenario needs a number.
    pub fn count_or(&self, default: u64) -> u64 {
        match self.amount {
            Amount::Count(count) => count,
            Amount::Time(_) => default,
        }
    }

    /// Refuses payloads that no notification carries.
    ///
    /// # Errors
    /// A usage error.
    pub fn refuse_long(&self, longest: usize) -> Result<()> {
        if self.size <= longest {
            return Ok(());
        }
        Err(Error::usage(format!("a payload of {} bytes does not fit into a notification", self.size))
            .hint(format!("here the longest is {longest}: choose a smaller --size")))
    }
}

/// The plan as it stands in a report.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub struct Told {
    /// Bytes of payload.
    pub size: usize,
    /// How many of each case, or null.
    pub count: Option<u64>,
    /// Seconds of each case, or null.
    pub seconds: Option<f64>,
    /// So many a second; null is as fast as it goes.
    pub rate: Option<u64>,
    /// Seconds of warm-up.
    pub warmup: f64,
    /// How often each case was measured.
    pub runs: usize,
}

impl From<&Plan> for Told {
    fn from(plan: &Plan) -> Self {
        let (count, seconds) = match plan.amount {
            Amount::Count(count) => (Some(count), None),
            Amount::Time(time) => (None, Some(time.as_secs_f64())),
        };
        let warmup = plan.warmup.as_secs_f64();
        Self { size: plan.size, count, seconds, rate: plan.rate, warmup, runs: plan.runs }
    }
}
