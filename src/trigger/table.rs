//! A table as the catalogue describes it: what a plan is made of.

use postgres::Transaction;

use crate::connection::ask;
use crate::error::{Error, Result};
use crate::sql::{self, TableName};

/// A table, described.
#[derive(Debug, Clone)]
pub struct Table {
    pub oid: u32,
    /// The role that owns it.
    pub owner: String,
    /// Whether that is whom we are connected as.
    pub is_ours: bool,
    /// Its schema and name.
    pub schema: String,
    pub name: String,
    /// Schema and name as told in events: for a partition, those of its root.
    pub told_schema: String,
    pub told_name: String,
    /// It and all that it is a partition of; empty when it is nobody's.
    pub ancestors: Vec<u32>,
    pub kind: Kind,
    /// Whether another trigger or action makes row level necessary for the right order.
    pub row_order: bool,
    pub columns: Vec<Column>,
}

/// What kind of relation it is, as far as triggers care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An ordinary table.
    Plain,
    /// Partitioned, a partition, or a parent or child by INHERITS: a statement trigger would miss what is written through
    /// another of them.
    Related,
    /// A foreign table, which has no transition tables.
    Foreign,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// `pg_attribute.attnum`.
    pub number: i16,
    pub type_oid: u32,
    /// The type as SQL names it, with its schema where it needs one.
    pub type_name: String,
    /// The same without what only limits its values (a length, a precision).
    pub bare_type: String,
    /// A virtual generated column (PostgreSQL 18), which triggers do not see.
    pub is_virtual: bool,
    /// Place in the primary key, from 1; 0 when it is not in it.
    pub key_place: i32,
    /// The settings of a session that decide how its values are written.
    pub written_by: Vec<String>,
}

impl Column {
    /// Whether it is an int2, int4 or int8.
    pub fn is_whole_number(&self) -> bool {
        matches!(self.type_oid, 20 | 21 | 23)
    }

    /// Whether a setting decides how its values are written.
    pub fn is_written_by(&self, setting: &str) -> bool {
        self.written_by.iter().any(|name| name == setting)
    }

    #[cfg(test)]
    pub fn sample(name: &str, type_oid: u32) -> Self {
        let (name, type_name, bare_type, written_by) = (name.to_owned(), String::new(), String::new(), Vec::new());
        Self { name, number: 1, type_oid, type_name, bare_type, is_virtual: false, key_place: 0, written_by }
    }
}

impl Table {
    /// Finds a table by the session's own search_path and describes it.
    ///
    /// # Errors
    /// A usage error when there is no such table, or it cannot have such triggers.
    pub fn find(transaction: &mut Transaction, name: &TableName) -> Result<Self> {
        let resolve = sql::fill(include_str!("../../sql/resolve.sql"), &[("name", "$1::pg_catalog.text")]);
        // The preamble pins the search_path; what the user names is found by the one that role and database have set.
        transaction.batch_execute("SET LOCAL search_path TO DEFAULT")?;
        let oid: Option<u32> = ask::row(transaction, &resolve, &[&name.quoted()])?.get(0);
        transaction.batch_execute("SET LOCAL search_path = pg_catalog")?;
        let Some(oid) = oid else { return Err(no_such_table(transaction, name)?) };
        let table = Self::describe(transaction, oid)?;
        table.ok_or_else(|| Error::usage(format!("table {name} has just been dropped")))
    }

    /// Describes the table with this oid, if there still is one.
    pub(super) fn describe(transaction: &mut Transaction, oid: u32) -> Result<Option<Self>> {
        let query = sql::fill(include_str!("../../sql/table.sql"), &[("table", "$1::pg_catalog.oid")]);
        let Some(row) = ask::maybe_row(transaction, &query, &[&oid])? else { return Ok(None) };
        let name: String = row.get("name");
        let kind = match (row.get("kind"), row.get("has_relatives")) {
            ("p", _) | ("r", true) => Kind::Related,
            ("r", false) => Kind::Plain,
            ("f", _) => Kind::Foreign,
            (other, _) => return Err(not_a_table(&name, other)),
        };
        Ok(Some(Self {
            oid,
            owner: row.get("owner"),
            is_ours: row.get("is_ours"),
            schema: row.get("schema"),
            name,
            told_schema: row.get("told_schema"),
            told_name: row.get("told_name"),
            ancestors: row.get("ancestors"),
            kind,
            row_order: row.get("row_order"),
            columns: columns(transaction, oid)?,
        }))
    }

    /// The columns of the primary key in its order; empty when there is none.
    pub fn key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key_place > 0).collect();
        key.sort_by_key(|column| column.key_place);
        key
    }

    /// The name for SQL: `"public"."orders"`.
    pub fn quoted(&self) -> String {
        sql::qualified(&self.schema, &self.name)
    }

    /// The name for people: `public.orders`.
    pub fn display(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

fn columns(transaction: &mut Transaction, oid: u32) -> Result<Vec<Column>> {
    let query = sql::fill(include_str!("../../sql/columns.sql"), &[("table", "$1::pg_catalog.oid")]);
    let rows = ask::rows(transaction, &query, &[&oid])?;
    let column = |row: &postgres::Row| Column {
        name: row.get("name"),
        number: row.get("number"),
        type_oid: row.get("type_oid"),
        type_name: row.get("type_name"),
        bare_type: row.get("bare_type"),
        is_virtual: row.get("is_virtual"),
        key_place: row.get("key_place"),
        written_by: row.get("written_by"),
    };
    Ok(rows.iter().map(column).collect())
}

fn no_such_table(transaction: &mut Transaction, name: &TableName) -> Result<Error> {
    let query = sql::fill(include_str!("../../sql/similar_tables.sql"), &[("name", "$1::pg_catalog.text")]);
    let rows = ask::rows(transaction, &query, &[&name.name])?;
    let similar: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let error = Error::usage(format!("there is no table {name}"));
    Ok(match similar.as_slice() {
        [] => error.hint("it is looked for as in SQL, by your search_path: name the schema, or check the database"),
        similar => error.hint(format!(
            "there is {}: write it with its schema and, where it has them, its double quotes",
            similar.join(", ")
        )),
    })
}

fn not_a_table(name: &str, kind: &str) -> Error {
    let what = match kind {
        "v" => "a view",
        "m" => "a materialized view",
        "S" => "a sequence",
        "i" | "I" => "an index",
        "c" => "a composite type",
        _ => "not a table",
    };
    Error::usage(format!("{name} is {what}, which has no changes of its own")).hint("watch the tables behind it")
}
