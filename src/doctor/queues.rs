//! Probes of the queues: whether their tables are as they were made, whether vacuum keeps up, and whether anybody consumes them.

use std::time::Duration;

use postgres::{Row, Transaction};

use super::{Finding, Group, Patient, Problem, Verdict, well};
use crate::connection::ask;
use crate::error::Result;
use crate::queue::{self, Queue};
use crate::units::show_duration;
use crate::{sql, status};

pub(super) const GROUP: Group = Group {
    name: "queues",
    problems: &[
        &BROKEN,
        &UNLOGGED,
        &IDS_REPEAT,
        &ROW_SECURITY,
        &NOT_VACUUMED,
        &VACUUM_LAGS,
        &NO_RIGHTS,
        &DEAD_EVENTS,
        &NOBODY,
        &OLD_SNAPSHOT,
    ],
    examine,
};

const BROKEN: Problem = Problem {
    check: "queues",
    symptom: "a table of a queue is gone or was altered: writes to the tables that feed it may fail, and deliveries too",
    verdict: Verdict::Fail,
    remedy: "run the same install-trigger --queue again where a table is gone, which makes it; else undo the change, or uninstall-trigger --queue NAME --purge and install again",
};
const UNLOGGED: Problem = Problem {
    check: "queues",
    symptom: "a queue is unlogged: a crash of the server empties it",
    verdict: Verdict::Fail,
    remedy: "ALTER TABLE the queue's table SET LOGGED",
};
const IDS_REPEAT: Problem = Problem {
    check: "queues",
    symptom: "the ids of a queue start over at their end: events would get the ids of others, and come in the wrong order",
    verdict: Verdict::Fail,
    remedy: "ALTER SEQUENCE the queue's sequence NO CYCLE",
};
const ROW_SECURITY: Problem = Problem {
    check: "queues",
    symptom: "row security is on for a queue: whoever consumes it is refused",
    verdict: Verdict::Fail,
    remedy: "ALTER TABLE the queue's table DISABLE ROW LEVEL SECURITY; rights on the table say who may take",
};
const NOT_VACUUMED: Problem = Problem {
    check: "queues",
    symptom: "autovacuum is off for a queue: it grows, and gets slower and slower",
    verdict: Verdict::Warn,
    remedy: "ALTER TABLE the queue's table RESET (autovacuum_enabled)",
};
const VACUUM_LAGS: Problem = Problem {
    check: "queues",
    symptom: "a queue holds many dead rows, which every take may have to pass: vacuum falls behind, or is held back",
    verdict: Verdict::Warn,
    remedy: "end what holds it back (pgfeed status names the oldest snapshot), then VACUUM the queue's table",
};
const NO_RIGHTS: Problem = Problem {
    check: "may consume",
    symptom: "the role may not take events from a queue",
    verdict: Verdict::Warn,
    remedy: "to consume with it, grant what the README lists under \"Least privilege\"",
};
const DEAD_EVENTS: Problem = Problem {
    check: "events",
    symptom: "a queue has events that could not be delivered",
    verdict: Verdict::Warn,
    remedy: "look at them with tail-queue --dead; --requeue tries them again, --purge gives them up",
};
const NOBODY: Problem = Problem {
    check: "events",
    symptom: "events wait for more than ten minutes, and nobody consumes the queue",
    verdict: Verdict::Warn,
    remedy: "start a consumer (tail-queue NAME -- COMMAND), or uninstall the trigger: the queue grows for as long as nobody takes",
};
const OLD_SNAPSHOT: Problem = Problem {
    check: "oldest snapshot",
    symptom: "an old snapshot keeps dead rows from being removed, in queues above all",
    verdict: Verdict::Warn,
    remedy: "end the transaction, drop the replication slot, or finish the prepared transaction that holds it",
};

/// Fewer dead rows than this never matter.
const FEW_DEAD_ROWS: i64 = 50_000;
/// How long events may wait while nobody consumes.
const LONG_WAIT: Duration = Duration::from_secs(600);
/// How old a snapshot may be: in time, and in transactions.
const OLD: (Duration, i64) = (Duration::from_secs(3600), 1_000_000);

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    let schema = patient.schema;
    let events = events(&status::read(patient.connection, schema)?);
    let mut transaction = patient.connection.begin()?;
    let queues = queue::list(&mut transaction, schema)?;
    let mut findings = Vec::new();
    for queue in &queues {
        findings.extend(tables(&mut transaction, queue)?);
    }
    if queues.is_empty() {
        findings.push(well("queues", "there is none"));
    }
    findings.extend(events);
    findings.push(snapshot(&mut transaction)?);
    Ok(findings)
}

/// The tables of one queue.
fn tables(transaction: &mut Transaction, queue: &Queue) -> Result<Vec<Finding>> {
    let Queue { name, schema, .. } = queue;
    let (schema, quoted) = (sql::literal(schema), sql::literal(name));
    let query = sql::fill(include_str!("../../sql/doctor_queue.sql"), &[("schema", &schema), ("name", &quoted)]);
    let rows = ask::rows(transaction, &query, &[])?;
    let mut findings: Vec<Finding> = rows.iter().flat_map(|row| wrong(row, name)).collect();
    if findings.is_empty() {
        findings.push(well("queues", format!("the tables of \"{name}\" are as they were made")));
    }
    findings.push(match rows.iter().all(|row| row.get("may_take")) {
        true => well("may consume", format!("from \"{name}\"")),
        false => NO_RIGHTS.found(format!("queue \"{name}\"")),
    });
    Ok(findings)
}

/// What is wrong with one table.
fn wrong(row: &Row, queue: &str) -> Vec<Finding> {
    let table = format!("{}_{queue}", row.get::<_, &str>("kind"));
    if !row.get::<_, bool>("is_there") {
        return vec![BROKEN.found(format!("{table} is gone"))];
    }
    let (dead, live): (i64, i64) = (row.get("dead_rows"), row.get("live_rows"));
    let vacuumed = row.get::<_, Option<f64>>("vacuumed_seconds").map(|s| Duration::from_secs_f64(s.max(0.0)));
    let vacuumed =
        vacuumed.map_or_else(|| "never vacuumed".to_owned(), |ago| format!("vacuumed {} ago", show_duration(ago)));
    let altered = |column: &str, how: &str| {
        let what: Option<&str> = row.get(column);
        what.map(|what| BROKEN.found(format!("{table}{how}{what}")))
    };
    let is = |what: &str| row.get::<_, bool>(what);
    [
        is("is_something_else").then(|| BROKEN.found(format!("{table} is no ordinary table"))),
        altered("lacks", " lacks "),
        altered("is_typed", ": "),
        altered("asks_for", " asks for a value of "),
        is("is_unlogged").then(|| UNLOGGED.found(format!("{table} is unlogged"))),
        is("ids_repeat").then(|| IDS_REPEAT.found(format!("the sequence of {table} cycles"))),
        is("has_row_security").then(|| ROW_SECURITY.found(format!("{table} has row security"))),
        is("is_not_vacuumed").then(|| NOT_VACUUMED.found(format!("{table} is not vacuumed"))),
        (dead > FEW_DEAD_ROWS && dead > 2 * live && is("is_vacuum_late"))
            .then(|| VACUUM_LAGS.found(format!("{table} holds {dead} dead rows, {vacuumed}"))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What becomes of the events.
fn events(status: &status::Status) -> Vec<Finding> {
    let mut findings = Vec::new();
    for queue in status.queues.iter().filter(|queue| queue.error.is_none()) {
        if queue.dead > 0 {
            findings.push(DEAD_EVENTS.found(format!("queue \"{}\" has {} dead events", queue.name, queue.dead)));
        }
        let consumed = queue.consumers.iter().any(|consumer| consumer.mode != status::Mode::Waits);
        if let Some(oldest) = queue.oldest().filter(|oldest| *oldest > LONG_WAIT && !consumed) {
            let (waiting, oldest) = (queue.waiting, show_duration(oldest));
            findings
                .push(NOBODY.found(format!("{waiting} events wait in \"{}\", the oldest for {oldest}", queue.name)));
        }
    }
    findings
}

fn snapshot(transaction: &mut Transaction) -> Result<Finding> {
    let Some(holder) = status::oldest_snapshot(transaction)? else { return Ok(well("oldest snapshot", "none")) };
    let is_old = holder.held().is_some_and(|held| held > OLD.0) || holder.transactions > OLD.1;
    let held = holder.held().map_or_else(String::new, |held| format!(" for {}", show_duration(held)));
    let told = format!("{}: {} transactions{held}", holder.who, holder.transactions);
    Ok(if is_old { OLD_SNAPSHOT.found(told) } else { well("oldest snapshot", told) })
}
