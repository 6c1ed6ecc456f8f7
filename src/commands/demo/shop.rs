//! The sample shop: its tables, its triggers, and who shops there.

use std::time::{Duration, Instant};

use crate::connection::{self, Connection, Settings};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::DEFAULT_SCHEMA;
use crate::stop::Stop;
use crate::trigger::{self, Columns, Destination, Event, Mode, Payload, Spec, TableName};

/// The tables that are watched, each on the channel of its name.
pub const TABLES: [&str; 3] = ["customers", "products", "orders"];

/// How long whoever shops there waits for a server that went away.
const PATIENCE: Duration = Duration::from_secs(10);

/// Creates the database of the shop.
///
/// # Errors
/// What the server says.
pub fn create_database(server: &Settings, name: &str) -> Result<()> {
    let mut connection = Connection::open(server)?;
    Ok(connection.batch_execute(&format!("CREATE DATABASE {}", sql::ident(name)))?)
}

/// Creates the tables, and installs triggers as `install-trigger --payload diff` would.
///
/// # Errors
/// What the server says.
pub fn open(shop: &Settings) -> Result<()> {
    let mut connection = Connection::open(shop)?;
    connection.batch_execute(include_str!("../../../sql/shop.sql"))?;
    let tables = TABLES.map(|name| TableName { schema: Some("public".to_owned()), name: name.to_owned() });
    let specs_of = |table: &trigger::Table| {
        Ok(vec![Spec {
            to: Destination::Channel(table.name.clone()),
            events: vec![Event::Insert, Event::Update, Event::Delete],
            payload: Payload::Diff,
            columns: Columns::All,
            update_of: Vec::new(),
            skip_unchanged: false,
            when: None,
            enable_always: false,
        }])
    };
    let settings = trigger::Settings {
        schema: DEFAULT_SCHEMA,
        lock_timeout: Duration::from_secs(3),
        force: false,
        mode: Mode::Apply,
    };
    trigger::install(&mut connection, &tables, &specs_of, &settings).map(drop)
}

/// Changes a row at a time, `rate` times a second, until a stop is asked for or the server is gone.
pub fn write(shop: &Settings, rate: f64, stop: &Stop, warn: &dyn Fn(&str)) {
    let stopped = || stop.requested().is_some();
    let mut shopper = Shopper { pace: Duration::from_secs_f64(1.0 / rate), due: Instant::now(), told: String::new() };
    loop {
        match connection::open_waiting(shop, PATIENCE, &stopped, &mut |_| {}) {
            Ok(mut connection) => shopper.shop(&mut connection, &stopped, warn),
            Err(error) if !stopped() => return warn(&format!("nobody shops any more: {error}")),
            Err(_) => return,
        }
        if stopped() {
            return;
        }
    }
}

/// Somebody who changes the shop.
struct Shopper {
    pace: Duration,
    /// When the next change is to be made.
    due: Instant,
    /// The error that was told last: whoever has dropped a table need not hear of it twice a second.
    told: String,
}

impl Shopper {
    /// Shops until a stop is asked for or the connection is lost. Nothing to change (somebody has emptied the shop) and an error
    /// take their time like a change.
    fn shop(&mut self, connection: &mut Connection, stopped: &dyn Fn() -> bool, warn: &dyn Fn(&str)) {
        let changes: Vec<&str> = include_str!("../../../sql/shop_changes.sql").split(";\n").collect();
        for change in changes.iter().filter(|change| !change.trim().is_empty()).cycle() {
            let done = connection.execute(*change, &[]);
            if stopped() {
                return;
            }
            if let Err(error) = done {
                self.tell(&Error::from(error), warn);
            }
            self.due += self.pace;
            std::thread::sleep(self.due.saturating_duration_since(Instant::now()));
            if connection.is_closed() {
                return;
            }
        }
    }

    fn tell(&mut self, error: &Error, warn: &dyn Fn(&str)) {
        let error = error.to_string();
        if error != self.told {
            warn(&format!("a change of the shop failed: {error}"));
            self.told = error;
        }
    }
}
