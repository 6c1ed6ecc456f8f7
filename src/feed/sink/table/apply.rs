//! Applies changes to the table in an open transaction: as few statements as possible, and one by one where one is refused.

use std::collections::BTreeSet;

use postgres::Client;
use postgres::types::{ToSql, Type};

use super::layout::Layout;
use super::reading::{Misfit, Step};
use super::summing::{Part, sum};
use super::suspects::Kind;
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
    pub step: Result<Step, Misfit>,
}

impl Told {
    /// Whether it does not tell what the table has.
    pub fn lacks_columns(&self) -> bool {
        matches!(self.step, Err(Misfit::Columns(_)))
    }
}

/// What became of changes.
#[derive(Debug)]
pub struct Applied {
    /// Those that leave no trace.
    pub undelivered: Vec<Undelivered>,
    /// The places of those that were refused in words for what passes, and what they do.
    pub doubtful: Vec<(usize, Kind)>,
    /// What others have done.
    pub got_through: Vec<Kind>,
}

/// Applies changes in the transaction that is open, and leaves it open; what is refused leaves no trace.
///
/// # Errors
/// Whatever is not the fault of one change: the transaction is of no use any more.
pub fn apply(client: &mut Client, layout: &Layout, changes: &[Told]) -> Result<Applied> {
    let (mut doubtful, mut got_through) = (Vec::new(), Vec::new());
    // Where nothing can be put off, what passes is waited for: what comes later must not overtake it.
    let may_doubt = changes.iter().all(|change| change.key.is_some());
    let undelivered = isolate::<Error>(
        changes.len(),
        changes.len(),
        |place| changes[place].key,
        |places| {
            let steps: Result<Vec<&Step>, &Misfit> = places.iter().map(|place| changes[*place].step.as_ref()).collect();
            let steps = match steps {
                Ok(steps) => steps,
                Err(misfit) => {
                    if let ([place], Misfit::Columns(_), true) = (places, misfit, may_doubt) {
                        doubtful.push((*place, Kind::Writes));
                    }
                    return Ok(Offer::Refused(misfit.reason().to_owned()));
                }
            };
            Ok(match offer(client, layout, &steps, may_doubt)? {
                Answer::Taken(kinds) => {
                    got_through.extend(kinds);
                    Offer::Taken
                }
                Answer::Refused(reason) => Offer::Refused(reason),
                Answer::Doubted(reason) => {
                    if let ([place], [step]) = (places, &steps[..]) {
                        doubtful.push((*place, kind(step)));
                    }
                    Offer::Refused(reason)
                }
            })
        },
    )?;
    Ok(Applied { undelivered, doubtful, got_through })
}

/// What a change does by itself.
fn kind(step: &Step) -> Kind {
    match step {
        Step::Put { .. } => Kind::Writes,
        Step::Remove { .. } | Step::Move { .. } | Step::Empty => Kind::Removes,
    }
}

/// What the table has made of some changes.
enum Answer {
    /// It has taken them: what was done to rows.
    Taken(Vec<Kind>),
    /// It has not, for this reason.
    Refused(String),
    /// The same, and it may be that this passes.
    Doubted(String),
}

fn offer(client: &mut Client, layout: &Layout, steps: &[&Step], may_doubt: bool) -> Result<Answer> {
    let parts = sum(steps);
    // Triggers of the table expect the search_path that role and database have set.
    client.batch_execute("SAVEPOINT pgfeed; SET LOCAL search_path TO DEFAULT")?;
    let error = match store(client, layout, &parts) {
        Ok(kinds) => {
            client.batch_execute("SET LOCAL search_path = pg_catalog; RELEASE pgfeed")?;
            return Ok(Answer::Taken(kinds));
        }
        Err(error) => error,
    };
    let fault = Fault::of(&error);
    if fault == Fault::Passing || fault == Fault::Doubtful && !may_doubt {
        return Err(error);
    }
    client.batch_execute("ROLLBACK TO pgfeed")?;
    if matches!(fault, Fault::Unclear | Fault::Doubtful) {
        try_without_rows(client, layout, &parts)?;
    }
    client.batch_execute("RELEASE pgfeed")?;
    let reason = error.to_string();
    Ok(if fault == Fault::Doubtful { Answer::Doubted(reason) } else { Answer::Refused(reason) })
}

/// Gives what was done to any row.
fn store(client: &mut Client, layout: &Layout, parts: &[Part]) -> Result<Vec<Kind>> {
    let mut done = Vec::new();
    for part in parts {
        let (statement, rows, kind) = match part {
            Part::Empty => (&layout.empty, None, Kind::Removes),
            Part::Remove(keys) => (&layout.remove, Some(keys), Kind::Removes),
            Part::Put(rows) => (&layout.put, Some(rows), Kind::Writes),
            Part::Move(keys) => (&layout.rekey, Some(keys), Kind::Removes),
        };
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            rows.into_iter().map(|rows| (rows as &(dyn ToSql + Sync), Type::TEXT)).collect();
        // Not prepared: it is one statement for a whole batch, and the table may change meanwhile.
        if client.execute_typed(statement, &values)? > 0 {
            done.push(kind);
        }
    }
    // What is checked at the commit would refuse the whole transaction, and nobody would know for which event.
    client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?;
    Ok(done)
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

/// What functions say that give no reason of their own.
const INTERNAL_ERROR: &str = "XX000";

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// That of the values: another try, or another connection, would not change that.
    Row,
    /// The table or its columns are others than a moment ago, or forbidden; or a trigger of the table says the same of
    /// one row.
    Unclear,
    /// That of the moment, as a function of the table says, which may say so of one row for ever.
    Doubtful,
    /// The connection's, or that of the moment.
    Passing,
}

impl Fault {
    fn of(error: &Error) -> Self {
        match error.sqlstate() {
            None => Self::Passing,
            // What the server itself has to say of locks, room and conflicts may be true of one row for long, and is waited for.
            // An internal error is what functions of extensions say of a value that they cannot take.
            Some(code) if is_transient(error) => {
                if error.is_raised() || code == INTERNAL_ERROR {
                    Self::Doubtful
                } else {
                    Self::Passing
                }
            }
            Some(code) if matches!(code.get(..2), Some("0A" | "25" | "26" | "28" | "3D" | "3F" | "42")) => {
                Self::Unclear
            }
            // Codes of its own can only come from a trigger of the table.
            Some(_) => Self::Row,
        }
    }
}
