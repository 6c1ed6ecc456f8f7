//! What a change means for the table that is kept in step, and what is left of many changes of a row: the last.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::layout::{Layout, Mapped, OnTruncate, Wish};
use crate::feed::change::{Change, columns};

/// What a change does to the table. Rows and keys are JSON objects under the table's own names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The row of this key is to be like this.
    Put { key: String, row: String },
    /// The row of this key goes.
    Remove { key: String },
    /// All rows go.
    Empty,
}

/// Reads a payload.
///
/// # Errors
/// Why it says nothing that the table could follow.
pub fn read(payload: &str, wish: &Wish, layout: &Layout) -> Result<Step, String> {
    let change = Change::of(payload).ok_or("its payload is not a change of a row")?;
    if let Some(from) = &wish.from
        && (change.table != from.name || from.schema.as_ref().is_some_and(|schema| change.schema != *schema))
    {
        return Err(format!("it is a change of {}.{}, and not of {from}", change.schema, change.table));
    }
    match (&*change.op, wish.truncate) {
        ("TRUNCATE", OnTruncate::Empty) => Ok(Step::Empty),
        ("TRUNCATE", OnTruncate::Refuse) => Err("it is a TRUNCATE, and truncate=yes was not asked for".to_owned()),
        ("DELETE", _) => Ok(Step::Remove { key: key(&change, change.old, "old", layout)? }),
        _ => {
            let key = key(&change, change.new, "new", layout)?;
            Ok(Step::Put { key, row: object(&layout.columns, change.new, "new")? })
        }
    }
}

/// The key as the change tells it; where it tells none, or another one was asked for, as the row does.
fn key(change: &Change, row: Option<&RawValue>, what: &str, layout: &Layout) -> Result<String, String> {
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
    Err(format!(
        "its key is ({}), and the table's is that of ({}): say with key= which is meant",
        told.join(", "),
        ours.join(", ")
    ))
}

/// A key with a null in it identifies nothing.
fn not_null(key: String, layout: &Layout) -> Result<String, String> {
    let parsed: HashMap<String, &RawValue> = serde_json::from_str(&key).map_err(|error| error.to_string())?;
    match layout.key.iter().find(|column| parsed.get(&column.target).is_none_or(|value| value.get() == "null")) {
        None => Ok(key),
        Some(column) => Err(format!("\"{}\" is null, and part of the key", column.source)),
    }
}

/// Some columns of a row, under the names of the table.
fn object(wanted: &[Mapped], row: Option<&RawValue>, what: &str) -> Result<String, String> {
    let there = columns(row, what)?;
    let mut object = String::from("{");
    for (place, column) in wanted.iter().enumerate() {
        let value = there.get(column.source.as_str());
        let value = value.ok_or_else(|| format!("\"{what}\" has no \"{}\"", column.source))?;
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

/// What is left of many steps: statements over whole sets, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Whether all rows go first.
    pub empties: bool,
    /// Keys of rows that go, as a JSON array.
    pub removes: Option<String>,
    /// Rows to be there, as a JSON array, each key once.
    pub puts: Option<String>,
}

/// What becomes of a row.
#[derive(Default)]
struct Last<'a> {
    /// It goes, perhaps to come again: then it loses what it had in other columns.
    goes: bool,
    /// It is to be like this, said at this place.
    row: Option<(usize, &'a str)>,
}

/// Sums steps up.
pub fn sum<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Sum {
    let mut rows: HashMap<&str, Last> = HashMap::new();
    let mut empties = false;
    for (place, step) in steps.into_iter().enumerate() {
        match step {
            Step::Put { key, row } => rows.entry(key).or_default().row = Some((place, row)),
            Step::Remove { key } => *rows.entry(key).or_default() = Last { goes: true, row: None },
            Step::Empty => {
                empties = true;
                rows.clear();
            }
        }
    }
    let mut removes: Vec<&str> = rows.iter().filter(|(_, last)| last.goes).map(|(key, _)| *key).collect();
    // The same every time, for whoever looks for what went wrong.
    removes.sort_unstable();
    let mut puts: Vec<(usize, &str)> = rows.values().filter_map(|last| last.row).collect();
    puts.sort_unstable();
    let puts: Vec<&str> = puts.into_iter().map(|(_, row)| row).collect();
    Sum { empties, removes: array(&removes), puts: array(&puts) }
}

fn array(objects: &[&str]) -> Option<String> {
    (!objects.is_empty()).then(|| format!("[{}]", objects.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, row: &str) -> Step {
        Step::Put { key: key.to_owned(), row: row.to_owned() }
    }

    fn remove(key: &str) -> Step {
        Step::Remove { key: key.to_owned() }
    }

    fn summed(steps: &[Step]) -> (bool, String, String) {
        let Sum { empties, removes, puts } = sum(steps);
        (empties, removes.unwrap_or_default(), puts.unwrap_or_default())
    }

    #[test]
    fn the_last_state_of_each_row_is_left_in_the_order_in_which_it_was_told() {
        let steps = [put("a", "1"), put("b", "2"), put("a", "3"), remove("c")];
        assert_eq!(summed(&steps), (false, "[c]".to_owned(), "[2,3]".to_owned()));
        assert_eq!(summed(&[put("a", "1"), remove("a")]), (false, "[a]".to_owned(), String::new()));
        assert_eq!(summed(&[]), (false, String::new(), String::new()));
    }

    #[test]
    fn a_row_that_goes_and_comes_again_is_a_new_one() {
        assert_eq!(summed(&[remove("a"), put("a", "1")]), (false, "[a]".to_owned(), "[1]".to_owned()));
    }

    #[test]
    fn what_stood_before_the_table_was_emptied_does_not_matter() {
        let steps = [put("a", "1"), remove("b"), Step::Empty, put("c", "2")];
        assert_eq!(summed(&steps), (true, String::new(), "[2]".to_owned()));
    }
}
