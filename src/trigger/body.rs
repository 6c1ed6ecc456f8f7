//! The body of a trigger function: a file of `sql/` filled with what depends on table and spec.

use super::expression::{
    SEQ, ask, changed_object, changed_object_of_the_rest, checked_fields, differ, hash, is_first, json_string,
    key_behind, object, object_of_the_rest, table_hash,
};
use super::plan::Level;
use super::published::Published;
use super::spec::{Destination, Doorbell, Payload, Spec};
use super::table::{Column, Table};
use crate::queue::Queue;
use crate::sql;

/// The labels of a row's versions, as expressions.
const NEW: &str = "',\"new\":'";
const OLD: &str = "',\"old\":'";
const CHANGED: &str = "',\"changed\":'";

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
            ("first_values", ask(&is_first("live values", self.table, channel))),
            ("first_silence", ask(&is_first("live silence", self.table, channel))),
            ("seq", SEQ.to_owned()),
            ("moved", self.moved()),
            ("identity", self.live_identity("r")),
            ("body", self.labelled("label", "r")),
        ];
        sql::fill_body(include_str!("../../sql/live_statement.sql"), &places)
    }

    fn live_row(&self, channel: &str) -> String {
        let [values, condition] = ["live values", "live condition"].map(|kind| is_first(kind, self.table, channel));
        let places = [
            ("channel", sql::literal(channel)),
            ("about", self.about()),
            ("table", sql::literal(&self.table.display())),
            ("first_trouble", ask(&format!("CASE WHEN wanted THEN {values} ELSE {condition} END"))),
            ("first_silence", ask(&is_first("live silence", self.table, channel))),
            ("seq", SEQ.to_owned()),
            ("moved", self.moved()),
            ("when", self.condition()),
            ("has_key", (!self.key.is_empty()).to_string()),
            ("key_changed", self.key_changed()),
            ("identity_new", self.live_identity("NEW")),
            ("identity_old", self.live_identity("OLD")),
            ("body_new", self.labelled(NEW, "NEW")),
            ("body_old", self.labelled(OLD, "OLD")),
            ("more", self.more()),
        ];
        sql::fill_body(include_str!("../../sql/live_row.sql"), &places)
    }

    fn durable_statement(&self, queue: &str, doorbell: Doorbell) -> String {
        let queue = Queue::named(self.schema, queue);
        let (listed, rest) = match self.published {
            Published::Listed(columns) if self.lists_columns() => {
                (checked_fields("r", columns), self.rest_labelled("label", "r"))
            }
            Published::Listed(_) | Published::Whole(_) => (nothing(), nothing()),
        };
        let places = [
            ("queue", queue.table()),
            ("about", self.about()),
            ("table_hash", table_hash(self.table)),
            ("hash_old", hash(self.table, self.key, "OLD")),
            ("hash", hash(self.table, self.key, "r")),
            ("moved", self.moved()),
            ("identity", self.identity("r")),
            ("body", self.labelled("label", "r")),
            ("lists_columns", self.lists_columns().to_string()),
            ("listed", listed),
            ("rest", rest),
            ("table", sql::literal(&self.table.display())),
            ("first_altered", ask(&is_first("altered", self.table, &queue.table()))),
            ("ring", ring(&queue, doorbell)),
        ];
        sql::fill_body(include_str!("../../sql/durable_statement.sql"), &places)
    }

    fn durable_row(&self, queue: &str, doorbell: Doorbell) -> String {
        let queue = Queue::named(self.schema, queue);
        let told = [self.labelled(OLD, "OLD"), self.labelled(NEW, "NEW"), self.more()];
        let rest = [self.rest_labelled(OLD, "OLD"), self.rest_labelled(NEW, "NEW"), self.rest_more()];
        let ahead = ["told".to_owned(), "told".to_owned(), nothing()];
        let none = || std::array::from_fn(|_| nothing());
        let ([told_old, told_new, told_more], [rest_old, rest_new, rest_more], [body_old, body_new, more]) =
            if self.lists_columns() { (told, rest, ahead) } else { (none(), none(), told) };
        let places = [
            ("queue", queue.table()),
            ("about", self.about()),
            ("lists_columns", self.lists_columns().to_string()),
            ("told_old", told_old),
            ("told_new", told_new),
            ("told_more", told_more),
            ("rest_old", rest_old),
            ("rest_new", rest_new),
            ("rest_more", rest_more),
            ("has_condition", self.condition.is_some().to_string()),
            ("when", self.condition()),
            ("table", sql::literal(&self.table.display())),
            ("first_condition", ask(&is_first("condition", self.table, &queue.table()))),
            ("first_altered", ask(&is_first("altered", self.table, &queue.table()))),
            ("table_hash", table_hash(self.table)),
            ("hash_old", hash(self.table, self.key, "OLD")),
            ("hash_new", hash(self.table, self.key, "NEW")),
            ("key_changed", self.key_changed()),
            ("moved", self.moved()),
            ("identity_new", self.identity("NEW")),
            ("identity_old", self.identity("OLD")),
            ("body_new", body_new),
            ("body_old", body_old),
            ("more", more),
            ("ring", ring(&queue, doorbell)),
        ];
        sql::fill_body(include_str!("../../sql/durable_row.sql"), &places)
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
            (Payload::Keys, _) => nothing(),
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
            (Payload::Keys | Payload::Row, _) => nothing(),
            (Payload::Full, _) => self.labelled(OLD, "OLD"),
            (Payload::Diff, Published::Whole(columns) | Published::Listed(columns)) => {
                format!("{CHANGED} || {}", changed_object(columns))
            }
        }
    }

    /// Whether columns besides the key are named, which may be dropped, renamed or altered under the function.
    fn lists_columns(&self) -> bool {
        match (self.spec.payload, self.published) {
            (Payload::Keys, _) => false,
            (Payload::Diff, Published::Whole(columns)) | (_, Published::Listed(columns)) => !columns.is_empty(),
            (Payload::Row | Payload::Full, Published::Whole(_)) => false,
        }
    }

    /// What an update tells besides the new values, of the columns that the table still has.
    fn rest_more(&self) -> String {
        match (self.spec.payload, self.published) {
            (Payload::Keys | Payload::Row, _) => nothing(),
            (Payload::Full, _) => self.rest_labelled(OLD, "OLD"),
            (Payload::Diff, Published::Whole(_)) => changed_object_of_the_rest(CHANGED, None),
            (Payload::Diff, Published::Listed(columns)) => changed_object_of_the_rest(CHANGED, Some(columns)),
        }
    }

    /// The same as [`Self::labelled`], of the columns that the table still has. Never more than what was listed: what was left out may
    /// be a secret.
    fn rest_labelled(&self, label: &str, row: &str) -> String {
        match self.published {
            Published::Listed(columns) if self.lists_columns() => object_of_the_rest(label, row, columns),
            Published::Listed(_) | Published::Whole(_) => self.labelled(label, row),
        }
    }

    fn key_changed(&self) -> String {
        if self.key.is_empty() { "false".to_owned() } else { differ(self.key) }
    }

    /// The key, where there is one.
    pub fn identity(&self, row: &str) -> String {
        if self.key.is_empty() { nothing() } else { key_behind(",\"key\":", row, self.key) }
    }

    /// What tells a notification from others: the key, or a number where there is none.
    fn live_identity(&self, row: &str) -> String {
        if self.key.is_empty() { SEQ.to_owned() } else { self.identity(row) }
    }

    fn moved(&self) -> String {
        if self.key.is_empty() {
            return nothing();
        }
        let new = key_behind(",\"moved_to\":", "NEW", self.key);
        format!("{} || {new}", self.identity("OLD"))
    }
}

/// An expression that tells nothing.
fn nothing() -> String {
    "''".to_owned()
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
