//! The columns that are published besides the key.

use super::spec::Columns;
use super::table::{Column, Table};
use crate::error::{Error, Result};

/// What is published besides the key.
pub enum Published<'a> {
    /// The whole row, as it is when the trigger fires.
    Whole(Vec<&'a Column>),
    /// These columns.
    Listed(Vec<&'a Column>),
}

impl<'a> Published<'a> {
    /// Finds the columns that were chosen.
    ///
    /// # Errors
    /// A usage error when the table lacks one, or triggers do not see it.
    pub fn of(table: &'a Table, columns: &Columns) -> Result<Self> {
        let some_virtual = table.columns.iter().any(|column| column.is_virtual);
        let real = || table.columns.iter().filter(|column| !column.is_virtual);
        Ok(match columns {
            Columns::All if !some_virtual => Self::Whole(real().collect()),
            Columns::All => Self::Listed(real().collect()),
            Columns::Only(names) => Self::Listed(find(table, names)?),
            Columns::Except(names) => {
                names.iter().try_for_each(|name| named(table, name).map(drop))?;
                Self::Listed(real().filter(|column| !names.contains(&column.name)).collect())
            }
        })
    }
}

/// Finds columns by their names.
///
/// # Errors
/// A usage error when the table lacks one, or triggers do not see it.
pub fn find<'a>(table: &'a Table, names: &[String]) -> Result<Vec<&'a Column>> {
    let find = |name: &String| {
        let column = named(table, name)?;
        if column.is_virtual {
            return Err(Error::usage(format!("{}.{name} is a virtual generated column", table.display()))
                .hint("triggers do not see its value; compute it where the feed is read"));
        }
        Ok(column)
    };
    names.iter().map(find).collect()
}

fn named<'a>(table: &'a Table, name: &str) -> Result<&'a Column> {
    table.columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let error = Error::usage(format!("{} has no column {name}", table.display()));
        match table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)) {
            Some(similar) => error.hint(format!("it has {}: columns are spelled exactly", similar.name)),
            None => error,
        }
    })
}
