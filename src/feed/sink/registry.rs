//! What `--to` can write to: a line for each kind of sink.

#[cfg(feature = "amqp")]
use super::amqp;
#[cfg(feature = "http")]
use super::http;
#[cfg(feature = "nats")]
use super::nats;
#[cfg(feature = "redis")]
use super::redis;
use super::target::Target;
use super::{Sink, file, table};
use crate::error::{Error, Result};
use crate::stop::Stop;

/// A place that events go to, read from a URL and checked, but not reached yet.
pub trait Destination: Send + Sync {
    /// Makes the sink of one worker, on the worker's thread. What it writes to need not be there: that is told by
    /// [`Outcome::Unavailable`](crate::feed::Outcome) when it is flushed.
    ///
    /// # Errors
    /// What can never work.
    fn open(&self, stop: &Stop) -> Result<Box<dyn Sink>>;

    /// Whether what it makes of the events is wrong when they come in another order.
    fn needs_order(&self) -> bool {
        false
    }
}

/// What the feed needs of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    /// What has taken an event says so: it leaves its queue then.
    Needed,
    /// Nobody waits for it: notifications, and a queue with `--at-most-once`.
    NotNeeded,
}

/// A kind of sink, for the registry and for `--to help`.
pub struct Kind {
    /// The schemes of its URLs.
    pub schemes: &'static [&'static str],
    /// What its URLs look like.
    pub form: &'static str,
    /// What it does, and what acknowledges.
    pub about: &'static str,
    /// Its parameters: name, and meaning with the default.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Reads and checks a URL.
    pub prepare: fn(Target, Acknowledgement) -> Result<Box<dyn Destination>>,
}

/// Every kind that this build has.
pub const KINDS: &[Kind] = &[
    #[cfg(feature = "amqp")]
    amqp::KIND,
    #[cfg(feature = "nats")]
    nats::KIND,
    #[cfg(feature = "redis")]
    redis::KIND,
    #[cfg(feature = "http")]
    http::KIND,
    table::KIND,
    file::KIND,
];

/// The schemes of kinds that a build can be made without, and the cargo feature of each.
const OPTIONAL: &[(&str, &str)] = &[
    ("amqp", "amqp"),
    ("amqps", "amqp"),
    ("nats", "nats"),
    ("tls", "nats"),
    ("redis", "redis"),
    ("rediss", "redis"),
    ("http", "http"),
    ("https", "http"),
];

/// Reads and checks a URL of `--to`.
///
/// # Errors
/// Usage errors.
pub fn prepare(url: &str, acknowledgement: Acknowledgement) -> Result<Box<dyn Destination>> {
    let target = Target::parse(url)?;
    let scheme = target.scheme();
    if let Some(kind) = KINDS.iter().find(|kind| kind.schemes.contains(&scheme)) {
        return (kind.prepare)(target, acknowledgement);
    }
    if let Some((_, feature)) = OPTIONAL.iter().find(|(known, _)| *known == scheme) {
        return Err(Error::usage(format!("--to {scheme}: this pgfeed was built without the feature \"{feature}\"")));
    }
    Err(Error::usage(format!("--to: nothing can write to \"{scheme}:\""))
        .hint("--to help lists what can be written to"))
}

/// What `--to help` prints.
pub fn help() -> String {
    let mut text = String::new();
    for kind in KINDS {
        text.push_str(&format!("{}\n    {}\n", kind.form, kind.about.replace('\n', "\n    ")));
        let width = kind.parameters.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, meaning) in kind.parameters {
            text.push_str(&format!("    {name:<width$}  {meaning}\n"));
        }
        text.push('\n');
    }
    text.push_str("Parameters are query parameters of the URL, percent-encoded: ?name=value&name=value\n");
    text.push_str(&format!("Templates are text with {}\n", super::template::NAMES));
    text
}
