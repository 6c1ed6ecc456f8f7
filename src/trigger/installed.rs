//! What pgfeed has installed, as the catalogue tells it: the functions that carry our marker, each with its triggers on a table.

use postgres::Transaction;

use super::plan::{Level, Marker, Plan, Trigger};
use super::spec::Destination;
use super::table::Table;
use crate::connection::ask;
use crate::error::Result;
use crate::sql;

/// Bits of `pg_trigger.tgtype` (catalog/pg_trigger.h).
const FOR_EACH_ROW: i16 = 1;
const INSERT_DELETE_UPDATE: i16 = 4 | 8 | 16;

/// One installed function and its triggers on one table.
#[derive(Debug, Clone)]
pub struct Installed {
    pub schema: String,
    pub function: String,
    pub body: String,
    /// The role that owns the function.
    pub owner: String,
    /// Whether it runs with its owner's rights.
    pub is_definer: bool,
    /// `pg_proc.proconfig`: the settings that it runs with.
    pub settings: Vec<String>,
    /// The comment as it stands.
    pub comment: String,
    /// What the comment says, where this version understands it.
    pub marker: Option<Marker>,
    /// The table; none when it was dropped and left the function behind.
    pub table: Option<WatchedTable>,
    pub triggers: Vec<InstalledTrigger>,
}

/// The table of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedTable {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// It and all that it is a partition of; empty when it is nobody's.
    pub ancestors: Vec<u32>,
}

/// One installed trigger.
#[derive(Debug, Clone)]
pub struct InstalledTrigger {
    pub name: String,
    /// `pg_trigger.tgtype`.
    pub type_bits: i16,
    /// `pg_trigger.tgqual`: its condition, as a tree.
    pub condition: Option<String>,
    /// The name of its transition table.
    pub rows: Option<String>,
    /// Whether it lacks all that ours never have: columns, arguments, a constraint, a second transition table.
    pub is_plain: bool,
    /// `pg_trigger.tgenabled`: O, A, D or R; `mixed` when partitions differ.
    pub enabled: String,
}

/// How an installation differs from a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Not at all.
    None,
    /// In what the function does: no table lock is needed to mend that.
    Function,
    /// In its triggers.
    Triggers,
}

impl Installed {
    /// Reads all of them.
    ///
    /// # Errors
    /// What the server says.
    pub fn read(transaction: &mut Transaction) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        let mut last = None;
        for row in ask::rows(transaction, include_str!("../../sql/installed.sql"), &[])? {
            let this: (u32, Option<u32>) = (row.get("function_oid"), row.get("table_oid"));
            if last.replace(this) != Some(this) {
                let comment: String = row.get("marker");
                let table = this.1.map(|oid| WatchedTable {
                    oid,
                    schema: row.get("table_schema"),
                    name: row.get("table_name"),
                    ancestors: row.get("ancestors"),
                });
                all.push(Self {
                    schema: row.get("function_schema"),
                    function: row.get("function_name"),
                    body: row.get("body"),
                    owner: row.get("owner"),
                    is_definer: row.get("is_definer"),
                    settings: row.get("settings"),
                    marker: Marker::read(&comment),
                    comment,
                    table,
                    triggers: Vec::new(),
                });
            }
            let Some(name) = row.get("trigger_name") else { continue };
            all.last_mut().expect("pushed above").triggers.push(InstalledTrigger {
                name,
                type_bits: row.get("trigger_type"),
                condition: row.get("condition"),
                rows: row.get("rows"),
                is_plain: row.get("is_plain"),
                enabled: row.get("enabled"),
            });
        }
        Ok(all)
    }

    /// Whether this is what a plan wants to be: on its table, for its destination. (A marker that is not understood names none,
    /// but the function's name tells.)
    pub fn is(&self, plan: &Plan) -> bool {
        self.is_on(plan.table_oid) && (self.tells(&plan.spec.to, &plan.schema) || self.has_function_of(plan))
    }

    /// Whether it tells changes there: on a channel, or in a queue of this schema.
    pub fn tells(&self, to: &Destination, schema: &str) -> bool {
        let is_there = matches!(to, Destination::Channel(_)) || self.schema == schema;
        is_there && self.destination().is_some_and(|installed| installed.is(to))
    }

    /// Whether the function is the one of a plan.
    pub fn has_function_of(&self, plan: &Plan) -> bool {
        self.schema == plan.schema && self.function == plan.function
    }

    /// Whether this is on the table.
    pub fn is_on(&self, table_oid: u32) -> bool {
        self.table.as_ref().is_some_and(|table| table.oid == table_oid)
    }

    /// Where it tells changes, where the marker is understood.
    pub fn destination(&self) -> Option<&Destination> {
        self.marker.as_ref().map(|marker| &marker.spec.to)
    }

    /// Compares with a plan.
    pub fn difference(&self, plan: &Plan) -> Difference {
        let same_triggers = self.triggers.len() == plan.triggers.len()
            && plan.triggers.iter().all(|planned| self.triggers.iter().any(|trigger| trigger.is(planned)));
        if !self.has_function_of(plan) || !same_triggers {
            Difference::Triggers
        } else if self.body != plan.body || !plan.is_marked_by(&self.comment) || !self.runs_as(plan) {
            Difference::Function
        } else {
            Difference::None
        }
    }

    /// Why writes to its table fail, where they do because the key is not the one that it was made for. (A live trigger fails none.)
    pub fn lost_key(&self, table: &Table) -> Option<String> {
        let marker = self.marker.as_ref().filter(|marker| matches!(marker.spec.to, Destination::Queue { .. }))?;
        let firing: Vec<Level> = self.triggers.iter().filter_map(InstalledTrigger::level_of_rows).collect();
        let level = if firing.contains(&Level::Row) { Level::Row } else { *firing.first()? };
        marker.key.iter().flatten().find_map(|column| column.lost(table, level))
    }

    fn runs_as(&self, plan: &Plan) -> bool {
        let planned = plan.settings.iter().map(|setting| setting.in_catalogue());
        let same_rights = match &plan.definer {
            Some(owner) => self.is_definer && self.owner == *owner,
            None => !self.is_definer,
        };
        // A server that quotes all identifiers has done so here too.
        same_rights && planned.eq(self.settings.iter().map(|setting| setting.replace('"', "")))
    }

    /// SQL that removes the triggers and the function, and nothing else. Without CASCADE: whoever has built upon it is told.
    pub fn drop_statements(&self) -> Vec<String> {
        let mut statements: Vec<String> = Vec::new();
        if let Some(table) = &self.table {
            let table = sql::qualified(&table.schema, &table.name);
            statements.extend(self.triggers.iter().map(|trigger| drop_trigger(&trigger.name, &table)));
        }
        statements.push(drop_function(&self.schema, &self.function));
        statements
    }
}

impl InstalledTrigger {
    /// The level at which it is called, where it is enabled and tells rows: a TRUNCATE has none.
    fn level_of_rows(&self) -> Option<Level> {
        let is_enabled = matches!(self.enabled.as_str(), "O" | "A" | "mixed");
        if !is_enabled || self.type_bits & INSERT_DELETE_UPDATE == 0 {
            return None;
        }
        Some(if self.type_bits & FOR_EACH_ROW == 0 { Level::Statement } else { Level::Row })
    }

    /// Whether it is as planned.
    fn is(&self, planned: &Trigger) -> bool {
        let same_condition = match (&self.condition, &planned.when) {
            (None, None) => true,
            (Some(condition), Some(filter)) => filter.is(condition),
            _ => false,
        };
        self.name == planned.name
            && self.type_bits == planned.type_bits()
            && self.rows.as_deref() == planned.rows()
            && self.enabled == if planned.always { "A" } else { "O" }
            && self.is_plain
            && same_condition
    }
}

/// SQL that removes a trigger; `table` is quoted.
pub fn drop_trigger(name: &str, table: &str) -> String {
    format!("DROP TRIGGER IF EXISTS {} ON {table}", sql::ident(name))
}

/// SQL that removes a trigger function.
pub fn drop_function(schema: &str, name: &str) -> String {
    format!("DROP FUNCTION IF EXISTS {}()", sql::qualified(schema, name))
}
