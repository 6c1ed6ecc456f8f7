//! What a trigger is asked to do, as plain data. It is stored with the trigger, so that it can be compared and shown later.

use serde::{Deserialize, Serialize};

use super::condition::RowImages;
use crate::error::{Error, Result};
use crate::{queue, sql};

/// What to tell of a table's changes, and where. Together with the table, the destination identifies an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Where to.
    #[serde(flatten)]
    pub to: Destination,
    /// The changes to tell.
    pub events: Vec<Event>,
    /// What a change tells of the row.
    pub payload: Payload,
    /// The columns published, besides the key.
    #[serde(default, skip_serializing_if = "Columns::is_all")]
    pub columns: Columns,
    /// Tell only updates that change one of these columns, or the key; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub update_of: Vec<String>,
    /// Tell no update that changes neither a published column nor the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_unchanged: bool,
    /// A condition over NEW and OLD, as the user wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Fire for replicated changes too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable_always: bool,
}

/// Where changes are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// Live: this channel is notified.
    Channel(String),
    /// Durable: events are stored in a queue.
    Queue {
        /// The queue's name.
        name: String,
        /// When consumers are woken.
        doorbell: Doorbell,
    },
}

/// When a durable trigger wakes the consumers of its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doorbell {
    /// When one sleeps.
    Adaptive,
    /// With every statement: for other programs that LISTEN on the queue's doorbell.
    Always,
    /// Never: consumers poll.
    Never,
}

impl Doorbell {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl Destination {
    /// Whether both are the same place, however consumers are woken there.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Channel(ours), Self::Channel(theirs)) => ours == theirs,
            (Self::Queue { name: ours, .. }, Self::Queue { name: theirs, .. }) => ours == theirs,
            _ => false,
        }
    }

    /// The kind in JSON and in names.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Channel(_) => "channel",
            Self::Queue { .. } => "queue",
        }
    }

    /// The name of the channel or the queue.
    pub fn name(&self) -> &str {
        match self {
            Self::Channel(name) | Self::Queue { name, .. } => name,
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} \"{}\"", self.kind(), self.name())
    }
}

/// A kind of change, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A new row.
    Insert,
    /// A new version of a row.
    Update,
    /// The end of a row.
    Delete,
    /// The end of all rows.
    Truncate,
}

impl Event {
    /// The word in lower case, as on the command line and in trigger names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
        }
    }
}

/// What a change tells of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    /// The key alone.
    Keys,
    /// New values (old ones of a deleted row).
    Row,
    /// New and old values.
    Full,
    /// New values, and the previous ones of the columns that changed.
    Diff,
}

impl Payload {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Row => "row",
            Self::Full => "full",
            Self::Diff => "diff",
        }
    }
}

/// Which columns are published, besides the key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Columns {
    /// All, also those that the table will get later.
    #[default]
    All,
    /// These.
    Only(Vec<String>),
    /// All but these.
    Except(Vec<String>),
}

impl Columns {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl Spec {
    /// Checks what can be checked without a server, and puts the events into their order.
    ///
    /// # Errors
    /// Usage errors: a channel that is no name, or events that lack the row version that the condition names.
    pub fn checked(mut self) -> Result<Self> {
        match &self.to {
            Destination::Channel(name) => sql::check_name("the channel's name", name)?,
            Destination::Queue { name, .. } => queue::check_name(name)?,
        }
        self.events.sort_unstable();
        self.events.dedup();
        match &mut self.columns {
            Columns::All => {}
            Columns::Only(names) | Columns::Except(names) => dedup(names),
        }
        dedup(&mut self.update_of);
        if !self.update_of.is_empty() && !self.events.contains(&Event::Update) {
            let events: Vec<&str> = self.events.iter().map(|event| event.word()).collect();
            return Err(Error::usage("--update-of: updates are not among the events")
                .hint(format!("leave it out, or choose --events {},update", events.join(","))));
        }
        if let Some(condition) = &self.when {
            let images = RowImages::of(condition)?;
            if let Some(lacking) = self.events.iter().find(|event| !images.are_in(**event)) {
                let fitting: Vec<&str> =
                    self.events.iter().filter(|event| images.are_in(**event)).map(|event| event.word()).collect();
                let message = format!("--when names {images}, which {} has not", lacking.word().to_uppercase());
                return Err(Error::usage(message).hint(match fitting.as_slice() {
                    [] => "choose other events with --events".to_owned(),
                    fitting => format!("leave it out: --events {}", fitting.join(",")),
                }));
            }
        }
        Ok(self)
    }

    /// Refuses to store the rows that are there under a condition that cannot be said of them.
    ///
    /// # Errors
    /// A usage error when the condition names OLD.
    pub fn refuse_backfill(&self) -> Result<()> {
        let Some(condition) = &self.when else { return Ok(()) };
        let images = RowImages::of(condition)?;
        if images.are_in(Event::Insert) {
            return Ok(());
        }
        Err(Error::usage(format!("--when names {images}, and a row that is there already has no OLD"))
            .hint("leave out --backfill, or choose a condition over NEW alone"))
    }
}

impl Spec {
    /// What else was asked, for people: `; only a, b; when NEW.a > 1`.
    pub fn options(&self) -> String {
        let mut options = String::new();
        match &self.columns {
            Columns::All => {}
            Columns::Only(names) => options.push_str(&format!("; only {}", names.join(", "))),
            Columns::Except(names) => options.push_str(&format!("; without {}", names.join(", "))),
        }
        if !self.update_of.is_empty() {
            options.push_str(&format!("; updates of {}", self.update_of.join(", ")));
        }
        if self.skip_unchanged {
            options.push_str("; no unchanged rows");
        }
        if let Some(condition) = &self.when {
            options.push_str(&format!("; when {condition}"));
        }
        if self.enable_always {
            options.push_str("; always");
        }
        options
    }
}

/// Leaves each name once: twice in a payload would be a JSON object with equal names.
fn dedup(names: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
}
