//! Probes of what is installed: whether every trigger still does what was asked for, and has the queue that it fills.

use super::{Finding, Group, Patient, Problem, Verdict, well};
use crate::connection::ask;
use crate::error::Result;
use crate::queue::{self, Queue};
use crate::trigger::{self, Destination, State, Surveyed};

pub(super) const GROUP: Group = Group {
    name: "triggers",
    problems: &[&NO_QUEUE, &MAY_NOT_STORE, &FAILING, &DRIFTED, &DISABLED, &ORPHANED, &FOREIGN, &UNKNOWN],
    examine,
};

const NO_QUEUE: Problem = Problem {
    check: "triggers",
    symptom: "the queue that a trigger fills is gone: every write to its table fails",
    verdict: Verdict::Fail,
    remedy: "run the same install-trigger --queue again, which makes the queue, or uninstall-trigger on the table",
};
const FAILING: Problem = Problem {
    check: "triggers",
    symptom: "a key column that a durable trigger stores was dropped, renamed, or given another type: writes to its table fail",
    verdict: Verdict::Fail,
    remedy: "run the same install-trigger again, with the names that columns have now (--payload keys needs a key: choose another where it is gone), or uninstall-trigger on the table",
};
const MAY_NOT_STORE: Problem = Problem {
    check: "triggers",
    symptom: "the owner of a table may not write to the queue that its trigger fills: every write to the table fails",
    verdict: Verdict::Fail,
    remedy: "GRANT USAGE ON the queue's SCHEMA, and INSERT ON the queue's table, TO the owner of the function",
};
const DRIFTED: Problem = Problem {
    check: "triggers",
    symptom: "an installation is not what was asked for: its table, its triggers or its function were changed since",
    verdict: Verdict::Warn,
    remedy: "run the same install-trigger again, which mends it; with --dry-run it first says what it would do",
};
const DISABLED: Problem = Problem {
    check: "triggers",
    symptom: "a trigger is disabled: its changes are not told",
    verdict: Verdict::Warn,
    remedy: "ALTER TABLE the table ENABLE TRIGGER the trigger, or run the same install-trigger again",
};
const ORPHANED: Problem = Problem {
    check: "triggers",
    symptom: "a function was left behind by a table that is gone",
    verdict: Verdict::Warn,
    remedy: "DROP FUNCTION the function",
};
const FOREIGN: Problem = Problem {
    check: "triggers",
    symptom: "a trigger has a name like pgfeed's, and calls somebody else's function",
    verdict: Verdict::Warn,
    remedy: "DROP TRIGGER it if nobody needs it; install-trigger --force replaces it where it is in the way",
};
const UNKNOWN: Problem = Problem {
    check: "triggers",
    symptom: "an installation cannot be compared with what was asked for",
    verdict: Verdict::Warn,
    remedy: "look with the version of pgfeed that has installed it, and on the primary",
};

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    let mut transaction = patient.connection.begin()?;
    let surveyed = trigger::survey(&mut transaction)?;
    let mut findings = Vec::new();
    for one in &surveyed {
        let problem = match one.state {
            State::Current => None,
            State::Drifted => Some(&DRIFTED),
            State::Failing => Some(&FAILING),
            State::Disabled => Some(&DISABLED),
            State::Orphaned => Some(&ORPHANED),
            State::Foreign => Some(&FOREIGN),
            State::Unknown => Some(&UNKNOWN),
        };
        let mut found = problem.map(|problem| problem.found(told(one)));
        if let (Some(Destination::Queue { name, .. }), Some(table)) =
            (one.spec.as_ref().map(|spec| &spec.to), &one.table)
        {
            let queue = Queue::named(&one.schema, name);
            if !is_there(&mut transaction, &queue)? {
                found = Some(NO_QUEUE.found(format!("{table} -> queue \"{name}\"")));
            } else if !may_store(&mut transaction, &one.owner, &queue)? {
                findings.push(MAY_NOT_STORE.found(format!("{table} -> queue \"{name}\": {}", one.owner)));
            }
        }
        findings.extend(found);
    }
    if findings.is_empty() {
        let told = match surveyed.len() {
            0 => "none is installed".to_owned(),
            1 => "the one that is installed is as asked for".to_owned(),
            count => format!("all {count} installations are as asked for"),
        };
        findings.push(well("triggers", told));
    }
    Ok(findings)
}

/// Its table, and not only its name in the list of queues: the list may be out of step.
fn is_there(transaction: &mut postgres::Transaction, queue: &Queue) -> Result<bool> {
    Ok(queue::find(transaction, &queue.schema, &queue.name)?.is_some()
        && !queue::missing(transaction, queue)?.contains(&queue.table()))
}

/// Whether the role with whose rights a function runs may write to a queue.
fn may_store(transaction: &mut postgres::Transaction, role: &str, queue: &Queue) -> Result<bool> {
    let may = "SELECT pg_catalog.has_schema_privilege($1::text, $2::text, 'USAGE') AND pg_catalog.has_table_privilege($1::text, $3::text, 'INSERT')";
    Ok(ask::row(transaction, may, &[&role, &queue.schema, &queue.table()])?.get(0))
}

fn told(one: &Surveyed) -> String {
    let table = one.table.as_deref().unwrap_or("(a table that is gone)");
    let to = one.spec.as_ref().map_or_else(String::new, |spec| format!(" -> {}", spec.to));
    let detail = one.detail.as_deref().map_or_else(|| one.function.clone(), str::to_owned);
    format!("{table}{to}: {detail}")
}
