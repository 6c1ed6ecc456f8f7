//! Looks at a queue and takes nothing: what is there, then what is added. What others take between two looks is not seen.

use std::sync::{Arc, Mutex};

use postgres::GenericClient;

use super::batch::{Taken, in_order};
use super::floor::{Above, Floor, Horizon};
use super::registry::{Queue, Storage};
use crate::connection::ask::{self, Question};
use crate::connection::{Connection, Pooling};
use crate::error::Result;
use crate::queue::{STEADY_PLANS, begin};
use crate::sql;

/// How far somebody has looked; shared with the thread that waits for more.
#[derive(Debug, Clone)]
pub struct Seen(Arc<Mutex<SeenUpTo>>);

/// How far that is.
#[derive(Debug, Clone)]
pub struct SeenUpTo {
    /// Where what was not seen can be.
    pub above: Above,
    /// The snapshot that saw the last of the rest.
    pub snapshot: String,
    /// Where the queue was stored then.
    pub storage: Storage,
}

impl Seen {
    fn nothing() -> Self {
        // The snapshot that sees nothing at all.
        Self(Arc::new(Mutex::new(SeenUpTo { above: Above::default(), snapshot: "1:1:".to_owned(), storage: None })))
    }

    /// How far.
    pub fn get(&self) -> SeenUpTo {
        self.0.lock().expect("nobody panics while it holds this").clone()
    }

    fn set(&self, seen: SeenUpTo) {
        *self.0.lock().expect("nobody panics while it holds this") = seen;
    }
}

/// Looks page by page.
pub struct Peek {
    seen: Seen,
    floor: Floor,
    page: Question,
    window: Option<Window>,
    /// Nothing was shown to the end yet.
    first: bool,
    /// Up to this id everything was there at the beginning, whatever its transaction says: some of it was restored from a dump.
    restored: i64,
    /// SQL for where the queue is stored.
    storage: String,
}

/// What one snapshot sees and the one before did not, as far as it was not shown yet.
struct Window {
    snapshot: String,
    horizon: Horizon,
    storage: Storage,
    last: i64,
}

impl Peek {
    /// Prepares to look.
    ///
    /// # Errors
    /// What the server says.
    pub fn new(connection: &mut Connection, queue: &Queue) -> Result<Self> {
        let (table, retry) = (queue.table(), queue.retry_table());
        let restored = sql::fill(include_str!("../../sql/restored.sql"), &[("queue", &table), ("retry", &retry)]);
        let restored = ask::row(&mut **connection, &restored, &[])?.get(0);
        let page = prepare(connection, queue)?;
        Ok(Self {
            seen: Seen::nothing(),
            floor: Floor::default(),
            page,
            window: None,
            first: true,
            restored,
            storage: queue.storage(),
        })
    }

    /// Goes on with another connection.
    ///
    /// # Errors
    /// What the server says.
    pub fn go_on_with(&mut self, connection: &mut Connection, queue: &Queue) -> Result<()> {
        self.page = prepare(connection, queue)?;
        Ok(())
    }

    /// How far this has looked.
    pub fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// The next events, oldest first, at most `events`, and of about as many `bytes`, though one event always; none when there
    /// are none for now.
    ///
    /// # Errors
    /// What the server says.
    pub fn next(&mut self, connection: &mut Connection, events: usize, bytes: usize) -> Result<Vec<Taken>> {
        let _watch = connection.watcher().watch();
        if connection.pooling() == Pooling::None {
            return self.look(&mut **connection, events, bytes);
        }
        let mut transaction = begin(connection)?;
        let page = self.look(&mut transaction, events, bytes)?;
        // It has nothing to commit. Were its failure one of the look, this page would never be shown: the next one begins behind.
        let _ = transaction.commit();
        Ok(page)
    }

    fn look(&mut self, client: &mut impl GenericClient, events: usize, bytes: usize) -> Result<Vec<Taken>> {
        let window = match self.window.take() {
            Some(window) => window,
            None => self.open(client)?,
        };
        let before = self.seen.get().snapshot;
        let limit = i64::try_from(events).unwrap_or(i64::MAX);
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let page = self
            .page
            .rows(client, &[&window.last, &window.snapshot, &before, &limit, &self.first, &self.restored, &bytes]);
        let rows = match page {
            Ok(rows) => rows,
            Err(error) => {
                self.window = Some(window);
                return Err(error.into());
            }
        };
        let is_full = rows.len() == events || rows.last().is_some_and(|row| row.get::<_, i64>("held") >= bytes);
        let page = in_order(&rows, |row| row.get("attempts"));
        let last = page.last().map_or(window.last, |event| event.id);
        if is_full {
            self.window = Some(Window { last, ..window });
        } else {
            self.first = false;
            self.floor.after_take(&window.horizon, Some(last), true);
            self.floor.raise(self.restored);
            let Window { snapshot, storage, .. } = window;
            self.seen.set(SeenUpTo { above: self.floor.above(), snapshot, storage });
        }
        Ok(page)
    }

    fn open(&mut self, client: &mut impl GenericClient) -> Result<Window> {
        // A number that was drawn in front of the snapshot: everything that had drawn an id by then has a lower one. (The
        // snapshot's own xmax will not do: it is the highest number that has *ended*, and there are higher ones under way.)
        let until: i64 = ask::row(client, "SELECT pg_catalog.pg_current_xact_id()::text::bigint", &[])?.get(0);
        let query = format!(
            "SELECT h.*, snapshot::text, {} AS storage FROM pg_catalog.pg_current_snapshot() AS snapshot, LATERAL {} h",
            self.storage,
            Horizon::sql_of("snapshot", &format!("{until}::bigint"))
        );
        let row = ask::row(client, &query, &[])?;
        let (storage, before) = (row.get("storage"), self.seen.get().storage);
        if before.is_some() && storage != before {
            // Emptied, or made anew: the ids may have begun anew.
            self.floor.reset();
            self.restored = 0;
        }
        let horizon = Horizon::of(&row);
        self.floor.before_take(&horizon);
        // What made way for others' ids has none above 0, and waits for another attempt: only the first look shows it.
        let last = if self.first { i64::MIN } else { self.floor.above().seen_by(&horizon) };
        Ok(Window { snapshot: row.get("snapshot"), horizon, storage, last })
    }
}

fn prepare(connection: &mut Connection, queue: &Queue) -> Result<Question> {
    let (table, retry) = (queue.table(), queue.retry_table());
    let places = [
        ("queue", table.as_str()),
        ("retry", &retry),
        ("last", "$1"),
        ("now", "$2::text::pg_snapshot"),
        ("before", "$3::text::pg_snapshot"),
        ("events", "$4"),
        ("retries", "$5"),
        ("restored", "$6"),
        ("bytes", "$7"),
    ];
    if connection.pooling() == Pooling::None {
        connection.batch_execute(STEADY_PLANS)?;
    }
    Ok(connection.question(&sql::fill(include_str!("../../sql/peek.sql"), &places))?)
}
