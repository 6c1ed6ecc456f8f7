//! Looks at everything that is installed, and says of each whether it still is what was asked for.

use postgres::Transaction;

use super::apply::plan;
use super::installed::{Difference, Installed};
use super::plan::Marker;
use super::spec::{Destination, Spec};
use super::table::Table;
use crate::connection::ask;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::queue::{self, Queue};
use crate::sql;

/// One installation, as it was found.
#[derive(Debug)]
pub struct Surveyed {
    /// The table, for people; none when it is gone.
    pub table: Option<String>,
    /// What was asked; none when that cannot be read.
    pub spec: Option<Spec>,
    /// The function, with its schema, for people.
    pub function: String,
    /// The schema of the function, which is that of the queue.
    pub schema: String,
    /// Whose rights the function runs with.
    pub owner: String,
    /// Whether it is what was asked for.
    pub state: State,
    /// Why it is not, where there is more to say.
    pub detail: Option<String>,
}

/// Whether an installation is what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Current,
    /// The table, or something of ours, was changed since.
    Drifted,
    /// Writes to its table fail because of it.
    Failing,
    /// Some trigger of it does not fire.
    Disabled,
    /// Its table is gone, and the function was left behind.
    Orphaned,
    /// A trigger of that name is somebody else's.
    Foreign,
    /// It cannot be told.
    Unknown,
}

impl State {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Drifted => "drifted",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
            Self::Orphaned => "orphaned",
            Self::Foreign => "foreign",
            Self::Unknown => "unknown",
        }
    }
}

/// Looks at all of a database. The transaction may be read-only, but then conditions cannot be compared.
///
/// # Errors
/// What the server says.
pub fn survey(transaction: &mut Transaction) -> Result<Vec<Surveyed>> {
    let mut all = Vec::new();
    let everything = Installed::read(transaction)?;
    for installed in &everything {
        let (state, detail) = state(transaction, installed, &everything)?;
        all.push(Surveyed {
            table: installed.table.as_ref().map(|table| format!("{}.{}", table.schema, table.name)),
            spec: installed.marker.as_ref().map(|marker| marker.spec.clone()),
            function: sql::qualified(&installed.schema, &installed.function),
            schema: installed.schema.clone(),
            owner: installed.owner.clone(),
            state,
            detail,
        });
    }
    for row in ask::rows(transaction, include_str!("../../sql/foreign_triggers.sql"), &[])? {
        let (trigger, function): (String, String) = (row.get("trigger_name"), row.get("function_name"));
        all.push(Surveyed {
            table: Some(row.get("table_name")),
            spec: None,
            detail: Some(format!("trigger {trigger} calls {function}")),
            function,
            schema: String::new(),
            owner: String::new(),
            state: State::Foreign,
        });
    }
    Ok(all)
}

fn state(
    transaction: &mut Transaction,
    installed: &Installed,
    everything: &[Installed],
) -> Result<(State, Option<String>)> {
    let Some(table) = &installed.table else { return Ok((State::Orphaned, None)) };
    let Some(marker) = &installed.marker else {
        return Ok((State::Unknown, Some("another version of pgfeed has installed it".to_owned())));
    };
    // What fails in between must not end the whole transaction.
    let mut savepoint = transaction.transaction()?;
    match compared(&mut savepoint, installed, table.oid, marker, everything) {
        Ok(found) => Ok(found),
        // It asks for what the table has no more.
        Err(error) if error.exit() == Exit::Usage => Ok((State::Drifted, Some(error.to_string()))),
        Err(error) if error.sqlstate().is_some() => Ok((State::Unknown, Some(error.to_string()))),
        Err(error) => Err(error),
    }
}

fn compared(
    savepoint: &mut Transaction,
    installed: &Installed,
    oid: u32,
    marker: &Marker,
    everything: &[Installed],
) -> Result<(State, Option<String>)> {
    let table = Table::describe(savepoint, oid)?.ok_or_else(|| Error::usage("its table has just been dropped"))?;
    // First what hurts most.
    if let Some(why) = installed.lost_key(&table) {
        return Ok((State::Failing, Some(why)));
    }
    if let Some(why) = does_not_fire(installed) {
        return Ok((State::Disabled, Some(why)));
    }
    if let Destination::Queue { name, .. } = &marker.spec.to {
        let queue = Queue::named(&installed.schema, name);
        let missing = queue::missing(savepoint, &queue)?;
        if let Some(gone) = missing.first() {
            // Who writes needs only the first of them.
            let state = if *gone == queue.table() { State::Failing } else { State::Drifted };
            return Ok((state, Some(format!("{gone} is gone"))));
        }
    }
    let plan = plan(savepoint, &table, marker.spec.clone(), &installed.schema, everything)?;
    Ok(match installed.difference(&plan) {
        Difference::None => (State::Current, None),
        Difference::Function => (State::Drifted, Some("its function differs".to_owned())),
        Difference::Triggers => (State::Drifted, Some("its triggers differ".to_owned())),
    })
}

fn does_not_fire(installed: &Installed) -> Option<String> {
    let trigger = installed.triggers.iter().find(|trigger| !matches!(trigger.enabled.as_str(), "O" | "A"))?;
    let how = match trigger.enabled.as_str() {
        "R" => "fires for replicated changes only",
        "mixed" => "does not fire alike on all partitions",
        _ => "is disabled",
    };
    Some(format!("trigger {} {how}", sql::ident(&trigger.name)))
}
