//! What there is in a database and on its server, as plain data: triggers, queues, who uses them, and what may be in the way.

mod options;
mod queues;
mod sessions;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::connection::{Connection, ask};
use crate::error::Result;
use crate::trigger::{self, Destination, Surveyed};

pub use options::Options;
pub use queues::{Consumer, Mode, Queue};
pub use sessions::{Holder, Session, Suspect, oldest_snapshot, suspects};

/// Everything, at one moment.
#[derive(Debug, Serialize)]
pub struct Status {
    /// When, by the server's clock.
    pub at: String,
    /// The server.
    pub server: Server,
    /// What is installed.
    pub triggers: Vec<Trigger>,
    /// The queues of the schema that was asked for.
    pub queues: Vec<Queue>,
    /// Sessions that belong to pgfeed, or listen.
    pub sessions: Vec<Session>,
    /// The server's notification queue.
    pub notification_queue: NotificationQueue,
    /// Who keeps dead rows from being removed; none when nobody does.
    pub oldest_snapshot: Option<Holder>,
}

/// The server.
#[derive(Debug, Serialize)]
pub struct Server {
    /// Its version, such as `15.18`.
    pub version: String,
    /// The database that is looked at.
    pub database: String,
    /// As whom.
    pub role: String,
    /// Whether it takes no writes.
    pub is_standby: bool,
    /// Whether that role is told what others do.
    pub sees_others: bool,
}

/// One installation.
#[derive(Debug, Serialize)]
pub struct Trigger {
    /// The table; none when it is gone.
    pub table: Option<String>,
    /// `live` or `durable`; none when that cannot be read.
    pub delivery: Option<&'static str>,
    /// The channel that is notified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The queue that is filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The schema of that queue, where it is not the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_schema: Option<String>,
    /// The changes that are told.
    pub events: Vec<&'static str>,
    /// What they tell.
    pub payload: Option<&'static str>,
    /// What was asked besides.
    #[serde(flatten)]
    pub options: Options,
    /// `current`, `drifted`, `failing`, `disabled`, `orphaned`, `foreign` or `unknown`.
    pub state: &'static str,
    /// Why it is not current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The server's notification queue, which all its databases share.
#[derive(Debug, Serialize)]
pub struct NotificationQueue {
    /// How much of it is in use, from 0 to 1; none on a standby.
    pub usage: Option<f64>,
    /// Who may keep it from being emptied; nobody while nothing is in use.
    pub held_by: Vec<Suspect>,
}

/// Looks.
///
/// # Errors
/// What the server says.
pub fn read(connection: &mut Connection, schema: &str) -> Result<Status> {
    let mut transaction = connection.begin()?;
    let row = ask::row(&mut transaction, include_str!("../../sql/status_server.sql"), &[])?;
    let usage: Option<f64> = row.get("notification_queue_usage");
    let held_by = match usage {
        Some(usage) if usage > 0.0 => sessions::suspects(&mut transaction)?,
        _ => Vec::new(),
    };
    let status = Status {
        at: format!("{:.6}", row.get::<_, Timestamp>("at")),
        server: Server {
            version: row.get("version"),
            database: row.get("database"),
            role: row.get("role"),
            is_standby: row.get("is_standby"),
            sees_others: row.get("sees_others"),
        },
        triggers: trigger::survey(&mut transaction)?.into_iter().map(|one| Trigger::of(one, schema)).collect(),
        queues: queues::read(&mut transaction, schema)?,
        sessions: sessions::read(&mut transaction)?,
        notification_queue: NotificationQueue { usage, held_by },
        oldest_snapshot: sessions::oldest_snapshot(&mut transaction)?,
    };
    Ok(status)
}

impl Status {
    /// Fills in what is added and delivered in a second since an earlier look.
    pub fn measure_since(&mut self, before: &Self) {
        for queue in &mut self.queues {
            if let Some(before) = before.queues.iter().find(|other| other.name == queue.name) {
                queue.measure_since(before);
            }
        }
    }
}

impl Trigger {
    fn of(surveyed: Surveyed, asked: &str) -> Self {
        let Surveyed { table, spec, schema, state, detail, .. } = surveyed;
        let to = spec.as_ref().map(|spec| &spec.to);
        let name = |kind: &str| to.filter(|to| to.kind() == kind).map(|to| to.name().to_owned());
        Self {
            table,
            delivery: to.map(|to| if matches!(to, Destination::Queue { .. }) { "durable" } else { "live" }),
            channel: name("channel"),
            queue: name("queue"),
            queue_schema: name("queue").and(Some(schema)).filter(|schema| schema != asked),
            events: spec.iter().flat_map(|spec| &spec.events).map(|event| event.word()).collect(),
            payload: spec.as_ref().map(|spec| spec.payload.word()),
            options: spec.map(Options::of).unwrap_or_default(),
            state: state.word(),
            detail,
        }
    }
}

/// A number of seconds as the server tells it; clocks may differ by a little.
fn seconds(seconds: Option<f64>) -> Option<Duration> {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok())
}
