//! Applies changes to the table in an open transaction: as few statements as possible, and one by one where one is refused.

use std::collections::BTreeSet;

use postgres::Client;
use postgres::types::Type;

use super::layout::Layout;
use super::reading::Step;
use super::summing::{Part, sum};
use crate::connection::is_transient;
use crate::error::{Error, Result};
use crate::feed::Undelivered;
use crate::feed::sink::isolate::{Offer, isolate};

/// A change that is to be applied.
#[derive(Debug)]
pub struct Told {
    /// What must stay in order shares this.
    pub key: Option<i64>,
    /// What it does, or why it cannot do anything.
    pub step: Result<Step, String>,
}

/// Applies changes in the transaction that is open, and leaves it open; what is refused leaves no trace.
///
/// # Errors
/// Whatever is not the fault of one change: the transaction is of no use any more.
pub fn apply(client: &mut Client, layout: &Layout, changes: &[Told]) -> Result<Vec<Undelivered>> {
    isolate(
        changes.len(),
        changes.len(),
        |place| changes[place].key,
        |places| {
            let steps: Result<Vec<&Step>, &String> = places.iter().map(|place| changes[*place].step.as_ref()).collect();
            match steps {
                Ok(steps) => offer(client, layout, &steps),
                Err(reason) => Ok(Offer::Refused(reason.clone())),
            }
        },
    )
}

fn offer(client: &mut Client, layout: &Layout, steps: &[&Step]) -> Result<Offer> {
    let parts = sum(steps);
    // Triggers of the table expect the search_path that role and database have set.
    client.batch_execute("SAVEPOINT pgfeed; SET LOCAL search_path TO DEFAULT")?;
    let error = match store(client, layout, &parts) {
        Ok(()) => {
            client.batch_execute("SET LOCAL search_path = pg_catalog; RELEASE pgfeed")?;
            return Ok(Offer::Taken);
        }
        Err(error) => error,
    };
    let fault = Fault::of(&error);
    if fault == Fault::Passing {
        return Err(error);
    }
    client.batch_execute("ROLLBACK TO pgfeed")?;
    if fault == Fault::Unclear {
        try_without_rows(client, layout, &parts)?;
    }
    client.batch_execute("RELEASE pgfeed")?;
    Ok(Offer::Refused(error.to_string()))
}

fn store(client: &mut Client, layout: &Layout, parts: &[Part]) -> Result<()> {
    for part in parts {
        let (statement, rows) = match part {
            Part::Empty => {
                client.batch_execute(&layout.empty)?;
                continue;
            }
            Part::Remove(keys) => (&layout.remove, keys),
            Part::Put(rows) => (&layout.put, rows),
            Part::Move(keys) => (&layout.rekey, keys),
        };
        // Not prepared: it is one statement for a whole batch, and the table may change meanwhile.
        client.execute_typed(statement, &[(rows, Type::TEXT)])?;
    }
    // What is checked at the commit would refuse the whole transaction, and nobody would know for which event.
    Ok(client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?)
}

/// Does the same to no row at all, and leaves no trace of it.
///
/// # Errors
/// What is wrong with the table, whatever the row.
fn try_without_rows(client: &mut Client, layout: &Layout, parts: &[Part]) -> Result<()> {
    let statement = |part: &Part| match part {
        // Where rows cannot move they can go and come: each of the two changes is accepted alone.
        Part::Empty | Part::Remove(_) | Part::Move(_) => layout.remove.as_str(),
        Part::Put(_) => &layout.put,
    };
    client.batch_execute("SET LOCAL search_path TO DEFAULT")?;
    for statement in parts.iter().map(statement).collect::<BTreeSet<_>>() {
        client.execute_typed(statement, &[(&"[]", Type::TEXT)])?;
    }
    Ok(client.batch_execute("ROLLBACK TO pgfeed")?)
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// That of the values: another try, or another connection, would not change that.
    Row,
    /// The table or its columns are others than a moment ago, or forbidden; or a trigger of the table says the same of
    /// one row.
    Unclear,
    /// The connection's, or that of the moment.
    Passing,
}

impl Fault {
    fn of(error: &Error) -> Self {
        match error.sqlstate() {
            None => Self::Passing,
            Some(_) if is_transient(error) => Self::Passing,
            Some(code) if matches!(code.get(..2), Some("0A" | "25" | "26" | "28" | "3D" | "3F" | "42")) => {
                Self::Unclear
            }
            // Codes of its own can only come from a trigger of the table.
            Some(_) => Self::Row,
        }
    }
}
