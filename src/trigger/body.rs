//! The body of a trigger function: a file of `sql/` filled with what depends on table and spec.

use super::expression::{SEQ, changed_object, differ, hash, json_string, object, object_behind, table_hash};
use super::plan::Level;
use super::published::Published;
use super::spec::{Destination, Doorbell, Payload, Spec};
use super::table::{Column, Table};
use crate::queue::Queue;
use crate::sql;

/// The parts of the function's body that depend on table and spec.
pub struct Body<'a> {
    pub table: &'a Table,
    pub spec: &'a Spec,
    /// The schema of pgfeed's own objects.
    pub schema: &'a str,
    pub key: &'a [&'a Column],
    pub published: &'a Published<'a>,
    /// The user's condition, as the server has understood it.
    pub condition: Option<&'a str>,
}

impl Body<'_> {
    /// For triggers at a level.
    pub fn at(&self, level: Level) -> String {
        match (&self.spec.to, level) {
            (Destination::Channel(channel), Level::Statement) => self.live_statement(channel),
            (Destination::Channel(channel), Level::Row) => self.live_row(channel),
            (Destination::Queue { name, doorbell }, Level::Statement) => self.durable_statement(name, *doorbell),
            (Destination::Queue { name, doorbell }, Level::Row) => self.durable_row(name, *doorbell),
        }
    }

    fn live_statement(&self, channel: &str) -> String {
        let places = [
            ("channel", sql::literal(channel)),
            ("about", self.about()),
            ("table", sql::literal(&self.table.display())),
            ("seq", SEQ.to_owned()),
            ("moved", self.moved()),
            ("identity", self.live_identity("r")),
            ("body", self.labelled("label", "r")),
        ];
        fill_body(include_str!("../../sql/live_statement.sql"), &places)
    }

    fn live_row(&self, channel: &str) -> String {
        let places = [
            ("channel", sql::literal(channel)),
            ("about", self.about()),
            ("table", sql::literal(&self.table.display())),
            ("seq", SEQ.to_owned()),
            ("moved", self.moved()),
            ("when", self.condition()),
            ("has_key", (!self.key.is_empty()).to_string()),
            ("key_changed", self.key_changed()),
            ("identity_new", self.live_identity("NEW")),
            ("identity_old", self.live_identity("OLD")),
            ("body_new", self.labelled("',\"new\":'", "NEW")),
            ("body_old", self.labelled("',\"old\":'", "OLD")),
            ("more", self.more()),
        ];
        fill_body(include_str!("../../sql/live_row.sql"), &places)
    }

    fn durable_statement(&self, queue: &str, doorbell: Doorbell) -> String {
        let queue = Queue::named(self.schema, queue);
        let places = [
            ("queue", queue.table()),
            ("about", self.about()),
            ("table_hash", table_hash(self.table)),
            ("hash_old", hash(self.table, self.key, "OLD")),
            ("hash", hash(self.table, self.key, "r")),
            ("moved", self.moved()),
            ("identity", self.identity("r")),
            ("body", self.labelled("label", "r")),
            ("ring", ring(&queue, doorbell)),
        ];
        fill_body(include_str!("../../sql/durable_statement.sql"), &places)
    }

    fn durable_row(&self, queue: &str, doorbell: Doorbell) -> String {
        let queue = Queue::named(self.schema, queue);
        let places = [
            ("queue", queue.table()),
            ("about", self.about()),
            ("has_condition", self.condition.is_some().to_string()),
            ("when", self.condition()),
            ("table", sql::literal(&self.table.display())),
            ("table_hash", table_hash(self.table)),
            ("hash_old", hash(self.table, self.key, "OLD")),
            ("hash_new", hash(self.table, self.key, "NEW")),
            ("key_changed", self.key_changed()),
            ("moved", self.moved()),
            ("identity_new", self.identity("NEW")),
            ("identity_old", self.identity("OLD")),
            ("body_new", self.labelled("',\"new\":'", "NEW")),
            ("body_old", self.labelled("',\"old\":'", "OLD")),
            ("more", self.more()),
            ("ring", ring(&queue, doorbell)),
        ];
        fill_body(include_str!("../../sql/durable_row.sql"), &places)
    }

    fn condition(&self) -> String {
        self.condition.map_or_else(|| "true".to_owned(), |condition| format!("({condition})"))
    }

    /// What every event says of the table, behind the operation.
    pub fn about(&self) -> String {
        let (schema, name) = (json_string(&self.table.told_schema), json_string(&self.table.told_name));
        sql::literal(&format!("\",\"schema\":{schema},\"table\":{name}"))
    }

    /// The published columns of a row variable behind a label, which is an expression; nothing with `--payload keys`.
    pub fn labelled(&self, label: &str, row: &str) -> String {
        match (self.spec.payload, self.published) {
            (Payload::Keys, _) => "''".to_owned(),
            (_, Published::Whole(_)) if row == "r" => {
                format!("{label} || pg_catalog.row_to_json(r.*)::pg_catalog.text")
            }
            (_, Published::Whole(_)) => format!("{label} || pg_catalog.row_to_json({row})::pg_catalog.text"),
            (_, Published::Listed(columns)) => format!("{label} || {}", object(row, columns)),
        }
    }

    /// What an update tells besides the new values.
    fn more(&self) -> String {
        match (self.spec.payload, self.published) {
            (Payload::Keys | Payload::Row, _) => "''".to_owned(),
            (Payload::Full, _) => self.labelled("',\"old\":'", "OLD"),
            (Payload::Diff, Published::Whole(columns) | Published::Listed(columns)) => {
                format!("',\"changed\":' || {}", changed_object(columns))
            }
        }
    }

    fn key_changed(&self) -> String {
        if self.key.is_empty() { "false".to_owned() } else { differ(self.key) }
    }

    /// The key, where there is one.
    pub fn identity(&self, row: &str) -> String {
        if self.key.is_empty() { "''".to_owned() } else { object_behind(",\"key\":", row, self.key) }
    }

    /// What tells a notification from others: the key, or a number where there is none.
    fn live_identity(&self, row: &str) -> String {
        if self.key.is_empty() { SEQ.to_owned() } else { self.identity(row) }
    }

    fn moved(&self) -> String {
        if self.key.is_empty() {
            return "''".to_owned();
        }
        let new = object_behind(",\"moved_to\":", "NEW", self.key);
        format!("{} || {new}", self.identity("OLD"))
    }
}

/// How the consumers of a queue are woken.
fn ring(queue: &Queue, doorbell: Doorbell) -> String {
    let notify = format!("PERFORM pg_catalog.pg_notify({}, '');", sql::literal(&queue.doorbell()));
    let (class, id) = (crate::queue::doorbell::X_CLASS, queue.id);
    match doorbell {
        Doorbell::Always => notify,
        Doorbell::Never => String::new(),
        Doorbell::Adaptive => {
            format!("IF NOT pg_catalog.pg_try_advisory_xact_lock_shared({class}, {id}) THEN {notify} END IF;")
        }
    }
}

/// Takes the body out of a file that creates a sample, and fills it.
pub fn fill_body(file: &str, places: &[(&str, String)]) -> String {
    let body = file.split("$pgfeed$").nth(1).expect("the file quotes a body with $pgfeed$");
    let places: Vec<(&str, &str)> = places.iter().map(|(name, value)| (*name, value.as_str())).collect();
    sql::fill(body, &places)
}
