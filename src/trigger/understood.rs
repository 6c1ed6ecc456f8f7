//! A condition as the server understands it.

use postgres::Transaction;

use super::apply::explain;
use super::table::Table;
use crate::connection::ask;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sql;

/// What a condition needs to be understood by the server.
const CONDITION_RIGHTS: &str =
    "--when needs TEMPORARY on the database: the server understands it in a temporary function";

/// The condition as the server understands it, with the schema of everything it names.
pub fn understood(transaction: &mut Transaction, table: &Table, condition: &str) -> Result<String> {
    let mut savepoint = transaction.transaction()?;
    let bare = read_back(&mut savepoint, table, "true")
        .map_err(|error| explain(error, CONDITION_RIGHTS).doing("making a temporary function for --when"))?;
    let whole = read_back(&mut savepoint, table, condition).map_err(|error| {
        let error = unqualified(error).doing(format!("--when {condition:?}"));
        if error.exit() == Exit::Failed { error.exiting(Exit::Usage) } else { error }
    })?;
    savepoint.rollback()?;
    // What stands around the condition may hold anything that a table can be called, and is the same in both.
    let (before, behind) = bare.rsplit_once("true").expect("it was put there");
    let condition = whole.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
    Ok(condition.expect("they differ in their conditions only").to_owned())
}

/// A column that both versions of the row have is ambiguous.
fn unqualified(error: Error) -> Error {
    if error.sqlstate() != Some("42702") {
        return error;
    }
    let message = error.to_string();
    let column = message.split('"').nth(1).unwrap_or("column").to_owned();
    error.hint(format!("say of which version of the row: NEW.{column}, or OLD.{column} for what it was before"))
}

/// A function with a condition, as the server writes it.
fn read_back(savepoint: &mut Transaction, table: &Table, condition: &str) -> Result<String> {
    let quoted = table.quoted();
    let values = [("new_table", quoted.as_str()), ("old_table", quoted.as_str()), ("condition", condition)];
    savepoint.batch_execute("SET LOCAL search_path TO DEFAULT")?;
    // Not batch_execute: this way the server takes one statement only.
    ask::execute(savepoint, &sql::fill(include_str!("../../sql/condition.sql"), &values), &[])?;
    savepoint.batch_execute("SET LOCAL search_path = pg_catalog")?;
    let body = "SELECT pg_catalog.pg_get_function_sqlbody('pg_temp.pgfeed_condition()'::pg_catalog.regprocedure)";
    Ok(ask::row(savepoint, body, &[])?.get(0))
}
