//! Applies changes to the table in an open transaction: as few statements as possible, and one by one where one is refused.

use postgres::Client;
use postgres::types::Type;

use super::layout::Layout;
use super::reading::{Step, sum};
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
    // Triggers of the table expect the search_path that role and database have set.
    client.batch_execute("SAVEPOINT pgfeed; SET LOCAL search_path TO DEFAULT")?;
    match store(client, layout, steps) {
        Ok(()) => {
            client.batch_execute("SET LOCAL search_path = pg_catalog; RELEASE pgfeed")?;
            Ok(Offer::Taken)
        }
        Err(error) if is_refusal(&error) => {
            client.batch_execute("ROLLBACK TO pgfeed; RELEASE pgfeed")?;
            Ok(Offer::Refused(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

fn store(client: &mut Client, layout: &Layout, steps: &[&Step]) -> Result<()> {
    let sum = sum(steps.iter().copied());
    if sum.empties {
        client.batch_execute(&layout.empty)?;
    }
    for (statement, rows) in [(&layout.remove, sum.removes), (&layout.put, sum.puts)] {
        let Some(rows) = rows else { continue };
        // Not prepared: it is one statement for a whole batch, and the table may change meanwhile.
        client.execute_typed(statement, &[(&rows, Type::TEXT)])?;
    }
    // What is checked at the commit would refuse the whole transaction, and nobody would know for which event.
    Ok(client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?)
}

/// Whether the server refuses the values: another try, or another connection, would not change that. Codes of its own can only
/// come from a trigger of the table.
fn is_refusal(error: &Error) -> bool {
    let Some(code) = error.sqlstate() else { return false };
    // The table or its columns are others than a moment ago, or forbidden; the session or the transaction is at fault.
    let is_of_the_table = matches!(code.get(..2), Some("0A" | "25" | "26" | "28" | "3D" | "3F" | "42"));
    !is_transient(error) && !is_of_the_table
}
