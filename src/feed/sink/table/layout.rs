//! What is to be kept in step, and the statements that do it, once the table was found.

use postgres::Client;

use crate::error::{Error, Result};
use crate::sql::{self, TableName};

/// What the URL asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The table that is kept in step.
    pub table: TableName,
    /// Source and target columns; none is all of the table, by name.
    pub map: Option<Vec<(String, String)>>,
    /// The target columns that identify a row; none lets the table's unique indexes decide.
    pub key: Option<Vec<String>>,
    /// Whose changes are taken; none is anybody's.
    pub from: Option<TableName>,
    /// What a TRUNCATE does.
    pub truncate: OnTruncate,
}

/// What a TRUNCATE does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTruncate {
    /// It is refused.
    Refuse,
    /// The table is emptied.
    Empty,
}

/// Reads columns.
///
/// # Errors
/// What is wrong with them.
pub fn names(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) {
        return Err("a name is empty".to_owned());
    }
    match names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        Some((_, twice)) => Err(format!("\"{twice}\" is there twice")),
        None => Ok(names),
    }
}

/// Reads pairs of a source and a target column.
///
/// # Errors
/// What is wrong with them.
pub fn map(text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |pair: &str| match pair.split_once(':') {
        Some((source, target)) if !source.is_empty() && !target.is_empty() => {
            Ok((source.to_owned(), target.to_owned()))
        }
        _ => Err("it is source:target,source:target ...".to_owned()),
    };
    let map: Vec<(String, String)> = text.split(',').map(pair).collect::<Result<_, _>>()?;
    names(&map.iter().map(|(_, target)| target.as_str()).collect::<Vec<_>>().join(",")).map(|_| map)
}

/// The table, as it was found.
#[derive(Debug)]
pub struct Layout {
    /// What is kept in step.
    pub columns: Vec<Mapped>,
    /// Of these, those that identify a row.
    pub key: Vec<Mapped>,
    /// Whether the key was asked for, and need not be that of the changes.
    pub key_is_given: bool,
    /// Writes rows, told as a JSON array.
    pub put: String,
    /// Removes rows, told as a JSON array of keys.
    pub remove: String,
    /// Gives rows other keys, told as a JSON array of pairs of keys, "old" and "new".
    pub rekey: String,
    /// Removes all rows.
    pub empty: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Its name in the changes.
    pub source: String,
    /// Its name in the table.
    pub target: String,
    /// Its type in the table, for SQL.
    pub type_name: String,
}

impl Layout {
    /// Finds the table, in an open transaction.
    ///
    /// # Errors
    /// A usage error that says what is missing; what the server says.
    pub fn find(client: &mut Client, wish: &Wish) -> Result<Self> {
        let (oid, table) = find_table(client, &wish.table)?;
        let columns = columns(client, oid, wish)?;
        let indexes = unique_indexes(client, oid)?;
        let index = key(&wish.table, wish.key.as_deref(), &columns, &indexes)?;
        let key: Vec<Mapped> = index.columns.iter().filter_map(|name| find(&columns, name)).cloned().collect();
        let statements = Statements { table: &table, columns: &columns, key: &key, equal: &index.operators };
        let (put, remove, rekey) = (statements.put(), statements.remove(), statements.rekey());
        let empty = format!("DELETE FROM {table}");
        Ok(Self { key_is_given: wish.key.is_some(), columns, key, put, remove, rekey, empty })
    }
}

fn find<'a>(columns: &'a [Mapped], target: &str) -> Option<&'a Mapped> {
    columns.iter().find(|column| column.target == target)
}

pub(crate) fn find_table(client: &mut Client, name: &TableName) -> Result<(u32, String)> {
    let query = sql::fill(include_str!("../../../../sql/copy_table.sql"), &[("name", "$1::pg_catalog.text")]);
    // The preamble pins the search_path; what the user names is found by the one that role and database have set.
    client.batch_execute("SET LOCAL search_path TO DEFAULT")?;
    let row = client.query_opt(&query, &[&name.quoted()])?;
    client.batch_execute("SET LOCAL search_path = pg_catalog")?;
    let row = row.ok_or_else(|| {
        Error::usage(format!("there is no table {name}"))
            .hint("create it, with a primary key or a unique index; it is looked for as in SQL, by your search_path")
    })?;
    if !matches!(row.get("kind"), "r" | "p") {
        return Err(Error::usage(format!("{name} is not a table")));
    }
    Ok((row.get("oid"), sql::qualified(row.get("schema"), row.get("name"))))
}

fn columns(client: &mut Client, oid: u32, wish: &Wish) -> Result<Vec<Mapped>> {
    let query = sql::fill(include_str!("../../../../sql/columns.sql"), &[("table", "$1::pg_catalog.oid")]);
    let mut there = Vec::new();
    for row in client.query(&query, &[&oid])? {
        let (name, type_name, is_generated): (String, String, bool) =
            (row.get("name"), row.get("type_name"), row.get("is_generated"));
        there.push((Mapped { source: name.clone(), target: name, type_name }, is_generated));
    }
    let Some(map) = &wish.map else {
        return Ok(there.into_iter().filter(|(_, is_generated)| !is_generated).map(|(column, _)| column).collect());
    };
    let one = |(source, target): &(String, String)| {
        let found = there.iter().find(|(column, _)| column.target == *target);
        let (column, is_generated) = found.ok_or_else(|| {
            Error::usage(format!("{} has no column \"{target}\"", wish.table))
                .hint("map= holds names exactly as they are, each source:target")
        })?;
        if *is_generated {
            return Err(Error::usage(format!("column \"{target}\" of {} is generated", wish.table)));
        }
        Ok(Mapped { source: source.clone(), ..column.clone() })
    };
    map.iter().map(one).collect()
}

/// A unique index.
struct Index {
    columns: Vec<String>,
    /// By which two values of each column are equal, for SQL.
    operators: Vec<String>,
}

fn unique_indexes(client: &mut Client, oid: u32) -> Result<Vec<Index>> {
    let query = sql::fill(include_str!("../../../../sql/copy_keys.sql"), &[("table", "$1::pg_catalog.oid")]);
    let rows = client.query(&query, &[&oid])?;
    Ok(rows.iter().map(|row| Index { columns: row.get("columns"), operators: row.get("operators") }).collect())
}

/// The index that identifies a row: one that has just the columns asked for; else the first unique one (the primary key, if there
/// is one) of which all columns are mapped.
fn key<'a>(table: &TableName, wish: Option<&[String]>, columns: &[Mapped], indexes: &'a [Index]) -> Result<&'a Index> {
    let is_mapped = |name: &String| find(columns, name).is_some();
    let Some(wish) = wish else {
        let found = indexes.iter().find(|index| index.columns.iter().all(is_mapped));
        return found.ok_or_else(|| {
            Error::usage(format!("{table} has no primary key or unique index over columns that are kept in step"))
                .hint("rows are found by it: create one (not a partial or deferrable one)")
        });
    };
    if let Some(missing) = wish.iter().find(|name| !is_mapped(name)) {
        return Err(Error::usage(format!("key: \"{missing}\" is not among the columns that are kept in step")));
    }
    let is_over =
        |index: &&Index| index.columns.len() == wish.len() && wish.iter().all(|name| index.columns.contains(name));
    indexes.iter().find(is_over).ok_or_else(|| {
        let names = wish.join(", ");
        Error::usage(format!("{table} has no primary key or unique index over just ({names})"))
            .hint(format!("create one: CREATE UNIQUE INDEX ON {table} ({names})"))
    })
}

struct Statements<'a> {
    table: &'a str,
    columns: &'a [Mapped],
    key: &'a [Mapped],
    /// By which two values of each column of the key are equal.
    equal: &'a [String],
}

impl Statements<'_> {
    fn put(&self) -> String {
        let others: Vec<&Mapped> = self.columns.iter().filter(|column| !self.key.contains(column)).collect();
        let update = if others.is_empty() {
            "NOTHING".to_owned()
        } else {
            let set = list(others.iter().copied(), |name| format!("{name} = EXCLUDED.{name}"));
            let (there, new) = (
                list(others.iter().copied(), |name| format!("t.{name}")),
                list(others.iter().copied(), |name| format!("EXCLUDED.{name}")),
            );
            format!("UPDATE SET {set}\nWHERE pg_catalog.record_image_ne(ROW({there}), ROW({new}))")
        };
        let places = [
            ("table", self.table),
            ("columns", &list(self.columns, str::to_owned)),
            ("rows", "$1"),
            ("types", &types(self.columns)),
            ("key", &list(self.key, str::to_owned)),
            ("update", &update),
        ];
        sql::fill(include_str!("../../../../sql/copy_put.sql"), &places)
    }

    fn remove(&self) -> String {
        let (types, same) = (types(self.key), self.same("t", "s"));
        let places = [("table", self.table), ("keys", "$1"), ("types", types.as_str()), ("same", same.as_str())];
        sql::fill(include_str!("../../../../sql/copy_remove.sql"), &places)
    }

    fn rekey(&self) -> String {
        let places = [
            ("table", self.table),
            ("moves", "$1"),
            ("types", &types(self.key)),
            ("same", &self.same("t", "s")),
            ("taken", &format!("{} AND NOT ({})", self.same("o", "d"), self.same("o", "s"))),
            ("set", &list(self.key, |name| format!("{name} = d.{name}"))),
        ];
        sql::fill(include_str!("../../../../sql/copy_move.sql"), &places)
    }

    /// Whether two rows have the same key.
    fn same(&self, one: &str, other: &str) -> String {
        let equal = |(column, equal): (&Mapped, &String)| {
            let name = sql::ident(&column.target);
            format!("{one}.{name} {equal} {other}.{name}")
        };
        self.key.iter().zip(self.equal).map(equal).collect::<Vec<_>>().join(" AND ")
    }
}

fn list<'a>(columns: impl IntoIterator<Item = &'a Mapped>, write: impl Fn(&str) -> String) -> String {
    let written: Vec<String> = columns.into_iter().map(|column| write(&sql::ident(&column.target))).collect();
    written.join(", ")
}

fn types(columns: &[Mapped]) -> String {
    let typed = columns.iter().map(|column| format!("{} {}", sql::ident(&column.target), column.type_name));
    typed.collect::<Vec<_>>().join(", ")
}
