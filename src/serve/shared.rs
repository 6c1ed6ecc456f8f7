//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use super::access::Access;
use super::clients::Clients;
use super::closing::Closing;
use super::entry::Entry;
use super::log::{Log, Reader};
use super::metrics::Metrics;
use super::publish::{Publisher, Unpublished};
use super::request::{Begin, Filter, Request, Served};
use crate::feed::event::{ControlKind, Item};

/// The longest message of a client, in bytes.
pub const LONGEST_MESSAGE_BYTES: usize = 64 * 1024;

/// What becomes of the messages of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publishes {
    /// A notification on a channel.
    Notification,
    /// An event of the queue.
    Event,
    /// A row of this table.
    Row(String),
}

/// What all requests share.
pub struct Shared {
    /// The last events.
    pub log: Arc<Log>,
    /// Who is being sent them.
    pub clients: Arc<Clients>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who may come in.
    pub access: Access,
    /// What is served.
    pub served: Served,
    /// What becomes of messages; none when clients may send nothing.
    pub publishing: Option<(Publishes, Publisher)>,
    /// How often a silent client is asked whether it is still there; zero never asks.
    pub heartbeat: Duration,
    /// Whether the server is ending.
    pub closing: Closing,
}

impl Shared {
    /// What a client is told first, and its place in the log.
    pub fn begin(&self, request: &Request) -> (Vec<Arc<Entry>>, Reader) {
        let (newest, live) = self.log.now();
        let (seen, missed) = match &request.begin {
            Begin::Now => (newest, false),
            Begin::Recent(count) => (self.log.before_last(*count), false),
            Begin::Behind(id) => self.log.position(id).map_or((newest, true), |seen| (seen, false)),
        };
        let state = if live { ControlKind::Ready } else { ControlKind::Lost };
        let mut records = vec![self.record(state, seen, None)];
        if missed {
            let detail = "what was sent since your last event is not held any more".to_owned();
            records.push(self.record(ControlKind::Gap, seen, Some(detail)));
        }
        (records, self.log.reader(seen))
    }

    /// A record for one client, which leaves it where it is.
    fn record(&self, kind: ControlKind, seen: u64, detail: Option<String>) -> Arc<Entry> {
        let record = self.served.record(kind, detail);
        Arc::new(Entry::new(seen, &self.log.id(seen), &Item::Control(record)))
    }

    /// Publishes a message of a client that has asked for `filter`.
    ///
    /// # Errors
    /// Why it was not published.
    pub async fn publish(&self, filter: &Filter, message: String) -> Result<(), Unpublished> {
        let done = match &self.publishing {
            None => Err(Unpublished::Refused("this server takes no messages".to_owned())),
            Some((publishes, publisher)) => match self.channel_for(publishes, filter) {
                Ok(channel) => publisher.publish(channel, message).await,
                Err(refused) => Err(refused),
            },
        };
        self.metrics.sent(done.is_ok());
        done
    }

    fn channel_for(&self, publishes: &Publishes, filter: &Filter) -> Result<Option<Arc<str>>, Unpublished> {
        let Served::Channels(channels) = &self.served else { return Ok(None) };
        if *publishes != Publishes::Notification {
            return Ok(None);
        }
        match (filter.only_channel(), channels.as_ref()) {
            (Some(channel), _) => Ok(Some(Arc::clone(channel))),
            (None, [only]) => Ok(Some(Arc::clone(only))),
            _ => Err(Unpublished::Refused("say where the message goes: ?channel= with one channel".to_owned())),
        }
    }
}
