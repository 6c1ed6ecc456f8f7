//! What a change means for the table that is kept in step.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::layout::{Layout, Mapped, OnTruncate, Wish};
use crate::feed::change::{Change, columns};

/// What a change does to the table. Rows and keys are JSON objects under the table's own names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The row of this key is to be like this.
    Put {
        key: String,
        row: String,
        /// Where it was there before, the number of the transaction that has changed it.
        changed_in: Option<u64>,
    },
    /// The row of this key goes.
    Remove { key: String },
    /// The row of this key has another one now; what its row is like then, the same transaction tells.
    Move { key: String, to: String, changed_in: Option<u64> },
    /// All rows go.
    Empty,
}

/// Why a change says nothing that the table could follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It is itself to blame.
    Change(String),
    /// It does not tell what the table has, or was asked for; then others may not either, until somebody alters the one or the other.
    Columns(String),
}

impl Misfit {
    /// In words.
    pub fn reason(&self) -> &str {
        let (Self::Change(reason) | Self::Columns(reason)) = self;
        reason
    }
}

impl From<String> for Misfit {
    fn from(reason: String) -> Self {
        Self::Change(reason)
    }
}

/// Reads a payload.
///
/// # Errors
/// Why it says nothing that the table could follow.
pub fn read(payload: &str, wish: &Wish, layout: &Layout) -> Result<Step, Misfit> {
    let change = Change::of(payload).ok_or_else(|| "its payload is not a change of a row".to_owned())?;
    if let Some(from) = &wish.from
        && (change.table != from.name || from.schema.as_ref().is_some_and(|schema| change.schema != *schema))
    {
        return Err(format!("it is a change of {}.{}, and not of {from}", change.schema, change.table).into());
    }
    match (&*change.op, wish.truncate) {
        ("TRUNCATE", OnTruncate::Empty) => Ok(Step::Empty),
        ("TRUNCATE", OnTruncate::Refuse) => {
            Err("it is a TRUNCATE, and truncate=yes was not asked for".to_owned().into())
        }
        ("DELETE", _) => {
            let key = key(&change, change.old, "old", layout)?;
            Ok(match change.moved_to.map(|moved_to| object(&layout.key, Some(moved_to), "moved_to")) {
                Some(Ok(to)) => Step::Move { key, to, changed_in: change.transaction() },
                // Of a table whose key is another one.
                Some(Err(_)) | None => Step::Remove { key },
            })
        }
        (op, _) => {
            let key = key(&change, change.new, "new", layout)?;
            let changed_in = (op == "UPDATE").then(|| change.transaction()).flatten();
            Ok(Step::Put { key, row: object(&layout.columns, change.new, "new")?, changed_in })
        }
    }
}

/// The key as the change tells it; where it tells none, or another one was asked for, as the row does.
fn key(change: &Change, row: Option<&RawValue>, what: &str, layout: &Layout) -> Result<String, Misfit> {
    let Some(told) = change.key else { return not_null(object(&layout.key, row, what)?, layout) };
    let told_columns = columns(Some(told), "key")?;
    let is_the_same = told_columns.len() == layout.key.len()
        && layout.key.iter().all(|column| told_columns.contains_key(column.source.as_str()));
    if is_the_same {
        return not_null(object(&layout.key, Some(told), "key")?, layout);
    }
    if layout.key_is_given {
        return not_null(object(&layout.key, row, what)?, layout);
    }
    let told: Vec<&str> = told_columns.keys().map(AsRef::as_ref).collect();
    let ours: Vec<&str> = layout.key.iter().map(|column| column.source.as_str()).collect();
    Err(Misfit::Columns(format!(
        "its key is ({}), and the table's is that of ({}): say with key= which is meant, or with map= what its columns are called there",
        told.join(", "),
        ours.join(", ")
    )))
}

/// A key with a null in it identifies nothing.
fn not_null(key: String, layout: &Layout) -> Result<String, Misfit> {
    let parsed: HashMap<String, &RawValue> = serde_json::from_str(&key).map_err(|error| error.to_string())?;
    match layout.key.iter().find(|column| parsed.get(&column.target).is_none_or(|value| value.get() == "null")) {
        None => Ok(key),
        Some(column) => Err(format!("\"{}\" is null, and part of the key", column.source).into()),
    }
}

/// Some columns of a row, under the names of the table.
fn object(wanted: &[Mapped], row: Option<&RawValue>, what: &str) -> Result<String, Misfit> {
    if row.is_none() {
        return Err(Misfit::Columns(format!("the change tells no \"{what}\" (a trigger with --payload row does)")));
    }
    let there = columns(row, what)?;
    let mut object = String::from("{");
    for (place, column) in wanted.iter().enumerate() {
        let value = there.get(column.source.as_str());
        let value = value.ok_or_else(|| {
            Misfit::Columns(format!(
                "\"{what}\" has no \"{}\" (with map= only the columns that it names are kept in step)",
                column.source
            ))
        })?;
        if place > 0 {
            object.push(',');
        }
        object.push_str(&serde_json::to_string(&column.target).expect("a string is always JSON"));
        object.push(':');
        object.push_str(value.get());
    }
    object.push('}');
    Ok(object)
}
