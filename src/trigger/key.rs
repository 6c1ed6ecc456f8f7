//! The primary key that a trigger was made for. Its function names these columns, and a durable one stores nothing without them.

use serde::{Deserialize, Serialize};

use super::plan::Level;
use super::table::{Column, Table};

/// One column of it, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    name: String,
    /// Without what only limits its values, and by its name: numbers of types are others where a dump is restored.
    #[serde(rename = "type")]
    bare_type: String,
}

impl KeyColumn {
    /// As a column is now.
    pub fn of(column: &Column) -> Self {
        Self { name: column.name.clone(), bare_type: column.bare_type.clone() }
    }

    /// What has become of it that makes a durable trigger at a level fail the writes to its table; none where nothing has.
    pub fn lost(&self, table: &Table, level: Level) -> Option<String> {
        let Self { name, bare_type: was } = self;
        let Some(column) = table.columns.iter().find(|column| column.name == *name) else {
            return Some(format!("its key column {name} was dropped or renamed, and every write fails"));
        };
        let is = &column.bare_type;
        if was == is {
            return None;
        }
        let changed = format!("the type of its key column {name} was {was} and is {is}, and writes fail");
        match level {
            // What is no number may not become one, and a number is told without quotes.
            _ if self.was_whole_number() && !column.is_whole_number() => Some(format!("{changed}, or store no JSON")),
            // PL/pgSQL keeps the types of a row's fields with its plans, and refuses others (42804).
            Level::Row => Some(format!("{changed} in sessions that wrote before")),
            // Plans over a transition table are made anew when its table was altered.
            Level::Statement => None,
        }
    }

    fn was_whole_number(&self) -> bool {
        matches!(self.bare_type.as_str(), "smallint" | "integer" | "bigint")
    }
}
