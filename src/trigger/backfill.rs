//! Stores the rows that are there already as SNAPSHOT events, in chunks by key, while writers go on.

use super::body::Body;
use super::expression::hash;
use super::keyset::Keyset;
use super::plan::Plan;
use super::published::Published;
use super::spec::{Destination, Doorbell, Payload, Spec};
use super::table::{Column, Table};
use super::written::Setting;
use crate::connection::Connection;
use crate::connection::ask::{self, Question, Value};
use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::sql;

/// Rows stored in a transaction, and locked against writers for as long as that takes.
const CHUNK: i64 = 1000;
/// What the server says when somebody else holds a row for longer than `lock_timeout`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Refuses a table whose rows cannot be stored.
///
/// # Errors
/// A usage error when it has no primary key, or belongs to another role.
pub fn refuse_backfill(table: &Table) -> Result<()> {
    if table.key().is_empty() {
        return Err(Error::usage(format!("{} has no primary key, so it cannot be read in chunks", table.display()))
            .hint("add a primary key, or leave out --backfill"));
    }
    // row_to_json calls casts that the owner of a type can define: they get the rights of the table's owner here, as they do in
    // the trigger, and never those of a superuser.
    if !table.is_ours {
        let (name, owner) = (table.display(), &table.owner);
        return Err(Error::usage(format!("{name} belongs to {owner}, and only that role can store its rows"))
            .hint(format!("install without --backfill, then run the same with --backfill and -U {owner}")));
    }
    Ok(())
}

/// Stores the rows of a table that satisfy the condition of a plan for it, and calls `progress` with their number after each chunk; stops when that says no.
///
/// # Errors
/// A usage error when that is refused for the table; what the server says.
pub fn backfill(
    connection: &mut Connection,
    table: &Table,
    plan: &Plan,
    queue: &Queue,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<u64> {
    refuse_backfill(table)?;
    let key = table.key();
    let statements = Statements::prepare(connection, table, plan, queue, &key)?;
    let rings = !matches!(plan.spec.to, Destination::Queue { doorbell: Doorbell::Never, .. });
    let mut stored = 0;
    let mut last: Option<Key> = None;
    loop {
        let met = match &last {
            None => run(connection, &statements.settings, &statements.first, &[], CHUNK)?,
            Some(last) => run(connection, &statements.settings, &statements.next, last, CHUNK)?,
        };
        let Some((_, end)) = met.last() else { return Ok(stored) };
        last = Some(end.clone());
        stored += met.iter().filter(|(fate, _)| *fate == Fate::Stored).count() as u64;
        for (_, left) in met.iter().filter(|(fate, _)| *fate == Fate::Locked) {
            stored += u64::from(store_one(connection, &statements, left, &mut || progress(stored))?);
        }
        if rings {
            ask::execute(&mut **connection, "SELECT pg_catalog.pg_notify($1, '')", &[&queue.doorbell()])?;
        }
        if !progress(stored) {
            return Ok(stored);
        }
    }
}

/// The values of a key, as text.
type Key = Vec<String>;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is in the queue.
    Stored,
    /// It does not satisfy the condition.
    Unwanted,
    /// Somebody else has it.
    Locked,
}

/// Runs a statement; gives the keys it has met, and what became of their rows.
fn run(
    connection: &mut Connection,
    settings: &str,
    statement: &Question,
    key: &[String],
    rows: i64,
) -> Result<Vec<(Fate, Key)>> {
    let mut values: Vec<&dyn Value> = vec![&rows];
    values.extend(key.iter().map(|value| value as &dyn Value));
    let mut transaction = connection.begin()?;
    if !settings.is_empty() {
        transaction.batch_execute(settings)?;
    }
    let met = statement.rows(&mut transaction, &values)?;
    transaction.commit()?;
    let fate = |stored: Option<bool>| match stored {
        Some(true) => Fate::Stored,
        Some(false) => Fate::Unwanted,
        None => Fate::Locked,
    };
    Ok(met.iter().map(|row| (fate(row.get(0)), (1..row.len()).map(|column| row.get(column)).collect())).collect())
}

/// Stores a row that somebody else has locked, as soon as he lets go of it; it may be gone by then.
fn store_one(
    connection: &mut Connection,
    statements: &Statements,
    key: &[String],
    go_on: &mut dyn FnMut() -> bool,
) -> Result<bool> {
    loop {
        match run(connection, &statements.settings, &statements.one, key, 1) {
            Ok(met) => return Ok(met.iter().any(|(fate, _)| *fate == Fate::Stored)),
            Err(error) if error.sqlstate() == Some(LOCK_NOT_AVAILABLE) && go_on() => {}
            Err(error) if error.sqlstate() == Some(LOCK_NOT_AVAILABLE) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// Prepared for one table.
struct Statements {
    /// The settings of a transaction in which values are written as the trigger writes them.
    settings: String,
    /// The first chunk.
    first: Question,
    /// The chunk behind a key.
    next: Question,
    /// One row, which is waited for.
    one: Question,
}

impl Statements {
    fn prepare(
        connection: &mut Connection,
        table: &Table,
        plan: &Plan,
        queue: &Queue,
        key: &[&Column],
    ) -> Result<Self> {
        let keyset = Keyset::find(connection, table)?;
        let columns = |separator: &str, of: &dyn Fn(usize, &str, &str) -> String| {
            let parts = key.iter().enumerate().map(|(n, column)| of(n, &sql::ident(&column.name), &column.type_name));
            parts.collect::<Vec<_>>().join(separator)
        };
        let names = columns(", ", &|_, name, _| format!("r.{name}"));
        let new_names = columns(", ", &|_, name, _| format!("new.{name}"));
        let descending = columns(", ", &|_, name, _| format!("r.{name} DESC"));
        let texts = columns(", ", &|_, name, _| format!("r.{name}::pg_catalog.text"));
        let of =
            |row: &str| -> Vec<String> { key.iter().map(|one| format!("{row}.{}", sql::ident(&one.name))).collect() };
        let value = |(n, column): (usize, &&Column)| format!("${}::pg_catalog.text::{}", n + 2, column.type_name);
        let values: Vec<String> = key.iter().enumerate().map(value).collect();
        let furthest: Vec<String> = of("f").iter().map(|name| format!("(SELECT {name} FROM furthest f)")).collect();
        let (same, up_to) = (keyset.equal(&of("c"), &of("r")), keyset.at_most(&of("new"), &furthest));
        let whole = table.columns.iter().map(|column| sql::ident(&column.name)).collect::<Vec<_>>().join(", ");
        // NEW and OLD are as in the trigger, and a row that is there has no OLD: that was looked at before.
        let when = plan.condition.as_deref().unwrap_or("true");
        let Plan { spec, .. } = plan;
        let published = Published::of(table, &spec.columns)?;
        // The key alone tells nothing that a store could be kept in step with, but it is what was asked for.
        let payload = if spec.payload == Payload::Keys { Payload::Keys } else { Payload::Row };
        let spec = Spec { payload, ..spec.clone() };
        let body = Body { table, spec: &spec, schema: &queue.schema, key, published: &published, condition: None };
        let mut prepare = |behind: &dyn Fn(&str) -> String, skip: &str| -> Result<Question> {
            let (table_name, queue_table) = (table.quoted(), queue.table());
            let (hash, about) = (hash(table, key, "r"), body.about());
            let (behind, new_behind) = (behind("r"), behind("new"));
            let (identity, row) = (body.identity("r"), body.labelled("',\"new\":'", "r"));
            let places = [
                ("table", table_name.as_str()),
                ("behind", &behind),
                ("new_behind", &new_behind),
                ("names", &names),
                ("new_names", &new_names),
                ("when", when),
                ("columns", &whole),
                ("descending", &descending),
                ("rows", "$1"),
                ("skip", skip),
                ("queue", &queue_table),
                ("hash", &hash),
                ("about", &about),
                ("identity", &identity),
                ("body", &row),
                ("same", &same),
                ("up_to", &up_to),
                ("texts", &texts),
            ];
            Ok(connection.question(&sql::fill(include_str!("../../sql/backfill.sql"), &places))?)
        };
        let settings = Setting::of_told(key, &published, payload).into_iter().map(Setting::set_local);
        Ok(Self {
            settings: settings.collect(),
            first: prepare(&|_| "true".to_owned(), "SKIP LOCKED")?,
            next: prepare(&|row| keyset.above(&of(row), &values), "SKIP LOCKED")?,
            one: prepare(&|row| keyset.equal(&of(row), &values), "")?,
        })
    }
}
