//! What flows through the feed: events, and control records about the feed itself.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// An event, or what happened to the feed between two events.
#[derive(Debug, Clone)]
pub enum Item {
    /// A notification.
    Event(Event),
    /// A record about the feed itself.
    Control(Control),
}

/// One event: a notification, or an event of a durable queue.
#[derive(Debug, Clone)]
pub struct Event {
    /// Where it came from.
    pub origin: Origin,
    /// Time of receipt of a notification; when an event of a queue was written.
    pub at: Timestamp,
    /// The payload as sent.
    pub payload: Box<str>,
}

/// Where an event came from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A channel.
    Channel {
        /// Its name, shared by all events of it.
        channel: Arc<str>,
        /// Process id of the server process that sent it.
        pid: i32,
    },
    /// A durable queue.
    Queue {
        /// Its name, shared by all events of it.
        queue: Arc<str>,
        /// The event's number, the same in every attempt: what to deduplicate by.
        id: i64,
        /// Which attempt to deliver it this is, from 1.
        attempt: i32,
        /// The hash of table and key: events that share it are delivered in their order.
        key: i64,
        /// Whether it waits for everything older, and everything younger for it.
        barrier: bool,
    },
}

impl Event {
    /// What must be delivered in order shares this; a notification needs none.
    pub fn key(&self) -> Option<i64> {
        match &self.origin {
            Origin::Channel { .. } => None,
            Origin::Queue { key, .. } => Some(*key),
        }
    }

    /// Its number, the same in every attempt; a notification has none.
    pub fn id(&self) -> Option<i64> {
        match &self.origin {
            Origin::Channel { .. } => None,
            Origin::Queue { id, .. } => Some(*id),
        }
    }

    /// Memory held by this event while it waits, in bytes: the payload and about what surrounds it.
    pub fn held_bytes(&self) -> usize {
        self.payload.len() + size_of::<Item>() + 32
    }
}

/// A record about the feed itself.
#[derive(Debug, Clone)]
pub struct Control {
    /// What happened.
    pub kind: ControlKind,
    /// When pgfeed noticed.
    pub at: Timestamp,
    /// What it is about.
    pub about: About,
    /// For how long nothing could be received.
    pub down: Option<Duration>,
    /// Why, or how many, for people.
    pub detail: Option<String>,
}

/// What a control record is about.
#[derive(Debug, Clone)]
pub enum About {
    /// These channels.
    Channels(Arc<[Arc<str>]>),
    /// This queue.
    Queue(Arc<str>),
}

impl About {
    /// The names, for people.
    pub fn names(&self) -> String {
        match self {
            Self::Channels(channels) => channels.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", "),
            Self::Queue(queue) => queue.to_string(),
        }
    }
}

/// What happened to the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// The feed is live: whatever is sent from now on is received.
    Ready,
    /// The connection is lost.
    Lost,
    /// The feed is live again; what was sent in between is not known.
    Gap,
    /// Notifications were dropped, because the reader was too slow.
    Overflow,
    /// The end.
    Stopped,
}

impl ControlKind {
    /// The name of this record in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Lost => "lost",
            Self::Gap => "gap",
            Self::Overflow => "overflow",
            Self::Stopped => "stopped",
        }
    }
}

impl Control {
    /// Makes a record of what has just happened to a feed of channels.
    pub fn now(kind: ControlKind, channels: &Arc<[Arc<str>]>, down: Option<Duration>, detail: Option<String>) -> Self {
        Self { kind, at: Timestamp::now(), about: About::Channels(Arc::clone(channels)), down, detail }
    }

    /// Makes a record of what has just happened to a feed of a queue.
    pub fn of_queue(kind: ControlKind, queue: &Arc<str>, down: Option<Duration>, detail: Option<String>) -> Self {
        Self { kind, at: Timestamp::now(), about: About::Queue(Arc::clone(queue)), down, detail }
    }
}
