//! The sample shop: its tables, its triggers, and who shops there.

use std::time::{Duration, Instant};

use crate::connection::{Connection, Settings};
use crate::error::Result;
use crate::sql;
use crate::trigger::{self, Columns, Destination, Event, Mode, Payload, Spec, TableName};

/// The tables that are watched, each on the channel of its name.
pub const TABLES: [&str; 3] = ["customers", "products", "orders"];

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
    let settings =
        trigger::Settings { schema: "pgfeed", lock_timeout: Duration::from_secs(3), force: false, mode: Mode::Apply };
    trigger::install(&mut connection, &tables, &specs_of, &settings).map(drop)
}

/// Changes a row at a time, `rate` times a second, until the server goes away.
pub fn write(shop: &Settings, rate: f64) {
    let Ok(mut connection) = Connection::open(shop) else { return };
    let changes: Vec<&str> = include_str!("../../../sql/shop_changes.sql").split(";\n").collect();
    let pace = Duration::from_secs_f64(1.0 / rate);
    let mut due = Instant::now();
    for change in changes.iter().filter(|change| !change.trim().is_empty()).cycle() {
        match connection.execute(*change, &[]) {
            Ok(0) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        due += pace;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
