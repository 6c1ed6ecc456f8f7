//! The table sink: keeps a table in step with the one that the changes are of, here or in another PostgreSQL.

mod apply;
pub(crate) mod layout;
mod mark;
mod reading;
mod summing;
mod suspects;

use std::sync::Arc;

use super::ACKNOWLEDGE_WITHIN;
use super::proven::Proven;
use super::registry::{Acknowledgement, Destination, Kind};
use super::target::{Target, yes_or_no};
use crate::connection::{Connection, Environment, Options, Settings, is_transient, passing};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::event::Item;
use crate::feed::{Outcome, Refuses, Sink, Source, Written};
use crate::sql::TableName;
use crate::stop::Stop;
use apply::{Applied, Told, apply};
use layout::{Layout, OnTruncate, Wish, map, names};
use mark::Mark;
use reading::read;
use suspects::Suspects;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: &["postgres", "postgresql"],
    form: "postgres://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE?table=NAME",
    about: "Keeps a table in step: INSERT ... ON CONFLICT and DELETE by key, a batch in a transaction. Acknowledged when committed; in\n\
            the queue's own database, as the same user, in the transaction that takes the events: exactly once.",
    parameters: &[
        ("table", "the table, [schema.]name as in SQL; it needs a primary key or a unique index"),
        (
            "map",
            "source:target,source:target ...: the columns to keep in step, and no others [all of the table, by name]",
        ),
        ("key", "target,target ...: the columns that identify a row [those of its primary key, or of a unique index]"),
        ("from", "the table whose changes these are, [schema.]name; others are refused [any]"),
        ("truncate", "yes: a TRUNCATE deletes all rows; no: it is refused [no]"),
        ("...", "and those of a connection: sslmode, sslrootcert, connect_timeout ..."),
    ],
    prepare,
};

pub(crate) struct Place {
    pub wish: Arc<Wish>,
    pub settings: Settings,
    /// Whether the table was ever found.
    found: Proven,
    /// Whether it has ever taken anything.
    proven: Proven,
    suspects: Arc<Suspects>,
}

fn prepare(target: Target, _: Acknowledgement) -> Result<Box<dyn Destination>> {
    Ok(Box::new(place(target)?))
}

/// Reads a URL.
///
/// # Errors
/// Usage errors.
pub(crate) fn place(mut target: Target) -> Result<Place> {
    let name = |text: &str| TableName::parse(text).map_err(|error| error.to_string());
    let table = target.take_as("table", name)?;
    let wish = Wish {
        table: table.ok_or_else(|| Error::usage(format!("--to {}: table=NAME is missing", target.shown())))?,
        map: target.take_as("map", map)?,
        key: target.take_as("key", names)?,
        from: target.take_as("from", name)?,
        truncate: match target.take_as("truncate", yes_or_no)? {
            Some(true) => OnTruncate::Empty,
            Some(false) | None => OnTruncate::Refuse,
        },
    };
    let rest = target.rest("")?;
    let options = Options {
        dbname: Some(format!("postgresql{}{rest}", &target.address()[target.scheme().len()..])),
        dbname_from: Some("--to"),
        application_name: "pgfeed --to".to_owned(),
        ..Options::default()
    };
    let settings = Settings::resolve(&options, &Environment::of_process())?;
    Ok(Place::new(wish, settings))
}

/// Keeps a table in step, found with these settings: for whoever has them already, and needs no URL.
pub fn in_step(settings: Settings, table: TableName) -> Box<dyn Destination> {
    let wish = Wish { table, map: None, key: None, from: None, truncate: OnTruncate::Refuse };
    Box::new(Place::new(wish, settings))
}

impl Place {
    fn new(wish: Wish, settings: Settings) -> Self {
        let (found, proven) = (Proven::default(), Proven::default());
        Self { wish: Arc::new(wish), settings, found, proven, suspects: Arc::default() }
    }
}

impl Destination for Place {
    fn open(&self, _: &Stop) -> Result<Box<dyn Sink>> {
        let (wish, suspects) = (Arc::clone(&self.wish), Arc::clone(&self.suspects));
        let (settings, found, proven) = (self.settings.clone(), self.found.clone(), self.proven.clone());
        let table = Table { wish, settings, found, proven, suspects, reached: None, waiting: Vec::new() };
        table.look()?;
        Ok(Box::new(table))
    }

    fn needs_order(&self) -> bool {
        true
    }
}

/// A worker's way to the table.
struct Table {
    wish: Arc<Wish>,
    settings: Settings,
    found: Proven,
    proven: Proven,
    suspects: Arc<Suspects>,
    reached: Option<Reached>,
    waiting: Vec<Waiting>,
}

/// An event that was written and not flushed.
struct Waiting {
    id: Option<i64>,
    key: Option<i64>,
    payload: Box<str>,
}

/// The table was found.
struct Reached {
    layout: Arc<Layout>,
    way: Way,
    /// The server process that held the batch: with another, the way may be another.
    holder: Option<i32>,
}

enum Way {
    /// A connection of its own.
    Own(Box<Connection>),
    /// The connection that holds the batch.
    Beside,
}

impl Table {
    /// A table that is not there now is a mistake of whoever started it. One that goes later is an outage, also for whom nothing has
    /// come until then.
    ///
    /// # Errors
    /// What is missing.
    fn look(&self) -> Result<()> {
        if self.found.is_proven() {
            return Ok(());
        }
        match self.reach(None) {
            Err(error) if !is_transient(&error) => Err(self.explained(error)),
            _ => Ok(()),
        }
    }

    fn keep_in_step(&mut self, holder: Option<&mut Connection>) -> Result<Outcome> {
        let events = std::mem::take(&mut self.waiting);
        if events.is_empty() {
            return Ok(Outcome::Delivered);
        }
        match self.deliver(&events, holder) {
            Ok(applied) => {
                self.proven.prove();
                let ids: Vec<Option<i64>> = events.iter().map(|event| event.id).collect();
                Ok(self.suspects.outcome(applied, &ids, |why| format!("{}: {why}", self.doing())))
            }
            Err(error) => {
                let error = self.explained(error);
                let has_gone = error.exit() == Exit::Usage && self.found.is_proven();
                if self.proven.is_proven() || has_gone || is_transient(&error) {
                    Ok(Outcome::Unavailable(error.to_string()))
                } else {
                    Err(error)
                }
            }
        }
    }

    fn doing(&self) -> String {
        format!("keeping {} in step, in {}", self.wish.table, self.settings.target())
    }

    fn explained(&self, error: Error) -> Error {
        let error = error.doing(self.doing());
        match error.sqlstate() {
            Some("42501") => error.hint(format!(
                "\"{}\" needs USAGE on the schema of {table}, and SELECT, INSERT, UPDATE and DELETE on {table} (SELECT finds the rows by \
                 their key); what triggers of the table do may need more",
                self.settings.user(),
                table = self.wish.table
            )),
            _ => error,
        }
    }

    fn deliver(&mut self, events: &[Waiting], holder: Option<&mut Connection>) -> Result<Applied> {
        let pid = holder.as_ref().map(|holder| holder.backend_pid());
        let reached = self.reached.take().filter(|reached| reached.holder == pid);
        let mut holder = holder;
        let (Reached { layout, way, .. }, changes) = match reached.map(|reached| self.read(events, reached)) {
            // The table may have been altered since it was found.
            Some((reached, changes)) if !changes.iter().any(Told::lacks_columns) => (reached, changes),
            _ => {
                let reached = self.reach(holder.as_deref_mut())?;
                self.read(events, reached)
            }
        };
        let (way, applied) = match (way, holder) {
            (Way::Beside, Some(holder)) => (Way::Beside, apply(holder, &layout, &changes)?),
            (Way::Own(own), holder) => {
                let (own, applied) = store(*own, &layout, changes, holder)?;
                (Way::Own(Box::new(own)), applied)
            }
            (Way::Beside, None) => unreachable!("a way beside a holder was found for this holder"),
        };
        self.reached = Some(Reached { layout, way, holder: pid });
        Ok(applied)
    }

    fn read(&self, events: &[Waiting], reached: Reached) -> (Reached, Vec<Told>) {
        let told = |event: &Waiting| Told { key: event.key, step: read(&event.payload, &self.wish, &reached.layout) };
        let changes = events.iter().map(told).collect();
        (reached, changes)
    }

    fn reach(&self, holder: Option<&mut Connection>) -> Result<Reached> {
        let pid = holder.as_ref().map(|holder| holder.backend_pid());
        let own = Connection::open(&self.settings)?;
        let mark = holder.map(Mark::set).transpose()?;
        let wish = Arc::clone(&self.wish);
        let (own, (layout, is_beside)) = own.within(ACKNOWLEDGE_WITHIN, move |client| {
            client.batch_execute("BEGIN")?;
            let layout = Layout::find(client, &wish)?;
            let is_beside = mark.map_or(Ok(false), |mark| mark.is_seen_by(client))?;
            client.batch_execute("COMMIT")?;
            Ok((layout, is_beside))
        })?;
        self.found.prove();
        let way = if is_beside { Way::Beside } else { Way::Own(Box::new(own)) };
        Ok(Reached { layout: Arc::new(layout), way, holder: pid })
    }
}

/// Applies changes in a transaction of its own connection, which is gone after any error.
fn store(
    own: Connection,
    layout: &Arc<Layout>,
    changes: Vec<Told>,
    holder: Option<&mut Connection>,
) -> Result<(Connection, Applied)> {
    let layout = Arc::clone(layout);
    let (own, applied) = own.within(ACKNOWLEDGE_WITHIN, move |client| {
        client.batch_execute("BEGIN")?;
        apply(client, &layout, &changes)
    })?;
    // Whoever stood still for long may have lost the batch to another worker, who may have taken later changes of these rows
    // as well. They are locked now: as long as the batch is ours at this moment, nobody can have been here in between.
    if let Some(holder) = holder {
        holder.batch_execute("")?;
    }
    let (own, ()) = own.within(ACKNOWLEDGE_WITHIN, |client| Ok(client.batch_execute("COMMIT")?))?;
    Ok((own, applied))
}

impl Sink for Table {
    fn write(&mut self, item: &Item) -> Result<Written> {
        if let Item::Event(event) = item {
            self.waiting.push(Waiting { id: event.id(), key: event.key(), payload: event.payload.clone() });
        }
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        self.keep_in_step(None)
    }

    fn flush_beside(&mut self, source: &mut dyn Source) -> Result<Outcome> {
        match passing(source.holder())? {
            Ok(holder) => self.keep_in_step(holder),
            Err(why) => {
                self.waiting.clear();
                Ok(Outcome::Unavailable(why))
            }
        }
    }

    fn refuses(&self) -> Refuses {
        Refuses::InOrder
    }
}
